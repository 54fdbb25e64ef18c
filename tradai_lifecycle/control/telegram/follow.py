"""Commands that are not done when they are answered: waits for their end, and tells it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradai_lifecycle.control.command import Answer, Follow
from tradai_lifecycle.control.commands import CommandDesk
from tradai_lifecycle.control.telegram.confirm import Asker

logger = logging.getLogger(__name__)

FOLLOW_FOR = timedelta(hours=24)
MOST_FOLLOWED = 32
LOOK_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A pending command and who waits for it."""

    follow: Follow
    asker: Asker
    until: datetime


class Followers:
    """Asks the desk what became of pending commands, one after the other, and tells each end once."""

    def __init__(
        self,
        desk: CommandDesk,
        clock: Callable[[], datetime],
        on_end: Callable[[Asker, Answer], None],
        on_giving_up: Callable[[Asker, Follow], None],
        *,
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._on_end = on_end
        self._on_giving_up = on_giving_up
        self._look_every_seconds = look_every_seconds
        self._followed: list[Followed] = []

    def __len__(self) -> int:
        """How many commands are followed."""
        return len(self._followed)

    def add(self, follow: Follow, asker: Asker) -> None:
        """Follow a command for a day; of too many the oldest is given up."""
        if len(self._followed) >= MOST_FOLLOWED:
            self._give_up(self._followed[0])
        self._followed.append(Followed(follow=follow, asker=asker, until=self._clock() + FOLLOW_FOR))

    async def run(self) -> None:
        """Look at what is followed until cancelled."""
        while True:
            for followed in tuple(self._followed):
                await self._look_at(followed)
            await asyncio.sleep(self._look_every_seconds)

    async def _look_at(self, followed: Followed) -> None:
        try:
            answer = await asyncio.to_thread(self._desk.follow_up, followed.follow)
        except Exception:
            logger.exception("What became of a command could not be found out; it is asked for no more.")
            self._give_up(followed)
            return
        if followed not in self._followed:
            return
        if answer is not None:
            self._followed.remove(followed)
            self._on_end(followed.asker, answer)
        elif self._clock() >= followed.until:
            self._give_up(followed)

    def _give_up(self, followed: Followed) -> None:
        if followed in self._followed:
            self._followed.remove(followed)
            self._on_giving_up(followed.asker, followed.follow)


__all__ = ["FOLLOW_FOR", "LOOK_EVERY_SECONDS", "MOST_FOLLOWED", "Followed", "Followers"]
