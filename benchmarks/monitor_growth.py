"""The monitors' memory, and how their cost grows with candles, features and pairs."""

import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import log2
from statistics import median

from benchmarks.monitor import CANDLES, FEATURES, TRAINING, WINDOW, fitted, synthetic_features
from benchmarks.monitor_pairs import FEATURES as PAIR_FEATURES
from benchmarks.monitor_pairs import MOST_PAIRS, TURNS, health_cost, kept_by_one_pair
from benchmarks.paired_rows import duration
from benchmarks.rows import Bound, Row
from benchmarks.timing import seconds
from tradai_lifecycle.monitor import bin_codes, rolling_psi

MEGABYTE = 1e6
TIMES = (1, 2, 4)
#: A cost that grows as this power of what it is of is about linear.
LINEAR = Bound(most=1.25)


def memory_rows() -> Iterator[Row]:
    """Peaks of a whole history and of a calibration, and what stays of a pair."""
    features = synthetic_features(CANDLES, FEATURES)
    references = fitted(features).features
    codes = bin_codes(features, references)
    yield _peak_row(
        f"peak memory of a rolling index, {CANDLES:,} x {FEATURES}",
        lambda: rolling_psi(codes, references, WINDOW),
        f"beside its codes; the index itself takes {8 * codes.size / MEGABYTE:.0f} MB",
    )
    training = features[:TRAINING]
    yield _peak_row(
        f"peak memory of a pair's reference, {TRAINING:,} x {FEATURES}",
        lambda: fitted(training),
        f"beside the features, which take {training.nbytes / MEGABYTE:.0f} MB",
    )
    kept = kept_by_one_pair()
    yield Row(
        name=f"memory kept of a live pair, {PAIR_FEATURES} features",
        figure=kept.whole / MEGABYTE,
        unit=" MB",
        digits=1,
        measured=f"tracemalloc; {kept.features / MEGABYTE:.1f} MB of it are the features of its last frame",
        details={"bytes": kept.whole, "feature_bytes": kept.features},
    )


def growth_rows() -> Iterator[Row]:
    """Each cost at one, two and four times the size."""
    rows, pairs, features = CANDLES // 4, MOST_PAIRS // 4, PAIR_FEATURES // 4
    yield _history_growth("candles", [(times * rows, FEATURES) for times in TIMES])
    yield _history_growth("features", [(rows, times * FEATURES) for times in TIMES])
    by_pairs = {f"{times * pairs} pairs": health_cost(times * pairs).seconds for times in TIMES}
    yield _growth_row(f"health of a batch of {PAIR_FEATURES} features, as pairs grow", by_pairs)
    by_features = {f"{times * features} features": health_cost(pairs, times * features).seconds for times in TIMES}
    yield _growth_row(f"health of a batch of {pairs} pairs, as features grow", by_features)


def _history_growth(what: str, shapes: Sequence[tuple[int, int]]) -> Row:
    works: dict[str, Callable[[], object]] = {}
    for rows, columns in shapes:
        features = synthetic_features(rows, columns)
        references = fitted(features, TRAINING).features
        codes = bin_codes(features, references)
        works[f"{rows:,} x {columns}"] = partial(rolling_psi, codes, references, WINDOW)
    taken = {size: [seconds(work) for _ in range(1 + TURNS)][1:] for size, work in works.items()}
    return _growth_row(f"rolling index as {what} grow", {size: median(times) for size, times in taken.items()})


def _growth_row(name: str, costs: Mapping[str, float]) -> Row:
    taken = list(costs.values())
    return Row(
        name=f"{name}: cost as a power of it",
        figure=log2(taken[-1] / taken[0]) / log2(TIMES[-1]),
        unit="",
        bound=LINEAR,
        measured=", ".join(f"{size}: {duration(cost)}" for size, cost in costs.items()),
        details={"seconds": dict(costs)},
    )


def _peak_row(name: str, work: Callable[[], object], note: str) -> Row:
    work()
    tracemalloc.start()
    try:
        work()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Row(
        name=name,
        figure=peak / MEGABYTE,
        unit=" MB",
        digits=0,
        measured=f"tracemalloc; {note}",
        details={"bytes": peak},
    )


__all__ = ["growth_rows", "memory_rows"]
