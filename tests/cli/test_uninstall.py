"""`tradai uninstall` leaves freqtrade's database and configuration clean, and touches nothing while a bot runs."""

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.cli.trade_books import BookedTrade, write_trades
from tests.hosts import plain_strategy_source
from tests.live.conftest import demo_bundle, workshop, workshop_exchange  # noqa: F401 - fixtures
from tests.live.workshop import DRIFT_AT, START, Workshop
from tests.model.bundles import artefact
from tests.store.test_migration import version_and_tables, write_version_one
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.config_text import CommentedSectionError, UncertainSectionError, without_section
from tradai_lifecycle.cli.running import BotRunningError, OlderBotRunningError, held_by_another
from tradai_lifecycle.cli.scaffold import MODE_MARK
from tradai_lifecycle.config import SECTION
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.runtime.model_cache import CachedVersion, ModelCache
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord
from tradai_lifecycle.store.schema import SCHEMA_VERSION
from tradai_lifecycle.strategy.trades import TradesUnavailableError, count_noted_versions, stored_trades


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A stopped bot with two noted trades, a ledger, a cached model, a registry and a rehearsal."""
    write_trades(tmp_path / "trades.sqlite", [BookedTrade(version="v1"), BookedTrade(version="v2"), BookedTrade()])
    ledger_of(tmp_path / "tradai_lifecycle.sqlite")
    registry = LocalDirectorySource(tmp_path / "registry", "demo")
    files = artefact(tmp_path / "artefact")
    version = registry.register(files, metrics={}, parameters={}, tags={})
    digest = registry.describe(version).digest or ""
    cache = ModelCache(tmp_path / "tradai_models", "demo")
    registry.fetch(version, cache.arrival(version))
    cache.add(CachedVersion(version=version, digest=digest, run_id=None), cache.arrival(version))
    ledger_of(tmp_path / "rehearsals" / "first" / "tradai_lifecycle.sqlite")
    configured(tmp_path)
    return tmp_path


def ledger_of(file: Path) -> Path:
    with closing(Ledger(file)) as ledger:
        ledger.open()
    return file


def configured(place: Path, **section: Any) -> Path:
    file = place / "config.json"
    config = {
        "dry_run": True,
        "db_url": f"sqlite:///{place / 'trades.sqlite'}",
        "user_data_dir": str(place),
        SECTION: {"model_name": "demo", "registry_uri": "directory:registry", **section},
        "max_open_trades": 3,
    }
    file.write_text(json.dumps(config, indent=4), encoding="utf-8")
    return file


def run(place: Path, *arguments: str, answer: str = "") -> Any:
    return CliRunner().invoke(app, ["uninstall", "-c", str(place / "config.json"), *arguments], input=answer)


def snapshot(place: Path) -> dict[str, bytes]:
    """Every file with its content; a database's log may come and go."""
    files = (path for path in place.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm")))
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


def noted(place: Path) -> int:
    return count_noted_versions(f"sqlite:///{place / 'trades.sqlite'}")


def test_it_asks_and_a_no_changes_nothing(place: Path) -> None:
    before = snapshot(place)
    result = run(place, answer="n\n")
    assert result.exit_code == 1
    assert "the model version of 2 trade(s) is removed" in result.stdout
    assert f"{place / 'tradai_models' / 'demo'} (the model cache): kept; --purge deletes it" in result.stdout
    assert snapshot(place) == before


def test_database_and_configuration_are_clean_and_own_files_stay(place: Path) -> None:
    text = (place / "config.json").read_text(encoding="utf-8")
    before = stored_trades(f"sqlite:///{place / 'trades.sqlite'}")

    result = run(place, answer="y\n")

    assert result.exit_code == 0, result.output
    assert noted(place) == 0
    assert [trade.profit for trade in stored_trades(f"sqlite:///{place / 'trades.sqlite'}")] == [
        trade.profit for trade in before
    ]
    values = json.loads(text)
    del values[SECTION]
    assert (place / "config.json").read_text(encoding="utf-8") == json.dumps(values, indent=4)
    assert (place / "config.json.bak").read_text(encoding="utf-8") == text
    assert all(
        (place / name).exists() for name in ("tradai_lifecycle.sqlite", "tradai_models", "registry", "rehearsals")
    )
    assert "next: give the strategy the base class IStrategy alone" in result.stdout


def test_purge_deletes_what_the_lifecycle_made_and_nothing_else(place: Path) -> None:
    (place / "tradai_models" / "another").mkdir()
    result = run(place, "--purge", "--yes")
    assert result.exit_code == 0, result.output
    left = {path.name for path in place.iterdir()}
    assert left == {"artefact", "config.json", "config.json.bak", "registry", "trades.sqlite", "tradai_models"}
    assert [path.name for path in (place / "tradai_models").iterdir()] == ["another"]


def test_a_registry_is_deleted_only_by_its_own_option_and_that_deletes_nothing_else(place: Path) -> None:
    kept = run(place, "--purge", "--yes")
    assert f"{place / 'registry' / 'demo'} (the model registry): kept; --purge-registry deletes it" in kept.stdout
    assert (place / "registry" / "demo").is_dir()

    ledger_of(place / "tradai_lifecycle.sqlite")
    configured(place)
    assert run(place, "--purge-registry", "--yes").exit_code == 0
    assert not (place / "registry").exists()
    assert (place / "tradai_lifecycle.sqlite").is_file()


@pytest.mark.parametrize("name", ["live.sqlite", "live bot/ledger"])
def test_the_model_cache_stays_for_another_bot_of_the_directory(place: Path, name: str) -> None:
    with closing(Ledger(place / name)) as running:
        running.open()
        result = run(place, "--purge", "--yes")
        assert held_by_another(place / name)
    cache = place / "tradai_models" / "demo"
    assert f"{cache} (the model cache): kept: {place / name} may be the database of another bot" in result.stdout
    assert (cache / "index.json").is_file()
    assert not (place / "tradai_lifecycle.sqlite").exists()


def test_a_file_that_cannot_be_read_counts_as_another_bots(place: Path) -> None:
    damaged = ledger_of(place / "live.sqlite")
    damaged.write_bytes(damaged.read_bytes()[:100] + b"x" * 400)
    run(place, "--purge", "--yes")
    assert (place / "tradai_models" / "demo").is_dir()


def test_only_rehearsals_are_deleted_among_what_lies_with_them(place: Path) -> None:
    rehearsals = place / "rehearsals"
    (rehearsals / "notes.txt").write_text("mine", encoding="utf-8")
    for mine in ("empty", "trades"):
        (rehearsals / mine).mkdir()
    write_trades(rehearsals / "trades" / "tradai_lifecycle.sqlite", [])
    (rehearsals / "linked").symlink_to(ledger_of(place / "elsewhere" / "tradai_lifecycle.sqlite").parent)
    result = run(place, "--purge", "--yes")
    assert result.exit_code == 0, result.output
    assert {path.name for path in rehearsals.iterdir()} == {"notes.txt", "empty", "trades", "linked"}
    assert (place / "elsewhere" / "tradai_lifecycle.sqlite").is_file()
    assert f"{rehearsals / 'notes.txt'} (a rehearsal): kept: it holds no tradai_lifecycle.sqlite of ours" in (
        result.stdout
    )


def test_a_folder_that_is_not_ours_is_never_deleted(place: Path) -> None:
    (place / "photos" / "demo").mkdir(parents=True)
    configured(place, model_cache_path="photos")
    result = run(place, "--purge", "--yes")
    assert "(the model cache): kept: it holds no index.json: not ours" in result.stdout
    assert (place / "photos" / "demo").is_dir()


def test_an_mlflow_database_is_purged_unless_it_serves_others(place: Path) -> None:
    database = place / "mlflow.db"
    for name in ("demo", "another"):
        with closing(MlflowSource(f"sqlite:///{database}", name)) as source:
            source.register(place / "artefact", metrics={}, parameters={}, tags={})
    configured(place, registry_uri=f"sqlite:///{database}")
    result = run(place, "--purge-registry", "--yes")
    assert f"{database} (the model registry): kept: it is used for model another, experiment another as well" in (
        result.stdout
    )
    assert database.is_file()

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM registered_models WHERE name = 'another'")
        connection.execute("DELETE FROM experiments WHERE name = 'another'")
        connection.commit()
    configured(place, registry_uri=f"sqlite:///{database}")
    assert run(place, "--purge", "--yes").exit_code == 0
    assert (database.is_file(), (place / "mlartifacts" / "demo").is_dir()) == (True, True)
    configured(place, registry_uri=f"sqlite:///{database}")
    assert run(place, "--purge-registry", "--yes").exit_code == 0
    assert not list(place.glob("mlflow.db*"))
    assert not (place / "mlartifacts" / "demo").exists()


def test_a_bot_that_wrote_a_moment_ago_is_not_touched(place: Path) -> None:
    now = datetime.now(UTC)
    with closing(Ledger(place / "tradai_lifecycle.sqlite")) as ledger:
        ledger.open()
        ledger.record_bot(bot_record(now - timedelta(minutes=1)))
    before = snapshot(place)
    error = run(place, "--yes").exception
    assert isinstance(error, BotRunningError)
    assert "it wrote into" in str(error)
    assert snapshot(place) == before


def bot_record(at: datetime) -> BotRecord:
    return BotRecord(
        at=at,
        started_at=at,
        timeframe="1h",
        horizon_candles=6,
        window_candles=200,
        freqtrade_state="running",
        dry_run=True,
        stake_currency="USDT",
        registry_seen_at=None,
        registry_problem="",
        awaiting=None,
        positions=(),
    )


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
        error = run(place, "--yes").exception
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
        assert isinstance(run(place, "--yes").exception, StoreUnavailableError)
    configured(place)
    assert isinstance(
        run(place, "--yes", "--db-url", f"sqlite:///{place}/config.json").exception, TradesUnavailableError
    )
    assert snapshot(place) == before


def test_a_database_that_is_being_written_is_left_as_it_is(place: Path) -> None:
    with closing(sqlite3.connect(place / "trades.sqlite")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        error = run(place, "--yes").exception
        writer.rollback()
    assert "database is locked" in str(error)
    assert (noted(place), SECTION in (place / "config.json").read_text()) == (2, True)


def test_a_bot_without_trades_yet_is_no_obstacle(place: Path) -> None:
    (place / "trades.sqlite").unlink()
    assert run(place, "--yes").exit_code == 0
    assert not (place / "trades.sqlite").exists()


def test_a_backup_is_not_written_over(place: Path) -> None:
    (place / "config.json.bak").write_text("older", encoding="utf-8")
    run(place, "--yes")
    assert (place / "config.json.bak").read_text(encoding="utf-8") == "older"
    assert SECTION in (place / "config.json.bak2").read_text(encoding="utf-8")


@pytest.fixture
def usual_mask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_mask")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_backup_is_readable_for_those_who_could_read_the_configuration(
    place: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    (place / "config.json").chmod(mode)
    made: list[int] = []
    fdopen = os.fdopen

    def seen(descriptor: int, *arguments: Any) -> Any:
        made.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return fdopen(descriptor, *arguments)

    # the moment before the first byte is written
    monkeypatch.setattr("tradai_lifecycle.cli.uninstall.os.fdopen", seen)
    run(place, "--yes")
    assert made == [mode]
    assert [stat.S_IMODE(file.stat().st_mode) for file in sorted(place.glob("config.json*"))] == [mode, mode]


def test_every_other_byte_of_the_configuration_stays(place: Path) -> None:
    file = place / "config.json"
    section = f'    "{SECTION}": {{\r\n        "model_name": "demo"\r\n    }}'
    rest = f'{{\r\n    "db_url": "sqlite:///{place}/trades.sqlite",\r\n    // Zürich\r\n\t"user_data_dir": "{place}"'
    file.write_bytes(f"{rest},\r\n{section}\r\n}}\r\n".encode())
    before = file.read_bytes()
    assert run(place, "--yes").exit_code == 0
    assert file.read_bytes() == f"{rest}\r\n}}\r\n".encode()
    assert (place / "config.json.bak").read_bytes() == before


COMMENTED = """{
    // mine
    "dry_run": true,
    "db_url": "sqlite:///trades.sqlite", /* "tradai_lifecycle": {} */
    "tradai_lifecycle": {
        "model_name": "demo", // theirs
        "registry_uri": "directory:registry"
    },
    "max_open_trades": 3,
}
"""


def test_comments_in_the_section_stop_it_with_the_lines_to_delete(place: Path) -> None:
    (place / "config.json").write_text(COMMENTED, encoding="utf-8")
    before = snapshot(place)
    result = run(place, "--yes", "--userdir", str(place), "--db-url", f"sqlite:///{place / 'trades.sqlite'}")
    assert isinstance(result.exception, CommentedSectionError)
    assert "nothing was done. Next: delete lines 5 to 8 by hand" in str(result.exception)
    assert snapshot(place) == before


def test_comments_elsewhere_and_our_own_mark_survive_and_vanish(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(COMMENTED.replace("// theirs", MODE_MARK), encoding="utf-8")
    cut = without_section(file, SECTION, own_comments=(MODE_MARK,))
    kept = COMMENTED.splitlines(keepends=True)
    assert cut.text == "".join([*kept[:4], *kept[8:]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "tradai_lifecycle": {"x": {"y": [1, "}"]}}}', '{"a": 1 }'),
        ('{"tradai_lifecycle": {}, "a": 1}', '{ "a": 1}'),
        ('{"tradai_lifecycle": {}}', "{}"),
        ('{"a": {"tradai_lifecycle": {}}}', None),
        ('{"a": "\\"tradai_lifecycle\\": {"}', None),
    ],
)
def test_the_section_is_cut_out_and_its_name_elsewhere_is_not(tmp_path: Path, text: str, expected: str | None) -> None:
    file = tmp_path / "config.json"
    file.write_text(text, encoding="utf-8")
    cut = without_section(file, SECTION)
    assert (cut.text, cut.found) == (expected or text, expected is not None)


def test_a_section_that_stands_twice_is_not_guessed_at(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"tradai_lifecycle": {"a": 1}, "tradai_lifecycle": {"b": 2}}', encoding="utf-8")
    with pytest.raises(UncertainSectionError):
        without_section(file, SECTION)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\/{},:*', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"{', max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    before=st.dictionaries(st.text('ab"/', max_size=3), JSON, max_size=3),
    section=st.dictionaries(st.text("cd", min_size=1, max_size=3), JSON, max_size=3),
    after=st.dictionaries(st.text("xy", min_size=1, max_size=3), JSON, max_size=3),
    indent=st.sampled_from([None, 2, 4]),
)
def test_any_configuration_without_its_section_reads_as_before(
    tmp_path_factory: pytest.TempPathFactory, before: Any, section: Any, after: Any, indent: int | None
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.json"
    file.write_text(json.dumps({**before, SECTION: section, **after}, indent=indent), encoding="utf-8")
    assert json.loads(without_section(file, SECTION).text) == {**before, **after}


@pytest.mark.host
def test_a_real_bot_is_left_alone_while_it_runs_and_trades_on_plainly_afterwards(workshop: Workshop) -> None:  # noqa: F811
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
