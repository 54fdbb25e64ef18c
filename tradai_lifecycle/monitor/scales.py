"""Whether a feature's scale is still that of training: its interquartile range beside those of training's windows.

A sort of a whole window for every feature is the dearest thing that is asked of a candle. The ranges of a frame's older
candles hardly ever have to be taken anew: the quartiles of a window move by no more than its values do, so a range that
is further from its limits than twice the largest move of a value cannot have crossed them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.calibration import interquartile_ranges
from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.monitor.reference import FeatureReference

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

#: How far an interquartile range may leave those of the training windows, as a factor.
SCALE_FACTOR = 4.0
# more than the rounding of the few sums and differences that a proof is made of
_ROUNDING = 1.0 + 1e-9


class Scales:
    """Compares the ranges of some candles' windows with training's; every range taken from its window."""

    def __init__(self, features: Sequence[FeatureReference], window: int) -> None:
        self.window = window
        self._lows = np.array([feature.iqr_low for feature in features]) / SCALE_FACTOR
        self._highs = np.array([feature.iqr_high for feature in features])

    def changed(self, values: Floats, dates_ns: NDArray[np.int64], rows: Rows) -> Flags:  # noqa: ARG002 - see below
        """Whether each feature's range over the window that ends at each of `rows` is out of bounds, `(rows, F)`.

        `values` `(n, F)` and `dates_ns` `(n,)` are the frame's; by its date a range can be remembered. Features whose
        range was 0 throughout training have no scale to change, and a window less than half of which is finite has
        no range.
        """
        return self._out_of_bounds(self._ranges(values, rows), np.arange(len(self._highs)))

    def _ranges(self, values: Floats, rows: Rows) -> Floats:
        ranges = np.full((len(rows), len(self._highs)), np.nan)
        for column in np.flatnonzero(self._highs > 0.0):
            ranges[:, column] = self._range(values, rows, int(column))
        return ranges

    def _range(self, values: Floats, rows: Rows, column: int) -> Floats:
        return interquartile_ranges(np.ascontiguousarray(values[:, column], dtype=np.float64), rows, self.window)

    def _out_of_bounds(self, ranges: Floats, columns: Rows) -> Flags:
        # divided, not multiplied: a range near the largest float must not overflow
        return (ranges / SCALE_FACTOR > self._highs[columns]) | (ranges < self._lows[columns])


class RememberedScales(Scales):
    """The same answers for a pair's frames one after another, each range taken again only where it may have crossed.

    `moved` must be told of every frame before its candles are asked for.
    """

    def __init__(self, features: Sequence[FeatureReference], window: int) -> None:
        super().__init__(features, window)
        # by candle: the ranges as they were taken, and how far any value of their windows may have moved since
        self._taken: dict[int, tuple[Floats, Floats]] = {}

    def forget(self) -> None:
        """Take every range anew: the next frame does not go on from the last one."""
        self._taken.clear()

    def moved(self, largest_moves: Floats) -> None:
        """Each feature's values moved by at most this from the last frame to this one, `(F,)`; NaN: unknown."""
        for _, slack in self._taken.values():
            with np.errstate(over="ignore"):
                np.add(slack, largest_moves, out=slack)

    def changed(self, values: Floats, dates_ns: NDArray[np.int64], rows: Rows) -> Flags:
        """As `Scales.changed`, to the last bit of the verdict."""
        candles = dates_ns[rows].tolist()
        if len(set(candles)) < len(candles):
            # a candle that comes twice has no place of its own to be remembered in
            self.forget()
            return super().changed(values, dates_ns, rows)
        for row, candle in zip(rows, candles, strict=True):
            self._take(values, row, candle)
        self._taken = {candle: self._taken[candle] for candle in candles}
        taken = [ranges for ranges, _ in self._taken.values()]
        if not taken:
            return np.zeros((0, len(self._highs)), dtype=bool)
        return self._out_of_bounds(np.stack(taken), np.arange(len(self._highs)))

    def _take(self, values: Floats, row: np.intp, candle: int) -> None:
        at = np.array([row])
        if candle not in self._taken:
            self._taken[candle] = (self._ranges(values, at)[0], np.zeros(len(self._highs)))
            return
        ranges, slack = self._taken[candle]
        for column in np.flatnonzero(self._doubtful(ranges, slack)):
            ranges[column], slack[column] = self._range(values, at, int(column))[0], 0.0

    def _doubtful(self, ranges: Floats, slack: Floats) -> Flags:
        with np.errstate(over="ignore", invalid="ignore"):
            distance = np.minimum(np.abs(ranges - self._highs * SCALE_FACTOR), np.abs(ranges - self._lows))
            far = distance > 2.0 * _ROUNDING * slack
        # a range that is not a number has too few finite values, and has them still while the moves are known
        proven = (slack == 0.0) | far | (np.isnan(ranges) & np.isfinite(slack))
        doubtful: Flags = ~proven & (self._highs > 0.0)
        return doubtful


__all__ = ["SCALE_FACTOR", "RememberedScales", "Scales"]
