"""The lifecycle's memory across restarts: what operators said, what was adopted, and the evidence of every batch."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import CTE, Connection, Select, Table, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import Event, event_kinds
from tradai_lifecycle.states import OperatorAction, Reason, TradingState
from tradai_lifecycle.store import rows
from tradai_lifecycle.store.database import Database
from tradai_lifecycle.store.records import (
    AdoptionRecord,
    BatchRecord,
    BoundReasons,
    OperatorRecord,
    PinRecord,
    PredictionRecord,
    RetrainingRequest,
    StateRecord,
    StoredEvent,
    deciding_records,
)
from tradai_lifecycle.store.schema import (
    ADOPTIONS,
    EVENTS,
    NEWEST_BATCH,
    OPERATOR_RECORDS,
    PINS,
    PREDICTIONS,
    RETRAINING_REQUESTS,
    STATES,
)

_Record = TypeVar("_Record")

#: Rows one transaction of `prune` deletes, so that other writers wait for a moment only.
_PRUNED_AT_ONCE = 5_000


class Ledger:
    """The lifecycle's database, for any thread and beside other processes.

    A call that writes is one transaction, on the disk when it returns. Every call raises StoreUnavailableError when
    the file cannot be used, and tries again from the beginning when it is called the next time. A file that was
    deleted while in use is not made anew until `open` is called: it may have held an operator's pause. All datetimes
    given must be aware (else ValueError); all returned are in UTC.
    """

    def __init__(self, path: Path) -> None:
        self._database = Database(path)

    def open(self) -> None:
        """Create what is missing: directories, file, tables. Raises StoreUnavailableError; later calls try again."""
        self._database.open()

    def close(self) -> None:
        """Let go of the file. Idempotent, never raises; calls after it raise StoreUnavailableError until `open`."""
        self._database.close()

    def change_marker(self) -> int:
        """A number that differs whenever anyone, in any process, has written since it was last asked for.

        Reads no table. It means nothing but "the same" or "not the same", and only to this ledger.
        """
        return self._database.change_marker()

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
    ) -> OperatorRecord:
        """Keep an operator's word. A reduce needs `ratio` in (0, 1], the others take none; else ValueError."""
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
        return rows.operator_record(self._append(OPERATOR_RECORDS, row))

    def operator(self) -> tuple[OperatorRecord, ...]:
        """The operator's records that still count, oldest first: see `deciding_records`."""
        newest = select(func.max(OPERATOR_RECORDS.c.sequence)).group_by(OPERATOR_RECORDS.c.action)
        found = select(OPERATOR_RECORDS).where(OPERATOR_RECORDS.c.sequence.in_(newest))
        return deciding_records(self._read(found, rows.operator_record))

    def record_pin(self, *, pinned: bool, version: str | None, at: datetime, who: str) -> PinRecord:
        """Keep that the model is pinned, or is no longer."""
        row = {"pinned": bool(pinned), "version": version, "at": rows.utc_text(at), "who": who}
        return rows.pin_record(self._append(PINS, row))

    def pin(self) -> PinRecord | None:
        """The newest word about pinning; None when there was none yet."""
        return _first(self._read(_newest(PINS, 1), rows.pin_record))

    # which model decides

    def record_adoption(
        self,
        *,
        version: str,
        previous_version: str | None,
        adopted_candle: datetime,
        adopted_at: datetime,
        state_before: Mapping[str, TradingState],
    ) -> AdoptionRecord:
        """Keep that a version takes over from `adopted_candle` on. To be written before the version is used."""
        row = rows.adoption_row(
            version=version,
            previous_version=previous_version,
            adopted_candle=adopted_candle,
            adopted_at=adopted_at,
            state_before=state_before,
        )
        return rows.adoption_record(self._append(ADOPTIONS, row))

    def adoptions(self, limit: int | None = None) -> tuple[AdoptionRecord, ...]:
        """The newest `limit` adoptions (None: all), oldest first: the version timeline."""
        return self._read(_newest(ADOPTIONS, limit), rows.adoption_record)[::-1]

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
            (EVENTS, [rows.event_row(event) for event in events]),
        )
        with self._database.writing() as connection:
            connection.execute(insert(NEWEST_BATCH).values(row).on_conflict_do_update(set_=row))
            for table, added in evidence:
                _add(connection, table, added)
        return rows.batch_record(row)

    def last_batch(self) -> BatchRecord | None:
        """The batch recorded last; None before the first."""
        return _first(self._read(select(NEWEST_BATCH), rows.batch_record))

    # evidence

    def record_events(self, events: Sequence[Event]) -> None:
        """Keep events, in their order, in one transaction."""
        self._add_all(EVENTS, [rows.event_row(event) for event in events])

    def events(
        self, *, kind: str | None = None, since: datetime | None = None, limit: int | None = 200
    ) -> tuple[StoredEvent, ...]:
        """The newest `limit` events (None: all) of a kind, at `since` or later, newest first, as they were recorded.

        Kinds that this version of the package does not know are left out.
        """
        found = _newest(EVENTS, limit).where(EVENTS.c.kind.in_(event_kinds()))
        if kind is not None:
            found = found.where(EVENTS.c.kind == kind)
        if since is not None:
            found = found.where(EVENTS.c.at >= rows.utc_text(since))
        return self._read(found, rows.stored_event)

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
        pairs = _pairs_with_states()
        same_pair = STATES.alias()
        newest = select(func.max(same_pair.c.candle)).where(same_pair.c.pair == pairs.c.pair).scalar_subquery()
        found = select(STATES).join(pairs, (STATES.c.pair == pairs.c.pair) & (STATES.c.candle == newest))
        return {state.pair: state for state in self._read(found, rows.state_record)}

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
        self, *, at: datetime, pair: str, candle: datetime, version: str, reasons: Reason, detail: str
    ) -> RetrainingRequest | None:
        """Ask for a new model. None, and nothing is kept, while a request for the same version is open."""
        row = rows.retraining_row(at=at, pair=pair, candle=candle, version=version, reasons=reasons, detail=detail)
        same = RETRAINING_REQUESTS.c.version == version
        with self._database.writing() as connection:
            if connection.execute(_open_requests().where(same)).first() is not None:
                return None
            row["sequence"] = _insert(connection, RETRAINING_REQUESTS, row)
        return rows.retraining_request(row)

    def open_retraining_requests(self) -> tuple[RetrainingRequest, ...]:
        """Requests that nobody has closed, oldest first."""
        return self._read(_open_requests(), rows.retraining_request)

    def close_retraining_request(self, sequence: int, at: datetime) -> None:
        """Close a request. One that is closed keeps its first date; one that does not exist is no error."""
        table = RETRAINING_REQUESTS
        is_open = (table.c.sequence == sequence) & table.c.closed_at.is_(None)
        with self._database.writing() as connection:
            connection.execute(update(table).where(is_open).values(closed_at=rows.utc_text(at)))

    def _append(self, table: Table, row: rows.Row) -> rows.Row:
        with self._database.writing() as connection:
            return {**row, "sequence": _insert(connection, table, row)}

    def _add_all(self, table: Table, added: list[rows.Row]) -> None:
        if added:
            with self._database.writing() as connection:
                _add(connection, table, added)

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


def _newest(table: Table, limit: int | None) -> Select[Any]:
    return select(table).order_by(table.c.sequence.desc()).limit(limit)


# from one pair to the next along the index: a GROUP BY would read every row
def _pairs_with_states() -> CTE:
    pairs = select(func.min(STATES.c.pair).label("pair")).cte(recursive=True)
    following = select(func.min(STATES.c.pair)).where(STATES.c.pair > pairs.c.pair).scalar_subquery()
    return pairs.union_all(select(following).where(pairs.c.pair.is_not(None)))


def _open_requests() -> Select[Any]:
    table = RETRAINING_REQUESTS
    return select(table).where(table.c.closed_at.is_(None)).order_by(table.c.sequence)


def _insert(connection: Connection, table: Table, row: rows.Row) -> int:
    key = connection.execute(insert(table).values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 - every table has an integer key
    return int(key[0])


def _add(connection: Connection, table: Table, added: list[rows.Row]) -> None:
    if added:
        connection.execute(insert(table).on_conflict_do_nothing(), added)


def _first(found: tuple[_Record, ...]) -> _Record | None:
    return found[0] if found else None


__all__ = ["Ledger"]
