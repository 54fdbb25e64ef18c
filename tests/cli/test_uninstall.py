"""`tradai uninstall` leaves freqtrade's database and configuration clean, and deletes only what it is told to."""

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stopped_bot import COMMENTED, configured, ledger_of, noted, snapshot, uninstall
from tests.cli.trade_books import write_trades
from tradai_lifecycle.cli.config_text import CommentedSectionError
from tradai_lifecycle.cli.running import held_by_another
from tradai_lifecycle.config import SECTION
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.trades import stored_trades


def test_it_asks_and_a_no_changes_nothing(place: Path) -> None:
    before = snapshot(place)
    result = uninstall(place, answer="n\n")
    assert result.exit_code == 1
    assert "the model version of 2 trade(s) is removed" in result.stdout
    assert f"{place / 'tradai_models' / 'demo'} (the model cache): kept; --purge deletes it" in result.stdout
    assert snapshot(place) == before


def test_database_and_configuration_are_clean_and_own_files_stay(place: Path) -> None:
    text = (place / "config.json").read_text(encoding="utf-8")
    before = stored_trades(f"sqlite:///{place / 'trades.sqlite'}")

    result = uninstall(place, answer="y\n")

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
    result = uninstall(place, "--purge", "--yes")
    assert result.exit_code == 0, result.output
    left = {path.name for path in place.iterdir()}
    assert left == {"artefact", "config.json", "config.json.bak", "registry", "trades.sqlite", "tradai_models"}
    assert [path.name for path in (place / "tradai_models").iterdir()] == ["another"]


def test_a_registry_is_deleted_only_by_its_own_option_and_that_deletes_nothing_else(place: Path) -> None:
    kept = uninstall(place, "--purge", "--yes")
    assert f"{place / 'registry' / 'demo'} (the model registry): kept; --purge-registry deletes it" in kept.stdout
    assert (place / "registry" / "demo").is_dir()

    ledger_of(place / "tradai_lifecycle.sqlite")
    configured(place)
    assert uninstall(place, "--purge-registry", "--yes").exit_code == 0
    assert not (place / "registry").exists()
    assert (place / "tradai_lifecycle.sqlite").is_file()


@pytest.mark.parametrize("name", ["live.sqlite", "live bot/ledger"])
def test_the_model_cache_stays_for_another_bot_of_the_directory(place: Path, name: str) -> None:
    with closing(Ledger(place / name)) as running:
        running.open()
        result = uninstall(place, "--purge", "--yes")
        assert held_by_another(place / name)
    cache = place / "tradai_models" / "demo"
    assert f"{cache} (the model cache): kept: {place / name} may be the database of another bot" in result.stdout
    assert (cache / "index.json").is_file()
    assert not (place / "tradai_lifecycle.sqlite").exists()


def test_a_file_that_cannot_be_read_counts_as_another_bots(place: Path) -> None:
    damaged = ledger_of(place / "live.sqlite")
    damaged.write_bytes(damaged.read_bytes()[:100] + b"x" * 400)
    uninstall(place, "--purge", "--yes")
    assert (place / "tradai_models" / "demo").is_dir()


def test_only_rehearsals_are_deleted_among_what_lies_with_them(place: Path) -> None:
    rehearsals = place / "rehearsals"
    (rehearsals / "notes.txt").write_text("mine", encoding="utf-8")
    for mine in ("empty", "trades"):
        (rehearsals / mine).mkdir()
    write_trades(rehearsals / "trades" / "tradai_lifecycle.sqlite", [])
    (rehearsals / "linked").symlink_to(ledger_of(place / "elsewhere" / "tradai_lifecycle.sqlite").parent)
    result = uninstall(place, "--purge", "--yes")
    assert result.exit_code == 0, result.output
    assert {path.name for path in rehearsals.iterdir()} == {"notes.txt", "empty", "trades", "linked"}
    assert (place / "elsewhere" / "tradai_lifecycle.sqlite").is_file()
    assert f"{rehearsals / 'notes.txt'} (a rehearsal): kept: it holds no tradai_lifecycle.sqlite of ours" in (
        result.stdout
    )


def test_a_folder_that_is_not_ours_is_never_deleted(place: Path) -> None:
    (place / "photos" / "demo").mkdir(parents=True)
    configured(place, model_cache_path="photos")
    result = uninstall(place, "--purge", "--yes")
    assert "(the model cache): kept: it holds no index.json: not ours" in result.stdout
    assert (place / "photos" / "demo").is_dir()


def test_an_mlflow_database_is_purged_unless_it_serves_others(place: Path) -> None:
    database = place / "mlflow.db"
    for name in ("demo", "another"):
        with closing(MlflowSource(f"sqlite:///{database}", name)) as source:
            source.register(place / "artefact", metrics={}, parameters={}, tags={})
    configured(place, registry_uri=f"sqlite:///{database}")
    result = uninstall(place, "--purge-registry", "--yes")
    assert f"{database} (the model registry): kept: it is used for model another, experiment another as well" in (
        result.stdout
    )
    assert database.is_file()

    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM registered_models WHERE name = 'another'")
        connection.execute("DELETE FROM experiments WHERE name = 'another'")
        connection.commit()
    configured(place, registry_uri=f"sqlite:///{database}")
    assert uninstall(place, "--purge", "--yes").exit_code == 0
    assert (database.is_file(), (place / "mlartifacts" / "demo").is_dir()) == (True, True)
    configured(place, registry_uri=f"sqlite:///{database}")
    assert uninstall(place, "--purge-registry", "--yes").exit_code == 0
    assert not list(place.glob("mlflow.db*"))
    assert not (place / "mlartifacts" / "demo").exists()


def test_a_bot_without_trades_yet_is_no_obstacle(place: Path) -> None:
    (place / "trades.sqlite").unlink()
    assert uninstall(place, "--yes").exit_code == 0
    assert not (place / "trades.sqlite").exists()


def test_a_backup_is_not_written_over(place: Path) -> None:
    (place / "config.json.bak").write_text("older", encoding="utf-8")
    uninstall(place, "--yes")
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
    uninstall(place, "--yes")
    assert made == [mode]
    assert [stat.S_IMODE(file.stat().st_mode) for file in sorted(place.glob("config.json*"))] == [mode, mode]


def test_every_other_byte_of_the_configuration_stays(place: Path) -> None:
    file = place / "config.json"
    section = f'    "{SECTION}": {{\r\n        "model_name": "demo"\r\n    }}'
    rest = f'{{\r\n    "db_url": "sqlite:///{place}/trades.sqlite",\r\n    // Zürich\r\n\t"user_data_dir": "{place}"'
    file.write_bytes(f"{rest},\r\n{section}\r\n}}\r\n".encode())
    before = file.read_bytes()
    assert uninstall(place, "--yes").exit_code == 0
    assert file.read_bytes() == f"{rest}\r\n}}\r\n".encode()
    assert (place / "config.json.bak").read_bytes() == before


def test_comments_in_the_section_stop_it_with_the_lines_to_delete(place: Path) -> None:
    (place / "config.json").write_text(COMMENTED, encoding="utf-8")
    before = snapshot(place)
    result = uninstall(place, "--yes", "--userdir", str(place), "--db-url", f"sqlite:///{place / 'trades.sqlite'}")
    assert isinstance(result.exception, CommentedSectionError)
    assert "nothing was done. Next: delete lines 5 to 8 by hand" in str(result.exception)
    assert snapshot(place) == before
