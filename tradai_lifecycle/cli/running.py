"""Whether a bot is running, by what it leaves behind; its ledger opened without harm to one that runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tradai_lifecycle.errors import ConfigurationError, StoreUnavailableError
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord
from tradai_lifecycle.store.schema import SCHEMA_VERSION, OlderSchemaError

#: A running bot writes about itself at least once a minute.
RUNNING_WITHIN = timedelta(minutes=3)


class BotRunningError(ConfigurationError):
    """What was asked for needs the bot to be stopped, and it seems to run."""

    def __init__(self, evidence: str) -> None:
        super().__init__(
            f"The bot seems to be running: {evidence}. Nothing was done. Next: stop it, then run this again."
        )


class OlderBotRunningError(ConfigurationError):
    """The ledger is of an older version and in use: a change of its tables would take it from the bot that runs."""

    def __init__(self, file: Path, found: int) -> None:
        super().__init__(
            f"{file} has schema version {found}, this tradai-lifecycle's is {SCHEMA_VERSION}, and another process has "
            f"it open: a bot of the older version seems to run. Nothing was done. "
            f"Next: stop the bot, upgrade it to this version, start it, then run this again."
        )


@contextmanager
def opened_ledger(file: Path) -> Iterator[Ledger]:
    """The ledger for a command; an older one is brought up to date only while no other process has it open.

    Raises OlderBotRunningError where one has, StoreUnavailableError for a file that cannot be used.
    """
    with closing(Ledger(file)) as ledger:
        try:
            ledger.open(migrate=False)
        except OlderSchemaError as error:
            ledger.close()
            if held_by_another(file):
                raise OlderBotRunningError(file, error.found) from error
            ledger.open()
        yield ledger


def said_recently(bot: BotRecord, now: datetime) -> bool:
    """Whether a bot wrote about itself so lately that it must be running."""
    return now - bot.at <= RUNNING_WITHIN


def require_stopped(ledger_file: Path, now: datetime) -> str:
    """What was looked at to find that no bot runs, in words. Raises BotRunningError with what says that one does.

    A bot keeps its ledger open for as long as it runs, and writes into it at least once a minute. Raises
    StoreUnavailableError for a file that is no ledger.
    """
    if not ledger_file.is_file():
        return f"{ledger_file} does not exist"
    try:
        with opened_ledger(ledger_file) as ledger:
            bot = ledger.bot()
    except OlderBotRunningError as error:
        # one that is to be taken away need not be upgraded first
        raise BotRunningError(f"another process has {ledger_file} open") from error
    if held_by_another(ledger_file):
        raise BotRunningError(f"another process has {ledger_file} open")
    if bot is not None and said_recently(bot, now):
        raise BotRunningError(f"it wrote into {ledger_file} at {bot.at:%Y-%m-%d %H:%M:%S} UTC")
    written = "never" if bot is None else f"last at {bot.at:%Y-%m-%d %H:%M} UTC"
    return f"no other process has {ledger_file} open, and a bot wrote into it {written}"


def held_by_another(database: Path) -> bool:
    """Whether any other connection has this SQLite file open, which must be in write-ahead mode. Changes nothing.

    Raises StoreUnavailableError where that cannot be found out.
    """
    uri = f"{database.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0.5, isolation_level=None)) as probe:
            return _is_shared(probe)
    except sqlite3.Error as error:
        raise StoreUnavailableError(str(database), str(error)) from error


def _is_shared(probe: sqlite3.Connection) -> bool:
    try:
        # in this mode a connection waits for no reader or writer: it needs to be the only one
        probe.execute("PRAGMA locking_mode = EXCLUSIVE")
        probe.execute("BEGIN EXCLUSIVE")
        probe.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return True
    return False


__all__ = [
    "RUNNING_WITHIN",
    "BotRunningError",
    "OlderBotRunningError",
    "held_by_another",
    "opened_ledger",
    "require_stopped",
    "said_recently",
]
