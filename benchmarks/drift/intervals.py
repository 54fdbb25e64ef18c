"""95 % intervals of shares, rates and medians."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from scipy import stats

LEVEL = 0.95
_DEVIATES = float(stats.norm.ppf((1.0 + LEVEL) / 2.0))

Interval = tuple[float, float]


def of_share(found: float, runs: int) -> Interval:
    """Wilson's interval of a share, from 0 to 1; of nothing known where there is no run."""
    if not runs:
        return 0.0, 1.0
    share, weight = found / runs, _DEVIATES**2 / runs
    middle = (share + weight / 2.0) / (1.0 + weight)
    half = _DEVIATES * sqrt(share * (1.0 - share) / runs + weight / (4.0 * runs)) / (1.0 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def of_rate(count: int, exposure: float) -> Interval:
    """Garwood's exact interval of a Poisson rate per unit of `exposure`, which is positive."""
    tail = (1.0 - LEVEL) / 2.0
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2.0 if count else 0.0
    return low / exposure, float(stats.chi2.ppf(1.0 - tail, 2 * count + 2)) / 2.0 / exposure


def of_median(values: Sequence[float]) -> Interval:
    """Two of the values between which the median lies, by the binomial law of ranks; NaN where there is none."""
    if not values:
        return float("nan"), float("nan")
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    rank = max(0, int(stats.binom.ppf((1.0 - LEVEL) / 2.0, len(ordered), 0.5)) - 1)
    return float(ordered[rank]), float(ordered[len(ordered) - 1 - rank])


__all__ = ["Interval", "of_median", "of_rate", "of_share"]
