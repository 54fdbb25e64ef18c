"""The example configurations work as they stand, with nothing laid over them but the sandbox exchange."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.hosts import run_freqtrade, user_data
from tradai_lifecycle.config import parse_config
from tradai_lifecycle.sandbox import (
    SandboxExchange,
    SteppedBot,
    exchange_config,
    load_freqtrade_config,
    write_datadir,
)
from tradai_lifecycle.states import Adoption, Mode

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "config").glob("*.example.json"))
STRATEGY = ROOT / "user_data" / "strategies" / "lifecycle_demo.py"

pytestmark = [pytest.mark.host, pytest.mark.timeout(600)]


def example(name: str) -> Path:
    return ROOT / "config" / f"{name}.example.json"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sandbox_market: dict[str, pd.DataFrame]) -> Path:
    """A working directory with user_data, candles, and a production model by the example's own settings."""
    root = tmp_path_factory.mktemp("place")
    write_datadir(sandbox_market, user_data(root, STRATEGY) / "data" / "binance", "1h")
    command = [str(Path(sys.executable).with_name("tradai")), "train", "--config", str(example("backtest"))]
    command += [
        "--strategy",
        "LifecycleDemo",
        "--timerange",
        "20240101-20240415",
        "--param",
        "max_iter=30",
        "--promote",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def overlay(tmp_path: Path, sandbox_exchange: SandboxExchange, sandbox_market: dict[str, pd.DataFrame]) -> Path:
    file = tmp_path / "sandbox.json"
    file.write_text(json.dumps({"exchange": exchange_config(sandbox_exchange.url, pairs=sandbox_market)}))
    return file


def test_there_is_an_example_for_each_way_to_run() -> None:
    assert [path.name.split(".")[0] for path in EXAMPLES] == ["backtest", "dryrun", "live"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_freqtrade_and_the_lifecycle_accept_an_example(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from freqtrade.configuration import Configuration

    user_data(tmp_path, STRATEGY)
    monkeypatch.chdir(tmp_path)
    config: dict[str, Any] = Configuration({"config": [str(path)]}).get_config()
    live = path == example("live")
    assert config["dry_run"] is not live
    assert config["exchange"]["key"] == config["exchange"]["secret"] == ""
    lifecycle = parse_config(config)
    assert lifecycle.mode is (Mode.OBSERVE if live else Mode.ACT)
    assert lifecycle.adoption is (Adoption.CONFIRM if live else Adoption.AUTO)


def test_the_backtest_example_backtests(place: Path, overlay: Path) -> None:
    arguments = ["backtesting", "-c", example("backtest"), "-c", overlay, "--timerange", "20240417-20240501"]
    done = run_freqtrade([*arguments, "--cache", "none"], place)
    assert "LifecycleDemo" in done.stdout
    assert "No trades made" not in done.stdout


def test_the_dryrun_example_trades_by_its_model(place: Path, overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    config = load_freqtrade_config([example("dryrun"), overlay])
    with SteppedBot(config, datetime(2024, 4, 17, 0, 0, 30, tzinfo=UTC)) as bot:
        bot.startup()
        assert bot.step() == datetime(2024, 4, 17, tzinfo=UTC)
        assert bot.step() - timedelta(hours=1) == datetime(2024, 4, 17, tzinfo=UTC)
        frame, _ = bot.strategy.dp.get_analyzed_dataframe("BTC/USDT", "1h")
        newest = frame.iloc[-1]
        assert (newest["model_version"], newest["do_predict"]) == ("v1", 1)
        assert newest["trading_state"] in ("active", "reduced", "paused")
    assert (place / "user_data" / "tradai_lifecycle.sqlite").is_file()
