"""Shifts: how far the mean of a group of series, or of one given the others, has strayed over a window of candles.

The index of one series (see `psi`) asks whether its distribution is that of training, whatever the difference, one
series at a time. This asks less and sees more: whether a mean has moved, and whether series that moved together in
training still do. A feature whose mean is shifted, whose sign is flipped or whose column was swapped leaves its
partners within some fifty candles, while its own distribution needs hundreds to look odd.

Values are binned as for the index, and each bin counts with its normal score, a whole number; a combination is a
weighted sum of scores with whole weights. A window's sums are whole numbers below 2**53, which floats hold exactly in
any order of summing: one row, a batch and a whole history agree to the last bit, and no value, however wild, weighs
more than the outermost bin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Codes, Floats, padded

#: A normal score of 1 as a whole number; a weight of 1 likewise.
SCORE_UNIT, WEIGHT_UNIT = 256, 256
# a row block whose sums stay in the cache
_ROWS_PER_BLOCK = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a combination's mean strayed in training: around `middle`, `below` and `above` it, in normal scores."""

    middle: float
    below: float
    above: float

    def __post_init__(self) -> None:
        if not (isfinite(self.middle) and 0.0 < self.below < np.inf and 0.0 < self.above < np.inf):
            raise ValueError(f"bounds {self.middle}, -{self.below}, +{self.above} enclose nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A weighted sum of series' scores: one series alone, or one less what its partners explain of it.

    `weights` are in parts of 256 and belong to `series`, indices into the group. Raises ValueError where they do not.
    """

    name: str
    series: tuple[int, ...]
    weights: tuple[int, ...]
    slow: Bounds
    fast: Bounds

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.series) or len(set(self.series)) != len(self.series):
            raise ValueError(f"{self.name!r} has {len(self.weights)} weights for the series {self.series}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FastTier:
    """The window of a group's fast alarms and how long their ratio must hold, in candles. Not below 1: ValueError."""

    window: int
    persistence: int

    def __post_init__(self) -> None:
        if self.window < 1 or self.persistence < 1:
            raise ValueError(f"a fast window of {self.window} held for {self.persistence} candles is none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftReference:
    """A group of series and its combinations, as training showed them.

    `scores` hold the score of each bin of each series, the bin of NaN last, in parts of 256. `slow_limit` is how many
    times its bounds a slow combination must stray; `fast_limits` are those at which the fast combinations of the
    training data, over the window and persistence of `fast_tier`, would have raised an alarm for each of `FAST_SHARES`
    of the time, judged by bounds of other parts of it. `slow_peaks` are the highest separate peaks of the slow ratio,
    judged likewise, highest first. Raises ValueError where a combination is of series that the group lacks, or a limit
    is not above 0.
    """

    scores: tuple[tuple[int, ...], ...]
    combinations: tuple[Combination, ...]
    slow_limit: float
    fast_tier: FastTier
    fast_limits: tuple[float, ...]
    slow_peaks: tuple[float, ...]

    def __post_init__(self) -> None:
        for combination in self.combinations:
            if not all(0 <= index < len(self.scores) for index in combination.series):
                raise ValueError(f"{combination.name!r} is of {combination.series}, out of {len(self.scores)} series")
        if not all(limit > 0.0 for limit in (self.slow_limit, *self.fast_limits)):
            raise ValueError(f"a limit among {self.slow_limit} and {self.fast_limits} is not above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftColumns:
    """Per row `(n,)`, how many times its bounds the furthest combination strays: NaN before the window is full."""

    slow: Floats
    fast: Floats


class ShiftMonitor:
    """The rolling shifts of one group of series."""

    def __init__(self, reference: ShiftReference, slow_window: int) -> None:
        # the slow one first
        self._windows = (slow_window, reference.fast_tier.window)
        table = padded(reference.scores, 0, np.int32)
        self._table, self._first_bins = table.ravel(), np.arange(len(table)) * table.shape[1]
        combined = [(combination.series, combination.weights) for combination in reference.combinations]
        self._weights = weight_matrix(combined, len(table))
        # places without a member weigh nothing
        self._members = padded([series for series, _ in combined], 0, np.intp).T.copy()
        self._member_weights = padded([weights for _, weights in combined], 0.0, np.float64).T.copy()
        self._lengths = np.array([[window] for window in self._windows])
        slow, fast = ([getattr(one, name) for one in reference.combinations] for name in ("slow", "fast"))
        self._slow, self._fast, self._both = _Strays([slow]), _Strays([fast]), _Strays([slow, fast])

    def of(self, codes: Codes, from_row: int = 0) -> ShiftColumns:
        """The columns of all rows of `codes` `(n, S)`; rows before `from_row` are not asked for and stay empty."""
        rows = len(codes)
        columns = ShiftColumns(slow=np.full(rows, np.nan), fast=np.full(rows, np.nan))
        for start in range(from_row, rows, _ROWS_PER_BLOCK):
            block = slice(start, min(start + _ROWS_PER_BLOCK, rows))
            first = max(0, start - max(self._windows) + 1)
            until = self._until(codes[first : block.stop])
            ends = np.arange(block.start, block.stop) + 1 - first
            self._put(columns, block, until, ends)
        return columns

    def sums(self, codes: Codes) -> Floats:
        """The scores summed over the slow and the fast window, `(2, S)`, that end with the codes `(n, S)`."""
        scores = self._scores(codes[-max(self._windows) :])
        return np.stack([scores[-window:].sum(axis=0, dtype=np.float64) for window in self._windows])

    def go_on(self, sums: Floats, codes: Codes, row: int) -> None:
        """Let the sums of the windows that ended just before `row` be those of the windows that end at it."""
        scores = self._scores(codes[[row, *(row - window for window in self._windows)]])
        sums += scores[0] - scores[1:]

    def at(self, sums: Floats) -> Floats:
        """The columns at one row, slow and fast, `(2,)`, from the sums of its windows."""
        # one row has few members of each combination to look up, where many rows are one product of matrices
        combined = np.add.reduce(sums.take(self._members, axis=1) * self._member_weights, axis=1)
        ratios: Floats = self._both.of(combined, self._lengths).max(axis=1, initial=0.0)
        return ratios

    def each(self, codes: Codes) -> Floats:
        """The slow ratio of every combination `(C,)` over the newest of the codes `(n, S)`; NaN with too few rows."""
        window = self._windows[0]
        if len(codes) < window:
            return np.full(self._weights.shape[1], np.nan)
        newest: Floats = self._slow.of(self._until(codes[-window:])[-1:] @ self._weights, window)[0]
        return newest

    def _scores(self, codes: Codes) -> NDArray[np.int32]:
        scores: NDArray[np.int32] = self._table.take(codes + self._first_bins)
        return scores

    # scores summed from the slice's first row up to each of its boundaries
    def _until(self, codes: Codes) -> Floats:
        until = np.zeros((len(codes) + 1, len(self._first_bins)))
        np.cumsum(self._scores(codes), axis=0, out=until[1:], dtype=np.float64)
        return until

    def _put(self, columns: ShiftColumns, block: slice, until: Floats, ends: NDArray[np.intp]) -> None:
        each = zip(self._windows, (self._slow, self._fast), (columns.slow, columns.fast), strict=True)
        for window, strays, column in each:
            full = ends >= window
            if not full.any():
                continue
            sums = until[ends[full]] - until[ends[full] - window]
            column[block][full] = strays.of(sums @ self._weights, window).max(axis=1, initial=0.0)


class _Strays:
    """How many times its bounds each combination strays: each row by the bounds of its own, or all by the same."""

    def __init__(self, bounds: Sequence[Sequence[Bounds]]) -> None:
        self._middle, below, self._above = (
            np.array([[getattr(bound, name) for bound in row] for row in bounds])
            for name in ("middle", "below", "above")
        )
        self._minus_below = -below

    def of(self, sums: Floats, window: int | NDArray[np.intp]) -> Floats:
        """The ratios `(n, C)` of sums `(n, C)` over a window: beyond 1 is beyond the bounds on either side."""
        strayed = sums / (SCORE_UNIT * WEIGHT_UNIT * window)
        strayed -= self._middle
        # one of the two is below 0, or both are 0
        ratios: Floats = np.maximum(strayed / self._above, strayed / self._minus_below)
        return ratios


def weight_matrix(combinations: Sequence[tuple[Sequence[int], Sequence[int]]], series: int) -> Floats:
    """The weights `(series, combinations)`, whole numbers."""
    weights = np.zeros((series, len(combinations)))
    for column, (members, values) in enumerate(combinations):
        weights[list(members), column] = values
    return weights


__all__ = [
    "SCORE_UNIT",
    "WEIGHT_UNIT",
    "Bounds",
    "Combination",
    "FastTier",
    "ShiftColumns",
    "ShiftMonitor",
    "ShiftReference",
    "weight_matrix",
]
