"""What a measured bot or backtest needs: a synthetic market, candles on disk, a registered model, configurations."""

import atexit
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.features import HORIZON
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.retraining.estimators import make_estimator
from tradai_lifecycle.retraining.training import TrainingPlan, train_bundle
from tradai_lifecycle.sandbox import BASE, build_market, exchange_config, load_freqtrade_config, write_datadir
from tradai_lifecycle.strategy.dataset import load_strategy, training_samples

PAIRS = ("BTC/USDT", "ETH/USDT")
START = datetime(2023, 1, 1, tzinfo=UTC)
CANDLES, TRAINED_CANDLES = 15_000, 5_500
MODEL_NAME = "benchmark"


def market() -> dict[str, pd.DataFrame]:
    """The synthetic market; the same in every process."""
    return build_market(23, PAIRS, "1h", START, CANDLES, (BASE,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """A folder with freqtrade's layout, candles and a registry with one version in production."""

    root: Path
    startup_candles: int

    @property
    def user_data(self) -> Path:
        """The bot's user_data directory."""
        return self.root / "user_data"

    def another(self, name: str) -> "Surroundings":
        """A copy with files of its own, for a second bot beside the first."""
        root = self.root.parent / name
        shutil.copytree(self.root, root)
        return Surroundings(root=root, startup_candles=self.startup_candles)

    def configuration(self, strategy: str, exchange_url: str, **section: Any) -> Path:
        """A freqtrade configuration for `strategy`, with `section` in the lifecycle's part of it."""
        # so that both strategies see frames of one length
        plain = {"startup_candle_count": self.startup_candles} if strategy == "Plain" else {}
        path = self.root / f"{strategy}-{len(list(self.root.glob('*.json')))}.json"
        path.write_text(json.dumps(_settings(self.user_data, strategy, exchange_url, section) | plain), "utf-8")
        return path


@cache
def surroundings() -> Surroundings:
    """Built once per run and removed at its end: train on the first candles, register, promote."""
    parent = Path(tempfile.mkdtemp(prefix="tradai-benchmarks-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    unbudgeted = Surroundings(root=parent / "first", startup_candles=0)
    for name in ("strategies", "data/binance", "backtest_results", "logs"):
        (unbudgeted.user_data / name).mkdir(parents=True)
    candles, directory = market(), unbudgeted.user_data / "data/binance"
    write_datadir({pair: frame.iloc[:TRAINED_CANDLES] for pair, frame in candles.items()}, directory, "1h")
    config = load_freqtrade_config([unbudgeted.configuration("Watched", "http://127.0.0.1:9")])
    strategy = load_strategy(config)
    made = Surroundings(root=unbudgeted.root, startup_candles=strategy.lifecycle.budget.startup_candles)
    _register(made, config, strategy)
    write_datadir(candles, directory, "1h")
    return made


def _register(place: Surroundings, config: dict[str, Any], strategy: Any) -> None:
    names, samples = training_samples(config, strategy)
    estimator, task = make_estimator("HistGradientBoostingClassifier", {"max_iter": 100}, seed=0)
    plan = TrainingPlan(
        name=MODEL_NAME,
        estimator=estimator,
        task=task,
        feature_names=names,
        horizon_candles=HORIZON,
        timeframe="1h",
        candle_ns=3_600 * 10**9,
        window_candles=strategy.lifecycle.config.window_candles,
        maximum_share_of_time_reduced=strategy.lifecycle.config.maximum_share_of_time_reduced,
    )
    # beside other work two OpenMP threads wait for each other: one is many times as fast then
    with threadpool_limits(1, "openmp"):
        bundle = train_bundle(samples, plan)
    write_artefact(place.root / "artefact", bundle)
    source = LocalDirectorySource(place.user_data / "registry", MODEL_NAME)
    source.promote(source.register(place.root / "artefact", metrics={}, parameters={}, tags={}))


def _settings(user_data: Path, strategy: str, exchange_url: str, section: dict[str, Any]) -> dict[str, Any]:
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "strategy": strategy,
        "strategy_path": str(Path(__file__).parent / "strategies"),
        "user_data_dir": str(user_data),
        "datadir": str(user_data / "data/binance"),
        "timeframe": "1h",
        "stake_currency": "USDT",
        "stake_amount": 100,
        "max_open_trades": len(PAIRS),
        "dry_run": True,
        "dry_run_wallet": 10_000,
        "fiat_display_currency": "",
        "order_types": {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False},
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "pairlists": [{"method": "StaticPairList"}],
        "exchange": exchange_config(exchange_url, pairs=PAIRS),
        "tradai_lifecycle": {"model_name": MODEL_NAME, "registry_uri": "directory:registry", **section},
    }


__all__ = ["CANDLES", "PAIRS", "START", "TRAINED_CANDLES", "Surroundings", "market", "surroundings"]
