"""Small real bundles for tests: scikit-learn estimators on three features."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor

from tradai_lifecycle.model import Expectations, GoldenSample, ModelBundle, ModelTask, write_artefact
from tradai_lifecycle.monitor import ReferenceProfile

FEATURES = ("%-rsi", "%-ema_ratio", "%-volume_z")
WINDOW = 200
ROWS: NDArray[np.float64] = np.random.default_rng(3).normal(size=(256, len(FEATURES)))
TARGET: NDArray[np.float64] = ROWS[:, 0] - 0.5 * ROWS[:, 1]

EXPECTATIONS = Expectations(
    feature_names=FEATURES, horizon_candles=12, timeframe="1h", window_candles=WINDOW, entry_rate_band=3.0
)


@cache
def trees() -> HistGradientBoostingRegressor:
    """A fitted tree ensemble; tests that damage one must fit their own."""
    return HistGradientBoostingRegressor(max_iter=5).fit(ROWS, TARGET)


def bundle(estimator: Any = None, **changes: Any) -> ModelBundle:
    """A complete bundle of `estimator` (trees by default) with a golden sample of its own predictions."""
    made = ModelBundle(
        name="btc",
        version="1",
        run_id=None,
        digest="",
        estimator=trees() if estimator is None else estimator,
        task=ModelTask.REGRESSION,
        feature_names=FEATURES,
        horizon_candles=12,
        timeframe="1h",
        trained_from=datetime(2025, 1, 1, tzinfo=UTC),
        trained_until=datetime(2026, 1, 1, tzinfo=UTC),
        training_pairs=("BTC/USDT", "ETH/USDT"),
        profile=ReferenceProfile(window_candles=WINDOW, feature_names=FEATURES, pairs=()),
        golden=GoldenSample(features=ROWS[:8], predictions=np.zeros(8)),
        metrics={"directional_accuracy": 0.56},
    )
    made = replace(made, **changes)
    if "golden" in changes:
        return made
    return replace(made, golden=GoldenSample(features=ROWS[:8], predictions=made.predict(ROWS[:8])))


def constant(value: float, **changes: Any) -> ModelBundle:
    """A bundle that predicts `value` for every row and bears it as its version."""
    width = len(FEATURES)
    estimator = DummyRegressor(strategy="constant", constant=value).fit(np.zeros((2, width)), np.zeros(2))
    golden = GoldenSample(features=ROWS[:8], predictions=np.full(8, float(value)))
    return bundle(estimator, version=str(int(value)), golden=golden, **changes)


def artefact(directory: Path, made: ModelBundle | None = None) -> Path:
    """`directory`, after writing a bundle there."""
    write_artefact(directory, made or constant(1))
    return directory
