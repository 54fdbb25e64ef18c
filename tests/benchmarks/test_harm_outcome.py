"""Predictions and trades are counted by the state at their own candle, day by day."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.harm_figures import BLOCK_DAYS, GRANTED, LONG_ONLY, between, daily, harm, money
from benchmarks.harm_outcome import Outcome, spells
from benchmarks.walk import PolicyColumns, Watched, outcomes
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.states import TradingState

ACTIVE, REDUCED, PAUSED = TradingState
ROWS = 24 * 400


def policy(state: NDArray[np.int8]) -> PolicyColumns:
    return PolicyColumns(state=state, severity=np.zeros_like(state), reasons=np.zeros(len(state), dtype=np.uint32))


def watched(state: NDArray[np.int8], score: NDArray[np.float64], close: NDArray[np.float64]) -> Watched:
    return Watched(
        pair="BTC/USDT",
        dates_ns=(np.arange(len(close)) + 24 * 18_000) * 3_600 * 10**9,
        close=close,
        outcome=outcomes(close),
        score=score,
        sure_down=np.full(len(close), -0.3),
        sure_up=np.full(len(close), 0.3),
        policies={"one": policy(state), "never": policy(np.zeros_like(state))},
        adopted=("2019-04-14T00:00:00+00:00",),
        validation=(0.5,),
    )


def market(seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    return generator.uniform(-1.0, 1.0, ROWS), 100.0 * np.exp(np.cumsum(0.01 * generator.normal(size=ROWS)))


def in_thirds() -> NDArray[np.int8]:
    """A new state every five days."""
    return ((np.arange(ROWS) // 120) % 3).astype(np.int8)


def test_a_trade_belongs_to_the_state_of_the_candle_it_is_entered_at() -> None:
    state, score, close = np.zeros(ROWS, dtype=np.int8), np.zeros(ROWS), np.full(ROWS, 100.0)
    state[11:], score[[10, 22, 34]] = PAUSED, 0.9
    found = Outcome.of(watched(state, score, close), "1h")
    assert found.entry_states.tolist() == [[ACTIVE, PAUSED, PAUSED], [ACTIVE] * 3]


def test_every_candle_prediction_and_hit_is_counted_once_in_its_state() -> None:
    score, close = market()
    score[:50] = np.nan
    state = in_thirds()
    one = watched(state, score, close)
    found = Outcome.of(one, "1h")
    scored = np.isfinite(score) & np.isfinite(one.outcome)
    right = scored & (np.sign(score) == one.outcome)
    for value in TradingState:
        rows = state == value
        assert found.counts[0, value].sum(axis=1).tolist() == [rows.sum(), (rows & scored).sum(), (rows & right).sum()]
    assert found.counts[1, ACTIVE, 0].sum() == ROWS
    assert found.counts[0].sum(axis=0)[0].tolist() == [24] * 400


def test_spells_are_unbroken_stretches() -> None:
    assert spells(np.array([0, 0, 1, 1, 0, 2, 0], dtype=np.int8)).tolist() == [3, 1, 1]


def test_an_outcome_survives_its_file() -> None:
    found = Outcome.of(watched(in_thirds(), *market()), "1h")
    again = Outcome.read(json.loads(json.dumps(found.values())))
    assert again.values() == found.values()
    assert again.entry_states.shape == found.entry_states.shape


def test_an_outcome_without_trades_survives_its_file() -> None:
    found = Outcome.of(watched(in_thirds(), np.zeros(ROWS), market()[1]), "1h")
    again = Outcome.read(json.loads(json.dumps(found.values())))
    assert again.entry_states.shape == (2, 0)
    assert money([again], "one").trades == 0


def test_days_of_several_pairs_are_added_where_they_are_the_same_days() -> None:
    first = Outcome.of(watched(in_thirds(), *market(0)), "1h")
    later = Outcome.of(watched(in_thirds(), *market(1)), "1h")
    shifted = Outcome.read({**later.values(), "first_day": later.first_day + 7})
    sums = daily([first, shifted], "one")
    assert len(sums) == 407
    assert sums.sum(axis=0) == pytest.approx(daily([first], "one").sum(axis=0) + daily([later], "one").sum(axis=0))
    assert (sums[:7] == daily([first], "one")[:7])[:, :3].all()


def test_saved_is_what_the_stakes_not_granted_would_have_made() -> None:
    found = Outcome.of(watched(in_thirds(), *market()), "1h")
    of_state = [found.profits[found.entry_states[0] == state].sum() for state in TradingState]
    years = 400 / 365.25
    result = money([found], "one")
    assert result.doing_nothing.value == pytest.approx(sum(of_state) / years)
    assert result.saved.value == pytest.approx(-(0.5 * of_state[REDUCED] + of_state[PAUSED]) / years)
    assert result.saved.lower <= result.saved.value <= result.saved.upper
    against_never = between([found], "one", "never")
    assert against_never.profit.value == pytest.approx(result.saved.value)
    assert against_never.against_even_cut.value == pytest.approx(result.against_even_cut.value)


def test_holding_back_at_random_saves_nothing_against_the_same_cut_spread_evenly() -> None:
    found = Outcome.of(watched(in_thirds(), *market()), "1h")
    even = Outcome.read({**found.values(), "profits": [-0.002] * len(found.profits)})
    result = money([even], "one")
    assert result.saved.value > 0.0
    assert result.saved.outside_zero == 1
    assert result.against_even_cut.value == pytest.approx(0.0, abs=1e-12)


def test_a_model_that_is_wrong_while_held_back_is_seen() -> None:
    score, close = market()
    one = watched(in_thirds(), score, close)
    knows = np.where(np.isnan(one.outcome), 0.0, one.outcome) * np.abs(score)
    wrong_when_held = np.where(in_thirds() == ACTIVE, knows, -knows)
    result = harm([Outcome.of(watched(in_thirds(), wrong_when_held, close), "1h")], "one")
    assert result.accuracy.value == pytest.approx(-1.0)
    assert result.profit_per_trade.outside_zero == -1
    assert result.held_back == pytest.approx((in_thirds() != ACTIVE).mean())


def test_long_only_leaves_the_short_trades_out() -> None:
    found = Outcome.of(watched(in_thirds(), *market()), "1h")
    assert 0 < money([found], "one", LONG_ONLY).trades < money([found], "one").trades == len(found.profits)


def test_stakes_are_the_packages_and_blocks_at_least_two_weeks() -> None:
    assert GRANTED.tolist() == [1.0, LifecycleConfig(model_name="x").reduced_stake_ratio, 0.0]
    assert min(BLOCK_DAYS.values()) >= 14
