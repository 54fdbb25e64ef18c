"""What commands are carried out with, and in which order: a slow registry must not hold up a pause."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.command import Answer, Caller, Command
from tradai_lifecycle.control.commands import CommandDesk
from tradai_lifecycle.events import Event
from tradai_lifecycle.states import CommandName, CommandOutcome
from tradai_lifecycle.store.ledger import Ledger

logger = logging.getLogger(__name__)

#: The commands that touch the local database alone.
STEERING = frozenset({CommandName.PAUSE, CommandName.REDUCE, CommandName.RESUME})
WITH_CHART = frozenset({CommandName.DRIFT, CommandName.ACCURACY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What commands are carried out with."""

    desk: CommandDesk
    ledger: Ledger
    config: LifecycleConfig
    on_event: Callable[[Event], None]
    clock: Callable[[], datetime]

    async def question(self, command: Command) -> str | None:
        """What must be confirmed before the command; None where nothing."""
        return await asyncio.to_thread(self.desk.question, command)

    async def chart(self, answer: Answer) -> bytes | None:
        """The picture that belongs to an answer, as PNG; None where there is none, or it cannot be drawn."""
        if answer.outcome is not CommandOutcome.DONE or answer.command.name not in WITH_CHART:
            return None
        try:
            return await asyncio.to_thread(self._drawn, answer.command)
        except Exception:
            logger.exception("The chart of %s could not be drawn", answer.command.name.value)
            return None

    def _drawn(self, command: Command) -> bytes | None:
        # heavy: brings matplotlib
        from tradai_lifecycle.control.charts import accuracy_chart, drift_chart  # noqa: PLC0415 - heavy

        if command.name is CommandName.DRIFT:
            return drift_chart(self.ledger, command.pair)
        return accuracy_chart(self.ledger, self.config, command.pair)


class Turns:
    """Runs commands off the loop: those that steer in their order, the others one by one, after what steers."""

    def __init__(self, desk: CommandDesk) -> None:
        self._desk = desk
        self._steering, self._rest = asyncio.Lock(), asyncio.Lock()

    async def run(self, command: Command, caller: Caller, *, confirmed_question: str | None) -> Answer:
        """The command's answer, worked out off the loop. What steers waits for what steers; the rest in turn, too."""
        if command.name in STEERING:
            async with self._steering:
                return await self._carried_out(command, caller, confirmed_question=confirmed_question)
        async with self._rest:
            async with self._steering:
                pass  # what was said before this has been written by now
            return await self._carried_out(command, caller, confirmed_question=confirmed_question)

    async def _carried_out(self, command: Command, caller: Caller, *, confirmed_question: str | None) -> Answer:
        return await asyncio.to_thread(self._desk.run, command, caller, confirmed_question=confirmed_question)


__all__ = ["STEERING", "Office", "Turns"]
