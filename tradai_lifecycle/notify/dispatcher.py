"""Brings events to people: gathers a batch, asks the board what to tell, and gives it to every channel."""

import asyncio
import logging
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import Event
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.channels import Channel
from tradai_lifecycle.notify.memory import LedgerMemory
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.outlet import Outlet, OutletTiming
from tradai_lifecycle.notify.redaction import Redactor

logger = logging.getLogger(__name__)

#: Events that wait for the board. Of more, the oldest are dropped, counted, and told as lost.
MOST_EVENTS = 5_000
#: Share of the time to close that is left to the channels.
FLUSH_SHARE = 0.8


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchTiming:
    """In seconds: a batch ends when nothing came for `quiet`, at the latest after `batch`; `tick` is the idle beat."""

    quiet: float = 1.0
    batch: float = 10.0
    tick: float = 5.0
    close: float = 1.0
    outlet: OutletTiming = field(default_factory=OutletTiming)


class Dispatcher:
    """Tells people of events over channels. `post` and `close` are for any thread, `run` is for one event loop.

    It costs the bot nothing: posting takes a lock for one append, and whatever fails here is logged and told, never
    raised. A channel that is dead is told on the others, once, and again when it works.
    """

    def __init__(
        self,
        board: Board,
        channels: Sequence[Channel],
        *,
        redact: Redactor,
        memory: LedgerMemory | None = None,
        clock: Callable[[], datetime] = _utc_now,
        timing: DispatchTiming | None = None,
        random: Random | None = None,
    ) -> None:
        self._board = board
        self._redact = redact
        self._memory = memory
        self._clock = clock
        self._timing = timing or DispatchTiming()
        self._random = random or Random()  # noqa: S311 - jitter, not secrecy
        self._channels = tuple(channels)
        self._outlets: tuple[Outlet, ...] = ()
        self._started_at = clock()
        self._events: deque[Event] = deque()
        self._lost = 0
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._closing = False
        self._finished = threading.Event()
        self._failing = False
        self._has_recalled = False

    @property
    def dropped(self) -> dict[str, int]:
        """How many notices never reached each channel."""
        return {outlet.name: outlet.dropped for outlet in self._outlets}

    def post(self, event: Event) -> None:
        """Take note of an event. Any thread; never blocks, never raises."""
        with self._lock:
            self._events.append(event)
            if len(self._events) > MOST_EVENTS:
                self._events.popleft()
                self._lost += 1
        self._rouse()

    def recall(self) -> None:
        """Take in what was told before the start. Blocking, never raises; to be called before this process writes.

        `run` does it by itself where it was not done before.
        """
        if self._memory is None or self._has_recalled:
            return
        self._has_recalled = True
        try:
            self._memory.recall(self._board, self._started_at)
        except StoreUnavailableError as error:
            logger.warning("What was told before the start is not known: %s", self._redact(str(error)))
        except Exception:  # noqa: BLE001 - without memory something may be told twice, which is all
            logger.error("What was told before the start could not be recalled: %s", self._traceback())  # noqa: TRY400

    async def run(self) -> None:
        """Tell people until cancelled or closed."""
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._outlets = tuple(self._outlet(channel) for channel in self._channels)
        tasks = [asyncio.create_task(outlet.run(), name=f"notices-{outlet.name}") for outlet in self._outlets]
        try:
            await asyncio.to_thread(self.recall)
            while not self._closing:
                await self._gathered()
                await self._round()
            await asyncio.wait_for(self._emptied(), FLUSH_SHARE * self._timing.close)
        except TimeoutError:
            left = ", ".join(f"{outlet.waiting} for {outlet.name}" for outlet in self._outlets if outlet.waiting)
            logger.warning("Notices were not sent before the end: %s", left)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._finished.set()

    def close(self) -> None:
        """Send what can be sent within about a second, and end `run`. Any thread but the loop's; never raises."""
        self._closing = True
        if self._rouse():
            self._finished.wait(self._timing.close)

    # Whether there is a loop to be woken.
    def _rouse(self) -> bool:
        loop, wake = self._loop, self._wake
        if loop is None or wake is None:
            return False
        try:
            loop.call_soon_threadsafe(wake.set)
        except RuntimeError:  # the loop has ended
            return False
        return True

    def _outlet(self, channel: Channel) -> Outlet:
        return Outlet(
            channel,
            redact=self._redact,
            tell_others=self._tell_others,
            clock=self._clock,
            timing=self._timing.outlet,
            random=self._random,
        )

    # Waits for events, and then until no more come: freqtrade analyses a batch pair by pair.
    async def _gathered(self) -> None:
        loop = asyncio.get_running_loop()
        if not await self._woken(self._timing.tick):
            return
        ends_at = loop.time() + self._timing.batch
        while not self._closing and loop.time() < ends_at and await self._woken(self._timing.quiet):
            continue

    async def _woken(self, seconds: float) -> bool:
        assert self._wake is not None  # noqa: S101 - made by run
        if not self._closing:
            try:
                await asyncio.wait_for(self._wake.wait(), seconds)
            except TimeoutError:
                return False
        self._wake.clear()
        return True

    async def _round(self) -> None:
        with self._lock:
            events, self._events = tuple(self._events), deque()
            lost, self._lost = self._lost, 0
        for notice in await asyncio.to_thread(self._decided, events):
            self._tell(notice)
        if lost:
            self._tell(self._own("Events were lost", f"{lost} came faster than they could be told"))

    # On a worker thread: the board reads the ledger. It is never on two threads at once.
    def _decided(self, events: Sequence[Event]) -> tuple[Notice, ...]:
        redacted = [self._redact.event(event) for event in (*self._news(), *events)]
        try:
            notices = self._board.take(redacted, self._clock())
        except Exception as error:  # noqa: BLE001 - an error of ours is told, and what it does not concern, too
            logger.error("The notices of %d events could not be decided: %s", len(events), self._traceback())  # noqa: TRY400
            told = (
                () if self._failing else (self._own("Notices fail, see the log", f"{type(error).__name__}: {error}"),)
            )
            self._failing = True
            return (*told, *(notice for event in redacted for notice in self._decided_alone(event)))
        self._failing = False
        return notices

    def _decided_alone(self, event: Event) -> tuple[Notice, ...]:
        try:
            return self._board.take((event,), self._clock())
        except Exception:  # noqa: BLE001 - logged and told by the caller
            return ()

    def _news(self) -> tuple[Event, ...]:
        if self._memory is None:
            return ()
        try:
            return self._memory.news()
        except StoreUnavailableError:
            # the session tells it
            return ()

    def _tell(self, notice: Notice, *, but: str | None = None) -> None:
        shown = self._redact.notice(notice)
        logger.info("%s: %s", shown.priority.label, shown.title)
        for outlet in self._outlets:
            if outlet.name != but:
                outlet.offer(shown)

    def _tell_others(self, name: str, notice: Notice) -> None:
        self._tell(notice, but=name)

    # logging's own would show what the error's message shows
    def _traceback(self) -> str:
        return self._redact(traceback.format_exc())

    def _own(self, what: str, because: str) -> Notice:
        at = self._clock()
        return Notice(at=at, priority=Priority.NOW, key="notices", what=what, because=because, tone=Tone.TROUBLE)

    # What was posted while the last round ran is told, too.
    async def _emptied(self) -> None:
        await self._round()
        await asyncio.gather(*(outlet.emptied() for outlet in self._outlets))


__all__ = ["MOST_EVENTS", "DispatchTiming", "Dispatcher"]
