"""The tables of the lifecycle's database, the number that says which of them a file has, and the way to the newest."""

from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    inspect,
)

from tradai_lifecycle.errors import StoreUnavailableError

#: Kept in `PRAGMA user_version`. Raise it with every change of a table, and say in `_NEW_COLUMNS` what was added.
SCHEMA_VERSION = 3
#: Kept in `PRAGMA application_id`: tells our file from any other SQLite database ("trad" in ASCII).
APPLICATION_ID = 0x74726164

METADATA = MetaData()


class OlderSchemaError(StoreUnavailableError):
    """The file has tables of an older version, and whoever opened it is not to change them."""

    def __init__(self, path: Path, found: int) -> None:
        super().__init__(
            str(path),
            f"its schema is version {found} and this tradai-lifecycle's is {SCHEMA_VERSION}. "
            "Next: start the bot with this version, which brings it up to date",
        )
        self.found = found


def _sequence() -> Column[int]:
    return Column("sequence", Integer, primary_key=True)


# datetimes are UTC text of fixed width, which sorts as time does; a float column holds NULL for NaN
OPERATOR_RECORDS = Table(
    "operator_records",
    METADATA,
    _sequence(),
    Column("at", String, nullable=False),
    Column("action", String, nullable=False),
    Column("who", String, nullable=False),
    Column("note", String, nullable=False),
    Column("ratio", Float),
    Column("candle", String),
    Column("bound", String, nullable=False),
    Column("expires_at", String),
    sqlite_autoincrement=True,
)
PINS = Table(
    "pins",
    METADATA,
    _sequence(),
    Column("pinned", Boolean, nullable=False),
    Column("version", String),
    Column("at", String, nullable=False),
    Column("who", String, nullable=False),
    sqlite_autoincrement=True,
)
ADOPTIONS = Table(
    "adoptions",
    METADATA,
    _sequence(),
    Column("version", String, nullable=False),
    Column("previous_version", String),
    Column("adopted_candle", String, nullable=False),
    Column("adopted_at", String, nullable=False),
    Column("state_before", String, nullable=False),
    sqlite_autoincrement=True,
)
# one row, replaced by each batch: what each pair was told stands in `states`
NEWEST_BATCH = Table(
    "newest_batch",
    METADATA,
    Column("only", Integer, primary_key=True),
    Column("version", String, nullable=False),
    Column("candle", String, nullable=False),
    Column("at", String, nullable=False),
)
EVENTS = Table(
    "events",
    METADATA,
    _sequence(),
    Column("at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", String, nullable=False),
    Index("events_by_kind", "kind", "sequence"),
    sqlite_autoincrement=True,
)
STATES = Table(
    "states",
    METADATA,
    _sequence(),
    Column("pair", String, nullable=False),
    Column("candle", String, nullable=False),
    Column("version", String, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    Column("effective", Integer, nullable=False),
    Column("reasons", Integer, nullable=False),
    Column("stake_ratio", Float),
    Column("psi_max", Float),
    Column("significant_ratio", Float),
    Column("accuracy", Float),
    Column("effective_predictions", Float),
    Column("close", Float),
    Column("accuracy_lower", Float),
    Column("accuracy_upper", Float),
    UniqueConstraint("pair", "candle"),
    Index("states_by_candle", "candle"),
)
PREDICTIONS = Table(
    "predictions",
    METADATA,
    _sequence(),
    Column("pair", String, nullable=False),
    Column("candle", String, nullable=False),
    Column("version", String, nullable=False),
    Column("features", LargeBinary, nullable=False),
    Column("feature_hash", String, nullable=False),
    Column("prediction", Float),
    Column("do_predict", Integer, nullable=False),
    Column("effective", Integer, nullable=False),
    UniqueConstraint("pair", "candle", "version"),
    Index("predictions_by_candle", "candle"),
)
RETRAINING_REQUESTS = Table(
    "retraining_requests",
    METADATA,
    _sequence(),
    Column("at", String, nullable=False),
    Column("pair", String, nullable=False),
    Column("candle", String, nullable=False),
    Column("version", String, nullable=False),
    Column("reasons", Integer, nullable=False),
    Column("detail", String, nullable=False),
    Column("closed_at", String),
    sqlite_autoincrement=True,
)
# two processes cannot both open a request for one version, whatever they read before
Index(
    "one_open_request_per_version",
    RETRAINING_REQUESTS.c.version,
    unique=True,
    sqlite_where=RETRAINING_REQUESTS.c.closed_at.is_(None),
)
# one row, replaced for as long as the bot runs
BOT = Table(
    "bot",
    METADATA,
    Column("only", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("started_at", String, nullable=False),
    Column("timeframe", String, nullable=False),
    Column("horizon_candles", Integer, nullable=False),
    Column("window_candles", Integer, nullable=False),
    Column("freqtrade_state", String, nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("stake_currency", String, nullable=False),
    Column("registry_seen_at", String),
    Column("registry_problem", String, nullable=False),
    Column("awaiting", String),
    Column("positions", String, nullable=False),
)
# one row per pair, replaced by each batch
PAIR_SERIES = Table(
    "pair_series",
    METADATA,
    Column("pair", String, primary_key=True),
    Column("candle", String, nullable=False),
    Column("version", String, nullable=False),
    Column("training_windows", Float),
    Column("series", String, nullable=False),
    Column("accuracy", String),
    Column("shifts", String),
    Column("expected_alarms_per_1000", Float),
)

# per version, what it added to tables that older files have; a table that a file does not have is created whole
_NEW_COLUMNS: dict[int, tuple[Column[Any], ...]] = {
    2: (STATES.c.close, STATES.c.accuracy_lower, STATES.c.accuracy_upper),
    3: (PAIR_SERIES.c.accuracy, PAIR_SERIES.c.shifts, PAIR_SERIES.c.expected_alarms_per_1000),
}


def schema_version(connection: Connection, path: Path) -> int:
    """Which version of our tables the file holds: 0 for an empty file.

    Raises StoreUnavailableError for a newer schema and for a database that is somebody else's.
    """
    found = _pragma(connection, "user_version")
    ours = _pragma(connection, "application_id") == APPLICATION_ID
    if ours and found > SCHEMA_VERSION:
        raise StoreUnavailableError(
            str(path),
            f"its schema is version {found} and this tradai-lifecycle knows versions up to {SCHEMA_VERSION}. "
            "Next: pip install --upgrade tradai-lifecycle, or name another file in tradai_lifecycle.store_path",
        )
    if not ours and (found or inspect(connection).get_table_names()):
        raise StoreUnavailableError(
            str(path),
            "it is another program's database. Next: name a file of its own in tradai_lifecycle.store_path",
        )
    return found if ours else 0


def update_schema(connection: Connection, path: Path) -> None:
    """Bring an empty or older file up to SCHEMA_VERSION and mark it as ours. Part of the caller's transaction.

    What older files hold stays; a figure that they do not have reads as NaN. Raises as `schema_version` does.
    """
    found = schema_version(connection, path)
    tables = inspect(connection).get_table_names()
    for version in range(found + 1, SCHEMA_VERSION + 1) if found else ():
        for column in (new for new in _NEW_COLUMNS[version] if new.table.name in tables):
            kind = column.type.compile(connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {kind}")
    METADATA.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


__all__ = [
    "ADOPTIONS",
    "APPLICATION_ID",
    "BOT",
    "EVENTS",
    "METADATA",
    "NEWEST_BATCH",
    "OPERATOR_RECORDS",
    "PAIR_SERIES",
    "PINS",
    "PREDICTIONS",
    "RETRAINING_REQUESTS",
    "SCHEMA_VERSION",
    "STATES",
    "OlderSchemaError",
    "schema_version",
    "update_schema",
]
