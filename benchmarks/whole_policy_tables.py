"""The figures of the whole policy as Markdown tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from benchmarks.harm_tables import share
from benchmarks.marked import table
from benchmarks.whole_policy_delays import RULES, Delay
from benchmarks.whole_policy_shares import Shares


@dataclass(frozen=True, slots=True, kw_only=True)
class BotShares:
    """One row: a bot, how its model is renewed, a policy, and the watched days."""

    timeframe: str
    bot: str
    model: str
    policy: str
    days: float
    shares: Shares


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDelays:
    """One fault at one timeframe: onsets, and per rule the delay to each state."""

    timeframe: str
    fault: str
    onsets: int
    delays: Mapping[str, Mapping[str, Delay]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeReport:
    """Everything that was worked out."""

    about: tuple[str, ...]
    shares: Sequence[BotShares]
    delays: Sequence[FaultDelays]


def markdown(report: WholeReport) -> list[str]:
    """All tables with their headings."""
    lines = [*(f"{line}  " for line in report.about), ""]
    lines += ["### Time held back without a fault", "", *_shares_table(report.shares)]
    for timeframe in dict.fromkeys(one.timeframe for one in report.delays):
        own = [one for one in report.delays if one.timeframe == timeframe]
        lines += [f"### Days from a fault to the cut and to the pause, {timeframe}", "", *_delays_table(own)]
    return lines[:-1]


def _shares_table(rows: Sequence[BotShares]) -> list[str]:
    headings = ("candles", "bot", "model", "days", "policy", "reduced", "paused", "held back by pair")
    reasons = ("drift", "accuracy", "quality", "recovering")
    cells = [
        (
            row.timeframe,
            row.bot,
            row.model,
            f"{row.days:,.0f}",
            row.policy,
            share(row.shares.reduced),
            share(row.shares.paused),
            f"{share(row.shares.least_held_back)} to {share(row.shares.most_held_back)}",
            *(share(row.shares.by_reason[reason]) for reason in reasons),
            share(row.shares.any_held_back),
            share(row.shares.any_paused),
            share(row.shares.whole_bot),
        )
        for row in rows
    ]
    return table((*headings, *reasons, "any pair held back", "any pair paused", "whole bot paused"), cells)


def _delays_table(rows: Sequence[FaultDelays]) -> list[str]:
    parts = ("cut", "days", "paused", "days")
    headings = ("fault", "runs", *(f"{rule}: {part}" for rule in RULES for part in parts))
    cells = [
        (
            row.fault,
            str(row.onsets),
            *(cell for rule in RULES for state in ("reduced", "paused") for cell in _delay(row.delays[rule][state])),
        )
        for row in rows
    ]
    return table(headings, cells)


def _delay(delay: Delay) -> tuple[str, str]:
    if isnan(delay.share):
        return "-", "-"
    days = "-" if delay.median_days is None else f"{delay.median_days:.2f}"
    return f"{100 * delay.share:.0f} %", days


__all__ = ["BotShares", "FaultDelays", "WholeReport", "markdown"]
