"""One SQLite file: connections, transactions, and what to do when the file is not what it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock, RLock, local
from time import monotonic, sleep

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.store.schema import SCHEMA_VERSION, OlderSchemaError, schema_version, update_schema

#: How long a transaction waits for another process's lock.
BUSY_TIMEOUT_SECONDS = 2.0
_LEAST_PATIENCE_SECONDS = 0.01

_FAILURES = (SQLAlchemyError, sqlite3.Error, OSError)
_IMMEDIATE = "tradai_immediate"


class _Patience(local):
    # until when (monotonic) a thread's calls may wait for others; None: each its full time
    deadline: float | None = None


class Database:
    """Transactions on a local SQLite file, from any thread, beside other processes.

    Every failure of the file is a StoreUnavailableError; the next call tries again from the beginning, so nothing but
    the file has to be mended. A file that was seen once is never made anew by itself: a vanished file may have held an
    operator's pause, and an empty one would lift it. Only `open` creates.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path).absolute()
        # our own writers queue here: SQLite would have them poll for its lock
        self._write_lock = Lock()
        self._file_lock = RLock()
        self._patience = _Patience()
        self._is_open = False
        self._may_migrate = True
        self._established = False
        self._trusted = False
        # held for as long as the file is used: it counts foreign commits and keeps the file's inode from being reused
        self._witness: sqlite3.Connection | None = None
        self._inodes: dict[str, tuple[int, int]] = {}
        self._connected = 0
        self._engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        self._writer = self._engine.execution_options(**{_IMMEDIATE: True})
        event.listen(self._engine, "begin", _begin)

    def open(self, *, migrate: bool = True) -> None:
        """Create what is missing: directories, file and tables. Raises StoreUnavailableError; later calls retry.

        Without `migrate` an older file stays as it is, now and in later calls: OlderSchemaError.
        """
        with self._translated(), self._held(self._file_lock):
            self._is_open, self._may_migrate = True, migrate
            self._attach(create=True)

    def close(self) -> None:
        """Let go of the file. Idempotent, never raises; transactions under way end by themselves."""
        with self._file_lock:
            self._is_open = False
            self._release(self._witness)
            self._witness, self._trusted = None, False

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """In this block, the calling thread waits for other threads and processes so long at most, all calls together.

        A call that would have to wait longer raises StoreUnavailableError, and nothing of it is done. A block within
        another one has no more patience than that.
        """
        before, deadline = self._patience.deadline, monotonic() + seconds
        self._patience.deadline = deadline if before is None else min(before, deadline)
        try:
            yield
        finally:
            self._patience.deadline = before

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the file, which waits for no writer."""
        with self._translated():
            self._ensure()
            with self._engine.begin() as connection:
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: on the disk when the block has ended, and nothing of it when anything was raised."""
        with self._translated(), self._held(self._write_lock):
            self._ensure()
            with self._writer.begin() as connection:
                yield connection
            self._check_file()

    def change_marker(self) -> int:
        """A number that differs whenever anybody has committed to the file since it was last asked for."""
        with self._translated(), self._held(self._file_lock):
            self._ensure()
            assert self._witness is not None  # noqa: S101 - _ensure attaches
            self._witness.execute(f"PRAGMA busy_timeout = {round(self._seconds_left() * 1_000)}")
            (version,) = self._witness.execute("PRAGMA data_version").fetchone()
            return (self._connected << 32) | int(version)

    def _connect(self, mode: str = "rw") -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=self._seconds_left(),
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _ensure(self) -> None:
        if self._trusted:
            self._check_file()
            return
        with self._held(self._file_lock):
            if not self._is_open:
                raise StoreUnavailableError(str(self.path), "it is not open. Next: call open() first")
            if not self._trusted:
                self._attach(create=not self._established)

    def _check_file(self) -> None:
        # SQLite would write on into a file that no longer has a name
        found = _inode(self.path)
        if found == self._inodes.get(""):
            return
        self._trusted = False
        what = "replaced" if found else "deleted"
        raise StoreUnavailableError(str(self.path), f"the file was {what} while it was in use")

    def _attach(self, *, create: bool) -> None:
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif _inode(self.path) is None:
            raise StoreUnavailableError(
                str(self.path),
                "the file is gone, and the operator's pauses with it. "
                "Next: put it back, or restart the bot to begin with an empty one",
            )
        self._discard_orphans()
        witness = self._connect("rwc" if create else "rw")
        try:
            self._prepare(create=create)
            _use_write_ahead_log(witness, self._seconds_left())
            _hold_log_open(witness)
            inodes = self._current_inodes()
        except BaseException:
            self._release(witness)
            raise
        self._release(self._witness)
        self._witness, self._inodes = witness, inodes
        self._connected += 1
        self._trusted = self._established = True

    def _prepare(self, *, create: bool) -> None:
        with self._engine.begin() as connection:
            found = schema_version(connection, self.path)
        if found == SCHEMA_VERSION:
            return
        if not found and not create:
            raise StoreUnavailableError(
                str(self.path),
                "the file was emptied, and the operator's pauses with it. "
                "Next: put a copy back, or restart the bot to begin with an empty one",
            )
        if found and not self._may_migrate:
            raise OlderSchemaError(self.path, found)
        with self._writer.begin() as connection:
            update_schema(connection, self.path)

    def _discard_orphans(self) -> None:
        # the log of a database that was swapped for a copy would be replayed into the copy
        current = self._current_inodes()
        if self._witness is None or current.get("") == self._inodes.get(""):
            return
        for suffix in ("-wal", "-shm"):
            if suffix in current and current[suffix] == self._inodes.get(suffix):
                self._beside(suffix).unlink(missing_ok=True)

    def _current_inodes(self) -> dict[str, tuple[int, int]]:
        found = {suffix: _inode(self._beside(suffix)) for suffix in ("", "-wal", "-shm")}
        return {suffix: inode for suffix, inode in found.items() if inode}

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _release(self, connection: sqlite3.Connection | None) -> None:
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _seconds_left(self) -> float:
        deadline = self._patience.deadline
        left = BUSY_TIMEOUT_SECONDS if deadline is None else deadline - monotonic()
        # a moment is left even then: a reader must not fail because another process is closing just now
        return min(max(left, _LEAST_PATIENCE_SECONDS), BUSY_TIMEOUT_SECONDS)

    @contextmanager
    def _held(self, lock: "Lock | RLock") -> Iterator[None]:
        if not lock.acquire(timeout=-1 if self._patience.deadline is None else self._seconds_left()):
            raise StoreUnavailableError(str(self.path), "another thread of this process is busy with it")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            self._trusted = False
            raise StoreUnavailableError(str(self.path), _cause(error)) from error


def _begin(connection: Connection) -> None:
    # a writer takes the lock at once: a read that turns into a write could not wait for it
    immediate = connection.get_execution_options().get(_IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _use_write_ahead_log(connection: sqlite3.Connection, seconds: float) -> None:
    # the change of the journal's mode does not wait for a lock by itself
    deadline = monotonic() + seconds
    while True:
        try:
            with closing(connection.execute("PRAGMA journal_mode = WAL")) as answer:
                answer.fetchone()
        except sqlite3.OperationalError:
            if monotonic() >= deadline:
                raise
            sleep(0.01)
        else:
            return


# a connection opens the log with its first read; held open, it is not folded away and deleted after every transaction
def _hold_log_open(connection: sqlite3.Connection) -> None:
    with closing(connection.execute("SELECT count(*) FROM sqlite_master")) as answer:
        answer.fetchall()


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _cause(error: Exception) -> str:
    if isinstance(error, DBAPIError):
        return str(error.orig)
    return str(error) or type(error).__name__


__all__ = ["BUSY_TIMEOUT_SECONDS", "Database"]
