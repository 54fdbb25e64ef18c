"""What the slot and the bundle add to a bare estimator, and whether a reader ever sees half a swap."""

import asyncio
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from benchmarks.rows import Bound, Row
from benchmarks.timing import in_turns
from tradai_lifecycle.model import GoldenSample, ModelBundle, ModelSlot, ModelTask
from tradai_lifecycle.model.slot import SlotState
from tradai_lifecycle.monitor import ReferenceProfile

FEATURES, TREES, LIVE_ROWS = 50, 100, 2_000
SWAPS, READERS = 10_000, 8


def trained_bundle() -> ModelBundle:
    """A bundle of boosted trees on noise."""
    features = np.random.default_rng(0).normal(size=(3_000, FEATURES))
    names = tuple(f"%-{index}" for index in range(FEATURES))
    return ModelBundle(
        name="benchmark",
        version="0",
        run_id=None,
        digest="0",
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


def prediction_rows() -> list[Row]:
    """Read the slot and predict, against the estimator alone; one OpenMP thread on both sides."""
    slot, bundle = ModelSlot(), trained_bundle()
    asyncio.run(slot.swap(bundle))
    rows = []
    for size in (LIVE_ROWS, 64):
        features = np.random.default_rng(1).normal(size=(size, FEATURES))
        with threadpool_limits(1, "openmp"):
            paired = in_turns(
                lambda features=features: bundle.estimator.predict(features),
                lambda features=features: slot.current.predict(features),
                turns=300,
            )
        rows.append(
            Row(
                name=f"slot read and predict / bare estimator, {size:,} rows",
                figure=paired.ratio,
                unit="x",
                digits=3,
                bound=Bound(most=1.02),
                measured=f"HistGradientBoosting, {TREES} trees, {FEATURES} features, one OpenMP thread on both sides, "
                f"median of {paired.turns} turns; bare {1e3 * paired.base:.2f} ms",
                details={"bare_ms": 1e3 * paired.base, "slot_ms": 1e3 * paired.other},
            )
        )
    return rows


def torn_read_rows() -> list[Row]:
    """Eight threads read while ten thousand swaps happen; each bundle says its number in three places."""
    slot, template = ModelSlot(), trained_bundle()
    asyncio.run(slot.swap(template))
    done, torn, reads = threading.Event(), [0] * READERS, [0] * READERS

    def read(reader: int) -> None:
        while not done.is_set():
            torn[reader] += _is_torn(slot.state)
            reads[reader] += 1

    async def swap_all() -> None:
        for number in range(1, SWAPS + 1):
            await slot.swap(
                replace(template, version=str(number), digest=str(number), metrics={"number": float(number)})
            )

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(READERS)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads change a hundred times as often as usual
    try:
        for thread in threads:
            thread.start()
        asyncio.run(swap_all())
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    return [
        Row(
            name=f"torn reads in {SWAPS:,} swaps",
            figure=sum(torn),
            unit="",
            digits=0,
            bound=Bound(most=0),
            measured=f"{READERS} reader threads, {sum(reads):,} reads, threads changed every 10 us",
            details={"swaps": SWAPS, "readers": READERS, "reads": sum(reads), "fewest_reads": min(reads)},
        )
    ]


def _is_torn(state: SlotState) -> bool:
    current, previous = state.current, state.previous
    if current is None or current.version != current.digest:
        return True
    number = int(current.version)
    if number == 0:
        return False
    return current.metrics["number"] != number or previous is None or int(previous.version) != number - 1


__all__ = ["prediction_rows", "torn_read_rows", "trained_bundle"]
