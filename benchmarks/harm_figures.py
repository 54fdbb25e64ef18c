"""Whether a model is worse while it is held back, and what holding it back saved or cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.harm_bootstrap import Bootstrap, Estimate, Floats, effective_number, ratio
from benchmarks.harm_outcome import STATES, Outcome
from benchmarks.harm_trades import Account, maximum_drawdown
from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.states import TradingState

#: Share of the stake that each state is granted.
GRANTED = np.array([1.0, LifecycleConfig(model_name="benchmark").reduced_stake_ratio, 0.0])
#: At least two weeks: states last for weeks, and what follows from a market for days.
BLOCK_DAYS = {"1h": 28, "5m": 14}
YEAR_SECONDS = 365.25 * 86_400
BOTH_SIDES, LONG_ONLY = (1, -1), (1,)
# what is summed per day and state
CANDLES, SCORED, RIGHT, TRADES, PROFIT = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFigures:
    """The model in one state: share of the candles, unbroken stretches, directions, trades; profits are shares."""

    state: str
    share_of_time: float
    spells: int
    accuracy: Estimate
    effective_predictions: float
    trades: int
    profit_per_trade: Estimate
    maximum_drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmFigures:
    """The model while reduced or paused, less the model while active: below zero it is worse while held back."""

    held_back: float
    accuracy: Estimate
    profit_per_trade: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyFigures:
    """Profit per pair and year in shares of a full stake: of every trade at the full stake, and under the policy.

    `saved` is the second less the first, `against_even_cut` the second less what the same mean stake spread evenly
    over all trades gives: the first rewards trading less wherever trades lose, the second only the choice of when.
    """

    trades: int
    mean_stake: float
    doing_nothing: Estimate
    under_policy: Estimate
    saved: Estimate
    against_even_cut: Estimate
    drawdown_doing_nothing: float
    drawdown_under_policy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenFigures:
    """One policy less another, per pair and year in shares of a full stake.

    `profit` rewards the one that trades less wherever trades lose; `against_even_cut` is the difference of what either
    gives beyond its own mean stake spread evenly.
    """

    profit: Estimate
    against_even_cut: Estimate


def by_state(outcomes: Sequence[Outcome], policy: str) -> list[StateFigures]:
    """The figures of each state, all pairs of `outcomes` together."""
    bootstrap = _bootstrap(outcomes, [policy])
    total = _states(bootstrap.total)
    return [_state_figures(outcomes, policy, bootstrap, total, state) for state in TradingState]


def _state_figures(
    outcomes: Sequence[Outcome], policy: str, bootstrap: Bootstrap, total: Floats, state: TradingState
) -> StateFigures:
    accuracy = bootstrap.estimate(lambda sums: _ratio_in(sums, state, RIGHT, SCORED))
    at = outcomes[0].policies.index(policy)
    return StateFigures(
        state=state.label,
        share_of_time=float(total[state, CANDLES] / total[:, CANDLES].sum()),
        spells=int(sum(outcome.spells[at, state] for outcome in outcomes)),
        accuracy=accuracy,
        effective_predictions=effective_number(accuracy, float(total[state, SCORED])),
        trades=int(total[state, TRADES]),
        profit_per_trade=bootstrap.estimate(lambda sums: _ratio_in(sums, state, PROFIT, TRADES)),
        maximum_drawdown=maximum_drawdown([outcome.account(outcome.entry_states[at] == state) for outcome in outcomes]),
    )


def harm(outcomes: Sequence[Outcome], policy: str) -> HarmFigures:
    """Held back against active."""
    bootstrap = _bootstrap(outcomes, [policy])
    total = _states(bootstrap.total)
    return HarmFigures(
        held_back=float(1.0 - total[TradingState.ACTIVE, CANDLES] / total[:, CANDLES].sum()),
        accuracy=bootstrap.estimate(partial(_held_back_less_active, part=RIGHT, whole=SCORED)),
        profit_per_trade=bootstrap.estimate(partial(_held_back_less_active, part=PROFIT, whole=TRADES)),
    )


def money(outcomes: Sequence[Outcome], policy: str, sides: Sequence[int] = BOTH_SIDES) -> MoneyFigures:
    """What the policy made of the trades on `sides`."""
    bootstrap = _bootstrap(outcomes, [policy], sides)
    total, years = _states(bootstrap.total), _pair_years(outcomes, policy)
    all_at_full, at_granted = partial(_granted, granted=np.ones(STATES)), partial(_granted, granted=GRANTED)
    return MoneyFigures(
        trades=int(total[:, TRADES].sum()),
        mean_stake=float(_mean_stake(bootstrap.total)),
        doing_nothing=bootstrap.estimate(lambda sums: all_at_full(sums) / years),
        under_policy=bootstrap.estimate(lambda sums: at_granted(sums) / years),
        saved=bootstrap.estimate(lambda sums: (at_granted(sums) - all_at_full(sums)) / years),
        against_even_cut=bootstrap.estimate(lambda sums: _beyond_even_cut(sums) / years),
        drawdown_doing_nothing=maximum_drawdown(_accounts(outcomes, policy, sides, np.ones(STATES))),
        drawdown_under_policy=maximum_drawdown(_accounts(outcomes, policy, sides, GRANTED)),
    )


def between(outcomes: Sequence[Outcome], one: str, other: str) -> BetweenFigures:
    """Policy `one` against `other`, over the same trades."""
    bootstrap, years = _bootstrap(outcomes, [one, other]), _pair_years(outcomes, one)

    def difference(sums: Floats, figure: Callable[[Floats], Floats]) -> Floats:
        half = sums.shape[-1] // 2
        return (figure(sums[..., :half]) - figure(sums[..., half:])) / years

    return BetweenFigures(
        profit=bootstrap.estimate(partial(difference, figure=partial(_granted, granted=GRANTED))),
        against_even_cut=bootstrap.estimate(partial(difference, figure=_beyond_even_cut)),
    )


def _bootstrap(outcomes: Sequence[Outcome], policies: Sequence[str], sides: Sequence[int] = BOTH_SIDES) -> Bootstrap:
    tables = [daily(outcomes, policy, sides) for policy in policies]
    return Bootstrap.of(np.concatenate(tables, axis=1), BLOCK_DAYS[outcomes[0].timeframe])


def daily(outcomes: Sequence[Outcome], policy: str, sides: Sequence[int] = BOTH_SIDES) -> Floats:
    """Sums over all outcomes per day since the first of any: `(days, 15)`, five quantities of each state in turn."""
    first = min(outcome.first_day for outcome in outcomes)
    days = max(outcome.first_day + outcome.counts.shape[-1] for outcome in outcomes) - first
    sums = np.zeros((days, STATES, 5))
    for outcome in outcomes:
        at, begin = outcome.policies.index(policy), outcome.first_day - first
        counts = outcome.counts[at].transpose(2, 0, 1)
        sums[begin : begin + len(counts), :, :TRADES] += counts
        chosen = np.isin(outcome.sides, sides)
        where = (_days(outcome)[chosen] - first, outcome.entry_states[at][chosen])
        np.add.at(sums, (*where, TRADES), 1.0)
        np.add.at(sums, (*where, PROFIT), outcome.profits[chosen])
    return sums.reshape(days, -1)


def _days(outcome: Outcome) -> NDArray[np.int64]:
    return outcome.entered_ns // (86_400 * 10**9)


def _states(sums: Floats) -> Floats:
    return sums.reshape(*sums.shape[:-1], STATES, 5)


def _ratio_in(sums: Floats, state: TradingState, part: int, whole: int) -> Floats:
    of_state = _states(sums)[..., state, :]
    return ratio(of_state[..., part], of_state[..., whole])


def _held_back_less_active(sums: Floats, part: int, whole: int) -> Floats:
    states = _states(sums)
    held_back = states[..., TradingState.REDUCED :, :].sum(axis=-2)
    active = states[..., TradingState.ACTIVE, :]
    return ratio(held_back[..., part], held_back[..., whole]) - ratio(active[..., part], active[..., whole])


def _granted(sums: Floats, granted: Floats) -> Floats:
    return np.asarray(_states(sums)[..., PROFIT] @ granted)


# what choosing when to cut gave beyond the same mean stake on every trade
def _beyond_even_cut(sums: Floats) -> Floats:
    return np.asarray(_granted(sums, GRANTED) - _mean_stake(sums) * _granted(sums, np.ones(STATES)))


def _mean_stake(sums: Floats) -> Floats:
    traded = _states(sums)[..., TRADES]
    return ratio(traded @ GRANTED, traded.sum(axis=-1))


def _pair_years(outcomes: Sequence[Outcome], policy: str) -> float:
    at = outcomes[0].policies.index(policy)
    candles = sum(int(outcome.counts[at, :, CANDLES].sum()) for outcome in outcomes)
    return candles * candle_seconds(outcomes[0].timeframe) / YEAR_SECONDS


def _accounts(outcomes: Sequence[Outcome], policy: str, sides: Sequence[int], granted: Floats) -> list[Account]:
    at = outcomes[0].policies.index(policy)
    return [outcome.account(np.isin(outcome.sides, sides), granted[outcome.entry_states[at]]) for outcome in outcomes]


__all__ = [
    "BLOCK_DAYS",
    "BOTH_SIDES",
    "GRANTED",
    "LONG_ONLY",
    "BetweenFigures",
    "HarmFigures",
    "MoneyFigures",
    "StateFigures",
    "between",
    "by_state",
    "daily",
    "harm",
    "money",
]
