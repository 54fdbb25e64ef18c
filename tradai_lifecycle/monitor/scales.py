"""Whether a feature's scale is still that of training: its interquartile range beside those of training's windows.

A sort of a whole window for every feature is the dearest thing that is asked of a candle. It is hardly ever needed: the
bins of the quartiles tell how wide the range is at least and at most, and both are mostly far from the limits. Nor do
the ranges of a frame's older candles have to be looked at anew: the quartiles of a window move by no more than its
values do, so a range that is further from its limits than twice the largest move of a value cannot have crossed them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.calibration import interquartile_ranges
from tradai_lifecycle.monitor.psi import BELIEVED, Codes, Counts, Floats, PaddedEdges
from tradai_lifecycle.monitor.reference import FeatureReference

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

#: How far an interquartile range may leave those of the training windows, as a factor.
SCALE_FACTOR = 4.0


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
        return _out_of_bounds(self._ranges(values, rows), self._lows, self._highs)

    def _ranges(self, values: Floats, rows: Rows) -> Floats:
        columns = np.flatnonzero(self._highs > 0.0)
        ranges = np.full((len(rows), len(self._highs)), np.nan)
        if len(rows) < len(columns):
            for at, row in enumerate(rows):
                ranges[at, columns] = self._ranges_at(values, int(row), columns)
            return ranges
        for column in columns:
            series = np.ascontiguousarray(values[:, column], dtype=np.float64)
            ranges[:, column] = interquartile_ranges(series, rows, self.window)
        return ranges

    # one window of many columns: they are laid end to end and taken as windows of one series
    def _ranges_at(self, values: Floats, row: int, columns: Rows) -> Floats:
        windows = values[row - self.window + 1 : row + 1].T[columns].astype(np.float64)
        ends = np.arange(1, len(columns) + 1) * self.window - 1
        return interquartile_ranges(windows.ravel(), ends, self.window)


class RememberedScales(Scales):
    """The same answers for a pair's frames one after another, each range taken only where it may have crossed.

    `forget` or `moved` must be told of every frame before its candles are asked for.
    """

    def __init__(self, features: Sequence[FeatureReference], window: int) -> None:
        super().__init__(features, window)
        self._candles: list[int] = []
        self._brackets, self._codes = _Brackets(features, window), np.empty((0, len(features)), dtype=np.uint8)
        self._newest: Counts | None = None
        # per candle: whether the ranges are out of bounds as they were taken, how far the values of their windows may
        # have moved since, and how far they may before that could change
        self._found = np.empty((0, len(features)), dtype=np.bool_)
        self._slack = np.empty((0, len(features)))
        self._room = np.empty((0, len(features)))

    def forget(self, codes: Codes) -> None:
        """The next frame does not go on from the last one. Its features are in the bins `codes` `(n, F)`.

        They must be those of all values in the windows of candles that are asked for.
        """
        self._candles, self._codes, self._newest = [], codes, None
        self._found, self._slack, self._room = self._found[:0], self._slack[:0], self._room[:0]

    def moved(self, largest_moves: Floats, codes: Codes, newest: Counts | None) -> None:
        """Each feature's values moved by at most this from the last frame to this one, `(F,)`; NaN: unknown.

        `codes` are as for `forget`; `newest` `(F or more, bins)` are those of the newest window, counted, where known.
        """
        self._codes, self._newest = codes, newest
        with np.errstate(over="ignore"):
            self._slack += largest_moves

    def changed(self, values: Floats, dates_ns: NDArray[np.int64], rows: Rows) -> Flags:
        """As `Scales.changed`, to the last bit of the verdict."""
        candles = dates_ns[rows].tolist()
        if len(set(candles)) < len(candles):
            # a candle that comes twice has no place of its own to be remembered in
            self.forget(self._codes)
            return super().changed(values, dates_ns, rows)
        if candles != self._candles:
            self._follow(values, rows, candles)
        # a move that is not a number proves nothing
        proven = self._slack < self._room
        if not proven.all():
            doubtful = ~proven & (self._slack != 0.0)
            for at in np.flatnonzero(doubtful.any(axis=1)):
                self._take(values, int(rows[at]), int(at), np.flatnonzero(doubtful[at]))
        return self._found.copy()

    # keeps what is known of the candles that are still asked for, and takes the ranges of new ones
    def _follow(self, values: Floats, rows: Rows, candles: list[int]) -> None:
        place = {candle: at for at, candle in enumerate(self._candles)}
        known = [at for at, candle in enumerate(candles) if candle in place]
        before, shape = [place[candles[at]] for at in known], (len(rows), values.shape[1])
        found, slack, room = np.zeros(shape, dtype=np.bool_), np.zeros(shape), np.full(shape, np.inf)
        found[known], slack[known], room[known] = self._found[before], self._slack[before], self._room[before]
        self._candles, self._found, self._slack, self._room = candles, found, slack, room
        for at, candle in enumerate(candles):
            if candle not in place:
                unsure = self._bracket(at, int(rows[at]) - len(values))
                self._take(values, int(rows[at]), at, unsure)

    # The features whose ranges must be taken at a row so far from the frame's end: of the others the bins tell enough.
    def _bracket(self, at: int, from_end: int) -> Rows:
        if from_end == -1 and self._newest is not None:
            least, most = self._brackets.of_counts(self._newest)
        else:
            last = len(self._codes) + from_end
            least, most = self._brackets.of(self._codes[last - self.window + 1 : last + 1])
        with np.errstate(over="ignore", invalid="ignore"):
            # no range is below 0
            above = np.where(self._lows > 0.0, least - self._lows, np.inf)
            room = np.minimum(self._highs * SCALE_FACTOR - most, above) * (BELIEVED / 2.0)
        enough = room > 0.0
        self._room[at, enough] = room[enough]
        return np.flatnonzero(~enough)

    def _take(self, values: Floats, row: int, at: int, columns: Rows) -> None:
        columns = columns[self._highs[columns] > 0.0]
        ranges = self._ranges_at(values, row, columns)
        lows, highs = self._lows[columns], self._highs[columns]
        with np.errstate(over="ignore"):
            # no range is below 0
            below = np.where(lows > 0.0, np.abs(ranges - lows), np.inf)
            distance = np.minimum(np.abs(ranges - highs * SCALE_FACTOR), below)
        self._found[at, columns] = _out_of_bounds(ranges, lows, highs)
        self._slack[at, columns] = 0.0
        # a range that is not a number has too few finite values, and has them still while the moves are known
        self._room[at, columns] = np.where(np.isnan(ranges), np.inf, distance * (BELIEVED / 2.0))


class _Brackets:
    """Between what the interquartile range of a window lies, by the bins of its values."""

    def __init__(self, features: Sequence[FeatureReference], window: int) -> None:
        self._window = window
        self._bounds = PaddedEdges([feature.edges for feature in features]).bounds
        self._first = np.arange(len(self._bounds)) * self._bounds.shape[1]
        self._not_finite = self._first + [len(feature.edges) + 1 for feature in features]

    def of(self, codes: Codes) -> tuple[Floats, Floats]:
        """The least and the most it may be `(F,)`, from the codes `(window, F)`.

        Minus and plus infinity where an outer bin or missing values leave it open.
        """
        counts = np.bincount((codes + self._first).ravel(), minlength=self._bounds.size)
        return self.of_counts(counts.reshape(self._bounds.shape))

    def of_counts(self, counts: Counts) -> tuple[Floats, Floats]:
        """The same from the counts of a window's codes `(F or more, bins)`: of more series, the features come first."""
        features, bins = self._bounds.shape
        # bins that no feature has are empty: here they are left out, there they are missing
        counted = np.zeros(self._bounds.shape, dtype=np.int64)
        counted[:, : counts.shape[1]] = counts[:features, :bins]
        held = self._window - counted.ravel()[self._not_finite]
        until = counted.cumsum(axis=1)
        lower, upper = (self._first + (until <= place[:, None]).sum(axis=1) for place in (held // 4, 3 * held // 4))
        bounds = self._bounds.ravel()
        with np.errstate(invalid="ignore"):
            least, most = bounds[upper] - bounds[lower + 1], bounds[upper + 1] - bounds[lower]
        enough = 2 * held >= self._window
        return np.where(enough, least, -np.inf), np.where(enough, most, np.inf)


def _out_of_bounds(ranges: Floats, lows: Floats, highs: Floats) -> Flags:
    # divided, not multiplied: a range near the largest float must not overflow
    return (ranges / SCALE_FACTOR > highs) | (ranges < lows)


__all__ = ["SCALE_FACTOR", "RememberedScales", "Scales"]
