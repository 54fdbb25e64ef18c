"""Every freqtrade command works on a strategy with a lifecycle, by the real command in a process of its own."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pandas as pd
import pytest

from tests.strategy.premises import (
    DRIFT_FROM,
    STARTUP_CANDLES,
    TRAINED_CANDLES,
    Premises,
    candle_time,
    copy_premises,
    time_range,
    trained_bundle,
    variant,
)
from tradai_lifecycle.states import Reason
from tradai_lifecycle.strategy.columns import LIFECYCLE_COLUMNS, Judgement

pytestmark = pytest.mark.host

REUSED = "Reusing result of previous backtest"

#: Says of each closed trade what the order callback wrote on it.
NOTING = """
def confirm_trade_exit(self, pair, trade, *args, **kwargs):
    print(f"NOTED {trade.get_custom_data('model_version')}")
    return True
"""

SHORTING = """
can_short = True

def populate_entry_trend(self, dataframe, metadata):
    predicted = dataframe["do_predict"] == 1
    dataframe.loc[predicted & (dataframe["prediction"] > 0.001), "enter_long"] = 1
    dataframe.loc[predicted & (dataframe["prediction"] < -0.001), "enter_short"] = 1
    return dataframe

def populate_exit_trend(self, dataframe, metadata):
    dataframe.loc[dataframe["prediction"] < 0, "exit_long"] = 1
    dataframe.loc[dataframe["prediction"] > 0, "exit_short"] = 1
    return dataframe
"""

TUNED = """
buy_level = DecimalParameter(0.0, 0.8, default=0.1, decimals=2, space="buy")

def populate_entry_trend(self, dataframe, metadata):
    dataframe.loc[(dataframe["do_predict"] == 1) & (dataframe["prediction"] > self.buy_level.value), "enter_long"] = 1
    return dataframe
"""

PEEKING = (
    "        for candles in (12, 48):",
    '        dataframe["%-return_1"] = log_return.shift(-1)\n        for candles in (12, 48):',
)


def state_at_entry(trades: list[dict[str, Any]], signals: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Version and state at the candle whose signal opened each trade."""
    found = []
    for trade in trades:
        rows = signals[trade["pair"]].set_index("date")
        row = rows.loc[pd.Timestamp(trade["open_date"]) - pd.Timedelta(hours=1)]
        found.append((str(row["model_version"]), str(row["trading_state"])))
    return found


def test_a_backtest_trades_outside_pauses_and_names_the_model_on_everything(premises: Premises) -> None:
    noting = premises.add_strategy("Noting", variant("Noting", NOTING))
    noting.configure({"tag_model_version": True})
    shown = noting.command("backtesting", "--export", "signals", timerange=time_range(3_700, 5_150))
    trades, signals = noting.newest_backtest()
    assert len(trades) > 50
    assert set(LIFECYCLE_COLUMNS) <= set(signals["BTC/USDT"].columns)
    assert not [name for name in signals["BTC/USDT"].columns if name.startswith("&-")]
    at_entry = state_at_entry(trades, signals)
    assert {version for version, _ in at_entry} == {"v1"}
    assert {state for _, state in at_entry} == {"active", "reduced"}
    assert {trade["enter_tag"] for trade in trades} == {"|v1"}
    closed_by_order = [trade for trade in trades if trade["exit_reason"] != "force_exit"]
    assert shown.count("NOTED v1") >= len(closed_by_order)
    assert "NOTED None" not in shown
    full = [trade["stake_amount"] for trade, (_, state) in zip(trades, at_entry, strict=True) if state == "active"]
    half = [trade["stake_amount"] for trade, (_, state) in zip(trades, at_entry, strict=True) if state == "reduced"]
    assert np.allclose(full, 100.0, atol=3.0)
    assert np.allclose(half, 50.0, atol=3.0)
    paused = candle_time(DRIFT_FROM + 60), candle_time(DRIFT_FROM + 400)
    assert not [trade for trade in trades if paused[0] < pd.Timestamp(trade["open_date"]) < paused[1]]
    assert "TRAINING OVERLAP" not in shown


