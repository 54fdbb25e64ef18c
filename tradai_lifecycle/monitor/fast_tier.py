"""Which window and persistence a group's fast alarms get: those by which training would have seen a step soonest.

Each choice is given the limit at which it would have been on for the same share of the training's time. A short window
follows a step at once but needs a high limit against its own noise, a long one the other way round; which is better
depends on how long the series remember, and so on the timeframe. It is measured: a step is put into the training's own
window means at many places, and the choice that sees it soonest on average is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.persistence import RELEASE_RATIO, held, latched
from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.monitor.shifts import FastTier
from tradai_lifecycle.monitor.window_means import WindowMeans

#: How far a step of one standard deviation moves the mean score of ten bins.
STEP = 0.86
_ONSETS = 30
# of the limit that is looked for
_PRECISION = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How many candles a slow ratio must hold, how long either must be released, and what the latch remembers."""

    slow: int
    release: int
    memory: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A choice with the window means it was fitted to and, per window `(windows,)`, their furthest stray."""

    tier: FastTier
    means: WindowMeans
    ratio: Floats


def choose_tier(scores: Floats, matrix: Floats, tiers: Sequence[FastTier], share: float, holding: Holding) -> Fitted:
    """The one of `tiers` that would see a step in one series soonest at a `share` of the training's time in alarm.

    `scores` `(m, S)` are whole and of training rows that hold more than half a latch's memory and every window;
    `matrix` `(S, C)` are the combinations' whole weights. Of equal ones the first is kept.
    """
    best: tuple[float, Fitted] | None = None
    for window in dict.fromkeys(tier.window for tier in tiers):
        means = WindowMeans.over(scores, matrix, window)
        ratio = means.judged_by_others()
        for tier in (tier for tier in tiers if tier.window == window):
            limit = limit_for(ratio, share, tier.persistence, holding)
            delay = mean_delay(means, tier.persistence, limit, holding.memory // 2)
            if best is None or delay < best[0]:
                best = delay, Fitted(tier=tier, means=means, ratio=ratio)
    if best is None:
        raise ValueError("no window to choose from")
    return best[1]


def limit_for(ratio: Floats, share: float, persistence: int, holding: Holding) -> float:
    """The lowest limit at which `ratio` `(n,)` would have raised fast alarms for no more than a share of the time."""
    low, high = 0.0, float(ratio.max()) + 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        on = latched(
            held(ratio >= middle, persistence), held(ratio < RELEASE_RATIO * middle, holding.release), holding.memory
        )
        low, high = (middle, high) if on.mean() > share else (low, middle)
    return high


def mean_delay(means: WindowMeans, persistence: int, limit: float, longest: int) -> float:
    """Candles from a step in one series to its alarm, over places, combinations and directions; `longest` at most.

    Each combination is of one series and, with a weight of 1, moves as far as this does.
    """
    middle, below, above = means.each_bound()
    onsets = np.linspace(0, len(means.means) - longest, _ONSETS).astype(int)
    strayed = means.means[onsets[:, None] + np.arange(longest)] - middle
    # of the windows after the onset more and more rows are those after it
    step = (STEP * np.minimum(np.arange(1, longest + 1) / means.window, 1.0))[:, None]
    rose, fell = strayed + step >= limit * above, strayed - step <= -limit * below
    return float(np.mean([_first_held(beyond, persistence).mean() for beyond in (rose, fell)]))


# The candles until `beyond` `(places, candles, C)` has held; all of them where it never does.
def _first_held(beyond: NDArray[np.bool_], persistence: int) -> Floats:
    candles = np.arange(beyond.shape[1])[:, None]
    since = candles - np.maximum.accumulate(np.where(beyond, -1, candles), axis=1)
    holds = since >= persistence
    return np.where(holds.any(axis=1), holds.argmax(axis=1) + 1.0, float(beyond.shape[1]))


__all__ = ["STEP", "Fitted", "Holding", "choose_tier", "limit_for", "mean_delay"]
