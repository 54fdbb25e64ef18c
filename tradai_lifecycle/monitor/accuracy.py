"""Directional accuracy over rolling windows, with as many predictions as the overlap of their horizons leaves.

Predictions of the next h candles made one candle apart share h - 1 of them, and their errors come in runs. The mean
of such hits varies more than independent ones would: its variance is inflated by the long-run variance of the hits
over their plain variance (Newey and West 1987, Bartlett weights, lag twice the horizon). The effective number of
predictions is the number scored over that inflation, and the Wilson interval (Wilson 1927) is taken with it.

Everything is counted in integers and divided at the end, so that a row's values do not depend on where its frame
starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.states import AccuracyVerdict

Counts = NDArray[np.int64]

# two-sided 95 % of the normal distribution
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyColumns:
    """The accuracy known at each of n candles: floats NaN where the window holds no scored prediction."""

    accuracy: Floats
    lower: Floats
    upper: Floats
    effective_predictions: Floats
    verdict: NDArray[np.int8]
    window_candles: NDArray[np.int32]


def rolling_accuracy(
    *,
    scored: NDArray[np.bool_],
    hit: NDArray[np.bool_],
    horizon_candles: int,
    windows: Sequence[int],
    minimum_effective: int,
    floor: float,
) -> AccuracyColumns:
    """The share of right directions at each candle t among scored rows s with t - horizon - w < s <= t - horizon.

    `scored` and `hit` are `(n,)`; hits count where scored. Of the candidate `windows` (ascending, in candles) the
    smallest with at least `minimum_effective` effective predictions is used; where none has, the largest is shown and
    the verdict is INSUFFICIENT_DATA. BREACHED: the accuracy and the upper end of its Wilson 95 % interval are below
    `floor`.

    The lag is twice the horizon, less if the smallest window is shorter than that. Hits that never vary carry no
    information on their dependence: their inflation is taken as 1. Needs horizon + largest window - 1 predecessors per
    row. Raises ValueError for columns of unequal length, windows that are not positive and ascending, or a horizon
    below 1.
    """
    _check(scored, hit, horizon_candles, windows)
    pairs = _PairSums.of(scored, scored & hit, min(2 * horizon_candles, windows[0] - 1))
    accuracy, effective = _window_accuracy(pairs, horizon_candles, windows[-1])
    used = np.full(len(scored), windows[-1], dtype=np.int32)
    for window in reversed(windows[:-1]):
        share, held = _window_accuracy(pairs, horizon_candles, window)
        enough = held >= minimum_effective
        accuracy[enough], effective[enough], used[enough] = share[enough], held[enough], window
    lower, upper = _wilson(accuracy, effective)
    return AccuracyColumns(
        accuracy=accuracy,
        lower=lower,
        upper=upper,
        effective_predictions=effective,
        verdict=_verdicts(accuracy, upper, effective >= minimum_effective, floor),
        window_candles=used,
    )


def accuracy_memory_candles(horizon_candles: int, windows: Sequence[int]) -> int:
    """How many predecessors a row needs so that its accuracy does not depend on where the frame starts."""
    return horizon_candles + max(windows) - 1


def _check(scored: NDArray[np.bool_], hit: NDArray[np.bool_], horizon: int, windows: Sequence[int]) -> None:
    if scored.shape != hit.shape or scored.ndim != 1:
        raise ValueError(f"scored {scored.shape} and hit {hit.shape} must be two columns of one length")
    if horizon < 1:
        raise ValueError(f"a horizon of {horizon} candles is not in the future")
    if not windows or windows[0] < 1 or any(a >= b for a, b in pairwise(windows)):
        raise ValueError(f"accuracy windows {tuple(windows)} must be positive and ascending")


@dataclass(frozen=True, slots=True, kw_only=True)
class _PairSums:
    """Sums from the first row up to each boundary `(n + 1,)`.

    Pairs are rows a lag apart that are both scored, weighted lags + 1 - lag. `ends` sums the pairs whose later row is
    before the boundary, `starts` those that begin before it; a window's pairs are the difference of the two. The three
    rows of each are the pairs, the pairs of two hits, and the hits in pairs.
    """

    lags: int
    scored: Counts
    hits: Counts
    ends: Counts
    starts: Counts

    @classmethod
    def of(cls, scored: NDArray[np.bool_], hits: NDArray[np.bool_], lags: int) -> "_PairSums":
        ends = np.zeros((3, len(scored) + 1), dtype=np.int64)
        starts = np.zeros_like(ends)
        for lag in range(1, min(lags, len(scored) - 1) + 1):
            for row, pairs in enumerate(_pairs(scored, hits, lag)):
                until = _until(pairs)
                until *= lags + 1 - lag
                ends[row, lag:] += until
                starts[row, : until.size] += until
        return cls(lags=lags, scored=_until(scored), hits=_until(hits), ends=ends, starts=starts)


def _pairs(
    scored: NDArray[np.bool_], hits: NDArray[np.bool_], lag: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int8]]:
    both = scored[lag:] & scored[:-lag]
    later, earlier = hits[lag:] & both, hits[:-lag] & both
    return both, later & earlier, later.astype(np.int8) + earlier


def _until(values: NDArray[Any]) -> Counts:
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _window_accuracy(pairs: _PairSums, horizon: int, window: int) -> tuple[Floats, Floats]:
    # accuracy and effective number of predictions of each row, NaN where nothing is scored
    end = np.maximum(np.arange(len(pairs.scored) - 1) - horizon + 1, 0)
    start = np.maximum(end - window, 0)
    number = (pairs.scored[end] - pairs.scored[start]).astype(np.float64)
    hits = (pairs.hits[end] - pairs.hits[start]).astype(np.float64)
    number[number == 0.0] = np.nan
    share = hits / number
    both, both_hit, hits_in_pairs = (pairs.ends[:, end] - pairs.starts[:, start]).astype(np.float64)
    covariance = both_hit - share * hits_in_pairs + share * share * both
    variance = number * share * (1.0 - share) * (pairs.lags + 1)
    varies = variance > 0.0
    inflation = 1.0 + 2.0 * np.divide(covariance, variance, out=np.zeros_like(variance), where=varies)
    return share, number / np.maximum(inflation, 1.0)


def _wilson(share: Floats, number: Floats) -> tuple[Floats, Floats]:
    square = _Z * _Z / number
    centre = (share + square / 2.0) / (1.0 + square)
    half = np.sqrt(square * share * (1.0 - share) + square * square / 4.0) / (1.0 + square)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def _verdicts(accuracy: Floats, upper: Floats, enough: NDArray[np.bool_], floor: float) -> NDArray[np.int8]:
    verdict = np.full(len(accuracy), AccuracyVerdict.INSUFFICIENT_DATA, dtype=np.int8)
    verdict[enough] = AccuracyVerdict.HEALTHY
    verdict[enough & (accuracy < floor) & (upper < floor)] = AccuracyVerdict.BREACHED
    return verdict


__all__ = ["AccuracyColumns", "accuracy_memory_candles", "rolling_accuracy"]