def test_a_backtest_is_reused_until_another_model_decides(premises: Premises) -> None:
    premises.configure()
    first = TRAINED_CANDLES - 30
    run = ("backtesting", "--export", "signals", "--cache", "day")
    shown = premises.command(*run, timerange=time_range(first, 3_100))
    assert REUSED not in shown
    said = " ".join(shown.split())
    assert (
        f"this run decides candles from {candle_time(first).isoformat()} to "
        f"{candle_time(TRAINED_CANDLES + 1).isoformat()} inside that range (1.3 days)"
    ) in said
    assert shown.count("TRAINING OVERLAP") == 1
    before, _ = premises.newest_backtest()
    assert REUSED in premises.command(*run, timerange=time_range(first, 3_100))
    premises.registry.promote("2")
    assert REUSED not in premises.command(*run, timerange=time_range(first, 3_100))
    after, signals = premises.newest_backtest()
    assert {version for version, _ in state_at_entry(after, signals)} == {"v2"}
    assert [trade["open_date"] for trade in before] != [trade["open_date"] for trade in after]


def test_a_futures_backtest_trades_both_sides(tmp_path: Path, futures_premises: Premises) -> None:
    premises = copy_premises(futures_premises, tmp_path).add_strategy("Shorting", variant("Shorting", SHORTING))
    premises.configure()
    premises.command("backtesting", "--export", "signals", timerange=time_range(3_700, 4_000))
    trades, signals = premises.newest_backtest()
    sides = [trade["is_short"] for trade in trades]
    assert sides.count(True) > 5
    assert sides.count(False) > 5
    assert set(state_at_entry(trades, signals)) <= {("v1", "active"), ("v1", "reduced")}


def test_hyperopt_runs_in_two_workers_and_its_parameter_matters(premises: Premises) -> None:
    tuned = premises.add_strategy(
        "Tuned",
        variant("Tuned", TUNED, ("import IStrategy", "import DecimalParameter, IStrategy")),
    )
    tuned.configure()
    options = ["-j", "2", "-e", "2", "--spaces", "buy", "--hyperopt-loss", "SharpeHyperOptLoss", "--random-state", "3"]
    tuned.command("hyperopt", *options, "--disable-param-export", timerange=time_range(3_700, 3_900))
    (results,) = (tuned.user_data / "hyperopt_results").glob("*.fthypt")
    epochs = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    found = {epoch["params_dict"]["buy_level"]: epoch["results_metrics"]["total_trades"] for epoch in epochs}
    assert len(epochs) == 2
    assert len(set(found.values())) > 1, found


@pytest.mark.parametrize(
    ("name", "replaced", "biased"),
    [("Honest", (), set()), ("Peeking", (PEEKING,), {"%-return_1", "prediction", "do_predict", "trading_state"})],
)
def test_lookahead_analysis_clears_an_honest_strategy_and_finds_a_peeking_one(
    premises: Premises, name: str, replaced: tuple[tuple[str, str], ...], biased: set[str]
) -> None:
    checked = premises.add_strategy(name, variant(name, "", *replaced))
    # a model that learned from what the code peeks at: one that did not would be held back by its golden candles
    checked.register(trained_bundle(checked, "LogisticRegression", {}))
    checked.configure()
    exported = premises.root / "lookahead.csv"
    shown = checked.command(
        "lookahead-analysis",
        *("--targeted-trade-amount", "6", "--minimum-trade-amount", "3"),
        *("--lookahead-analysis-exportfilename", exported),
        timerange=time_range(3_700, 3_900),
    )
    found = pd.read_csv(exported).iloc[0]
    assert found["total_signals"] >= 4
    assert bool(found["has_bias"]) is bool(biased), shown
    named = set() if pd.isna(found["biased_indicators"]) else set(found["biased_indicators"].split(","))
    assert biased <= named
    assert bool(named) is bool(biased)


