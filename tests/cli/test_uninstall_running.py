"""`tradai uninstall` and the shell touch nothing of a bot that runs, nor of another program."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cli.stopped_bot import configured, noted, snapshot, uninstall
from tests.hosts import plain_strategy_source
from tests.live.workshop import DRIFT_AT, START, Workshop
from tests.store.bots import running_bot
from tests.store.test_migration import version_and_tables, write_version_one
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.running import BotRunningError, OlderBotRunningError, held_by_another
from tradai_lifecycle.config import SECTION
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.schema import SCHEMA_VERSION
from tradai_lifecycle.strategy.trades import TradesUnavailableError, count_noted_versions, stored_trades


def test_a_bot_that_wrote_a_moment_ago_is_not_touched(place: Path) -> None:
    now = datetime.now(UTC)
    with closing(Ledger(place / "tradai_lifecycle.sqlite")) as ledger:
        ledger.open()
        ledger.record_bot(running_bot(now - timedelta(minutes=1)))
    before = snapshot(place)
    error = uninstall(place, "--yes").exception
    assert isinstance(error, BotRunningError)
    assert "it wrote into" in str(error)
    assert snapshot(place) == before


@contextmanager
def older_bot(file: Path) -> Iterator[sqlite3.Connection]:
    """What a running bot of schema version 1 does to its file: it holds it open."""
    write_version_one(file)
    with closing(sqlite3.connect(file)) as bot:
        assert bot.execute("SELECT count(*) FROM states").fetchone() == (2,)
        yield bot


@pytest.mark.parametrize("command", ["status", "pause", "history"])
def test_a_command_leaves_the_ledger_of_a_running_older_bot_as_it_is(place: Path, command: str) -> None:
    file = place / "older.sqlite"
    configured(place, store_path=file.name)
    with older_bot(file):
        before = version_and_tables(file)
        error = CliRunner().invoke(app, [command, "-c", str(place / "config.json")]).exception
        assert isinstance(error, OlderBotRunningError)
        assert "stop the bot, upgrade it to this version, start it" in str(error)
        assert version_and_tables(file) == before
    assert before[0] == 1
    assert CliRunner().invoke(app, [command, "-c", str(place / "config.json")]).exception is None
    assert version_and_tables(file)[0] == SCHEMA_VERSION


def test_uninstall_asks_for_a_running_older_bot_to_be_stopped_only(place: Path) -> None:
    configured(place, store_path="older.sqlite")
    with older_bot(place / "older.sqlite"):
        before = snapshot(place)
        error = uninstall(place, "--yes").exception
        assert isinstance(error, BotRunningError)
        assert str(error).endswith("Next: stop it, then run this again.")
        assert snapshot(place) == before


def test_an_open_ledger_is_seen_and_looking_changes_nothing(place: Path) -> None:
    file = place / "tradai_lifecycle.sqlite"
    content = file.read_bytes()
    with closing(Ledger(file)) as ledger:
        ledger.open()
        assert held_by_another(file)
        assert ledger.bot() is None
    assert not held_by_another(file)
    assert file.read_bytes() == content


def test_another_programs_database_stops_everything_before_it_begins(place: Path) -> None:
    before = snapshot(place)
    for foreign in ("trades.sqlite", "config.json"):
        configured(place, store_path=foreign)
        assert isinstance(uninstall(place, "--yes").exception, StoreUnavailableError)
    configured(place)
    assert isinstance(
        uninstall(place, "--yes", "--db-url", f"sqlite:///{place}/config.json").exception, TradesUnavailableError
    )
    assert snapshot(place) == before


def test_a_database_that_is_being_written_is_left_as_it_is(place: Path) -> None:
    with closing(sqlite3.connect(place / "trades.sqlite")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        error = uninstall(place, "--yes").exception
        writer.rollback()
    assert "database is locked" in str(error)
    assert (noted(place), SECTION in (place / "config.json").read_text()) == (2, True)


@pytest.mark.host
def test_a_real_bot_is_left_alone_while_it_runs_and_trades_on_plainly_afterwards(workshop: Workshop) -> None:
    workshop.register()
    file = workshop.user_data / "trades.sqlite"
    url = f"sqlite:///{file}"
    config = load_freqtrade_config([workshop.configure()], {"db_url": url})
    begin = START + timedelta(hours=DRIFT_AT - 400, seconds=5)
    with SteppedBot(config, begin) as bot:
        bot.startup()
        for _ in bot.steps(40):
            pass
        refused = workshop.tradai("uninstall", "--yes", "--db-url", url, check=False)
        end = bot.now
    assert (refused.returncode, "seems to be running: another process has" in refused.stderr) == (2, True)
    before = stored_trades(url)
    assert {trade.version for trade in before} == {"v1"}

    done = workshop.tradai("uninstall", "--yes", "--purge", "--db-url", url)

    assert "no bot is running: no other process has" in done.stdout
    assert count_noted_versions(url) == 0
    assert not list(workshop.user_data.glob("tradai*"))
    assert SECTION not in json.loads(workshop.config_file.read_text(encoding="utf-8"))
    (workshop.user_data / "strategies" / "plain.py").write_text(plain_strategy_source(), encoding="utf-8")
    plain = load_freqtrade_config([workshop.config_file], {"db_url": url, "strategy": "PlainStrategy"})
    with SteppedBot(plain, end + timedelta(seconds=60)) as bot:
        bot.startup()
        for _ in bot.steps(10):
            pass
    after = stored_trades(url)
    assert len(after) > len(before)
    assert [trade.opened_at for trade in after[: len(before)]] == [trade.opened_at for trade in before]
    assert {trade.version for trade in after} == {"none"}
