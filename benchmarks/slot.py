"""What the slot and the bundle add to a bare estimator. Each function returns rows to print.

Run: OMP_NUM_THREADS=1 python benchmarks/slot.py
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from time import perf_counter

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from tradai_lifecycle.model import GoldenSample, ModelBundle, ModelSlot, ModelTask
from tradai_lifecycle.monitor import ReferenceProfile

FEATURES, TREES, REPEATS = 50, 100, 300

Row = tuple[str, str]


def trained_bundle() -> ModelBundle:
    """A bundle of boosted trees on noise."""
    features = np.random.default_rng(0).normal(size=(3_000, FEATURES))
    names = tuple(f"%-{index}" for index in range(FEATURES))
    return ModelBundle(
        name="benchmark",
        version="1",
        run_id=None,
        digest="",
        estimator=HistGradientBoostingRegressor(max_iter=TREES).fit(features, features[:, 0]),
        task=ModelTask.REGRESSION,
        feature_names=names,
        horizon_candles=12,
        timeframe="1h",
        trained_from=datetime(2025, 1, 1, tzinfo=UTC),
        trained_until=datetime(2026, 1, 1, tzinfo=UTC),
        training_pairs=("BTC/USDT",),
        profile=ReferenceProfile(window_candles=500, feature_names=names, pairs=()),
        golden=GoldenSample(features=features[:8], predictions=np.zeros(8)),
        metrics={},
    )


def median_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median time of one call, after a few to warm up."""
    for _ in range(5):
        work()
    times = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return median(times)


def slot_rows() -> list[Row]:
    """Prediction through the slot against the bare estimator, for one row and for whole frames, and a bare read."""
    slot, bundle = ModelSlot(), trained_bundle()
    asyncio.run(slot.swap(bundle))
    rows: list[Row] = []
    for size in (1, 64, 1_000, 2_000):
        features = np.random.default_rng(1).normal(size=(size, FEATURES))
        bare = median_seconds(lambda features=features: bundle.estimator.predict(features))
        through = median_seconds(lambda features=features: slot.current.predict(features))
        rows.append(
            (f"predict {size} rows", f"{bare * 1e3:.3f} ms bare, {through * 1e3:.3f} ms: {through / bare:.2f}x")
        )
    read = median_seconds(lambda: [slot.current for _ in range(1_000)]) / 1_000
    rows.append(("read slot.current", f"{read * 1e9:.0f} ns"))
    return rows


if __name__ == "__main__":
    for label, value in slot_rows():
        print(f"{label:>20}  {value}")
