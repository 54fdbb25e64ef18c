"""A walked bot knows nothing that comes after the candle it decides at."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.features import HORIZON, WARM_UP
from benchmarks.judging import POLICIES, default_policy, judge_settings
from benchmarks.latency_market import Market
from benchmarks.walk import FOR_EVER, WalkPlan, model_at, outcomes, spans, walk
from tradai_lifecycle.sandbox import BASE, build_market
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy.frame import dates_in_ns

PLAN = WalkPlan(
    timeframe="1h",
    model="logistic",
    trained_candles=1_200,
    fewest_candles=1_000,
    fold_candles=400,
    section={"window_candles": 200},
)
CANDLES = 2_400
PREDECESSORS = judge_settings("1h", window_candles=200)[0].predecessors


@cache
def market(pair: str = "BTC/USDT") -> Market:
    start = datetime(2023, 1, 1, tzinfo=UTC)
    candles = build_market(5, [pair], "1h", start, CANDLES, (BASE,))[pair]
    return Market(pair=pair, timeframe="1h", real=False, candles=candles)


def changed(known: Market, first: int) -> Market:
    """The market as it was before row `first`, and another one from there on."""
    candles = known.candles.copy()
    prices = ["open", "high", "low", "close"]
    later = candles.index >= first
    candles.loc[later, prices] = 1_000.0 / candles.loc[later, prices].to_numpy()[:, [0, 2, 1, 3]]
    candles.loc[later, "volume"] *= 7.0
    return replace(known, candles=candles)


def test_folds_follow_each_other_and_begin_when_enough_is_known() -> None:
    dates = dates_in_ns(market().candles["date"])
    found = spans([market()], PLAN, PREDECESSORS)
    first = max(PLAN.fewest_candles + WARM_UP, PREDECESSORS)
    assert found[0][0] == dates[first]
    assert found[-1][1] == dates[-1] + PLAN.candle_ns
    assert all(end == start for (_, end), (start, _) in pairwise(found))
    assert all(end - start >= 200 * PLAN.candle_ns for start, end in found)
    assert len(spans([market()], replace(PLAN, fold_candles=FOR_EVER), PREDECESSORS)) == 1


def test_a_bot_starts_when_its_youngest_pair_can() -> None:
    young = replace(market(), candles=market().candles.iloc[300:].reset_index(drop=True))
    (first, _), *_ = spans([market(), young], PLAN, PREDECESSORS)
    assert first == spans([young], PLAN, PREDECESSORS)[0][0]


def test_too_few_candles_are_refused() -> None:
    short = replace(market(), candles=market().candles.iloc[: PLAN.fewest_candles])
    with pytest.raises(ValueError, match="that come before a start"):
        spans([short], PLAN, PREDECESSORS)


def test_a_model_never_saw_the_candles_it_judges() -> None:
    row = 1_600
    start = int(dates_in_ns(market().candles["date"])[row])
    known, blind = model_at([market()], start, PLAN), model_at([changed(market(), row)], start, PLAN)
    assert known.trained_until.timestamp() * 1e9 <= start
    assert known.golden.predictions.tolist() == blind.golden.predictions.tolist()
    assert known.profile == blind.profile
    assert known.metrics == blind.metrics
    # and the check can fail: one candle earlier is known
    assert model_at([changed(market(), row - 1)], start, PLAN).profile != known.profile


def test_a_state_does_not_change_with_what_comes_after_it() -> None:
    row = 1_700
    whole, other = walk([market()], PLAN)[0], walk([changed(market(), row)], PLAN)[0]
    before = whole.dates_ns < dates_in_ns(market().candles["date"])[row]
    assert 0 < before.sum() < len(before)
    for policy in POLICIES:
        for column in ("state", "severity", "reasons"):
            one, two = getattr(whole.policies[policy], column), getattr(other.policies[policy], column)
            assert np.array_equal(one[before], two[before])
    assert np.array_equal(whole.score[before], other.score[before], equal_nan=True)
    assert not np.array_equal(whole.score[~before], other.score[~before], equal_nan=True)
    assert np.array_equal(whole.outcome[before][:-HORIZON], other.outcome[before][:-HORIZON])


def test_every_watched_candle_is_decided_and_each_model_is_adopted_by_a_bot_that_knows_its_states() -> None:
    (found,) = walk([market()], PLAN)
    dates = dates_in_ns(market().candles["date"])
    assert found.dates_ns.tolist() == dates[dates >= found.dates_ns[0]].tolist()
    assert len(found.adopted) == len(found.validation) == len(spans([market()], PLAN, PREDECESSORS))
    assert np.isfinite(found.score).all()
    adopted_while_paused = 0
    for columns in found.policies.values():
        assert not (columns.reasons & Reason.WARMING_UP).any()
        for start, _ in spans([market()], PLAN, PREDECESSORS)[1:]:
            row = int(np.searchsorted(found.dates_ns, start))
            paused = columns.state[row - 1] == TradingState.PAUSED
            assert bool(columns.reasons[row] & Reason.ADOPTED_WHILE_PAUSED) == paused
            adopted_while_paused += paused
    # the rule of thumb is on for most of the time
    assert adopted_while_paused


def test_several_pairs_are_judged_by_one_model_over_the_same_candles() -> None:
    found = walk([market(), market("ETH/USDT")], PLAN)
    assert [one.pair for one in found] == ["BTC/USDT", "ETH/USDT"]
    assert found[0].dates_ns.tolist() == found[1].dates_ns.tolist()
    assert found[0].validation == found[1].validation


def test_outcomes_are_the_signs_of_what_follows() -> None:
    close = np.concatenate([np.full(HORIZON, 100.0), [101.0, 99.0, 100.0]])
    found = outcomes(close)
    assert found[:3].tolist() == [1.0, -1.0, 0.0]
    assert np.isnan(found[3:]).all()


def test_the_default_is_one_of_the_measured_policies() -> None:
    assert judge_settings("1h") == judge_settings("1h", **POLICIES[default_policy()])
