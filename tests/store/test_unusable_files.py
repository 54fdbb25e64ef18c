"""Whatever happens to the file, the failure has one name, and the same ledger works again once the file does."""

import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store import Ledger, OperatorRecord, PredictionRecord, StateRecord, database
from tradai_lifecycle.store.schema import SCHEMA_VERSION


def pause(ledger: Ledger, at: datetime, note: str = "") -> OperatorRecord:
    return ledger.record_operator(action=OperatorAction.PAUSE, who="ann", note=note, at=at)


def assert_unusable(ledger: Ledger, at: datetime, cause: str) -> None:
    """Reading, writing and the marker fail alike, and go on failing; each error names the file."""
    calls: list[Callable[[], object]] = [ledger.operator, lambda: pause(ledger, at), ledger.change_marker]
    for call in calls * 2:
        with pytest.raises(StoreUnavailableError, match=cause) as caught:
            call()
        assert str(ledger._database.path) in str(caught.value)


def assert_works(ledger: Ledger, at: datetime) -> None:
    marker = ledger.change_marker()
    written = pause(ledger, at, "healed")
    assert ledger.operator() == (written,)
    assert ledger.change_marker() != marker


def test_nothing_touches_the_disk_before_open(store_path: Path, noon: datetime) -> None:
    ledger = Ledger(store_path)
    assert_unusable(ledger, noon, r"not open.*Next: call open\(\)")
    ledger.close()
    assert not store_path.parent.exists()


def test_a_closed_ledger_says_so_and_opens_again(ledger: Ledger, noon: datetime) -> None:
    ledger.close()
    ledger.close()
    assert_unusable(ledger, noon, "not open")
    ledger.open()
    ledger.open()
    assert_works(ledger, noon)


def test_a_relative_path_stays_the_same_file_when_the_directory_changes(
    tmp_path: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Ledger(Path("here.sqlite"))) as ledger:
        ledger.open()
        monkeypatch.chdir("/")
        assert_works(ledger, noon)
    assert (tmp_path / "here.sqlite").exists()


def test_a_directory_in_the_files_place(store_path: Path, noon: datetime) -> None:
    store_path.mkdir(parents=True)
    with closing(Ledger(store_path)) as ledger:
        with pytest.raises(StoreUnavailableError, match="unable to open database file"):
            ledger.open()
        assert_unusable(ledger, noon, "unable to open database file")
        store_path.rmdir()
        assert_works(ledger, noon)


def test_a_path_below_a_regular_file(store_path: Path, noon: datetime) -> None:
    store_path.parent.write_text("in the way")
    with closing(Ledger(store_path)) as ledger:
        with pytest.raises(StoreUnavailableError, match=r"Not a directory|File exists"):
            ledger.open()
        assert_unusable(ledger, noon, r"Not a directory|File exists")
        store_path.parent.unlink()
        assert_works(ledger, noon)


def test_a_file_that_is_no_database(store_path: Path, noon: datetime) -> None:
    store_path.parent.mkdir()
    store_path.write_bytes(b"not a database at all " * 500)
    with closing(Ledger(store_path)) as ledger:
        with pytest.raises(StoreUnavailableError, match="not a database"):
            ledger.open()
        store_path.unlink()
        assert_works(ledger, noon)


def test_bytes_corrupted_while_open(ledger: Ledger, store_path: Path, tmp_path: Path, noon: datetime) -> None:
    written = pause(ledger, noon)
    backup = take_copy(store_path, tmp_path / "copy")
    with store_path.open("r+b") as file:
        file.write(b"\x00garbage" * 2_000)
    assert_unusable(ledger, noon, "not a database|malformed")
    shutil.copyfile(backup, tmp_path / "mended")
    (tmp_path / "mended").replace(store_path)
    assert ledger.operator() == (written,)
    assert_works(ledger, noon)


def test_a_file_deleted_while_open_is_not_made_anew_but_found_again(
    ledger: Ledger, store_path: Path, tmp_path: Path, noon: datetime
) -> None:
    written = pause(ledger, noon)
    backup = take_copy(store_path, tmp_path / "copy")
    pause(ledger, noon, "after the copy: in the log that is left behind")
    store_path.unlink()
    with pytest.raises(StoreUnavailableError, match="deleted while it was in use"):
        ledger.operator()
    assert_unusable(ledger, noon, "Next: put it back, or restart the bot")
    assert not store_path.exists()

    shutil.copyfile(backup, store_path)
    # the log of the lost file must not be replayed into the copy
    assert ledger.operator() == (written,)
    assert_works(ledger, noon)


