"""A file of an older version is brought up to date when it is opened: whole, or not at all; nothing in it is lost."""

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store import Ledger, OperatorRecord, PairSeries, PinRecord, StateRecord
from tradai_lifecycle.store.schema import APPLICATION_ID, SCHEMA_VERSION, OlderSchemaError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MIGRATOR = Path(__file__).with_name("migrator.py")

#: The tables of schema version 1, as SQLite gives them back.
VERSION_ONE = """
CREATE TABLE operator_records (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    who VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    ratio FLOAT,
    candle VARCHAR,
    bound VARCHAR NOT NULL,
    expires_at VARCHAR
);
CREATE TABLE pins (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    pinned BOOLEAN NOT NULL,
    version VARCHAR,
    at VARCHAR NOT NULL,
    who VARCHAR NOT NULL
);
CREATE TABLE adoptions (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    version VARCHAR NOT NULL,
    previous_version VARCHAR,
    adopted_candle VARCHAR NOT NULL,
    adopted_at VARCHAR NOT NULL,
    state_before VARCHAR NOT NULL
);
CREATE TABLE newest_batch (
    only INTEGER NOT NULL,
    version VARCHAR NOT NULL,
    candle VARCHAR NOT NULL,
    at VARCHAR NOT NULL,
    PRIMARY KEY (only)
);
CREATE TABLE events (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    body VARCHAR NOT NULL
);
CREATE INDEX events_by_kind ON events (kind, sequence);
CREATE TABLE states (
    sequence INTEGER NOT NULL,
    pair VARCHAR NOT NULL,
    candle VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    severity INTEGER NOT NULL,
    state INTEGER NOT NULL,
    effective INTEGER NOT NULL,
    reasons INTEGER NOT NULL,
    stake_ratio FLOAT,
    psi_max FLOAT,
    significant_ratio FLOAT,
    accuracy FLOAT,
    effective_predictions FLOAT,
    PRIMARY KEY (sequence),
    UNIQUE (pair, candle)
);
CREATE INDEX states_by_candle ON states (candle);
CREATE TABLE predictions (
    sequence INTEGER NOT NULL,
    pair VARCHAR NOT NULL,
    candle VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    features BLOB NOT NULL,
    feature_hash VARCHAR NOT NULL,
    prediction FLOAT,
    do_predict INTEGER NOT NULL,
    effective INTEGER NOT NULL,
    PRIMARY KEY (sequence),
    UNIQUE (pair, candle, version)
);
CREATE INDEX predictions_by_candle ON predictions (candle);
CREATE TABLE retraining_requests (
    sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at VARCHAR NOT NULL,
    pair VARCHAR NOT NULL,
    candle VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    reasons INTEGER NOT NULL,
    detail VARCHAR NOT NULL,
    closed_at VARCHAR
);
CREATE UNIQUE INDEX one_open_request_per_version ON retraining_requests (version) WHERE closed_at IS NULL;
"""
#: What version 2 added, but for tables that are the same in a new file.
VERSION_TWO = """
ALTER TABLE states ADD COLUMN close FLOAT;
ALTER TABLE states ADD COLUMN accuracy_lower FLOAT;
ALTER TABLE states ADD COLUMN accuracy_upper FLOAT;
CREATE TABLE pair_series (
    pair VARCHAR NOT NULL,
    candle VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    training_windows FLOAT,
    series VARCHAR NOT NULL,
    PRIMARY KEY (pair)
);
INSERT INTO pair_series VALUES ('BTC/USDT', '2026-03-01T12:00:00.000000+00:00', 'v7', 12.5, '[]');
PRAGMA user_version = 2;
"""
#: A pause, a pin and two states as they were written then.
CONTENT = """
INSERT INTO operator_records (at, action, who, note, ratio, candle, bound, expires_at) VALUES
    ('2026-03-01T12:00:00.000000+00:00', 'pause', 'shell:ann', 'news', NULL, NULL, '{}', NULL);
INSERT INTO pins (pinned, version, at, who) VALUES (1, '7', '2026-03-01T12:00:00.000000+00:00', 'shell:ann');
INSERT INTO states (pair, candle, version, severity, state, effective, reasons, stake_ratio, psi_max,
    significant_ratio, accuracy, effective_predictions) VALUES
    ('BTC/USDT', '2026-03-01T11:00:00.000000+00:00', 'v7', 0, 0, 0, 0, 1.0, 0.25, 0.5, 0.5625, 86.0),
    ('BTC/USDT', '2026-03-01T12:00:00.000000+00:00', 'v7', 1, 1, 2, 1048578, 0.0, 0.25, 0.5, NULL, 86.0);
"""
PAUSE = OperatorRecord(sequence=1, at=NOON, action=OperatorAction.PAUSE, who="shell:ann", note="news")
NEWEST = StateRecord(
    pair="BTC/USDT",
    candle=NOON,
    version="v7",
    severity=Severity.MODERATE,
    state=TradingState.REDUCED,
    effective=TradingState.PAUSED,
    reasons=Reason.PSI_MODERATE | Reason.OPERATOR_PAUSED,
    stake_ratio=0.0,
    psi_max=0.25,
    significant_ratio=0.5,
    accuracy=math.nan,
    effective_predictions=86.0,
    close=math.nan,
    accuracy_lower=math.nan,
    accuracy_upper=math.nan,
)


