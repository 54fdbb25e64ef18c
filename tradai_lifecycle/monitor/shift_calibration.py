"""What the shifts of a group of series come to in training, and which series explain each other there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtri

from tradai_lifecycle.monitor.fast_tier import Holding, choose_tier, limit_for
from tradai_lifecycle.monitor.psi import Codes, Floats
from tradai_lifecycle.monitor.shifts import (
    SCORE_UNIT,
    WEIGHT_UNIT,
    Combination,
    FastTier,
    ShiftReference,
    weight_matrix,
)
from tradai_lifecycle.monitor.window_means import BLOCKS, WindowMeans

#: Shares of time for which the limits of the fast combinations are kept.
FAST_SHARES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
MOST_PARTNERS = 5
MOST_PEAKS = 50
_RIDGE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A named combination before its bounds are known: whole weights, parts of 256, of some series of a group."""

    name: str
    series: tuple[int, ...]
    weights: tuple[int, ...]


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
    slow_window: int,
    tiers: Sequence[FastTier],
    fast_share: float,
    holding: Holding,
    limit: SlowLimit,
) -> ShiftReference:
    """The bounds and limits of the `chosen` combinations over training rows `(m, S)` of scores.

    `tables` are the scores per bin. The fast alarms get the one of `tiers` that sees a step soonest at `fast_share` of
    the time in alarm. Training too short to be judged by its other parts has no combinations.
    """
    matrix = weight_matrix([(one.series, one.weights) for one in chosen], scores.shape[1])
    if len(scores) < BLOCKS * slow_window or not chosen:
        return ShiftReference(
            scores=tuple(tables),
            combinations=(),
            slow_limit=1.0,
            fast_tier=tiers[0],
            fast_limits=(),
            slow_peaks=(),
        )
    slow = WindowMeans.over(scores, matrix, slow_window)
    fast = choose_tier(scores, matrix, tiers, max(fast_share, FAST_SHARES[0]), holding)
    return ShiftReference(
        scores=tuple(tables),
        combinations=tuple(
            Combination(name=one.name, series=one.series, weights=one.weights, slow=of_slow, fast=of_fast)
            for one, of_slow, of_fast in zip(chosen, slow.bounds(), fast.means.bounds(), strict=True)
        ),
        slow_limit=limit.of(holding.memory / len(scores)),
        fast_tier=fast.tier,
        fast_limits=tuple(limit_for(fast.ratio, share, fast.tier.persistence, holding) for share in FAST_SHARES),
        slow_peaks=separate_peaks(slow.judged_by_others(), holding.slow, max(holding.memory // 2, 1)),
    )


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
    "SlowLimit",
    "Weights",
    "each_alone",
    "fit_shifts",
    "normal_scores",
    "relations",
    "scored",
    "separate_peaks",
]