def test_open_makes_a_deleted_file_anew(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    pause(ledger, noon)
    store_path.unlink()
    ledger.open()
    assert ledger.operator() == ()
    assert_works(ledger, noon)


def test_a_file_moved_away_and_back_has_lost_nothing(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    written = pause(ledger, noon)
    elsewhere = store_path.with_name("elsewhere")
    store_path.rename(elsewhere)
    with pytest.raises(StoreUnavailableError, match="deleted while it was in use"):
        ledger.change_marker()
    elsewhere.rename(store_path)
    assert ledger.operator() == (written,)
    assert_works(ledger, noon)


def test_a_write_into_a_file_that_vanished_meanwhile_is_not_reported_as_kept(
    ledger: Ledger, store_path: Path, noon: datetime
) -> None:
    def write_into_the_void() -> None:
        with ledger._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM pins")
            store_path.unlink()

    with pytest.raises(StoreUnavailableError, match="deleted while it was in use"):
        write_into_the_void()


def test_a_file_replaced_while_open_is_reported_once_and_then_used(
    ledger: Ledger, store_path: Path, tmp_path: Path, noon: datetime
) -> None:
    pause(ledger, noon, "old")
    marker = ledger.change_marker()
    other = tmp_path / "other.sqlite"
    with closing(Ledger(other)) as fresh:
        fresh.open()
        expected = pause(fresh, noon, "new")
    other.replace(store_path)
    with pytest.raises(StoreUnavailableError, match="replaced while it was in use"):
        ledger.operator()
    assert ledger.operator() == (expected,)
    assert ledger.change_marker() != marker
    assert_works(ledger, noon)


def test_the_marker_differs_for_another_file_that_was_written_as_often(
    ledger: Ledger, store_path: Path, tmp_path: Path
) -> None:
    markers = {ledger.change_marker()}
    for _ in range(3):
        take_copy(store_path, tmp_path / "copy").replace(store_path)
        with pytest.raises(StoreUnavailableError, match="replaced"):
            ledger.change_marker()
        markers.add(ledger.change_marker())
    assert len(markers) == 4


def test_an_emptied_file_is_not_taken_for_a_first_start(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    pause(ledger, noon)
    store_path.unlink()
    store_path.touch()
    with pytest.raises(StoreUnavailableError, match="replaced"):
        ledger.operator()
    assert_unusable(ledger, noon, "emptied.*Next: put a copy back")
    ledger.open()
    assert_works(ledger, noon)


def test_a_newer_schema_is_refused_with_the_next_step(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    ledger.close()
    newer = SCHEMA_VERSION + 1
    execute(store_path, f"PRAGMA user_version = {newer}")
    next_step = rf"schema is version {newer} .* up to {SCHEMA_VERSION}\. Next: pip install --upgrade tradai-lifecycle"
    with pytest.raises(StoreUnavailableError, match=next_step):
        ledger.open()
    assert_unusable(ledger, noon, next_step)
    execute(store_path, f"PRAGMA user_version = {SCHEMA_VERSION}")
    assert_works(ledger, noon)


def test_another_programs_database_is_left_alone(store_path: Path, noon: datetime) -> None:
    store_path.parent.mkdir()
    execute(store_path, "CREATE TABLE trades (id INTEGER)")
    before = store_path.read_bytes()
    with closing(Ledger(store_path)) as ledger:
        with pytest.raises(StoreUnavailableError, match="another program's database"):
            ledger.open()
        assert_unusable(ledger, noon, "Next: name a file of its own")
    assert store_path.read_bytes() == before


def test_a_lock_of_another_process_is_waited_for_and_then_reported(
    ledger: Ledger, store_path: Path, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_SECONDS", 0.02)
    written = pause(ledger, noon)
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="database is locked"):
                pause(ledger, noon)
            assert ledger.operator() == (written,)  # readers do not wait
        other.execute("ROLLBACK")
    assert_works(ledger, noon)


class HastyConnection(sqlite3.Connection):
    """Refuses the first statements as SQLite does when two processes switch a new file's journal at once."""

    refusals = 1

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(*arguments)


def test_the_switch_to_the_write_ahead_log_is_tried_again_for_a_while(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new", factory=HastyConnection)) as connection:
        database._use_write_ahead_log(connection, 2.0)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        connection.refusals = 1
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            database._use_write_ahead_log(connection, 0.0)


def test_the_log_stays_open_between_transactions(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    pause(ledger, noon)
    log = store_path.with_name(f"{store_path.name}-wal")
    assert log.stat().st_size > 0
    ledger.close()
    assert not log.exists()


def test_a_full_disk_keeps_what_was_kept_and_heals(
    ledger: Ledger,
    store_path: Path,
    noon: datetime,
    make_state: Callable[..., StateRecord],
    make_prediction: Callable[..., PredictionRecord],
) -> None:
    written = pause(ledger, noon)
    states = [make_state(index=index) for index in range(50)]
    predictions = [make_prediction(index=index, features=500) for index in range(200)]
    with files_of_at_most(store_path.stat().st_size + 100_000):
        with pytest.raises(StoreUnavailableError, match=r"full|disk I/O"):
            ledger.record_batch(version="15", candle=noon, at=noon, states=states, predictions=predictions)
        assert ledger.operator() == (written,)
    assert (ledger.last_batch(), ledger.states(), ledger.predictions("BTC/USDT")) == (None, (), ())
    ledger.record_batch(version="15", candle=noon, at=noon, states=states, predictions=predictions)
    assert ledger.predictions("BTC/USDT") == tuple(predictions)


def test_an_error_of_the_caller_is_not_called_a_failure_of_the_file(ledger: Ledger, noon: datetime) -> None:
    marker = ledger.change_marker()
    with pytest.raises(ValueError, match="no time zone"):
        ledger.close_retraining_request(1, noon.replace(tzinfo=None))
    assert ledger.change_marker() == marker


def take_copy(path: Path, target: Path) -> Path:
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
