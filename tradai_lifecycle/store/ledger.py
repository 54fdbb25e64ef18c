"""The lifecycle's memory across restarts: what operators said, what was adopted, and the evidence of every batch."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Select, Table, and_, delete, func, or_, select

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import Event, event_kinds
from tradai_lifecycle.states import OperatorAction, Reason, TradingState
from tradai_lifecycle.store import event_rows, fact_rows, rows
from tradai_lifecycle.store.database import Database
from tradai_lifecycle.store.records import (
    AdoptionRecord,
    BatchRecord,
    BotRecord,
    BoundReasons,
    OperatorRecord,
    PairSeries,
    PinRecord,
    PredictionRecord,
    RetrainingRequest,
    StateRecord,
    StoredEvent,
    deciding_records,
)
from tradai_lifecycle.store.schema import (
    ADOPTIONS,
    BOT,
    EVENTS,
    NEWEST_BATCH,
    OPERATOR_RECORDS,
    PAIR_SERIES,
    PINS,
    PREDICTIONS,
    RETRAINING_REQUESTS,
    STATES,
)
from tradai_lifecycle.store.statements import (
    add_rows,
    close_request,
    event_field,
    insert_row,
    newest,
    open_requests,
    pairs_with_states,
    replace_row,
)
from tradai_lifecycle.store.watched import watched

_Record = TypeVar("_Record")

#: Rows one transaction of `prune` deletes, so that other writers wait for a moment only.
_PRUNED_AT_ONCE = 5_000


class Ledger:
    """The lifecycle's database, for any thread and beside other processes.

    A call that writes is one transaction, on the disk when it returns. Every call raises StoreUnavailableError when
    the file cannot be used, and tries again from the beginning when it is called the next time. A file that was
    deleted while in use is not made anew until `open` is called: it may have held an operator's pause. An `event` that
    is given with a record is kept in the record's transaction: both or neither. All datetimes given must be aware (else
    ValueError); all returned are in UTC.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def open(self, *, migrate: bool = True) -> None:
        """Create what is missing: directories, file, tables; bring an older file up to date, keeping what it holds.

        Without `migrate` an older file is left as it is: OlderSchemaError. Raises StoreUnavailableError; later calls
        try again.
        """
        self._database.open(migrate=migrate)

    def close(self) -> None:
        """Let go of the file. Idempotent, never raises; calls after it raise StoreUnavailableError until `open`."""
        self._database.close()

    def change_marker(self) -> int:
        """A number that differs whenever anyone, in any process, has written since it was last asked for.

        Reads no table. It means nothing but "the same" or "not the same", and only to this ledger.
        """
        return self._database.change_marker()

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """In this block, the calling thread's calls wait for other writers so long at most, all of them together.

        A call that would have to wait longer raises StoreUnavailableError, and nothing of it is done.
        """
        with self._database.patience(seconds):
            yield

    # what operators said

    def record_operator(
        self,
        *,
        action: OperatorAction,
        who: str,
        note: str,
        at: datetime,
        ratio: float | None = None,
        candle: datetime | None = None,
        bound: Mapping[str, BoundReasons] | None = None,
        expires_at: datetime | None = None,
        event: Event | None = None,
    ) -> OperatorRecord:
        """Keep an operator's word.

        Raises ValueError: a reduce needs `ratio` in (0, 1], the others take none; a reset of drift needs `candle`.
        """
        row = rows.operator_row(
            action=action,
            who=who,
            note=note,
            at=at,
            ratio=ratio,
            candle=candle,
            bound=bound,
            expires_at=expires_at,
        )
        return rows.operator_record(self._append(OPERATOR_RECORDS, row, event))

    def operator(self) -> tuple[OperatorRecord, ...]:
        """The operator's records that still count, oldest first: see `deciding_records`."""
        last = select(func.max(OPERATOR_RECORDS.c.sequence)).group_by(OPERATOR_RECORDS.c.action)
        found = select(OPERATOR_RECORDS).where(OPERATOR_RECORDS.c.sequence.in_(last))
        return deciding_records(self._read(found, rows.operator_record))

    def drift_reset(self) -> OperatorRecord | None:
        """The newest reset of drift; None when there was none yet."""
        return _first(self.drift_resets(limit=1))

    def drift_resets(self, limit: int | None = None) -> tuple[OperatorRecord, ...]:
        """The newest `limit` resets of drift (None: all), oldest first."""
        resets = OPERATOR_RECORDS.c.action == OperatorAction.RESET_DRIFT.value
        return self._read(newest(OPERATOR_RECORDS, limit).where(resets), rows.operator_record)[::-1]

    def record_pin(
        self, *, pinned: bool, version: str | None, at: datetime, who: str, event: Event | None = None
    ) -> PinRecord:
        """Keep that the model is pinned, or is no longer."""
        row = {"pinned": bool(pinned), "version": version, "at": rows.utc_text(at), "who": who}
        return rows.pin_record(self._append(PINS, row, event))

    def pin(self) -> PinRecord | None:
        """The newest word about pinning; None when there was none yet."""
        return _first(self._read(newest(PINS, 1), rows.pin_record))

    # which model decides

    def record_adoption(
        self,
        *,
        version: str,
        previous_version: str | None,
        adopted_candle: datetime,
        adopted_at: datetime,
        state_before: Mapping[str, TradingState],
        closing: Collection[int] = (),
    ) -> AdoptionRecord:
        """Keep that a version takes over from `adopted_candle` on. To be written before the version is used.

        The retraining requests of the sequences `closing` are closed in the same transaction.
        """
        row = rows.adoption_row(
            version=version,
            previous_version=previous_version,
            adopted_candle=adopted_candle,
            adopted_at=adopted_at,
            state_before=state_before,
        )
        with self._database.writing() as connection:
            for sequence in closing:
                close_request(connection, sequence, row["adopted_at"])
            row["sequence"] = insert_row(connection, ADOPTIONS, row)
        return rows.adoption_record(row)

    def adoptions(self, limit: int | None = None) -> tuple[AdoptionRecord, ...]:
        """The newest `limit` adoptions (None: all), oldest first: the version timeline."""
        return self._read(newest(ADOPTIONS, limit), rows.adoption_record)[::-1]

    def record_batch(
        self,
        *,
        version: str,
        candle: datetime,
        at: datetime,
        states: Sequence[StateRecord] = (),
        predictions: Sequence[PredictionRecord] = (),
        events: Sequence[Event] = (),
    ) -> BatchRecord:
        """Keep which batch was predicted last, with its evidence, in one transaction: all of it or nothing.

        States and predictions as in `record_states` and `record_predictions`.
        """
        row = {"only": 1, "version": version, "candle": rows.utc_text(candle), "at": rows.utc_text(at)}
        evidence = (
            (STATES, [rows.state_row(state) for state in states]),
            (PREDICTIONS, [rows.prediction_row(prediction) for prediction in predictions]),
            (EVENTS, [event_rows.event_row(event) for event in events]),
        )
        with self._database.writing() as connection:
            replace_row(connection, NEWEST_BATCH, row)
            for table, added in evidence:
                add_rows(connection, table, added)
        return rows.batch_record(row)

    def last_batch(self) -> BatchRecord | None:
        """The batch recorded last; None before the first."""
        return _first(self._read(select(NEWEST_BATCH), rows.batch_record))

    # evidence

    def record_events(self, events: Sequence[Event]) -> None:
        """Keep events, in their order, in one transaction."""
        self._add_all(EVENTS, [event_rows.event_row(event) for event in events])

    def record_event_once(self, event: Event, *, by: Collection[str]) -> bool:
        """Keep an event, unless one of its kind with the same values in the fields `by` is kept; gives whether it was.

        Of several that call it at once, in any process, one keeps its event.
        """
        row = event_rows.event_row(event)
        same = and_(
            EVENTS.c.kind == event.kind, *(event_field(name) == event_rows.plain(getattr(event, name)) for name in by)
        )
        with self._database.writing() as connection:
            if connection.execute(select(EVENTS.c.sequence).where(same).limit(1)).first() is not None:
                return False
            add_rows(connection, EVENTS, [row])
        return True

    def events(
        self, *, kind: str | None = None, since: datetime | None = None, limit: int | None = 200
    ) -> tuple[StoredEvent, ...]:
        """The newest `limit` events (None: all) of a kind, at `since` or later, newest first, as they were recorded.

        Kinds that this version of the package does not know are left out.
        """
        found = newest(EVENTS, limit).where(EVENTS.c.kind.in_(event_kinds()))
        if kind is not None:
            found = found.where(EVENTS.c.kind == kind)
        if since is not None:
            found = found.where(EVENTS.c.at >= rows.utc_text(since))
        return self._read(found, event_rows.stored_event)

    def events_after(
        self, sequence: int, *, matching: Mapping[str, tuple[str, object]], limit: int
    ) -> tuple[StoredEvent, ...]:
        """The oldest `limit` events that were recorded after `sequence`, oldest first.

        `matching` has by kind the name of a field and the value it must have.
        """
        wanted = (
            (EVENTS.c.kind == kind) & (event_field(name) == event_rows.plain(value))
            for kind, (name, value) in matching.items()
        )
        found = select(EVENTS).where(EVENTS.c.sequence > sequence, or_(*wanted)).order_by(EVENTS.c.sequence)
        return self._read(found.limit(limit), event_rows.stored_event)

    def count_events(self, *, from_sequence: int) -> dict[str, int]:
        """How many events of each kind were recorded from this sequence on, in the order they first came."""
        known = EVENTS.c.kind.in_(event_kinds()) & (EVENTS.c.sequence >= from_sequence)
        first = func.min(EVENTS.c.sequence)
        found = select(EVENTS.c.kind, func.count().label("number")).where(known).group_by(EVENTS.c.kind).order_by(first)
        return dict(self._read(found, lambda row: (row["kind"], row["number"])))

    def record_states(self, states: Sequence[StateRecord]) -> None:
        """Keep states as they were decided: the first record of a pair and candle stays, later ones are ignored."""
        self._add_all(STATES, [rows.state_row(state) for state in states])

    def states(
        self, pair: str | None = None, since: datetime | None = None, limit: int | None = 1_000
    ) -> tuple[StateRecord, ...]:
        """The newest `limit` states (None: all) of a pair, or of all, from candle `since` on, oldest first."""
        found = select(STATES).order_by(STATES.c.candle.desc(), STATES.c.pair.desc()).limit(limit)
        if pair is not None:
            found = found.where(STATES.c.pair == pair)
        if since is not None:
            found = found.where(STATES.c.candle >= rows.utc_text(since))
        return self._read(found, rows.state_record)[::-1]

    def latest_states(self) -> dict[str, StateRecord]:
        """Each pair's state at its newest candle."""
        pairs = pairs_with_states()
        same_pair = STATES.alias()
        last = select(func.max(same_pair.c.candle)).where(same_pair.c.pair == pairs.c.pair).scalar_subquery()
        found = select(STATES).join(pairs, (STATES.c.pair == pairs.c.pair) & (STATES.c.candle == last))
        return {state.pair: state for state in self._read(found, rows.state_record)}

    def watched_states(self) -> dict[str, StateRecord]:
        """Each pair's state at its newest candle, without the pairs that the bot no longer analyses."""
        bot = self.bot()
        return watched(self.latest_states(), bot.timeframe if bot is not None else None)

    def record_predictions(self, predictions: Sequence[PredictionRecord]) -> None:
        """Keep predictions: the first record of a pair, candle and version stays, later ones are ignored."""
        self._add_all(PREDICTIONS, [rows.prediction_row(prediction) for prediction in predictions])

    def predictions(
        self, pair: str, since: datetime | None = None, version: str | None = None, limit: int | None = 1_000
    ) -> tuple[PredictionRecord, ...]:
        """The newest `limit` predictions (None: all) of a pair, from candle `since` on, oldest first."""
        newest_first = PREDICTIONS.c.candle.desc(), PREDICTIONS.c.sequence.desc()
        found = select(PREDICTIONS).where(PREDICTIONS.c.pair == pair).order_by(*newest_first).limit(limit)
        if since is not None:
            found = found.where(PREDICTIONS.c.candle >= rows.utc_text(since))
        if version is not None:
            found = found.where(PREDICTIONS.c.version == version)
        return self._read(found, rows.prediction_record)[::-1]

    def prune(self, *, predictions_before: datetime, states_before: datetime | None = None) -> int:
        """Delete predictions, and states where asked for, of candles before these; gives the number of rows.

        Works in several transactions, so that other writers are not kept waiting.
        """
        deleted = self._prune(PREDICTIONS, rows.utc_text(predictions_before))
        if states_before is not None:
            deleted += self._prune(STATES, rows.utc_text(states_before))
        return deleted

    # retraining

    def request_retraining(
        self,
        *,
        at: datetime,
        pair: str,
        candle: datetime,
        version: str,
        reasons: Reason,
        detail: str,
        event: Event | None = None,
    ) -> RetrainingRequest | None:
        """Ask for a new model. None, and nothing is kept, while a request for the same version is open."""
        row = rows.retraining_row(at=at, pair=pair, candle=candle, version=version, reasons=reasons, detail=detail)
        same, told = RETRAINING_REQUESTS.c.version == version, _event_rows(event)
        with self._database.writing() as connection:
            if connection.execute(open_requests().where(same)).first() is not None:
                return None
            row["sequence"] = insert_row(connection, RETRAINING_REQUESTS, row)
            add_rows(connection, EVENTS, told)
        return rows.retraining_request(row)

    def open_retraining_requests(self) -> tuple[RetrainingRequest, ...]:
        """Requests that nobody has closed, oldest first."""
        return self._read(open_requests(), rows.retraining_request)

    def close_retraining_request(self, sequence: int, at: datetime) -> None:
        """Close a request. One that is closed keeps its first date; one that does not exist is no error."""
        closed_at = rows.utc_text(at)
        with self._database.writing() as connection:
            close_request(connection, sequence, closed_at)

    # what the running bot says of itself

    def record_bot(self, record: BotRecord) -> None:
        """Keep the running bot's facts in place of those kept before."""
        row = fact_rows.bot_row(record)
        with self._database.writing() as connection:
            replace_row(connection, BOT, row)

    def bot(self) -> BotRecord | None:
        """The facts recorded last; None before a bot ran with this database."""
        return _first(self._read(select(BOT), fact_rows.bot_record))

    def record_series(self, series: Sequence[PairSeries]) -> None:
        """Keep each pair's series in place of those kept before, in one transaction."""
        added = [fact_rows.series_row(record) for record in series]
        if added:
            with self._database.writing() as connection:
                for row in added:
                    replace_row(connection, PAIR_SERIES, row)

    def series(self) -> dict[str, PairSeries]:
        """Each pair's series as recorded last, by pair; a pair that is no longer judged keeps its last candle's."""
        found = self._read(select(PAIR_SERIES).order_by(PAIR_SERIES.c.pair), fact_rows.pair_series)
        return {record.pair: record for record in found}

    def _append(self, table: Table, row: rows.Row, event: Event | None) -> rows.Row:
        told = _event_rows(event)
        with self._database.writing() as connection:
            sequence = insert_row(connection, table, row)
            add_rows(connection, EVENTS, told)
        return {**row, "sequence": sequence}

    def _add_all(self, table: Table, added: list[rows.Row]) -> None:
        if added:
            with self._database.writing() as connection:
                add_rows(connection, table, added)

    def _read(self, statement: Select[Any], record: Callable[[rows.Row], _Record]) -> tuple[_Record, ...]:
        with self._database.reading() as connection:
            found = connection.execute(statement).all()
        try:
            return tuple(record(row._asdict()) for row in found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            cause = f"it holds a row that is not one of ours ({error!r}). Next: put a copy back"
            raise StoreUnavailableError(str(self._database.path), cause) from error

    def _prune(self, table: Table, before: str) -> int:
        old = select(table.c.sequence).where(table.c.candle < before).limit(_PRUNED_AT_ONCE)
        total = 0
        while True:
            with self._database.writing() as connection:
                deleted = connection.execute(delete(table).where(table.c.sequence.in_(old))).rowcount
            total += deleted
            if deleted < _PRUNED_AT_ONCE:
                return total


def _event_rows(event: Event | None) -> list[rows.Row]:
    return [] if event is None else [event_rows.event_row(event)]


def _first(found: tuple[_Record, ...]) -> _Record | None:
    return found[0] if found else None


__all__ = ["Ledger"]
