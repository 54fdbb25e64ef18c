"""A bot's whole surroundings in a folder: market, exchange, registry with trained versions, configuration."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from tests.hosts import user_data, write_config
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.retraining.estimators import make_estimator
from tradai_lifecycle.retraining.training import PairSample, TrainingPlan, train_bundle
from tradai_lifecycle.sandbox import (
    BASE,
    DRIFTED,
    SandboxExchange,
    SteppedBot,
    build_market,
    load_freqtrade_config,
    write_datadir,
)
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.dataset import load_strategy, training_samples

PAIRS = ["BTC/USDT", "ETH/USDT"]
START = datetime(2024, 1, 1, tzinfo=UTC)
TRAINED_CANDLES = 4_000
CANDLES = 5_200
DRIFT_AT = 4_900
DEMO_STRATEGY = Path(__file__).parents[2] / "user_data" / "strategies" / "lifecycle_demo.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What a test needs of a bot's surroundings."""

    root: Path
    market: dict[str, pd.DataFrame]
    exchange: SandboxExchange
    bundle: ModelBundle
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def user_data(self) -> Path:
        return self.root / "user_data"

    @property
    def registry(self) -> LocalDirectorySource:
        return LocalDirectorySource(self.user_data / "registry", "demo")

    @property
    def config_file(self) -> Path:
        return self.root / "config.json"

    def configure(self, **settings: Any) -> Path:
        """Write the bot's configuration, with `settings` in the lifecycle's section."""
        section = {"model_name": "demo", "registry_uri": "directory:registry", "window_candles": 200, **settings}
        write_config(
            self.config_file,
            self.exchange.url,
            PAIRS,
            strategy="LifecycleDemo",
            timeframe="1h",
            user_data_dir=str(self.user_data),
            stake_amount=100,
            tradai_lifecycle={"poll_interval_seconds": 86_400, **section},
        )
        return self.config_file

    def register(self, bundle: ModelBundle | None = None, *, promote: bool = True) -> str:
        """Register a version (default: the trained bundle) and promote it."""
        source = self.registry
        directory = self.root / "artefacts" / str(len(source.versions()))
        write_artefact(directory, bundle or self.bundle)
        version = source.register(directory, metrics={}, parameters={}, tags={})
        if promote:
            source.promote(version)
        return version

    def ledger(self) -> Ledger:
        """The bot's ledger, opened."""
        ledger = Ledger(self.user_data / "tradai_lifecycle.sqlite")
        ledger.open()
        return ledger

    @contextmanager
    def bot(self, candle: int, **settings: Any) -> Iterator[SteppedBot]:
        """A started dry-run bot whose time is the close of `candle`."""
        config = load_freqtrade_config([self.configure(**settings)])
        with SteppedBot(config, START + timedelta(hours=candle + 1, seconds=5)) as bot:
            bot.startup()
            yield bot

    def tradai(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Type a `tradai` command in another process."""
        command = [str(Path(sys.executable).parent / "tradai"), *arguments, "--config", str(self.config_file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.root, timeout=120)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


def build_workshop_market() -> dict[str, pd.DataFrame]:
    """Base regime, then drift from DRIFT_AT on."""
    return build_market(11, PAIRS, "1h", START, CANDLES, (BASE.lasting(DRIFT_AT), DRIFTED))


def train_demo_bundle(root: Path, market: dict[str, pd.DataFrame], exchange: SandboxExchange) -> ModelBundle:
    """A small model of the demo strategy, trained on the first TRAINED_CANDLES."""
    directory = user_data(root, DEMO_STRATEGY)
    write_datadir(
        {pair: frame.iloc[:TRAINED_CANDLES] for pair, frame in market.items()}, directory / "data/binance", "1h"
    )
    shop = Workshop(root=root, market=market, exchange=exchange, bundle=None)  # type: ignore[arg-type]
    config = load_freqtrade_config([shop.configure()])
    strategy = load_strategy(config)
    names, samples = training_samples(config, strategy)
    return train_bundle(samples, plan(names))


def plan(names: Sequence[str], **changes: Any) -> TrainingPlan:
    """The training plan of the demo strategy with a quick estimator."""
    estimator, task = make_estimator("LogisticRegression", {}, seed=0)
    made = TrainingPlan(
        name="demo",
        estimator=estimator,
        task=task,
        feature_names=tuple(names),
        horizon_candles=6,
        timeframe="1h",
        candle_ns=3_600 * 10**9,
        window_candles=200,
        maximum_share_of_time_reduced=0.1,
    )
    return replace(made, **changes)


def json_lines(text: str) -> list[Any]:
    """Each line of `text` that is JSON."""
    return [json.loads(line) for line in text.splitlines() if line.startswith(("{", "["))]


__all__ = ["PairSample", "Workshop", "build_workshop_market", "json_lines", "plan", "train_demo_bundle"]
