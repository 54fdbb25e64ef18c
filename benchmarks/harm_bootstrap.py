"""Intervals of figures whose days depend on each other: whole blocks of days are drawn, with all pairs in them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: A figure from sums over days: `(..., quantities)` to `(...,)`; NaN where it is not defined.
Statistic = Callable[[Floats], Floats]

RESAMPLES, SEED = 2_000, 7
#: Below this share of resamples in which a figure is defined, its interval means nothing.
FEWEST_DEFINED = 0.95
#: With fewer blocks than this, drawing them says nothing about the next one.
FEWEST_BLOCKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its 95 % interval and standard error; NaN where they are not known."""

    value: float
    lower: float
    upper: float
    error: float

    @property
    def outside_zero(self) -> int:
        """1 where the whole interval is above zero, -1 where it is below, else 0."""
        return int(self.lower > 0.0) - int(self.upper < 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Sums over all days, and over as many days drawn in blocks, RESAMPLES times.

    Circular block bootstrap (Politis and Romano 1992): blocks begin on any day and go on at the first after the last.
    """

    total: Floats
    drawn: Floats
    blocks: int

    @classmethod
    def of(cls, daily: Floats, block_days: int) -> "Bootstrap":
        """From quantities per day `(days, quantities)`."""
        days = len(daily)
        number = ceil(days / block_days)
        length = min(block_days, days)
        sums = np.zeros((days + length + 1, daily.shape[1]))
        np.cumsum(np.concatenate([daily, daily[:length]]), axis=0, out=sums[1:])
        starts = np.random.default_rng(SEED).integers(0, days, size=(RESAMPLES, number))
        drawn = (sums[starts + length] - sums[starts]).sum(axis=1)
        # the last block may reach beyond the number of days: sums stay those of as many days as there are
        return cls(total=daily.sum(axis=0), drawn=drawn * (days / (number * length)), blocks=number)

    def estimate(self, statistic: Statistic) -> Estimate:
        """The figure, and the middle 95 % of what it is in the resamples."""
        value = float(statistic(self.total[None])[0])
        drawn = statistic(self.drawn)
        defined = drawn[np.isfinite(drawn)]
        if self.blocks < FEWEST_BLOCKS or len(defined) < FEWEST_DEFINED * len(drawn) or not isfinite(value):
            return Estimate(value=value, lower=float("nan"), upper=float("nan"), error=float("nan"))
        lower, upper = np.quantile(defined, (0.025, 0.975))
        return Estimate(value=value, lower=float(lower), upper=float(upper), error=float(np.std(defined)))


def ratio(part: Floats, whole: Floats) -> Floats:
    """`part` over `whole`, NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0.0)


def effective_number(estimate: Estimate, scored: float) -> float:
    """How many independent predictions have a share this certain: s (1 - s) / error^2, at most those scored."""
    if not estimate.error > 0.0:
        return float("nan")
    return min(estimate.value * (1.0 - estimate.value) / estimate.error**2, scored)


__all__ = ["Bootstrap", "Estimate", "effective_number", "ratio"]
