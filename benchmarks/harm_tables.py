"""The figures of harm as Markdown tables, and what can be read from them in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from benchmarks.harm_bootstrap import RESAMPLES, Estimate
from benchmarks.harm_figures import BLOCK_DAYS, BetweenFigures, HarmFigures, MoneyFigures, StateFigures
from benchmarks.marked import table

ALL_MODELS = "all three"
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmReport:
    """Everything that was worked out; keys are (timeframe, model, policy)."""

    about: tuple[str, ...]
    states: Mapping[Key, Sequence[StateFigures]]
    harms: Mapping[Key, HarmFigures]
    money: Mapping[Key, MoneyFigures]
    long_only: Mapping[Key, MoneyFigures]
    between: Mapping[Key, BetweenFigures]


def markdown(report: HarmReport) -> list[str]:
    """All tables with their headings."""
    return [
        *(f"{line}  " for line in report.about),
        "",
        "### The model in each state",
        "",
        *_states_table(report),
        "### Held back against active",
        "",
        *_harms_table(report),
        _verdict("accuracy, held back less active", [figures.accuracy for figures in report.harms.values()]),
        "",
        _verdict("profit per trade, held back less active", [one.profit_per_trade for one in report.harms.values()]),
        "",
        "### What holding back saved or cost",
        "",
        *_money_table({**report.money}),
        _verdict("profit against the same cut spread evenly", [one.against_even_cut for one in report.money.values()]),
        "",
        "The same with long trades only:",
        "",
        *_money_table(report.long_only),
        "### The two rules against each other",
        "",
        "`any_feature` less `corroborated`, a pair and year:",
        "",
        *table(
            ("candles", "model", "profit", "against the same cuts spread evenly"),
            [
                (timeframe, model, percent(one.profit), percent(one.against_even_cut))
                for (timeframe, model, _), one in report.between.items()
            ],
        ),
    ][:-1]


def _states_table(report: HarmReport) -> list[str]:
    rows = [
        (
            timeframe,
            model,
            one.state,
            share(one.share_of_time),
            f"{one.spells}",
            percent(one.accuracy),
            _whole(one.effective_predictions),
            f"{one.trades:,}",
            percent(one.profit_per_trade, digits=2),
            share(one.maximum_drawdown),
        )
        for (timeframe, model, _), figures in report.states.items()
        for one in figures
    ]
    headings = ("candles", "model", "state", "of the time", "spells", "right direction", "n_eff", "trades")
    return table((*headings, "profit per trade", "maximum drawdown"), rows)


def _harms_table(report: HarmReport) -> list[str]:
    rows = [
        (*key, share(one.held_back), percent(one.accuracy), percent(one.profit_per_trade, digits=2))
        for key, one in report.harms.items()
    ]
    return table(("candles", "model", "policy", "held back", "right direction", "profit per trade"), rows)


def _money_table(figures: Mapping[Key, MoneyFigures]) -> list[str]:
    rows = [
        (
            *key,
            f"{one.trades:,}",
            share(one.mean_stake),
            percent(one.doing_nothing),
            percent(one.under_policy),
            percent(one.saved),
            percent(one.against_even_cut),
            f"{share(one.drawdown_doing_nothing)} to {share(one.drawdown_under_policy)}",
        )
        for key, one in figures.items()
    ]
    headings = ("candles", "model", "policy", "trades", "mean stake", "doing nothing", "under the policy", "saved")
    return table((*headings, "against the same cut spread evenly", "maximum drawdown"), rows)


# Counted, not judged: with so many intervals some leave out zero by chance. A policy that grants every trade the same
# stake has no difference to count.
def _verdict(what: str, estimates: Sequence[Estimate]) -> str:
    known = [one for one in estimates if one.lower < one.upper]
    below = sum(one.outside_zero < 0 for one in known)
    above = sum(one.outside_zero > 0 for one in known)
    holding = len(known) - below - above
    return (
        f"Of {len(known)} intervals ({what}), {below} lie below zero, {above} above it, and {holding} hold it; one in "
        "twenty leaves it out by chance, and those of one market are not independent."
    )


def percent(estimate: Estimate, digits: int = 1) -> str:
    """A share in percent with its 95 % interval; a dash where it is not known."""
    if not isfinite(estimate.value):
        return "-"
    value = f"{100 * estimate.value:.{digits}f} %"
    if not isfinite(estimate.lower):
        return f"{value} (no interval)"
    return f"{value} ({100 * estimate.lower:.{digits}f} to {100 * estimate.upper:.{digits}f})"


def share(value: float) -> str:
    """A share of time or stake in percent."""
    return f"{100 * value:.1f} %" if isfinite(value) else "-"


def _whole(number: float) -> str:
    return f"{number:,.0f}" if isfinite(number) else "-"


def method(timeframes: Sequence[str]) -> str:
    """How the intervals were made."""
    blocks = ", ".join(f"{BLOCK_DAYS[timeframe]} days at {timeframe}" for timeframe in timeframes)
    return (
        f"Intervals: circular block bootstrap, {RESAMPLES:,} times, blocks of {blocks}, all pairs of a block together."
    )


__all__ = ["ALL_MODELS", "HarmReport", "Key", "markdown", "method", "percent", "share"]
