"""The whole life of a model on a made-up market: everything real but the candles.

A bot's directory is built with the demo strategy, a registry and a market that changes its ways. Training, backtests
and the bot are the real ones: `tradai train` and `freqtrade backtesting` as processes of their own, and a rehearsal.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

import tradai_lifecycle
from tradai_lifecycle.config import REHEARSALS_FOLDER, SECTION
from tradai_lifecycle.errors import ConfigurationError, LifecycleError
from tradai_lifecycle.quiet import quiet
from tradai_lifecycle.sandbox.exchange import SandboxExchange, exchange_config
from tradai_lifecycle.sandbox.market import Regime, build_market, write_datadir
from tradai_lifecycle.sandbox.rehearsal import Moment, RehearsalPlan
from tradai_lifecycle.sandbox.stepping import load_freqtrade_config
from tradai_lifecycle.states import TradingState

PAIRS = ("BTC/USDT", "ETH/USDT")
TIMEFRAME = "1h"
MARKET_START = datetime(2024, 1, 1, tzinfo=UTC)
STRATEGY_FILE = Path("user_data/strategies/lifecycle_demo.py")
#: Small trees: quick to fit, and a changed relation is learnt from a few hundred candles.
ESTIMATOR_PARAMETERS = {"max_iter": 80, "max_leaf_nodes": 8, "learning_rate": 0.08}
#: A directory is wiped only if this file says that a demonstration made it.
MARKER = ".tradai-demo"

#: A relation to learn; then volume and volatility of another market, where the relation is the other way round.
CALM = Regime(strength=0.35)
CHANGED = Regime(volatility=0.0048, volume=1_200.0, strength=0.35, sign=-1)


class DemonstrationError(LifecycleError):
    """A step of the demonstration failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How long the demonstration is, in candles: training, then calm and changed market, which are rehearsed.

    `patience` is how long after the pause of every pair the operator trains anew.
    """

    training: int = 4_320
    calm: int = 96
    changed: int = 600
    patience: int = 168
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedVersion:
    """A version that `tradai train` registered, with what it printed."""

    version: str
    seconds: float
    printed: str

    def metric(self, name: str) -> float:
        """A printed metric. Raises DemonstrationError where it was not printed."""
        found = re.search(rf"^\s*{re.escape(name)} = (\S+)", self.printed, re.MULTILINE)
        if found is None:
            raise DemonstrationError(f"tradai train printed no {name}: {self.printed}")
        return float(found[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFigures:
    """What a backtest reports: profit in stake currency and as a share of the wallet, and the largest drawdown."""

    trades: int
    profit: float
    profit_ratio: float
    drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """One demonstration below `directory`. `lifecycle` are keys of the configuration's own section."""

    directory: Path
    scale: Scale = field(default_factory=Scale)
    lifecycle: Mapping[str, Any] = field(default_factory=dict)

    @property
    def user_data_dir(self) -> Path:
        """The bot's user_data."""
        return self.directory / "user_data"

    @property
    def datadir(self) -> Path:
        """The candles."""
        return self.user_data_dir / "data" / "binance"

    @property
    def config_file(self) -> Path:
        """The bot's configuration: a dry run on the real exchange's name."""
        return self.directory / "config.json"

    @property
    def start(self) -> datetime:
        """The first rehearsed candle."""
        return MARKET_START + timedelta(hours=self.scale.training)

    @property
    def end(self) -> datetime:
        """The end of the rehearsal and of the candles."""
        return self.start + timedelta(hours=self.scale.calm + self.scale.changed)

    def build(self) -> dict[str, pd.DataFrame]:
        """Make the directory anew: strategy, candles and configuration. Gives the candles of each pair.

        Raises DemonstrationError where the directory holds something else, or the strategy file is not found.
        """
        _wipe(self.directory)
        for name in ("strategies", "data/binance", "backtest_results", "logs"):
            (self.user_data_dir / name).mkdir(parents=True, exist_ok=True)
        (self.directory / MARKER).write_text("made by `tradai demo`, and wiped by the next one\n", encoding="utf-8")
        shutil.copy(strategy_file(), self.user_data_dir / "strategies")
        scale = self.scale
        regimes = (CALM.lasting(scale.training + scale.calm), CHANGED)
        candles = scale.training + scale.calm + scale.changed
        frames = build_market(scale.seed, PAIRS, TIMEFRAME, MARKET_START, candles, regimes)
        write_datadir(frames, self.datadir, TIMEFRAME)
        self.config_file.write_text(json.dumps(self._config(), indent=2) + "\n", encoding="utf-8")
        return frames

    def train(self, until: datetime) -> TrainedVersion:
        """Run `tradai train --promote` on the candles that opened before `until`, in a process of its own."""
        last = until - timedelta(hours=1)
        parameters = [f"--param={name}={value}" for name, value in ESTIMATOR_PARAMETERS.items()]
        began = os.times().elapsed  # the process's clock may be travelled
        printed = self._command(
            "tradai",
            *("train", "--strategy", "LifecycleDemo", "--config", self.config_file),
            *("--timerange", _timerange(MARKET_START, last), "--promote", *parameters),
        )
        found = re.search(r" v(\d+):", printed)
        if found is None:
            raise DemonstrationError(f"tradai train named no version: {printed}")
        return TrainedVersion(version=f"v{found[1]}", seconds=os.times().elapsed - began, printed=printed)

    def backtests(self, runs: Mapping[str, Mapping[str, Any]]) -> dict[str, BacktestFigures]:
        """Run `freqtrade backtesting` over the rehearsed range for each name and its own settings, side by side."""
        with SandboxExchange.from_datadir(self.datadir) as exchange:
            started = {name: self._backtest(name, settings, exchange.url) for name, settings in runs.items()}
            for process in started.values():
                _await_success(process)
        return {name: _figures(self._results(name)) for name in runs}

    def plan(self) -> RehearsalPlan:
        """The rehearsal of everything after the training."""
        return RehearsalPlan(
            config_files=(self.config_file,),
            start=self.start,
            end=self.end,
            directory=self.user_data_dir / REHEARSALS_FOLDER / "demo",
        )

    def timeline(self, settings_file: Path) -> dict[str, Any]:
        """What `tradai timeline` says of a rehearsal's ledger: a configuration for a backtest."""
        printed = self._command("tradai", "timeline", "--config", self.config_file, "--config", settings_file)
        values: dict[str, Any] = json.loads(printed)
        return values

    @contextmanager
    def backtest_config(self, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """A full configuration that backtests the rehearsed range with `settings`, while its exchange is up."""
        from freqtrade.enums import RunMode  # noqa: PLC0415 - freqtrade takes seconds to import

        with SandboxExchange.from_datadir(self.datadir) as exchange:
            overlay = {**self.exchange_overlay(exchange.url), **settings}
            with quiet():
                config = load_freqtrade_config([self.config_file], overlay, RunMode.BACKTEST)
            yield {**config, "timerange": _timerange(self.start, self.end - timedelta(hours=1))}

    def exchange_overlay(self, url: str) -> dict[str, Any]:
        """The configuration that moves the bot to the sandbox exchange at `url`."""
        return {"exchange": exchange_config(url, pairs=PAIRS)}

    def _config(self) -> dict[str, Any]:
        pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
        registry = self.user_data_dir.absolute() / "mlflow.db"
        return {
            "strategy": "LifecycleDemo",
            "max_open_trades": len(PAIRS),
            "stake_currency": "USDT",
            "stake_amount": 300,
            "initial_state": "running",
            "dry_run": True,
            "dry_run_wallet": 1_000,
            "fiat_display_currency": "",
            "timeframe": TIMEFRAME,
            "trading_mode": "spot",
            "entry_pricing": pricing,
            "exit_pricing": pricing,
            "order_types": {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False},
            "pairlists": [{"method": "StaticPairList"}],
            "exchange": {"name": "binance", "key": "", "secret": "", "pair_whitelist": list(PAIRS)},
            "user_data_dir": str(self.user_data_dir.absolute()),
            SECTION: {
                "model_name": "demo",
                "registry_uri": f"sqlite:///{registry}",
                "window_candles": 200,
                **self.lifecycle,
            },
        }

    def _results(self, name: str) -> Path:
        return self.user_data_dir / "backtest_results" / re.sub(r"\W+", "_", name)

    def _backtest(self, name: str, settings: Mapping[str, Any], url: str) -> "subprocess.Popen[str]":
        results = self._results(name)
        results.mkdir(parents=True, exist_ok=True)
        overlay = results / "settings.json"
        overlay.write_text(json.dumps({**self.exchange_overlay(url), **settings}), encoding="utf-8")
        options = (
            "--timerange",
            _timerange(self.start, self.end - timedelta(hours=1)),
            "--cache",
            "none",
            "--backtest-directory",
            results,
        )
        configs = ("--config", self.config_file, "--config", overlay)
        return _start("freqtrade", "backtesting", *configs, *options)

    def _command(self, program: str, *arguments: str | Path) -> str:
        return _await_success(_start(program, *arguments))


class Retrainer:
    """The operator of the demonstration: trains and promotes a version some candles after every pair was paused.

    Give it to a rehearsal as `on_candle`. `trained` is None until then, `at` the candle after which it happened.
    """

    def __init__(self, demonstration: Demonstration) -> None:
        self._demonstration = demonstration
        self._paused_candles = 0
        self.trained: TrainedVersion | None = None
        self.at: datetime | None = None

    def __call__(self, moment: Moment) -> None:
        """Look at a candle, and train after it when the time has come: on the candles seen so far and no others."""
        if self.trained is not None:
            return
        every_pair = all(state is TradingState.PAUSED for state in moment.states.values())
        self._paused_candles = self._paused_candles + 1 if every_pair else 0
        if self._paused_candles > self._demonstration.scale.patience:
            self.at = moment.candle
            self.trained = self._demonstration.train(moment.candle + timedelta(hours=1))


def strategy_file() -> Path:
    """The demo strategy: in the current directory, or beside the installed package. Raises DemonstrationError."""
    beside = Path(tradai_lifecycle.__file__).parents[1] / STRATEGY_FILE
    for candidate in (Path.cwd() / STRATEGY_FILE, beside):
        if candidate.is_file():
            return candidate
    raise DemonstrationError(f"{STRATEGY_FILE} is not here. Next: run the demo in a checkout of tradai-lifecycle.")


class ForeignDirectoryError(ConfigurationError):
    """The directory to wipe was not made by a demonstration."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"{directory} is not empty and was not made by `tradai demo`, so it is not wiped. Next: --directory."
        )


def _wipe(directory: Path) -> None:
    if directory.exists():
        if any(directory.iterdir()) and not (directory / MARKER).is_file():
            raise ForeignDirectoryError(directory)
        shutil.rmtree(directory)


def _timerange(start: datetime, end: datetime) -> str:
    return f"{int(start.timestamp())}-{int(end.timestamp())}"


def _start(program: str, *arguments: str | Path) -> "subprocess.Popen[str]":
    command: Sequence[str] = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    # one thread each: small trees gain nothing from more, and threads that wait for a busy core cost minutes
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "COLUMNS": "160", "NO_COLOR": "1"}
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _await_success(process: "subprocess.Popen[str]") -> str:
    printed, complained = process.communicate()
    if process.returncode != 0:
        raise DemonstrationError(
            f"{process.args!r} ended with exit code {process.returncode}:\n{printed}\n{complained}"
        )
    return printed


def _figures(directory: Path) -> BacktestFigures:
    from freqtrade.data.btanalysis import load_backtest_stats  # noqa: PLC0415 - freqtrade takes seconds to import

    with quiet():
        (report,) = load_backtest_stats(directory)["strategy"].values()
    return BacktestFigures(
        trades=int(report["total_trades"]),
        profit=float(report["profit_total_abs"]),
        profit_ratio=float(report["profit_total"]),
        drawdown=float(report["max_drawdown_account"]),
    )


__all__ = [
    "PAIRS",
    "BacktestFigures",
    "Demonstration",
    "DemonstrationError",
    "ForeignDirectoryError",
    "Retrainer",
    "Scale",
    "TrainedVersion",
    "strategy_file",
]
