"""Directional accuracy over rolling windows, with as many predictions as the overlap of their horizons leaves.

Predictions of the next h candles made one candle apart share h - 1 of them, and their errors come in runs. The mean
of such hits varies more than independent ones would: its variance is inflated by the long-run variance of the hits
over their plain variance (Newey and West 1987, Bartlett weights, lag twice the horizon). The effective number of
predictions is the number scored over that inflation, and the Wilson interval (Wilson 1927) is taken with it.

Everything is counted in whole numbers, which floats hold exactly, and divided at the end: a row's values do not depend
on where its frame starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.states import AccuracyVerdict

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
    from_row: int = 0,
) -> AccuracyColumns:
    """The share of right directions at each candle t among scored rows s with t - horizon - w < s <= t - horizon.

    `scored` and `hit` are `(n,)`; hits count where scored. Of the candidate `windows` (ascending, in candles) the
    smallest with at least `minimum_effective` effective predictions is used; where none has, the largest is shown and
    the verdict is INSUFFICIENT_DATA. BREACHED: the accuracy and the upper end of its Wilson 95 % interval are below
    `floor`.

    The lag is twice the horizon, less if the smallest window is shorter than that. Hits that never vary carry no
    information on their dependence: their inflation is taken as 1. Needs horizon + largest window - 1 predecessors per
    row; rows before `from_row` are not asked for and show nothing. Raises ValueError for columns of unequal length,
    windows that are not positive and ascending, or a horizon below 1.
    """
    _check(scored, hit, horizon_candles, windows)
    sums = _PairSums.of(scored, scored & hit, min(2 * horizon_candles, windows[0] - 1))
    rows = range(min(from_row, len(scored)), len(scored))
    known = _judged(sums, rows, horizon_candles, windows, minimum_effective)
    lower, upper = _wilson(known.accuracy, known.effective)
    verdict = _verdicts(known.accuracy, upper, known.effective >= minimum_effective, floor)
    return AccuracyColumns(
        accuracy=_after(rows.start, known.accuracy, np.nan),
        lower=_after(rows.start, lower, np.nan),
        upper=_after(rows.start, upper, np.nan),
        effective_predictions=_after(rows.start, known.effective, np.nan),
        verdict=_after(rows.start, verdict, AccuracyVerdict.INSUFFICIENT_DATA),
        window_candles=_after(rows.start, known.window, windows[-1]),
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
    scored: Floats
    hits: Floats
    ends: Floats
    starts: Floats

    @classmethod
    def of(cls, scored: NDArray[np.bool_], hits: NDArray[np.bool_], lags: int) -> "_PairSums":
        s, h = scored.astype(np.float64), hits.astype(np.float64)
        before, after = _weighted_neighbours(s, lags), _weighted_neighbours(s[::-1], lags)[::-1]
        hits_before, hits_after = _weighted_neighbours(h, lags), _weighted_neighbours(h[::-1], lags)[::-1]
        return cls(
            lags=lags,
            scored=_until(scored),
            hits=_until(hits),
            ends=_until(np.stack([s * before, h * hits_before, h * before + s * hits_before])),
            starts=_until(np.stack([s * after, h * hits_after, h * after + s * hits_after])),
        )


# The sum of the rows up to `lags` before each row, weighted by lags + 1 - lag. Sums of integers: exact in any order.
def _weighted_neighbours(values: Floats, lags: int) -> Floats:
    weights = np.arange(lags + 1, 0, -1, dtype=np.float64)
    weights[0] = 0.0
    return np.convolve(values, weights)[: len(values)] if len(values) else values


# sums up to each boundary along the last axis, from none to all
def _until(values: NDArray[Any]) -> Floats:
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:], dtype=np.float64)
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    accuracy: Floats
    effective: Floats
    window: NDArray[np.int32]


# By the smallest of the windows that holds enough effective predictions, else by the largest.
def _judged(sums: _PairSums, rows: range, horizon: int, windows: Sequence[int], minimum_effective: int) -> _Known:
    accuracy, effective = _window_accuracy(sums, rows, horizon, windows[-1])
    used = np.full(len(rows), windows[-1], dtype=np.int32)
    for window in reversed(windows[:-1]):
        share, held = _window_accuracy(sums, rows, horizon, window)
        enough = held >= minimum_effective
        accuracy[enough], effective[enough], used[enough] = share[enough], held[enough], window
    return _Known(accuracy=accuracy, effective=effective, window=used)


# accuracy and effective number of predictions of each of the rows, NaN where nothing is scored
def _window_accuracy(sums: _PairSums, rows: range, horizon: int, window: int) -> tuple[Floats, Floats]:
    newest = horizon - 1
    number = _delayed(sums.scored, rows, newest) - _delayed(sums.scored, rows, newest + window)
    hits = _delayed(sums.hits, rows, newest) - _delayed(sums.hits, rows, newest + window)
    number[number == 0.0] = np.nan
    share = hits / number
    both, both_hit, hits_in_pairs = _delayed(sums.ends, rows, newest) - _delayed(sums.starts, rows, newest + window)
    covariance = both_hit - share * hits_in_pairs + share * share * both
    variance = number * share * (1.0 - share) * (sums.lags + 1)
    varies = variance > 0.0
    inflation = 1.0 + 2.0 * np.divide(covariance, variance, out=np.zeros_like(variance), where=varies)
    return share, number / np.maximum(inflation, 1.0)


# The sums up to the boundary that lies `delay` before each row: of nothing where it lies before the first one.
def _delayed(sums: Floats, rows: range, delay: int) -> Floats:
    delayed = np.zeros((*sums.shape[:-1], len(rows)))
    first = max(delay - rows.start, 0)
    if first < len(rows):
        delayed[..., first:] = sums[..., rows.start + first - delay : rows.stop - delay]
    return delayed


def _after(row: int, values: NDArray[Any], before: Any) -> NDArray[Any]:
    return np.concatenate([np.full(row, before, dtype=values.dtype), values])


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
