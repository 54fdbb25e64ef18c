"""Faults of the data, told from drift: stuck, frozen, rescaled, out of range, not a number, or candles out of step.

A fault pauses at once and never asks for retraining, since training would learn the fault. Each rule compares the
newest candles with the worst that training showed, and each is bounded in memory, so a row's reasons do not depend on
where its frame starts once it has `quality_memory_candles` predecessors.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.calibration import run_lengths
from tradai_lifecycle.monitor.persistence import within
from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.scales import Scales
from tradai_lifecycle.states import Reason

Flags = NDArray[np.bool_]
Reasons = NDArray[np.uint32]

_LARGEST = float(np.finfo(np.float64).max)
_NONE = np.empty(0, dtype=np.intp)
#: The shortest run of equal values that counts as stuck, whatever training showed.
SHORTEST_STUCK_RUN = 24


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
    rules = QualityRules(reference, candle_ns, Scales(reference.features, window))
    return rules.reasons(values, close, dates_ns)


class QualityRules:
    """The rules of `quality_reasons` for one pair, with its bounds as arrays: for frames that come again and again.

    Raises ValueError for a `candle_ns` or a window of `scales` below 1.
    """

    def __init__(self, reference: PairReference, candle_ns: int, scales: Scales) -> None:
        window = scales.window
        if candle_ns < 1 or window < 1:
            raise ValueError(f"candle_ns {candle_ns} and window {window} must be positive")
        self._candle_ns, self._window, self._scales = candle_ns, window, scales
        minimum = np.array([feature.minimum for feature in reference.features])
        maximum = np.array([feature.maximum for feature in reference.features])
        half_range = maximum / 2 - minimum / 2
        with np.errstate(over="ignore"):
            self._lowest, self._highest = minimum - half_range, maximum + half_range
        # an infinite value is outside of whatever the bounds are
        self._least, self._most = np.maximum(self._lowest, -_LARGEST), np.minimum(self._highest, _LARGEST)
        runs = np.array([feature.longest_constant_run for feature in reference.features], dtype=np.int64)
        # a feature that stood still for a whole window in training may do so: no run is too long for it
        self._longest_runs = np.where(runs < window, _allowed_run(runs, window), np.iinfo(np.int64).max)
        # a run that is too long at a row asked for holds at least so many rows before it
        self._shortest_run = int(self._longest_runs.min(initial=window))
        self._longest_close_run = int(_allowed_run(reference.longest_constant_close_run, window))

    def reasons(
        self,
        values: NDArray[np.float64],
        close: NDArray[np.float64],
        dates_ns: NDArray[np.int64],
        from_row: int = 0,
    ) -> Reasons:
        """As `quality_reasons`; rows before `from_row` are not asked for and say nothing."""
        self._check(values, close, dates_ns)
        reasons = np.zeros(len(close), dtype=np.uint32)
        # what the rows asked for depend on, and no more
        seen = slice(max(0, from_row - quality_memory_candles(self._window)), None)
        recent = slice(max(0, from_row - recent_candles(self._window)), None)
        self._flag_candles(reasons[recent], close[recent], dates_ns[recent])
        self._flag_values(reasons[recent], values[recent])
        self._flag_frozen(reasons[seen], close[seen])
        self._flag_runs(reasons[seen], values[seen], from_row - seen.start)
        self._flag_scales(reasons[seen], values[seen], dates_ns[seen])
        reasons[:from_row] = 0
        return reasons

    def _check(self, values: Floats, close: Floats, dates_ns: NDArray[np.int64]) -> None:
        if values.ndim != 2 or values.shape[1] != len(self._lowest):
            raise ValueError(f"values of shape {values.shape} do not fit {len(self._lowest)} features")
        if close.shape != (len(values),) or dates_ns.shape != (len(values),):
            raise ValueError(f"close {close.shape} and dates {dates_ns.shape} must have {len(values)} rows")

    def _flag_candles(self, reasons: Reasons, close: Floats, dates_ns: NDArray[np.int64]) -> None:
        finite, odd = np.isfinite(close), dates_ns[1:] - dates_ns[:-1] != self._candle_ns
        if not finite.all():
            _flag(reasons, Reason.NOT_FINITE, ~finite)
        if odd.any():
            # no step leads to the first row
            irregular = within(np.concatenate([[False], odd]), recent_candles(self._window))
            _flag(reasons, Reason.CANDLES_IRREGULAR, irregular)

    def _flag_frozen(self, reasons: Reasons, close: Floats) -> None:
        if np.count_nonzero(close[1:] == close[:-1]) >= self._longest_close_run:
            _flag(reasons, Reason.FROZEN_FEED, run_lengths(close) > self._longest_close_run)

    def _flag_values(self, reasons: Reasons, values: Floats) -> None:
        recent = recent_candles(self._window)
        for index in self._strayed(values):
            missing = ~np.isfinite(values[:, index])
            outside = (values[:, index] < self._lowest[index]) | (values[:, index] > self._highest[index])
            _flag(reasons, Reason.NOT_FINITE, missing | _more_than(recent // 2, missing, recent))
            _flag(reasons, Reason.OUT_OF_RANGE, _more_than(recent // 5, outside & ~missing, recent))

    # the features with a value that is missing or out of range: hardly ever one
    def _strayed(self, values: Floats) -> NDArray[np.intp]:
        within_range = values >= self._least
        within_range &= values <= self._most
        # NaN is within nothing
        return _NONE if within_range.all() else np.flatnonzero(~within_range.all(axis=0))

    def _flag_runs(self, reasons: Reasons, values: Floats, from_row: int) -> None:
        for index in _perhaps_stuck(values[max(0, from_row - self._shortest_run) :], self._shortest_run):
            series, longest = np.ascontiguousarray(values[:, index]), self._longest_runs[index]
            if np.count_nonzero(series[1:] == series[:-1]) >= longest:
                _flag(reasons, Reason.CONSTANT_FEATURE, run_lengths(series) > longest)

    def _flag_scales(self, reasons: Reasons, values: Floats, dates_ns: NDArray[np.int64]) -> None:
        first = self._window - 1
        anchors = _Anchors(dates_ns[first:] // self._candle_ns, recent_candles(self._window))
        changed = self._scales.changed(values, dates_ns, anchors.rows + first)
        if changed.any():
            for column in changed.T[changed.any(axis=0)]:
                _flag(reasons[first:], Reason.SCALE_CHANGED, anchors.hold(anchors.rows[column]))


# The columns that may hold a run of more than n rows: of every (n // 4)-th row, four one after another would be equal.
def _perhaps_stuck(values: Floats, shortest: int) -> NDArray[np.intp]:
    stride = max(1, shortest // 4)
    same = values[:-stride:stride] == values[stride::stride]
    if not same.any():
        return _NONE
    for _ in range(min(3, shortest) - 1):
        same = same[1:] & same[:-1]
    return np.flatnonzero(same.any(axis=0))


# one and a half times the longest run of training, rounded up, within bounds
def _allowed_run(longest_in_training: Any, window: int) -> Any:
    return np.clip(-(-3 * longest_in_training // 2), SHORTEST_STUCK_RUN, window)


def _flag(reasons: Reasons, reason: Reason, rows: Flags) -> None:
    if rows.any():
        reasons[rows] |= np.uint32(reason)


def _more_than(allowed: int, flags: Flags, recent: int) -> Flags:
    # more than `allowed` of the last `recent` rows, those before the frame counting as unflagged
    until = np.zeros(len(flags) + 1, dtype=np.int64)
    np.cumsum(flags, out=until[1:])
    first = np.maximum(np.arange(1, len(flags) + 1) - recent, 0)
    return until[1:] - until[first] > allowed


class _Anchors:
    """The `rows` at which scales are compared: fixed by the candle's number, not by its place in the frame."""

    __slots__ = ("_anchored", "_stride", "rows")

    def __init__(self, candle_numbers: NDArray[np.int64], stride: int) -> None:
        self._anchored, self._stride = candle_numbers % stride == 0, stride
        self.rows = np.flatnonzero(self._anchored)

    def hold(self, flagged: NDArray[np.intp]) -> Flags:
        """Each row's verdict, given the anchors that were flagged: that of its newest anchor, while not too old."""
        rows = np.arange(len(self._anchored))
        newest = np.maximum.accumulate(np.where(self._anchored, rows, -self._stride))
        verdict = np.zeros(len(rows), dtype=bool)
        verdict[flagged] = True
        # rows before the first anchor point before the first row; none of them is held
        return (rows - newest < self._stride) & verdict[np.maximum(newest, 0)]


__all__ = ["QualityRules", "quality_memory_candles", "quality_reasons", "recent_candles"]
