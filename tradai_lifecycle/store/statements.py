"""The SQL that several of the ledger's calls share."""

from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, Select, Table, func, select, update
from sqlalchemy.dialects.sqlite import insert

from tradai_lifecycle.store.rows import Row
from tradai_lifecycle.store.schema import EVENTS, RETRAINING_REQUESTS, STATES


def newest(table: Table, limit: int | None) -> Select[Any]:
    """The rows recorded last, newest first; None: all."""
    return select(table).order_by(table.c.sequence.desc()).limit(limit)


def pairs_with_states() -> CTE:
    """Each pair that has a state, once."""
    # from one pair to the next along the index: a GROUP BY would read every row
    pairs = select(func.min(STATES.c.pair).label("pair")).cte(recursive=True)
    following = select(func.min(STATES.c.pair)).where(STATES.c.pair > pairs.c.pair).scalar_subquery()
    return pairs.union_all(select(following).where(pairs.c.pair.is_not(None)))


def event_field(name: str) -> ColumnElement[Any]:
    """One field of an event as it is stored."""
    return func.json_extract(EVENTS.c.body, f"$.{name}")


def open_requests() -> Select[Any]:
    """The retraining requests that nobody has closed, oldest first."""
    table = RETRAINING_REQUESTS
    return select(table).where(table.c.closed_at.is_(None)).order_by(table.c.sequence)


def close_request(connection: Connection, sequence: int, at: str) -> None:
    """Close a retraining request, if it is open."""
    table = RETRAINING_REQUESTS
    is_open = (table.c.sequence == sequence) & table.c.closed_at.is_(None)
    connection.execute(update(table).where(is_open).values(closed_at=at))


def insert_row(connection: Connection, table: Table, row: Row) -> int:
    """Insert one row; gives its sequence."""
    key = connection.execute(insert(table).values(row)).inserted_primary_key
    assert key is not None  # noqa: S101 - every table has an integer key
    return int(key[0])


def add_rows(connection: Connection, table: Table, rows: list[Row]) -> None:
    """Insert rows; one whose key is there already is left out."""
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing(), rows)


def replace_row(connection: Connection, table: Table, row: Row) -> None:
    """Insert a row, or replace the one that has its primary key."""
    connection.execute(insert(table).values(row).on_conflict_do_update(set_=row))


__all__ = [
    "add_rows",
    "close_request",
    "event_field",
    "insert_row",
    "newest",
    "open_requests",
    "pairs_with_states",
    "replace_row",
]
