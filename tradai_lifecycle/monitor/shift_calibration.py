"""What the shifts of a group of series come to in training, and which series explain each other there.

A combination's bounds lie half way between three standard deviations of its window means and the furthest that they
ever strayed, so neither one wild week nor a bell curve alone sets them. How often such bounds would have raised an
alarm is asked of data that did not make them: each eighth of the training is judged by the other seven.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtri

from tradai_lifecycle.monitor.persistence import RELEASE_RATIO, held, latched
from tradai_lifecycle.monitor.psi import Codes, Floats
from tradai_lifecycle.monitor.shifts import (
    SCORE_UNIT,
    WEIGHT_UNIT,
    Bounds,
    Combination,
    ShiftReference,
    ShiftWindows,
    weight_matrix,
)

#: Shares of time for which the limits of the fast combinations are kept.
FAST_SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
MOST_PARTNERS = 5
MOST_PEAKS = 50
_BLOCKS = 8
# in normal scores: a combination that hardly varies in training is not held to the last digit
_LEAST_BOUND = 0.05
_RIDGE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A named combination before its bounds are known: whole weights, parts of 256, of some series of a group."""

    name: str
    series: tuple[int, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How many candles a ratio must hold: the slow one, the fast one, its release, and how long its latch remembers."""

    slow: int
    fast: int
    release: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowLimit:
    """How many times its bounds a slow combination must stray: the less training, the more."""

    base: float
    per_window_share: float

    def of(self, window_share: float) -> float:
        """The limit where the window is this share of the training candles."""
        return self.base + self.per_window_share * window_share


def normal_scores(counts: Sequence[int]) -> tuple[int, ...]:
    """The normal score of each bin, parts of 256, at the middle of its share of the values; 0 for the bin of NaN.

    `counts` are the training rows per bin, that of NaN last. Bins that training left empty lie at the ends of what it
    held, at most 3.7 from the middle.
    """
    values = np.array(counts[:-1], dtype=np.float64)
    middles = (np.cumsum(values) - values / 2.0) / max(values.sum(), 1.0)
    scores = np.rint(ndtri(np.clip(middles, 1e-4, 1.0 - 1e-4)) * SCORE_UNIT).astype(int)
    return (*scores.tolist(), 0)


def scored(codes: Codes, scores: Sequence[Sequence[int]]) -> Floats:
    """The scores `(n, S)` of bin codes `(n, S)`, in parts of 256."""
    columns = [np.array(series, dtype=np.float64)[column] for series, column in zip(scores, codes.T, strict=True)]
    return np.column_stack(columns) if columns else np.empty((len(codes), 0))


def each_alone(names: Sequence[str]) -> list[Weights]:
    """One combination per series: itself."""
    return [Weights(name=name, series=(index,), weights=(WEIGHT_UNIT,)) for index, name in enumerate(names)]


def relations(scores: Floats, names: Sequence[str], least_explained: float) -> list[Weights]:
    """Each series less what up to five partners explain of it, where that is `least_explained` of its variance.

    `scores` `(m, S)` are those of training. Partners are chosen one after another by their correlation with what is
    still unexplained, their weights by ridge regression.
    """
    centred = scores - scores.mean(axis=0)
    covariance = centred.T @ centred / max(len(scores), 1)
    found = [_relation(covariance, index, name, least_explained) for index, name in enumerate(names)]
    return [relation for relation in found if relation is not None]


def _relation(covariance: Floats, index: int, name: str, least_explained: float) -> Weights | None:
    spread = np.sqrt(np.diag(covariance))
    usable = spread > 0.0
    usable[index] = False
    if spread[index] == 0.0:
        return None
    partners: list[int] = []
    weights: Floats = np.empty(0)
    for _ in range(min(MOST_PARTNERS, int(usable.sum()))):
        unexplained = covariance[:, index] - covariance[:, partners] @ weights
        likeness = np.where(usable, np.abs(unexplained) / np.where(spread > 0.0, spread, 1.0), -1.0)
        partners.append(int(likeness.argmax()))
        usable[partners[-1]] = False
        among = covariance[np.ix_(partners, partners)]
        ridge = _RIDGE * np.diag(np.diag(among))
        weights = np.asarray(np.linalg.solve(among + ridge, covariance[partners, index]), dtype=np.float64)
    explained = 2.0 * weights @ covariance[partners, index] - weights @ covariance[np.ix_(partners, partners)] @ weights
    if explained < least_explained * covariance[index, index]:
        return None
    whole = np.rint(-weights * WEIGHT_UNIT).astype(int).tolist()
    return Weights(name=name, series=(index, *partners), weights=(WEIGHT_UNIT, *whole))


def fit_shifts(
    scores: Floats,
    tables: Sequence[tuple[int, ...]],
    chosen: Sequence[Weights],
    *,
    windows: ShiftWindows,
    holding: Holding,
    limit: SlowLimit,
) -> ShiftReference:
    """The bounds and limits of the `chosen` combinations over training rows `(m, S)` of scores.

    `tables` are the scores per bin. Training too short to be judged by its other parts has no combinations.
    """
    matrix = weight_matrix([(one.series, one.weights) for one in chosen], scores.shape[1])
    if len(scores) < _BLOCKS * windows.slow or not chosen:
        return ShiftReference(scores=tuple(tables), combinations=(), slow_limit=1.0, fast_limits=(), slow_peaks=())
    slow = _Strayed.over(scores, matrix, windows.slow)
    fast = _Strayed.over(scores, matrix, windows.fast)
    fast_ratio = fast.judged_by_others()
    return ShiftReference(
        scores=tuple(tables),
        combinations=tuple(
            Combination(name=one.name, series=one.series, weights=one.weights, slow=below, fast=above)
            for one, below, above in zip(chosen, slow.bounds(), fast.bounds(), strict=True)
        ),
        slow_limit=limit.of(holding.memory / len(scores)),
        fast_limits=tuple(_limit_for(fast_ratio, share, holding) for share in FAST_SHARES),
        slow_peaks=separate_peaks(slow.judged_by_others(), holding.slow, max(holding.memory // 2, 1)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """Count, mean, spread and extremes of window means, per combination."""

    count: float
    total: Floats
    squares: Floats
    lowest: Floats
    highest: Floats

    @classmethod
    def of(cls, means: Floats) -> "_Moments":
        return cls(
            count=float(len(means)),
            total=means.sum(axis=0),
            squares=(means**2).sum(axis=0),
            lowest=means.min(axis=0, initial=np.inf),
            highest=means.max(axis=0, initial=-np.inf),
        )

    @classmethod
    def together(cls, parts: Sequence["_Moments"]) -> "_Moments":
        return cls(
            count=sum(part.count for part in parts),
            total=np.sum([part.total for part in parts], axis=0),
            squares=np.sum([part.squares for part in parts], axis=0),
            lowest=np.min([part.lowest for part in parts], axis=0),
            highest=np.max([part.highest for part in parts], axis=0),
        )

    def bounds(self) -> tuple[Floats, Floats, Floats]:
        """Middle, below and above, each `(C,)`."""
        middle = self.total / self.count
        three = 3.0 * np.sqrt(np.maximum(self.squares / self.count - middle**2, 0.0))
        below = np.maximum((three + middle - self.lowest) / 2.0, _LEAST_BOUND)
        above = np.maximum((three + self.highest - middle) / 2.0, _LEAST_BOUND)
        return middle, below, above


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strayed:
    """The window means of all combinations over the training rows, `(rows, C)`, and the length of their window."""

    means: Floats
    window: int

    @classmethod
    def over(cls, scores: Floats, matrix: Floats, window: int) -> "_Strayed":
        until = np.zeros((len(scores) + 1, scores.shape[1]))
        np.cumsum(scores, axis=0, out=until[1:])
        sums = (until[window:] - until[:-window]) @ matrix
        return cls(means=sums / (SCORE_UNIT * WEIGHT_UNIT * window), window=window)

    def bounds(self) -> list[Bounds]:
        columns = zip(*(part.tolist() for part in _Moments.of(self.means).bounds()), strict=True)
        return [Bounds(middle=middle, below=below, above=above) for middle, below, above in columns]

    # the furthest stray of each row by the bounds of all windows that share no candle with those of the row's block
    def judged_by_others(self) -> Floats:
        edges, shared = np.linspace(0, len(self.means), _BLOCKS + 1).astype(int), self.window - 1
        cuts = np.unique(np.concatenate([edges, edges - shared, edges + shared]).clip(0, len(self.means)))
        pieces = [(start, end, _Moments.of(self.means[start:end])) for start, end in pairwise(cuts)]
        ratios = np.empty(len(self.means))
        for first, last in pairwise(edges):
            others = [moments for start, end, moments in pieces if end <= first - shared or start >= last + shared]
            middle, below, above = _Moments.together(others).bounds()
            strayed = self.means[first:last] - middle
            ratios[first:last] = np.where(strayed > 0.0, strayed / above, -strayed / below).max(axis=1)
        return ratios


# the lowest limit at which the ratio would have raised the fast alarm for no more than a share of the time
def _limit_for(ratio: Floats, share: float, holding: Holding) -> float:
    low, high = 0.0, float(ratio.max()) + 1.0
    while high - low > 1e-3:
        middle = (low + high) / 2.0
        on = latched(
            held(ratio >= middle, holding.fast), held(ratio < RELEASE_RATIO * middle, holding.release), holding.memory
        )
        low, high = (middle, high) if on.mean() > share else (low, middle)
    return high


def separate_peaks(ratio: Floats, held_rows: int, apart_rows: int) -> tuple[float, ...]:
    """The highest values that `ratio` `(n,)` held for `held_rows`, highest first, each `apart_rows` from the others.

    So many alarms a limit just below the k-th of them would have raised: k. At most 50; none of a shorter ratio.
    """
    if len(ratio) < held_rows:
        return ()
    holds = sliding_window_view(ratio, held_rows).min(axis=1).copy()
    peaks: list[float] = []
    while len(peaks) < MOST_PEAKS and holds[at := int(holds.argmax())] > 0.0:
        peaks.append(float(holds[at]))
        holds[max(0, at - apart_rows + 1) : at + apart_rows] = 0.0
    return tuple(peaks)


__all__ = [
    "FAST_SHARES",
    "Holding",
    "SlowLimit",
    "Weights",
    "each_alone",
    "fit_shifts",
    "normal_scores",
    "relations",
    "scored",
    "separate_peaks",
]
