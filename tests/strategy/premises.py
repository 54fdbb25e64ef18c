"""What the suites of this folder share: a market, two trained versions, and a bot's directory that holds them."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import joblib
import pandas as pd

from tests.hosts import run_freqtrade, user_data, write_config
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.retraining.estimators import make_estimator
from tradai_lifecycle.retraining.training import TrainingPlan, train_bundle
from tradai_lifecycle.sandbox import (
    BASE,
    DRIFTED,
    SandboxExchange,
    SteppedBot,
    build_market,
    load_freqtrade_config,
    write_datadir,
)

PAIRS = ("BTC/USDT", "ETH/USDT")
FUTURES_PAIRS = ("BTC/USDT:USDT", "ETH/USDT:USDT")
START = datetime(2024, 1, 1, tzinfo=UTC)
CANDLES = 5_200
#: The models know the candles before this one, and the target of the last of them.
TRAINED_CANDLES = 3_000
DRIFT_FROM, DRIFT_UNTIL = 4_200, 4_500
DEMO_STRATEGY = Path(__file__).parents[2] / "user_data" / "strategies" / "lifecycle_demo.py"
DEMO = "LifecycleDemo"
#: What the demo strategy asks for with a window of 200 candles.
STARTUP_CANDLES = 608


def candle_time(candle: int) -> datetime:
    """Opening time of candle number `candle` of the market."""
    return START + timedelta(hours=candle)


def time_range(first: int, end: int) -> str:
    """The candles from `first` to before `end`, as freqtrade's --timerange in seconds."""
    return f"{candle_time(first).timestamp():.0f}-{candle_time(end).timestamp():.0f}"


@cache
def market(pairs: tuple[str, ...] = PAIRS) -> Mapping[str, pd.DataFrame]:
    """The base regime, a stretch of drift, and the base regime again."""
    regimes = (BASE.lasting(DRIFT_FROM), DRIFTED.lasting(DRIFT_UNTIL - DRIFT_FROM), BASE)
    return build_market(5, pairs, "1h", START, CANDLES, regimes)


