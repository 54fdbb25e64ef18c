"""Real freqtrade for tests: its console command, its configuration files and its directories."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tradai_lifecycle.sandbox import exchange_config

# in a process of its own: whatever leaves the machine is refused and written down
_GUARD = """
import os, sys

def guard(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in (None, "", "localhost", "::1", "0.0.0.0") and not host.startswith("127."):
        with open(os.environ["OUTSIDE_LOOKUPS"], "a") as file:
            print(event, host, file=file)
        raise OSError(f"a test tried to reach {host}")

sys.addaudithook(guard)
"""

_PLAIN_STRATEGY = """
from freqtrade.strategy import IStrategy


class PlainStrategy(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1h"
    startup_candle_count = 400
    can_short = CAN_SHORT
    minimal_roi = {"0": 10.0}
    stoploss = -0.5
    process_only_new_candles = True

    def populate_indicators(self, dataframe, metadata):
        dataframe["momentum"] = dataframe["close"] / dataframe["close"].shift(6) - 1
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["momentum"] > 0.004, "enter_long"] = 1
        if self.can_short:
            dataframe.loc[dataframe["momentum"] < -0.004, "enter_short"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe.loc[dataframe["momentum"] < 0, "exit_long"] = 1
        if self.can_short:
            dataframe.loc[dataframe["momentum"] > 0, "exit_short"] = 1
        return dataframe
"""


def plain_strategy_source(*, can_short: bool = False) -> str:
    """A momentum strategy `PlainStrategy` on 1h candles without any lifecycle, that trades often."""
    return _PLAIN_STRATEGY.replace("CAN_SHORT", str(can_short)).lstrip()


def user_data(directory: Path, strategy: str | Path) -> Path:
    """A `user_data` below `directory` with freqtrade's layout, holding one strategy: its source, or a file to copy."""
    root = Path(directory) / "user_data"
    for name in ("strategies", "data/binance", "backtest_results", "hyperopts", "hyperopt_results", "logs", "plot"):
        (root / name).mkdir(parents=True, exist_ok=True)
    if isinstance(strategy, Path):
        shutil.copy(strategy, root / "strategies")
    else:
        (root / "strategies" / "strategy_under_test.py").write_text(strategy, encoding="utf-8")
    return root


def write_config(path: Path, exchange_url: str, pairs: Iterable[str], **overrides: Any) -> Path:
    """A dry-run configuration on the sandbox exchange; `overrides` are top-level keys. Returns its path."""
    futures = overrides.get("trading_mode") == "futures"
    pricing = {"price_side": "same", "use_order_book": True, "order_book_top": 1}
    config = {
        "max_open_trades": 5,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "dry_run": True,
        "dry_run_wallet": 10_000,
        "fiat_display_currency": "",
        "timeframe": "1h",
        "strategy": "PlainStrategy",
        "order_types": {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False},
        "entry_pricing": {**pricing, "price_side": "other"},
        "exit_pricing": {**pricing, "price_side": "other"},
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": exchange_config(exchange_url, trading_mode="futures" if futures else "spot", pairs=pairs),
        **({"margin_mode": "isolated"} if futures else {}),
        **overrides,
    }
    path.write_text(json.dumps(config, indent=2, default=str), encoding="utf-8")
    return path


def run_freqtrade(
    args: Sequence[str | Path], cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run the environment's own `freqtrade` command, which may reach nothing but this machine.

    Fails with the command's whole output when it ends badly or tried to look outside.
    """
    guard = Path(cwd) / "network_guard"
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(_GUARD, encoding="utf-8")
    outside = guard / "outside.txt"
    path = os.pathsep.join(filter(None, [str(guard), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "OUTSIDE_LOOKUPS": str(outside), **(env or {})}
    command = [str(Path(sys.executable).parent / "freqtrade"), *map(str, args)]
    done = subprocess.run(
        command, cwd=cwd, env=environment, timeout=timeout, text=True, capture_output=True, check=False
    )
    shown = f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    assert not outside.exists(), f"looked outside: {outside.read_text(encoding='utf-8')} in {shown}"
    assert done.returncode == 0, f"exit code {done.returncode} of {shown}"
    return done
