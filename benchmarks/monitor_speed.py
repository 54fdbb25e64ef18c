"""How fast the monitors are: each beside the plainest fast method for the same thing, in turns, on one core."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.monitor import CANDLES, FEATURES, TRAINING, WINDOW, fitted, synthetic_features
from benchmarks.monitor_batch import batch_rows
from benchmarks.monitor_growth import growth_rows, memory_rows
from benchmarks.monitor_pairs import FEATURES as MANY_FEATURES
from benchmarks.monitor_pairs import MOST_PAIRS, TURNS, frame_candles, health_cost
from benchmarks.monitor_plain import Plain, RingBuffer, history_by_tables, recounted_windows
from benchmarks.paired_rows import duration, ratio_row
from benchmarks.rows import Bound, Row
from benchmarks.timing import in_turns
from tradai_lifecycle.monitor import FeatureReference, PairReference, SeriesLimits, bin_codes, rolling_psi, window_psi
from tradai_lifecycle.monitor.calibration import calibrate
from tradai_lifecycle.monitor.drift import DriftMonitor, folded
from tradai_lifecycle.monitor.psi import Codes, Floats, WindowPsi, psi_columns

#: No slower than what it is measured against.
AS_FAST = Bound(most=1.0)
SAMPLED_ROWS, FEW_PAIRS = 50, 10
LIMITS = SeriesLimits(moderate=0.10, significant=0.25, retrain=0.20, monitorable=True)


def rows() -> list[Row]:
    """One batch, a whole history, one candle more, calibration, live batches, and how costs grow."""
    with threadpool_limits(1):
        return [
            *batch_rows(),
            *history_rows(),
            *candle_rows(),
            *calibration_rows(),
            *live_rows(),
            *memory_rows(),
            *growth_rows(),
        ]


def history_rows() -> Iterator[Row]:
    """The rolling index of a whole history, and the drift columns made of it."""
    features, references, size = _history(), _pair().features, f"{CANDLES:,} x {FEATURES}, window {WINDOW}"
    plain, codes = Plain.of(references), bin_codes(features, references)
    assert np.allclose(rolling_psi(codes, references, WINDOW)[WINDOW - 1 :].T, history_by_tables(codes, plain, WINDOW))
    yield ratio_row(
        f"rolling index / counts into tables of terms, {size}",
        in_turns(
            lambda: history_by_tables(codes, plain, WINDOW),
            lambda: rolling_psi(codes, references, WINDOW),
            turns=7,
            warm_up=1,
        ),
        bound=AS_FAST,
        note="codes at hand on both sides",
    )
    yield _each_row_anew(features, references, size)
    yield _relations_row(size)


def _relations_row(size: str) -> Row:
    own = _history()[:, : FEATURES // 2]
    features = np.concatenate([own, own + _history()[:, FEATURES // 2 :] / 2.0], axis=1)
    pair, limits = fitted(features), (LIMITS,) * (FEATURES + 1)
    codes = bin_codes(np.column_stack([features, features[:, 0]]), pair.series)
    monitor = DriftMonitor(pair.series, limits, pair.relations, WINDOW)
    return ratio_row(
        f"drift columns with relations / without, {size}",
        in_turns(
            lambda: folded(psi_columns(codes, pair.series, WINDOW), limits, len(codes), WINDOW),
            lambda: monitor.of(codes),
            turns=5,
            warm_up=1,
        ),
        note=f"{len(pair.relations.combinations)} relations",
    )


def candle_rows() -> Iterator[Row]:
    """One candle more: the index alone against a ring buffer, and a pair's whole health."""
    for count in (FEATURES, MANY_FEATURES):
        features = synthetic_features(TRAINING // 2, count)
        references = fitted(features, TRAINING // 2).features
        stream = _Stream(codes=np.ascontiguousarray(bin_codes(features, references)), references=references)
        assert np.allclose(stream.ours(), stream.by_ring_buffer())
        paired, candles = in_turns(stream.by_ring_buffer, stream.ours, turns=11), len(features) - WINDOW
        yield ratio_row(
            f"index at one candle more / ring buffer, {count} features",
            paired,
            bound=AS_FAST,
            note=f"of {candles:,} candles each: {duration(paired.other / candles)} a candle",
        )
        cost = health_cost(FEW_PAIRS, count)
        yield Row(
            name=f"health of a pair at one candle more, {count} features",
            figure=1e3 * cost.seconds / FEW_PAIRS,
            unit=" ms",
            measured=f"frames of {frame_candles():,} candles, {FEW_PAIRS} pairs in turns, median of {TURNS} candles; "
            f"{duration(cost.processor_seconds / FEW_PAIRS)} of the processor",
        )


def calibration_rows() -> Iterator[Row]:
    """A pair's reference, and the calibration of the index within it against windows counted one by one."""
    features, references = _history()[:TRAINING], _pair().features
    codes, counts = bin_codes(features, references), [one.counts for one in references]
    plain, size = Plain.of(references), f"{TRAINING:,} x {FEATURES}"
    assert np.allclose(calibrate(codes, counts, WINDOW).window_psi, recounted_windows(codes, plain, WINDOW))
    fit = in_turns(lambda: calibrate(codes, counts, WINDOW), lambda: fitted(features), turns=7, warm_up=1)
    yield Row(
        name=f"reference of a pair, calibration included, {size}",
        figure=fit.other,
        unit=" s",
        bound=Bound(most=2),
        measured=f"median of {fit.turns}; the calibration of the index takes {duration(fit.base)} of it",
        details={"seconds": fit.other, "calibration_seconds": fit.base},
    )
    yield ratio_row(
        f"calibration of the index / each window counted anew, {size}",
        in_turns(lambda: recounted_windows(codes, plain, WINDOW), lambda: calibrate(codes, counts, WINDOW), turns=11),
        bound=AS_FAST,
    )


def live_rows() -> Iterator[Row]:
    """Health of a batch of many pairs with many features, by itself and beside the least that could be done."""
    cost, in_a_run = health_cost(MOST_PAIRS), health_cost(MOST_PAIRS, in_a_run=True)
    yield Row(
        name=f"health of a batch, {MOST_PAIRS} pairs x {MANY_FEATURES} features",
        figure=1e3 * cost.seconds,
        unit=" ms",
        digits=0,
        bound=Bound(most=100),
        measured=f"frames of {frame_candles():,} candles a candle apart, each made just before it is judged; median of "
        f"{TURNS} batches, the dearest {duration(cost.dearest_seconds)}; {duration(cost.processor_seconds)} of the "
        f"processor; {duration(in_a_run.seconds)} where every pair remembers the longest run of significant drift",
        details={
            "seconds": cost.seconds,
            "processor_seconds": cost.processor_seconds,
            "seconds_in_a_run": in_a_run.seconds,
        },
    )
    yield Row(
        name="  the same / nine compares, counted, of each newest window alone",
        figure=cost.seconds / cost.counted_seconds,
        unit="x",
        digits=2,
        measured=f"{duration(cost.seconds)} against {duration(cost.counted_seconds)}, pair after pair in turns",
        details={"other_seconds": cost.seconds, "base_seconds": cost.counted_seconds},
    )


def _each_row_anew(features: Floats, references: tuple[FeatureReference, ...], size: str) -> Row:
    ends = np.linspace(WINDOW, CANDLES, SAMPLED_ROWS).astype(int)

    def recompute() -> None:
        for end in ends:
            window_psi(bin_codes(features[end - WINDOW : end], references), references)

    paired = in_turns(
        lambda: rolling_psi(bin_codes(features, references), references, WINDOW), recompute, turns=5, warm_up=1
    )
    scale = (CANDLES - WINDOW + 1) / SAMPLED_ROWS
    return Row(
        name=f"each row anew / rolling index, {size}",
        figure=paired.ratio * scale,
        unit="x",
        digits=0,
        bound=Bound(least=100),
        measured=f"rolling with binning {duration(paired.base)}; {SAMPLED_ROWS} rows anew, scaled to all: "
        f"{duration(paired.other * scale)}; median of {paired.turns} turns",
        details={
            "rolling_seconds": paired.base,
            "scaled_seconds": paired.other * scale,
            "sampled_rows": SAMPLED_ROWS,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """Codes `(n, F)` that come one row after another; the index `(F,)` of the last window."""

    codes: Codes
    references: tuple[FeatureReference, ...]

    def ours(self) -> Floats:
        psi = WindowPsi(self.references)
        counts, index = psi.counts(self.codes[:WINDOW]), np.empty(0)
        for row in range(WINDOW, len(self.codes)):
            psi.exchange(counts, self.codes[row - WINDOW], self.codes[row])
            index = psi.of_counts(counts, WINDOW)
        return index

    def by_ring_buffer(self) -> Floats:
        ring, index = RingBuffer(self.codes[:WINDOW], Plain.of(self.references)), np.empty(0)
        for row in self.codes[WINDOW:]:
            index = ring.push(row)
        return index


@cache
def _history() -> NDArray[np.float64]:
    return synthetic_features(CANDLES, FEATURES)


@cache
def _pair() -> PairReference:
    return fitted(_history())


__all__ = ["rows"]