def variant(name: str, body: str = "", *replaced: tuple[str, str]) -> str:
    """Source of a strategy `name`: the demo with `body` added to its class, and pieces (old, new) of it replaced."""
    source = DEMO_STRATEGY.read_text(encoding="utf-8").replace(f"class {DEMO}(", f"class {name}(")
    for old, new in replaced:
        assert old in source
        source = source.replace(old, new)
    indented = "".join(f"    {line}\n" if line else "\n" for line in body.strip("\n").splitlines())
    return f"{source}\n{indented}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """A bot's directory: user_data with a registry and the market's candles, and configuration files beside it."""

    root: Path
    exchange_url: str
    pairs: tuple[str, ...] = PAIRS
    strategy: str = DEMO

    @property
    def user_data(self) -> Path:
        return self.root / "user_data"

    @property
    def registry(self) -> LocalDirectorySource:
        return LocalDirectorySource(self.user_data / "registry", "demo")

    def register(self, bundle: ModelBundle) -> str:
        """Register a version and put it into production."""
        directory = self.root / f"artefact-{len(self.registry.versions())}"
        write_artefact(directory, bundle)
        version = self.registry.register(directory, metrics=bundle.metrics, parameters={}, tags={})
        self.registry.promote(version)
        return version

    def configure(self, section: Mapping[str, Any] | None = None, **overrides: Any) -> Path:
        """Write the configuration: `section` into the lifecycle's section, the rest into freqtrade's."""
        futures = {"trading_mode": "futures"} if ":" in self.pairs[0] else {}
        lifecycle = {
            "model_name": "demo",
            "registry_uri": "directory:registry",
            "window_candles": 200,
            "poll_interval_seconds": 86_400,
            **(section or {}),
        }
        return write_config(
            self.root / "config.json",
            self.exchange_url,
            self.pairs,
            **futures,
            **{
                "strategy": self.strategy,
                "user_data_dir": str(self.user_data),
                "tradai_lifecycle": {key: value for key, value in lifecycle.items() if value is not None},
                **overrides,
            },
        )

    def add_strategy(self, name: str, source: str) -> "Premises":
        """The same directory with another strategy in charge."""
        (self.user_data / "strategies" / f"{name.lower()}.py").write_text(source, encoding="utf-8")
        return replace(self, strategy=name)

    def command(self, name: str, *arguments: str | Path, timerange: str = "") -> str:
        """Run a freqtrade command on the configuration; gives everything it printed and logged."""
        options = ["--timerange", timerange] if timerange else []
        # wide enough for its tables and log lines to stay whole
        wide = {"COLUMNS": "400"}
        done = run_freqtrade([name, "-c", self.root / "config.json", *options, *arguments], cwd=self.root, env=wide)
        return done.stdout + done.stderr

    @contextmanager
    def bot(self, candle: int) -> Iterator[SteppedBot]:
        """A started dry-run bot at the close of `candle`; call `configure` before."""
        config = load_freqtrade_config([self.root / "config.json"])
        with SteppedBot(config, candle_time(candle + 1) + timedelta(seconds=5)) as bot:
            bot.startup()
            yield bot

    def newest_backtest(self) -> tuple[list[dict[str, Any]], dict[str, pd.DataFrame]]:
        """The trades and the exported signal candles per pair of the newest backtest."""
        results = self.user_data / "backtest_results"
        name = json.loads((results / ".last_result.json").read_text(encoding="utf-8"))["latest_backtest"]
        with ZipFile(results / name) as archive:
            stem = name.removesuffix(".zip")
            trades = json.loads(archive.read(f"{stem}.json"))["strategy"][self.strategy]["trades"]
            with archive.open(f"{stem}_signals.pkl") as file:
                signals: dict[str, pd.DataFrame] = joblib.load(file)[self.strategy]
        return trades, signals


def build_premises(root: Path, exchange: SandboxExchange, *, pairs: tuple[str, ...] = PAIRS) -> Premises:
    """A directory with data and two registered versions of a model of the demo strategy, the first in production."""
    premises = Premises(root=root, exchange_url=exchange.url, pairs=pairs)
    directory = user_data(root, DEMO_STRATEGY)
    futures = ":" in pairs[0]
    write_datadir(market(pairs), directory / "data/binance", "1h", "futures" if futures else "spot")
    for seed, (name, parameters) in enumerate(
        (("Ridge", {}), ("Ridge", {"alpha": 50.0}))
        if futures
        else (("LogisticRegression", {}), ("LogisticRegression", {"C": 0.001}))
    ):
        bundle = trained_bundle(premises, name, parameters)
        write_artefact(root / f"artefact-{seed}", bundle)
        premises.registry.register(root / f"artefact-{seed}", metrics=bundle.metrics, parameters={}, tags={})
    premises.registry.promote("1")
    return premises


def trained_bundle(premises: Premises, estimator: str, parameters: Mapping[str, object]) -> ModelBundle:
    """A model of the premises' strategy, trained on the first TRAINED_CANDLES candles."""
    from tradai_lifecycle.strategy.dataset import load_strategy, training_samples

    config = load_freqtrade_config([premises.configure()])
    config["timerange"] = time_range(0, TRAINED_CANDLES)
    strategy = load_strategy(config)
    names, samples = training_samples(config, strategy)
    model, task = make_estimator(estimator, parameters, seed=0)
    return train_bundle(
        samples,
        TrainingPlan(
            name="demo",
            estimator=model,
            task=task,
            feature_names=names,
            horizon_candles=strategy.horizon_candles,
            timeframe="1h",
            candle_ns=3_600 * 10**9,
            window_candles=200,
            maximum_share_of_time_reduced=0.1,
        ),
    )


def offline_strategy(premises: Premises) -> Any:
    """The premises' strategy as a backtest has it, in this process; call `configure` before."""
    from freqtrade.enums import RunMode
    from freqtrade.resolvers import StrategyResolver

    config = load_freqtrade_config([premises.root / "config.json"])
    return StrategyResolver.load_strategy({**config, "runmode": RunMode.BACKTEST})


def copy_premises(built: Premises, root: Path) -> Premises:
    """A directory of its own with the same registry; the candles are shared by a link."""
    directory = user_data(root, DEMO_STRATEGY)
    shutil.copytree(built.user_data / "registry", directory / "registry")
    (directory / "data/binance").rmdir()
    (directory / "data/binance").symlink_to(built.user_data / "data/binance")
    return replace(built, root=root)
