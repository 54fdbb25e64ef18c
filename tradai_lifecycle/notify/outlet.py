"""One channel's own queue: a slow or dead channel holds up no other, and nothing of the bot."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tradai_lifecycle.notify.channels import Channel, ChannelFailedError
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.redaction import Redactor
from tradai_lifecycle.notify.wording import moment, quoted

logger = logging.getLogger(__name__)

#: Notices that wait for one channel. Of more, the oldest of the least urgent is dropped.
MOST_WAITING = 100
#: Failures in a row after which the channel is told as dead on the others.
FAILURES_UNTIL_DEAD = 3
#: Attempts at a notice after which every other one is at the next: is it the channel that fails, or the notice?
PATIENT_ATTEMPTS = 5
#: A notice is given up when so many others have passed it, each after `PATIENT_ATTEMPTS` at it.
PASSED_BY = 2
#: A notice that arrives later than this says of when it is.
LATE = timedelta(minutes=5)
JITTER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletTiming:
    """How long a channel may take, and how long it is left alone after failures, in seconds."""

    deadline_seconds: float = 45.0
    first_pause_seconds: float = 2.0
    longest_pause_seconds: float = 600.0


@dataclass(slots=True, kw_only=True)
class _Waiting:
    notice: Notice
    since: datetime
    attempts: int = 0
    passed_by: int = 0


class Outlet:
    """Sends notices to one channel in their order, each until it is taken. All methods belong to one event loop.

    `tell_others` gets what the other channels should tell: that this one is dead, and that it works again.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        redact: Redactor,
        tell_others: Callable[[str, Notice], None],
        clock: Callable[[], datetime],
        timing: OutletTiming,
        random: Random,
    ) -> None:
        self._channel = channel
        self._redact = redact
        self._tell_others = tell_others
        self._clock = clock
        self._timing = timing
        self._random = random
        self._queue: deque[_Waiting] = deque()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._failures = 0
        self._dead_since: datetime | None = None
        self._dropped = 0

    @property
    def name(self) -> str:
        """The channel's name."""
        return self._channel.name

    @property
    def dropped(self) -> int:
        """Notices that never reached the channel."""
        return self._dropped

    @property
    def waiting(self) -> int:
        """Notices that wait."""
        return len(self._queue)

    def offer(self, notice: Notice) -> None:
        """Queue a notice."""
        self._queue.append(_Waiting(notice=notice, since=self._clock()))
        if len(self._queue) > MOST_WAITING:
            # the head may be on its way
            least = max(list(self._queue)[1:], key=lambda waiting: waiting.notice.priority)
            self._queue.remove(least)
            self._dropped += 1
        self._idle.clear()
        self._more.set()

    async def run(self) -> None:
        """Send what is queued until cancelled. Never raises for what a channel does."""
        while True:
            await self._more.wait()
            while self._queue:
                if not await self._sent(self._next()):
                    await asyncio.sleep(self._pause_seconds())
            self._more.clear()
            self._idle.set()

    async def emptied(self) -> None:
        """Returns once nothing waits."""
        await self._idle.wait()

    def _next(self) -> _Waiting:
        first = self._queue[0]
        doubted = first.attempts >= PATIENT_ATTEMPTS and len(self._queue) > 1
        return self._queue[1] if doubted and self._failures % 2 else first

    async def _sent(self, waiting: _Waiting) -> bool:
        try:
            await asyncio.wait_for(self._channel.send(self._dated(waiting)), self._timing.deadline_seconds)
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, it must not end the others
            self._failed(waiting, error)
            return False
        first = self._queue[0]
        self._queue.remove(waiting)
        if first is not waiting:
            self._pass_by(first)
        self._worked()
        return True

    # The channel works, so it is this notice that it does not take.
    def _pass_by(self, first: _Waiting) -> None:
        first.attempts, first.passed_by = 0, first.passed_by + 1
        if first.passed_by >= PASSED_BY:
            self._queue.remove(first)
            self._dropped += 1
            logger.warning("%s does not take a notice, it is given up: %s", self.name, first.notice.title)

    def _dated(self, waiting: _Waiting) -> Notice:
        late = self._clock() - waiting.since > LATE
        return waiting.notice.with_lines(f"This is of {moment(waiting.since)}.") if late else waiting.notice

    def _failed(self, waiting: _Waiting, error: Exception) -> None:
        self._failures += 1
        waiting.attempts += 1
        cause = quoted(self._redact(self._cause(error)))
        logger.log(
            logging.WARNING if self._failures == 1 else logging.DEBUG, "A notice did not reach %s: %s", self.name, cause
        )
        if self._failures == FAILURES_UNTIL_DEAD and self._dead_since is None and not waiting.passed_by:
            self._dead_since = self._clock()
            self._tell_others(self.name, self._change(f"Notices do not reach {self.name}", cause, Tone.TROUBLE))

    def _cause(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"no answer within {self._timing.deadline_seconds:g} seconds"
        return error.cause if isinstance(error, ChannelFailedError) else f"{type(error).__name__}: {error}"

    def _worked(self) -> None:
        self._failures = 0
        if self._dead_since is None:
            return
        lost = f"{self._dropped} notices since the start never arrived there" if self._dropped else ""
        self._dead_since = None
        self._tell_others(self.name, self._change(f"Notices reach {self.name} again", lost, Tone.GOOD))

    def _change(self, what: str, because: str, tone: Tone) -> Notice:
        at, key = self._clock(), f"channel {self.name}"
        return Notice(at=at, priority=Priority.TODAY, key=key, what=what, because=because, tone=tone)

    def _pause_seconds(self) -> float:
        doubled = self._timing.first_pause_seconds * 2.0 ** min(self._failures - 1, 16)
        return min(doubled, self._timing.longest_pause_seconds) * self._random.uniform(1.0 - JITTER, 1.0 + JITTER)


__all__ = ["FAILURES_UNTIL_DEAD", "LATE", "MOST_WAITING", "PASSED_BY", "PATIENT_ATTEMPTS", "Outlet", "OutletTiming"]
