"""Faults of the data, told from drift: stuck, frozen, rescaled, out of range, not a number, or candles out of step.

A fault pauses at once and never asks for retraining, since training would learn the fault. Each rule compares the
newest candles with the worst that training showed, and each is bounded in memory, so a row's reasons do not depend on
where its frame starts once it has `quality_memory_candles` predecessors.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.calibration import interquartile_ranges, run_lengths
from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.monitor.reference import FeatureReference, PairReference
from tradai_lifecycle.states import Reason

Flags = NDArray[np.bool_]
Reasons = NDArray[np.uint32]

#: The shortest run of equal values that counts as stuck, whatever training showed.
SHORTEST_STUCK_RUN = 24
#: How far an interquartile range may leave those of the training windows, as a factor.
SCALE_FACTOR = 4.0


def recent_candles(window: int) -> int:
    """Candles the fast rules look at, and the distance of the candles at which scales are compared: a 20th window."""
    return max(1, window // 20)


def quality_memory_candles(window: int) -> int:
    """How many predecessors a row needs so that its reasons do not depend on where the frame starts."""
    return window + recent_candles(window)


def quality_reasons(
    *,
    values: NDArray[np.float64],
    close: NDArray[np.float64],
    dates_ns: NDArray[np.int64],
    candle_ns: int,
    reference: PairReference,
    window: int,
) -> Reasons:
    """The faults at each of n candles, as bits of `Reason` out of `QUALITY_REASONS`; 0 where there is none.

    `values` `(n, F)` are the features in the reference's order, `close` `(n,)` and `dates_ns` `(n,)` the candles'
    prices and open times, `window` the live window. With recent meaning the last window // 20 rows:

    - NOT_FINITE: a feature or the close is NaN or infinite, or most of a feature's recent values were.
    - CONSTANT_FEATURE: a feature has not moved for longer than 24 candles and 1.5 times its longest run in training.
      Features that stood still for a whole window in training are exempt.
    - FROZEN_FEED: the same for the close.
    - OUT_OF_RANGE: more than a fifth of a feature's recent values lie further outside the training range than half
      that range.
    - SCALE_CHANGED: a feature's interquartile range over the window is beyond 4 times the largest, or below a quarter
      of the smallest, of the training windows. Looked at every window // 20 candles, held between. Features whose range
      was 0 throughout training are exempt.
    - CANDLES_IRREGULAR: a gap, a repeated or an earlier candle among the recent steps.

    Raises ValueError where the shapes do not match each other or the reference, or `candle_ns` or `window` is below 1.
    """
    _check(values, close, dates_ns, candle_ns, reference, window)
    recent = recent_candles(window)
    reasons = np.zeros(len(close), dtype=np.uint32)
    _flag(reasons, Reason.NOT_FINITE, ~np.isfinite(close))
    _flag(reasons, Reason.FROZEN_FEED, _stuck(close, reference.longest_constant_close_run, window))
    _flag(reasons, Reason.CANDLES_IRREGULAR, _irregular(dates_ns, candle_ns, recent))
    anchors = _Anchors(dates_ns // candle_ns, recent)
    for index, feature in enumerate(reference.features):
        _flag_feature(reasons, np.ascontiguousarray(values[:, index], dtype=np.float64), feature, anchors, window)
    return reasons


def _check(
    values: Floats, close: Floats, dates_ns: NDArray[np.int64], candle_ns: int, reference: PairReference, window: int
) -> None:
    if values.ndim != 2 or values.shape[1] != len(reference.features):
        raise ValueError(f"values of shape {values.shape} do not fit {len(reference.features)} features")
    if close.shape != (len(values),) or dates_ns.shape != (len(values),):
        raise ValueError(f"close {close.shape} and dates {dates_ns.shape} must have {len(values)} rows")
    if candle_ns < 1 or window < 1:
        raise ValueError(f"candle_ns {candle_ns} and window {window} must be positive")


def _flag(reasons: Reasons, reason: Reason, rows: Flags) -> None:
    reasons[rows] |= np.uint32(reason)


def _flag_feature(
    reasons: Reasons, column: Floats, feature: FeatureReference, anchors: "_Anchors", window: int
) -> None:
    recent = recent_candles(window)
    missing = ~np.isfinite(column)
    if missing.any():
        _flag(reasons, Reason.NOT_FINITE, missing | _more_than(recent // 2, missing, recent))
    outside = _outside(column, feature) & ~missing
    if outside.any():
        _flag(reasons, Reason.OUT_OF_RANGE, _more_than(recent // 5, outside, recent))
    if feature.longest_constant_run < window:
        _flag(reasons, Reason.CONSTANT_FEATURE, _stuck(column, feature.longest_constant_run, window))
    if feature.iqr_high > 0.0:
        _flag(reasons, Reason.SCALE_CHANGED, _scale_changed(column, feature, anchors, window))


def _outside(column: Floats, feature: FeatureReference) -> Flags:
    half_range = feature.maximum / 2 - feature.minimum / 2
    return (column < feature.minimum - half_range) | (column > feature.maximum + half_range)


def _more_than(allowed: int, flags: Flags, recent: int) -> Flags:
    # more than `allowed` of the last `recent` rows, those before the frame counting as unflagged
    until = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=until[1:])
    first = np.maximum(np.arange(1, len(flags) + 1) - recent, 0)
    return until[1:] - until[first] > allowed


def _stuck(values: Floats, longest_in_training: int, window: int) -> Flags:
    allowed = min(max(ceil(1.5 * longest_in_training), SHORTEST_STUCK_RUN), window)
    if np.count_nonzero(values[1:] == values[:-1]) < allowed:
        # too few repeats in the whole frame to make one run that long: the usual case, and by far the cheaper look
        return np.zeros(len(values), dtype=bool)
    return run_lengths(values) > allowed


def _irregular(dates_ns: NDArray[np.int64], candle_ns: int, recent: int) -> Flags:
    rows = np.arange(len(dates_ns))
    odd = np.zeros(len(dates_ns), dtype=bool)
    odd[1:] = np.diff(dates_ns) != candle_ns
    newest = np.maximum.accumulate(np.where(odd, rows, -recent))
    return rows - newest < recent


class _Anchors:
    """The rows at which scales are compared: fixed by the candle's number, not by its place in the frame."""

    __slots__ = ("_held", "_newest", "_rows")

    def __init__(self, candle_numbers: NDArray[np.int64], stride: int) -> None:
        rows = np.arange(len(candle_numbers))
        anchored = candle_numbers % stride == 0
        self._rows = rows[anchored]
        self._newest = np.maximum.accumulate(np.where(anchored, rows, -stride))
        self._held = rows - self._newest < stride

    def full(self, window: int) -> NDArray[np.intp]:
        """The anchors whose window lies in the frame."""
        rows: NDArray[np.intp] = self._rows[self._rows >= window - 1]
        return rows

    def hold(self, flagged: NDArray[np.intp]) -> Flags:
        """Each row's verdict, given the anchors that were flagged: that of its newest anchor, while not too old."""
        verdict = np.zeros(len(self._newest), dtype=bool)
        verdict[flagged] = True
        # rows before the first anchor point before the frame; none of them is held
        return self._held & verdict[np.maximum(self._newest, 0)]


def _scale_changed(column: Floats, feature: FeatureReference, anchors: _Anchors, window: int) -> Flags:
    rows = anchors.full(window)
    ranges = interquartile_ranges(column, rows, window)
    # divided, not multiplied: a range near the largest float must not overflow
    changed = (ranges / SCALE_FACTOR > feature.iqr_high) | (ranges < feature.iqr_low / SCALE_FACTOR)
    return anchors.hold(rows[changed])


__all__ = ["quality_memory_candles", "quality_reasons", "recent_candles"]
