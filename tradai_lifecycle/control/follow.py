"""Commands that are not done when they are answered: a running bot works out their end, tells it, and writes it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from tradai_lifecycle.control.command import Answer, Follow
from tradai_lifecycle.control.progress import Progress, progress_of, record_end, waiting
from tradai_lifecycle.control.reports import Said
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.states import CommandOutcome
from tradai_lifecycle.store.ledger import Ledger

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 5.0
#: How long the end of a command may wait to be written until Telegram has the message about it.
TOLD_WITHIN_SECONDS = 30.0

#: Sends a text to the place of a command's asker, and returns once it was sent.
Tell = Callable[[str, str], Awaitable[None]]


class Follower:
    """The one that closes pending commands, of every transport. It knows of none but from the ledger.

    So a command that waits over a restart, a reload or a kill is followed on. Its asker is told before its end is
    written: where the process dies in between, the next one tells it once more, and no end is written twice.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Callable[[], datetime],
        tell_by: Mapping[str, Tell],
        *,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
        told_within_seconds: float = TOLD_WITHIN_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tell_by = tell_by
        self._look_every_seconds = look_every_seconds
        self._told_within_seconds = told_within_seconds
        self._wake = asyncio.Event()
        self._marker: int | None = None
        self._told: set[Follow] = set()
        self._failed = False

    async def run(self) -> None:
        """Close what has come to an end, until cancelled."""
        while True:
            await self.look()
            try:
                async with asyncio.timeout(self._look_every_seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue
            finally:
                self._wake.clear()

    def look_soon(self) -> None:
        """Look at once: something was written. On the loop that `run` runs on."""
        self._wake.set()

    async def look(self) -> None:
        """Tell and write the ends that there are now. Never raises but for cancellation."""
        try:
            for follow, progress in await asyncio.to_thread(self._ended):
                await self._close(follow, progress)
        except StoreUnavailableError as error:
            logger.debug("What became of pending commands is not known while the database is away: %s", error)
        except Exception:
            if not self._failed:
                logger.exception("What became of a pending command could not be found out")
            self._failed = True

    # Nothing but the ledger decides, so there is nothing new where nobody has written into it.
    def _ended(self) -> list[tuple[Follow, Progress]]:
        marker = self._ledger.change_marker()
        if marker == self._marker:
            return []
        found = [(follow, progress_of(self._ledger, follow)) for follow in waiting(self._ledger)]
        self._marker = marker
        return [(follow, progress) for follow, progress in found if progress.outcome is not CommandOutcome.PENDING]

    async def _close(self, follow: Follow, progress: Progress) -> None:
        text = text_of(Answer(command=follow.command, outcome=progress.outcome, report=Said(detail=progress.detail)))
        if follow not in self._told:
            await self._tell(follow, text)
            self._told.add(follow)
        # until it is written, it is looked at again
        self._marker = None
        await asyncio.to_thread(record_end, self._ledger, follow, progress, self._clock())
        self._told.discard(follow)
        logger.info("%s: %s", follow.caller.who, text)

    async def _tell(self, follow: Follow, text: str) -> None:
        tell = self._tell_by.get(follow.caller.transport)
        if tell is None or not follow.caller.place:
            return
        try:
            async with asyncio.timeout(self._told_within_seconds):
                await tell(follow.caller.place, text)
        except TimeoutError:
            logger.debug("The end of a command waits in the queue of %s", follow.caller.transport)
        except Exception:
            logger.exception("The end of a command could not be told over %s", follow.caller.transport)


__all__ = ["LOOK_EVERY_SECONDS", "TOLD_WITHIN_SECONDS", "Follower", "Tell"]
