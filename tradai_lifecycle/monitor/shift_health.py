"""The shifts of one pair at its newest candle, each by its name: for reports."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.limits import pair_limits
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.monitor.market_shifts import MarketMonitor
from tradai_lifecycle.monitor.psi import bin_codes
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.monitor.shift_windows import relation_slow_window
from tradai_lifecycle.monitor.shifts import ShiftMonitor

MARKET, RELATION = "market", "relation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftHealth:
    """One combination: how many times its bounds its mean over the slow window strays, and how many times it may.

    `group` is MARKET or RELATION; the ratio is NaN where its window is not full, the limit infinite where the shift is
    not acted on.
    """

    name: str
    group: str
    ratio: float
    limit: float


def shift_health(
    *,
    features_tail: NDArray[np.float64],
    candles_tail: Candles,
    reference: PairReference,
    settings: HealthSettings,
) -> tuple[ShiftHealth, ...]:
    """Every combination of the market and of the features, the market's first.

    `features_tail` `(rows, F)` and `candles_tail` end at the candle reported; older rows than the windows need are left
    out, and may be fewer.
    """
    window, limits = settings.window_candles, pair_limits(reference, settings)
    market = MarketMonitor(reference.market.edges, reference.market.shifts, window)
    relations = ShiftMonitor(reference.relations, relation_slow_window(window))
    groups = (
        (MARKET, reference.market.shifts, market.each(candles_tail), limits.market.slow),
        (
            RELATION,
            reference.relations,
            relations.each(bin_codes(features_tail, reference.features)),
            limits.relations.slow,
        ),
    )
    return tuple(
        ShiftHealth(name=combination.name, group=group, ratio=float(ratio), limit=limit)
        for group, shifts, ratios, limit in groups
        for combination, ratio in zip(shifts.combinations, ratios, strict=True)
    )


__all__ = ["MARKET", "RELATION", "ShiftHealth", "shift_health"]
