"""The tables of the lifecycle's database, and the one number that says which tables a file has."""

from pathlib import Path

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

#: Kept in `PRAGMA user_version`. Raise it with every change of a table.
SCHEMA_VERSION = 1
#: Kept in `PRAGMA application_id`: tells our file from any other SQLite database ("trad" in ASCII).
APPLICATION_ID = 0x74726164

METADATA = MetaData()


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


def has_schema(connection: Connection, path: Path) -> bool:
    """Whether the file holds our tables: False for an empty file.

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
    return ours


def create_schema(connection: Connection) -> None:
    """Create the tables and mark the file as ours. Part of the caller's transaction."""
    METADATA.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _pragma(connection: Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())


__all__ = [
    "ADOPTIONS",
    "APPLICATION_ID",
    "EVENTS",
    "METADATA",
    "NEWEST_BATCH",
    "OPERATOR_RECORDS",
    "PINS",
    "PREDICTIONS",
    "RETRAINING_REQUESTS",
    "SCHEMA_VERSION",
    "STATES",
    "create_schema",
    "has_schema",
]
