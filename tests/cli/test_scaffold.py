"""What `tradai new-strategy` and `tradai new-config` write works as it stands, and nothing is written over."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.hosts import run_freqtrade, user_data
from tests.monitor.real_candles import FOLDER, needs_candles
from tests.strategy.premises import PAIRS, market, time_range
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.scaffold import FileExistsAlreadyError, NotAClassNameError
from tradai_lifecycle.config import parse_config
from tradai_lifecycle.sandbox import SandboxExchange, exchange_config, write_datadir
from tradai_lifecycle.states import Adoption, Mode

NAME = "OwnModel"


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def loaded(path: Path) -> Mapping[str, Any]:
    """A configuration as freqtrade reads it."""
    from freqtrade.configuration import Configuration

    config: Mapping[str, Any] = Configuration({"config": [str(path)]}).get_config()
    return config


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with an empty user_data."""
    user_data(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_is_named_with_the_next_step(place: Path) -> None:
    strategy, config = run("new-strategy", NAME), run("new-config", "-s", NAME)
    assert (strategy.exit_code, config.exit_code) == (0, 0)
    assert f"wrote user_data/strategies/{NAME}.py" in strategy.stdout
    assert "wrote user_data/config.json\nwrote user_data/config.live.json\n" in config.stdout


def test_the_live_configuration_only_observes_and_marks_the_line_to_change(place: Path) -> None:
    shown = run("new-config", "-s", NAME).stdout
    dry, live = loaded(place / "user_data/config.json"), loaded(place / "user_data/config.live.json")
    assert (dry["dry_run"], parse_config(dry).mode) == (True, Mode.ACT)
    settings = parse_config(live)
    assert (live["dry_run"], settings.mode, settings.adoption) == (False, Mode.OBSERVE, Adoption.CONFIRM)
    assert (settings.model_name, settings.registry_uri) == ("own_model", "sqlite:///user_data/mlflow.db")
    lines = (place / "user_data/config.live.json").read_text(encoding="utf-8").splitlines()
    (number,) = re.findall(r"config\.live\.json:(\d+) is", shown)
    assert lines[int(number) - 1].strip() == '"mode": "observe"'
    assert lines[int(number) - 2].strip().startswith('// change "observe" to "act" on the next line')
    assert {key for key in live if key not in dry} == set()


@pytest.mark.parametrize(
    ("command", "file"),
    [(("new-strategy", NAME), f"strategies/{NAME}.py"), (("new-config", "-s", NAME), "config.live.json")],
)
def test_nothing_is_written_over_without_force(place: Path, command: tuple[str, ...], file: str) -> None:
    existing = place / "user_data" / file
    existing.write_text("mine", encoding="utf-8")
    result = run(*command)
    assert isinstance(result.exception, FileExistsAlreadyError)
    assert "exists; nothing was written. Next:" in str(result.exception)
    assert existing.read_text(encoding="utf-8") == "mine"
    assert not (place / "user_data/config.json").exists()
    assert run(*command, "--force").exit_code == 0
    assert existing.read_text(encoding="utf-8") != "mine"


@pytest.mark.parametrize("name", ["my-model", "1Model", "class", "a/b", ""])
def test_a_name_that_is_no_class_is_refused(place: Path, name: str) -> None:
    for command in (("new-strategy", name), ("new-config", "-s", name)):
        assert isinstance(run(*command).exception, NotAClassNameError)
    assert not list((place / "user_data/strategies").glob("*Model.py"))


@pytest.mark.host
@pytest.mark.timeout(600)
def test_the_new_strategy_is_listed_trained_and_backtested_with_the_new_configuration(place: Path) -> None:
    run("new-strategy", NAME)
    run("new-config", "-s", NAME)
    write_datadir(market(), place / "user_data/data/binance", "1h")
    config = ["-c", "user_data/config.json"]
    listed = run_freqtrade(["list-strategies", *config], place, env={"COLUMNS": "200"})
    assert re.search(rf"{NAME}\s*│\s*{NAME}.py\s*│\s*OK", listed.stdout)

    with SandboxExchange.from_frames(market(), "1h") as exchange:
        overlay = place / "sandbox.json"
        overlay.write_text(json.dumps({"exchange": exchange_config(exchange.url, pairs=PAIRS)}), encoding="utf-8")
        trained = tradai(place, "train", "-s", NAME, "--timerange", "20240101-20240615", "--promote", *config)
        assert "registered own_model v1" in trained
        done = run_freqtrade(
            ["backtesting", *config, "-c", overlay, "--timerange", time_range(4_000, 4_400), "--cache", "none"], place
        )
        assert "No trades made" not in done.stdout
        found = json.loads(tradai(place, "doctor", "--json", *config, "-c", str(overlay)))
    assert [row for row in found if row["level"] == "fail"] == []


@pytest.mark.market
@needs_candles
@pytest.mark.parametrize("pair", ["BTC_USDT", "ETH_USDT"])
def test_of_the_new_strategys_features_most_can_be_watched_on_real_candles(place: Path, pair: str) -> None:
    """Drift of plain returns cannot be told from a calm month: then a bot would act on hardly any of its series."""
    run("new-strategy", NAME)
    run("new-config", "-s", NAME)
    real = place / "user_data/data/binance"
    real.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(FOLDER) / f"{pair}-1h.feather", real)
    overlay = place / "pair.json"
    overlay.write_text(json.dumps({"exchange": {"pair_whitelist": [pair.replace("_", "/")]}}), encoding="utf-8")
    config = ["-c", "user_data/config.json", "-c", str(overlay)]
    trained = tradai(place, "train", "-s", NAME, "--timerange", "20200101-20240101", *config)
    (watched, series) = re.findall(r"drift is watched in (\d+) of (\d+) series", trained)[0]
    assert int(watched) >= int(series) - 1, trained


def tradai(place: Path, *arguments: str) -> str:
    """A `tradai` command in a process of its own; gives what it printed."""
    command = [str(Path(sys.executable).with_name("tradai")), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
