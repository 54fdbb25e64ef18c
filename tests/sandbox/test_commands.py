"""Real freqtrade commands run against the sandbox alone; `run_freqtrade` fails when one looks outside."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.hosts import plain_strategy_source, run_freqtrade, user_data, write_config
from tradai_lifecycle.sandbox import BASE, SandboxExchange, build_market, write_datadir

pytestmark = pytest.mark.host

START = datetime(2024, 1, 1, tzinfo=UTC)


def backtested(root: Path) -> list[dict[str, Any]]:
    archive = next((root / "backtest_results").glob("*.zip"))
    with zipfile.ZipFile(archive) as stored, stored.open(f"{archive.stem}.json") as file:
        trades: list[dict[str, Any]] = json.load(file)["strategy"]["PlainStrategy"]["trades"]
        return trades


def test_a_spot_backtest_runs_over_the_synthetic_market(
    tmp_path: Path, sandbox_exchange: SandboxExchange, sandbox_market: dict[str, pd.DataFrame]
) -> None:
    root = user_data(tmp_path, plain_strategy_source())
    write_datadir(sandbox_market, root / "data" / "binance", "1h")
    config = write_config(tmp_path / "config.json", sandbox_exchange.url, sandbox_market)
    run_freqtrade(["backtesting", "-c", config, "--export", "trades", "--cache", "none"], tmp_path)
    trades = backtested(root)
    assert {trade["pair"] for trade in trades} == set(sandbox_market)
    assert len(trades) > 50


def test_a_futures_backtest_goes_long_and_short(tmp_path: Path) -> None:
    pairs = ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    frames = build_market(3, pairs, "1h", START, 1_500, (BASE,))
    root = user_data(tmp_path, plain_strategy_source(can_short=True))
    write_datadir(frames, root / "data" / "binance", "1h", "futures")
    with SandboxExchange.from_frames(frames, "1h") as exchange:
        config = write_config(tmp_path / "config.json", exchange.url, pairs, trading_mode="futures")
        run_freqtrade(["backtesting", "-c", config, "--export", "trades", "--cache", "none"], tmp_path)
        assert exchange.unanswered == []
    trades = backtested(root)
    assert {trade["is_short"] for trade in trades} == {True, False}
    assert any(trade["funding_fees"] for trade in trades)


def test_pairs_are_listed_and_candles_downloaded_from_the_sandbox(
    tmp_path: Path, sandbox_exchange: SandboxExchange, sandbox_market: dict[str, pd.DataFrame]
) -> None:
    root = user_data(tmp_path, plain_strategy_source())
    config = write_config(tmp_path / "config.json", sandbox_exchange.url, sandbox_market)
    listed = run_freqtrade(["list-pairs", "-c", config, "--print-json"], tmp_path)
    assert json.loads(listed.stdout.strip().splitlines()[-1]) == sorted(sandbox_market)

    span = ["--timerange", "20240110-20240310"]  # more candles than one answer holds
    run_freqtrade(["download-data", "-c", config, "-p", "BTC/USDT", "-t", "1h", *span], tmp_path)
    stored = pd.read_feather(root / "data" / "binance" / "BTC_USDT-1h.feather")
    candles = sandbox_market["BTC/USDT"].set_index("date").loc["2024-01-10":].head(len(stored))
    assert len(stored) > 24 * 60
    assert stored["date"].tolist() == candles.index.tolist()
    assert stored["close"].tolist() == candles["close"].tolist()


def test_a_command_that_looks_outside_fails_the_test(tmp_path: Path) -> None:
    user_data(tmp_path, plain_strategy_source())
    unmoved = {"name": "binance", "pair_whitelist": ["BTC/USDT"]}
    config = write_config(tmp_path / "config.json", "http://127.0.0.1:1", [], exchange=unmoved)
    with pytest.raises(AssertionError, match=r"looked outside: socket\.getaddrinfo \S*binance"):
        run_freqtrade(["list-pairs", "-c", config], tmp_path)
