"""What the notices read of the ledger: positions, what people did, and after a restart what had happened before."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import BotPauseChanged, Event, FaultReported, StateChanged
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.orders import LEDGER_KINDS
from tradai_lifecycle.states import TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord, PositionRecord, StoredEvent

#: How far back states and orders are read, for a reminder may be a month away; and faults.
LONGEST_MEMORY = timedelta(days=62)
FAULT_MEMORY = timedelta(days=2)
MOST_OF_A_KIND = 500
#: Events of all kinds, of the last day on which something happened and the day before: for the digest and the folds.
MOST_EVENTS = 5_000
#: Events of one batch lie no further apart.
BATCH = timedelta(seconds=10)

_FROM_LEDGER = tuple(kind.kind for kind in LEDGER_KINDS)


class LedgerMemory:
    """Reads for the notices. Blocking: for a worker thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._marker: int | None = None
        self._read_until: int | None = None
        self._past: BotRecord | None = None

    def positions(self) -> tuple[PositionRecord, ...] | None:
        """The bot's open positions; None where they are not known."""
        if self._past is not None:
            return self._past.positions
        try:
            bot = self._ledger.bot()
        except StoreUnavailableError:
            return None
        return bot.positions if bot is not None else None

    def watched_pairs(self) -> frozenset[str] | None:
        """The pairs that the bot still analyses; None where that is not known."""
        try:
            states = self._ledger.watched_states()
        except StoreUnavailableError:
            return None
        return frozenset(states) or None

    def news(self) -> tuple[Event, ...]:
        """The events of `LEDGER_KINDS` since the last call or `recall`, oldest first; some may come twice.

        Raises StoreUnavailableError; a later call gives it then.
        """
        marker = self._ledger.change_marker()
        if marker == self._marker:
            return ()
        found = self._newest(*_FROM_LEDGER, limit=MOST_OF_A_KIND)
        # by sequence and not by time: a command is dated by its beginning, and written at its end
        known = self._read_until if self._read_until is not None else max(self._sequences(found), default=0)
        self._marker, self._read_until = marker, max(self._sequences(found), default=known)
        return tuple(stored.event for stored in found if stored.sequence > known)

    def recall(self, board: Board, now: datetime) -> None:
        """Let the board live through what had happened until `now`, the start of this process; it was told then.

        To be called before this process writes. What people did after the bot had ended is left for `news`. Raises
        StoreUnavailableError.
        """
        self._past = self._ledger.bot()
        try:
            self._live_through(self._remembered(now), board, now)
        finally:
            self._past = None

    def _live_through(self, stored: Sequence[StoredEvent], board: Board, now: datetime) -> None:
        alive_until = self._alive_until((one.event for one in stored), now)
        left = [one for one in stored if isinstance(one.event, LEDGER_KINDS) and one.event.at > alive_until]
        later = set(self._sequences(left))
        self._read_until = min(self._sequences(left), default=max(self._sequences(stored), default=0) + 1) - 1
        for moment, batch in _batches(one.event for one in stored if one.sequence not in later):
            board.take(batch, moment)
        board.tick(alive_until)
        states = self._ledger.latest_states().values()
        paused = {state.pair: state.reasons for state in states if state.state is TradingState.PAUSED}
        board.begin_anew(paused, now)

    # Oldest first: all events of the bot's last day, and of longer ago those that last.
    def _remembered(self, now: datetime) -> list[StoredEvent]:
        newest = self._ledger.events(limit=1)
        last_day = (newest[0].event.at if newest else now).astimezone(UTC).replace(hour=0, minute=0, second=0)
        stored = (
            *self._newest(None, since=last_day - timedelta(days=1), limit=MOST_EVENTS),
            *self._newest(
                StateChanged.kind, BotPauseChanged.kind, *_FROM_LEDGER, since=now - LONGEST_MEMORY, limit=MOST_OF_A_KIND
            ),
            *self._newest(FaultReported.kind, since=now - FAULT_MEMORY, limit=MOST_OF_A_KIND),
        )
        by_sequence = {one.sequence: one for one in stored if one.event.at <= now}
        return [by_sequence[sequence] for sequence in sorted(by_sequence)]

    def _newest(self, *kinds: str | None, limit: int, since: datetime | None = None) -> list[StoredEvent]:
        found = [one for kind in kinds for one in self._ledger.events(kind=kind, since=since, limit=limit)]
        return sorted(found, key=lambda stored: stored.sequence)

    # The last sign of life of the process before: what it said of itself, and its events, which no other one writes.
    def _alive_until(self, events: Iterable[Event], now: datetime) -> datetime:
        bot = self._past
        signs = [event.at for event in events if not isinstance(event, LEDGER_KINDS)]
        signs += [bot.at] if bot is not None and bot.started_at < now else []
        return min(max(signs, default=now), now)

    def _sequences(self, stored: Iterable[StoredEvent]) -> list[int]:
        return [one.sequence for one in stored]


# An alarm may be dated by its candle, long before the batch that it came with: times go forward only.
def _batches(events: Iterable[Event]) -> Iterator[tuple[datetime, Sequence[Event]]]:
    moment, batch = datetime.min.replace(tzinfo=UTC), list[Event]()
    for event in events:
        if event.at - moment > BATCH:
            if batch:
                yield moment, batch
            moment, batch = event.at, []
        batch.append(event)
    if batch:
        yield moment, batch


__all__ = ["LedgerMemory"]
