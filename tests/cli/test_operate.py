"""The operator's commands say what they did, refuse what they must, and never make a lost ledger anew."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.control.control_room import DRIFTING, state
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.control.syntax import CommandSyntaxError
from tradai_lifecycle.errors import StoreUnavailableError, UnknownConfigKeyError
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store.ledger import Ledger

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A bot's configuration whose user_data is the test's folder."""
    file = tmp_path / "config.json"
    section = {"model_name": "demo", "registry_uri": "directory:registry"}
    file.write_text(json.dumps({"user_data_dir": str(tmp_path), "tradai_lifecycle": section}), encoding="utf-8")
    return file


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    """The path of that bot's ledger, which does not exist yet."""
    return tmp_path / "tradai_lifecycle.sqlite"


def run(*arguments: str | Path):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def records(path: Path) -> list[tuple[OperatorAction, float | None]]:
    with closing(Ledger(path)) as ledger:
        ledger.open()
        return [(record.action, record.ratio) for record in ledger.operator()]


@pytest.mark.parametrize(
    "command",
    [
        ["status"], ["why"], ["resume"], ["reduce", "0.5"], ["unpin"], ["pin"], ["rollback"], ["adopt"], ["drift"],
        ["accuracy"], ["blocked"], ["retrain"], ["ack"], ["resolve", "mended"], ["reset-drift"], ["history"],
    ],
)  # fmt: skip
def test_a_missing_ledger_is_named_and_not_made(command: list[str], config_file: Path, ledger_file: Path) -> None:
    result = run(*command, "-c", config_file)

    assert isinstance(result.exception, StoreUnavailableError)
    assert "it does not exist. Next: start the bot once, or put the file back" in str(result.exception)
    assert not ledger_file.exists()


def test_a_pause_is_written_even_where_there_is_no_ledger_yet(config_file: Path, ledger_file: Path) -> None:
    result = run("pause", "-c", config_file, "--note", "news")

    assert (result.exit_code, records(ledger_file)) == (0, [(OperatorAction.PAUSE, None)])


@pytest.mark.parametrize("ratio", ["0", "1.5", "nan"])
def test_a_ratio_out_of_range_is_refused_before_anything_is_written(
    ratio: str, config_file: Path, ledger_file: Path
) -> None:
    run("pause", "-c", config_file)

    assert isinstance(run("reduce", ratio, "-c", config_file).exception, CommandSyntaxError)
    assert records(ledger_file) == [(OperatorAction.PAUSE, None)]


def test_an_unknown_key_names_the_nearest_one(config_file: Path) -> None:
    section = {"model_name": "demo", "window_candle": 300}
    config_file.write_text(json.dumps({"tradai_lifecycle": section}), encoding="utf-8")

    error = run("status", "-c", config_file).exception
    assert isinstance(error, UnknownConfigKeyError)
    assert str(error) == (
        "tradai_lifecycle: unknown key 'window_candle' in the configuration. Did you mean 'window_candles'?"
    )


def test_status_shows_states_reasons_and_where_the_accuracy_rule_is_mute(
    config_file: Path, ledger_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Ledger(ledger_file)) as ledger:
        ledger.open()
        states = [state("ETH/USDT", NOW, effective_predictions=86.0), state("BTC/USDT", NOW, **DRIFTING)]
        ledger.record_batch(version="v1", candle=NOW, at=NOW, states=states)

    report = json.loads(run("status", "-c", config_file, "--json").stdout)
    assert (report["version"], list(report["pairs"])) == ("v1", ["BTC/USDT", "ETH/USDT"])
    assert report["pairs"]["BTC/USDT"]["reasons"] == ["significant drift of the features"]
    assert report["pairs"]["ETH/USDT"]["accuracy"]["verdict"] == "insufficient_data"

    monkeypatch.setenv("COLUMNS", "200")
    shown = run("status", "-c", config_file).stdout
    assert "86, too few" in " ".join(shown.split())
    assert "significant" in shown