def write_version_one(path: Path) -> Path:
    """A file of schema version 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(
            f"{VERSION_ONE}{CONTENT} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        )
    return path


def version_and_tables(path: Path) -> tuple[int, dict[str, str]]:
    """What a file says of its own form."""
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
    return version, tables


def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Name, type and nullability of every column of every table."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [row[1:4] for row in connection.execute(f"PRAGMA table_info({name})")] for name in sorted(names)}


def assert_kept(ledger: Ledger) -> None:
    """The pause, the pin and the states are there, and new rows can be added."""
    assert ledger.operator() == (PAUSE,)
    assert ledger.pin() == PinRecord(pinned=True, version="7", at=NOON, who="shell:ann")
    assert repr(ledger.latest_states()) == repr({"BTC/USDT": NEWEST})
    known = replace(NEWEST, pair="ETH/USDT", accuracy=0.5, close=101.5, accuracy_lower=0.25, accuracy_upper=0.75)
    ledger.record_states([known])
    assert ledger.states(pair="ETH/USDT") == (known,)
    assert (ledger.bot(), ledger.series()) == (None, {})


def test_a_file_of_version_one_keeps_its_pause_pin_and_states(store_path: Path) -> None:
    write_version_one(store_path)
    with closing(Ledger(store_path)) as ledger:
        ledger.open()
        assert_kept(ledger)
        assert version_and_tables(store_path)[0] == SCHEMA_VERSION
    with closing(Ledger(store_path)) as again:
        again.open()
        assert again.operator() == (PAUSE,)


def test_a_file_brought_up_to_date_has_the_columns_of_a_new_one(store_path: Path, tmp_path: Path) -> None:
    for path in (write_version_one(store_path), tmp_path / "new.sqlite"):
        with closing(Ledger(path)) as ledger:
            ledger.open()
    assert columns(store_path) == columns(tmp_path / "new.sqlite")


def test_a_file_of_version_two_keeps_its_series_and_gets_the_columns_of_a_new_one(
    store_path: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(write_version_one(store_path))) as connection:
        connection.executescript(VERSION_TWO)
    kept = PairSeries(pair="BTC/USDT", candle=NOON, version="v7", training_windows=12.5, series=())
    with closing(Ledger(store_path)) as ledger, closing(Ledger(tmp_path / "new.sqlite")) as new:
        ledger.open()
        new.open()
        assert ledger.series() == {"BTC/USDT": kept}
        assert ledger.operator() == (PAUSE,)
    assert columns(store_path) == columns(tmp_path / "new.sqlite")


def test_a_process_of_the_older_version_can_write_on(store_path: Path) -> None:
    write_version_one(store_path)
    with closing(sqlite3.connect(store_path)) as older, closing(Ledger(store_path)) as ledger:
        assert older.execute("SELECT count(*) FROM states").fetchone() == (2,)
        ledger.open()
        older.execute("UPDATE states SET candle = '2026-03-01T13:00:00.000000+00:00' WHERE sequence = 1")
        older.execute(CONTENT.rpartition("INSERT")[1] + CONTENT.rpartition("INSERT")[2].replace("BTC", "XRP"))
        older.commit()
        assert [math.isnan(state.close) for state in ledger.states("XRP/USDT")] == [True, True]


def test_an_older_copy_that_is_put_back_while_the_bot_runs_is_brought_up_to_date(
    ledger: Ledger, store_path: Path, tmp_path: Path
) -> None:
    write_version_one(tmp_path / "copy.sqlite").replace(store_path)
    with pytest.raises(StoreUnavailableError, match="replaced"):
        ledger.operator()
    assert_kept(ledger)


def test_an_older_file_stays_as_it_is_where_that_was_asked(store_path: Path) -> None:
    before = version_and_tables(write_version_one(store_path))
    with closing(Ledger(store_path)) as ledger:
        for call in (lambda: ledger.open(migrate=False), ledger.operator):
            with pytest.raises(
                OlderSchemaError, match=f"schema is version 1 and this tradai-lifecycle's is {SCHEMA_VERSION}"
            ):
                call()
        assert version_and_tables(store_path) == before
        ledger.open()
        assert_kept(ledger)


def test_an_older_copy_that_is_put_back_stays_as_it_is_where_that_was_asked(store_path: Path, tmp_path: Path) -> None:
    with closing(Ledger(store_path)) as ledger:
        ledger.open(migrate=False)
        assert ledger.operator() == ()
        write_version_one(tmp_path / "copy.sqlite").replace(store_path)
        for error in (StoreUnavailableError, OlderSchemaError):
            with pytest.raises(error):
                ledger.operator()
    assert version_and_tables(store_path)[0] == 1


def test_a_step_that_fails_leaves_the_older_file_as_it_was(store_path: Path) -> None:
    write_version_one(store_path)
    with closing(sqlite3.connect(store_path)) as connection:
        # the column before it is added first
        connection.execute("ALTER TABLE states ADD COLUMN accuracy_upper FLOAT")
        connection.commit()
    before = version_and_tables(store_path)
    with closing(Ledger(store_path)) as ledger:
        for call in (ledger.open, ledger.operator):
            with pytest.raises(StoreUnavailableError, match="duplicate column name"):
                call()
    assert version_and_tables(store_path) == before
    assert before[0] == 1


def test_a_sigkill_at_any_statement_leaves_the_older_file_or_the_newer_one(tmp_path: Path) -> None:
    before = version_and_tables(write_version_one(tmp_path / "before.sqlite"))
    with subprocess.Popen(
        [sys.executable, str(MIGRATOR)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as migrator:
        assert migrator.stdin
        assert migrator.stdout
        for fatal in count(1):
            path = write_version_one(tmp_path / f"killed-{fatal}.sqlite")
            migrator.stdin.write(f"{fatal} {path}\n")
            if migrator.stdout.readline() == "opened\n":
                break
            assert version_and_tables(path) == before
            with closing(Ledger(path)) as ledger:
                ledger.open()
                assert_kept(ledger)
        migrator.stdin.close()
    assert version_and_tables(path)[0] == SCHEMA_VERSION
    # as many as there are steps at least, or nothing was killed on the way
    assert fatal > 10