def variances(shown: str) -> dict[str, list[str]]:
    """Per indicator in recursive-analysis' table, what it says for each startup count."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if line.startswith("│")]
    return {cells[0]: cells[1:] for cells in rows}


def test_recursive_analysis_finds_no_variance_at_the_strategys_own_startup(
    premises: Premises, judged_history: Mapping[str, Judgement]
) -> None:
    # one row is compared: one whose severity is held by the latch alone, where memory matters most
    judged = judged_history["BTC/USDT"]
    latched = (judged.states.reasons & np.uint32(Reason.PSI_SIGNIFICANT)) != 0
    in_the_band = np.flatnonzero(latched & (judged.significant_ratio > 0.75) & (judged.significant_ratio < 1.0))
    end = int(in_the_band[len(in_the_band) // 2])
    premises.configure()
    counts = ["300", str(STARTUP_CANDLES), "1200"]
    # freqtrade's time range includes its end
    shown = premises.command("recursive-analysis", "--startup-candle", *counts, timerange=time_range(3_000, end))
    assert f"{STARTUP_CANDLES} (from strategy)" in " ".join(shown.split())
    assert "No lookahead bias on indicators found." in shown
    found = {name: cells for name, cells in variances(shown).items() if name in LIFECYCLE_COLUMNS}
    # a frame that is too short differs, or this check could not fail
    assert found["do_predict"][0] != "-"
    # rolling sums of another length differ in their last bits, and a linear model passes that on
    assert {cell.lstrip("-") for cell in found.pop("prediction")[1:]} <= {"", "0.000%"}
    assert {name: cells[1:] for name, cells in found.items()} == {name: ["-", "-"] for name in found}


def test_list_strategies_finds_it(premises: Premises) -> None:
    premises.configure()
    assert re.search(r"LifecycleDemo\s*│\s*lifecycle_demo.py\s*│\s*OK", premises.command("list-strategies"))


def test_plot_dataframe_writes_the_lifecycles_subplots(premises: Premises) -> None:
    premises.configure()
    premises.command("plot-dataframe", "--pairs", "BTC/USDT", "--no-trades", timerange=time_range(4_100, 4_800))
    (written,) = (premises.user_data / "plot").glob("*.html")
    text = written.read_text(encoding="utf-8")
    for name in ("prediction", "psi_max", "accuracy", "stake_ratio"):
        assert f'"name":"{name}"' in text


@contextmanager
def web_server(premises: Premises, port: int) -> Iterator[str]:
    """`freqtrade webserver` on a free port; gives its address and ends the process."""
    command = [str(Path(sys.executable).parent / "freqtrade"), "webserver", "-c", str(premises.root / "config.json")]
    log = premises.root / "webserver.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command, cwd=premises.root, stdout=file, stderr=file, env=dict(os.environ))
        try:
            address = f"http://127.0.0.1:{port}/api/v1"
            for _ in range(600):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                try:
                    with urlopen(f"{address}/ping", timeout=2):
                        break
                except (URLError, ConnectionError, TimeoutError):
                    time.sleep(0.1)
            yield address
        finally:
            process.terminate()
            process.wait(30)


def test_frequi_shows_columns_plot_and_the_spans_of_reduced_and_paused(premises: Premises) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = {"enabled": True, "listen_ip_address": "127.0.0.1", "listen_port": port, "verbosity": "error"}
    premises.configure(api_server={**server, "username": "someone", "password": "secret", "jwt_secret_key": "k" * 40})
    login = base64.b64encode(b"someone:secret").decode()

    def ask(path: str) -> Any:
        with urlopen(Request(address + path, headers={"Authorization": f"Basic {login}"}), timeout=60) as answer:
            return json.load(answer)

    with web_server(premises, port) as address:
        history = ask(
            f"/pair_history?pair=BTC/USDT&timeframe=1h&strategy=LifecycleDemo&timerange={time_range(4_000, 5_000)}"
        )
        plot = ask("/plot_config?strategy=LifecycleDemo")
    assert set(LIFECYCLE_COLUMNS) <= set(history["columns"])
    states = [row[history["columns"].index("trading_state")] for row in history["data"]]
    dates = [pd.Timestamp(row[history["columns"].index("date")]) for row in history["data"]]
    changes = [row for row in range(1, len(states)) if states[row] != states[row - 1]]
    spans = [
        (states[start], dates[start], dates[min(end, len(dates) - 1)])
        for start, end in zip([0, *changes], [*changes, len(states)], strict=True)
        if states[start] != "active"
    ]
    shown = [(span["label"], pd.Timestamp(span["start"]), pd.Timestamp(span["end"])) for span in history["annotations"]]
    assert shown == spans
    assert {label for label, _, _ in shown} == {"reduced", "paused"}
    assert list(plot["subplots"]) == ["prediction", "drift", "accuracy", "stake"]
