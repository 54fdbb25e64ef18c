"""What each model version earned: the figures of its closed trades, with how sure the mean is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.strategy.trades import BotTrade

#: Closed trades below which a mean is given without an interval: single trades would decide it.
FEWEST_TRADES = 20
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionProfit:
    """The trades that one version opened, in one currency. Ratios are of a trade's stake, leverage included.

    `mean_ratio`, `worst_ratio` and `mean_duration` are NaN or None without a closed trade; `lower` and `upper`, the
    interval of the mean, are NaN with fewer than `FEWEST_TRADES`.
    """

    version: str
    currency: str
    trades: int
    wins: int
    profit: float
    mean_ratio: float
    lower: float
    upper: float
    worst_ratio: float
    worst_profit: float
    mean_duration: timedelta | None
    open_trades: int
    open_stake: float

    @property
    def enough_trades(self) -> bool:
        """Whether there are enough closed trades for an interval."""
        return self.trades >= FEWEST_TRADES


def profit_by_version(trades: Iterable[BotTrade]) -> tuple[VersionProfit, ...]:
    """One value per version and currency, the oldest version first and what bears none at the end."""
    ordered = sorted(trades, key=_place)
    return tuple(_version_profit(key[1], key[2], tuple(group)) for key, group in groupby(ordered, key=_place))


def _place(trade: BotTrade) -> tuple[float, str, str]:
    number = trade.version.removeprefix("v")
    return (float(number) if number.isdigit() else float("inf"), trade.version, trade.currency)


def _version_profit(version: str, currency: str, trades: Sequence[BotTrade]) -> VersionProfit:
    closed = [trade for trade in trades if not trade.is_open]
    ratios = np.array([trade.profit_ratio for trade in closed])
    lower, upper = mean_interval(ratios)
    durations = [trade.closed_at - trade.opened_at for trade in closed if trade.closed_at is not None]
    return VersionProfit(
        version=version,
        currency=currency,
        trades=len(closed),
        wins=sum(trade.profit > 0.0 for trade in closed),
        profit=sum(trade.profit for trade in closed),
        mean_ratio=float(ratios.mean()) if closed else nan,
        lower=lower,
        upper=upper,
        worst_ratio=float(ratios.min()) if closed else nan,
        worst_profit=min((trade.profit for trade in closed), default=nan),
        mean_duration=sum(durations, timedelta()) / len(durations) if durations else None,
        open_trades=len(trades) - len(closed),
        open_stake=sum(trade.stake for trade in trades if trade.is_open),
    )


def mean_interval(ratios: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % interval of the mean by Student's t; NaN twice with fewer than `FEWEST_TRADES` values.

    It takes the trades for independent. Trades that were open at the same time are not, so it is rather too narrow.
    """
    # keep in sync with docs/runbook.md, "What each version earned"
    if len(ratios) < FEWEST_TRADES:
        return nan, nan
    from scipy.stats import t  # noqa: PLC0415 - heavy

    half = t.ppf((1.0 + CONFIDENCE) / 2.0, len(ratios) - 1) * ratios.std(ddof=1) / sqrt(len(ratios))
    return float(ratios.mean() - half), float(ratios.mean() + half)


__all__ = ["FEWEST_TRADES", "VersionProfit", "mean_interval", "profit_by_version"]
