"""A frame of `startup_candles` rows decides its newest candle as a whole history does, whatever the settings."""

from dataclasses import fields, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.candles import rows_of
from tests.monitor.related_market import HOUR_NS, NAMES, faulty, market
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.monitor import HealthColumns, PairReference, assess, fit_pair_reference
from tradai_lifecycle.monitor.health import ALL_ROWS, EvidenceAsked
from tradai_lifecycle.monitor.shift_windows import fast_tiers
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states, policy_memory_candles
from tradai_lifecycle.states import Reason, SignificantRule, TradingState
from tradai_lifecycle.strategy.columns import JudgeSettings
from tradai_lifecycle.strategy.memory import CandleBudget, candle_budget, health_settings, policy_settings

WINDOW, TRAINING, ROWS, HORIZON = 200, 4_000, 7_000, 6
#: As short as persistence may be, the market's memory is the longest; as long as the defaults, that of drift is.
SHORT = {"moderate_persistence_candles": 1, "significant_persistence_candles": 1, "accuracy_window_days": 5.0}


@cache
def frame() -> dict[str, Any]:
    """Regimes of volume and volatility that come and go, a relation that breaks, and a model that is right at times."""
    rows = np.arange(ROWS + 50)
    judged = market(
        ROWS,
        seed=11,
        volatility=np.where((rows > 5_500) & (rows < 5_800), 2.5, 1.0),
        volume=np.where((rows > 4_900) & (rows < 5_100) | (rows > 6_400), 3.0, 1.0),
    )
    broken = faulty(judged, 6_000, "mean shifted")
    back = broken["features"]
    back[6_300:] = judged["features"][6_300:]
    rng = np.random.default_rng(5)
    right = rng.random(ROWS) < np.where(np.arange(ROWS) % 900 < 450, 0.62, 0.4)
    broken["realised"] = np.where(right, 1.0, -1.0) * np.sign(broken["prediction"])
    return broken


@cache
def reference() -> PairReference:
    training = rows_of(frame(), slice(0, TRAINING))
    return fit_pair_reference(
        pair="BTC/USDT",
        features=training["features"],
        feature_names=NAMES,
        prediction=training["prediction"],
        candles=training["candles"],
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )


def decided(
    config: LifecycleConfig, start: int, end: int, warm_up: int, asked: EvidenceAsked = ALL_ROWS, **policy: int
) -> StateColumns:
    """The states of some rows by themselves, the features of the first `warm_up` of them not known."""
    shown = rows_of(frame(), slice(start, end))
    shown["features"][:warm_up], shown["fit"][:warm_up] = np.nan, False
    health = assess(
        **shown,
        reference=reference(),
        settings=health_settings(config, timeframe="1h", horizon_candles=HORIZON),
        trained_until_ns=0,
        asked=asked,
    )
    return decide_states(
        health,
        warm=np.ones(end - start, dtype=bool),
        settings=replace(policy_settings(config, candle_ns=HOUR_NS), **policy),
        adoption=None,
    )


def budget(config: LifecycleConfig, warm_up: int) -> CandleBudget:
    health = health_settings(config, timeframe="1h", horizon_candles=HORIZON)
    return candle_budget(config, health, feature_warm_up=warm_up)


@cache
def whole_history(config_json: str, warm_up: int) -> StateColumns:
    return decided(LifecycleConfig.model_validate_json(config_json), 0, ROWS, warm_up)


def ends_of(states: StateColumns, first: int) -> list[int]:
    """Candles at which anything is said anew, and their neighbours."""
    changes = np.flatnonzero(np.diff(states.reasons)) + 1
    near = np.concatenate([changes - 1, changes, changes + 1])
    return sorted({int(end) for end in near if first <= end < ROWS})


@pytest.mark.parametrize("rule", list(SignificantRule))
@pytest.mark.parametrize("warm_up", [0, 60, 300])
@pytest.mark.parametrize(
    "settings", [{}, SHORT, {"thresholds": "dynamic"}], ids=["default", "short persistence", "dynamic limits"]
)
def test_the_newest_candle_of_the_shortest_frame_is_decided_as_in_the_whole_history(
    settings: dict[str, Any], warm_up: int, rule: SignificantRule
) -> None:
    config = LifecycleConfig(model_name="demo", window_candles=WINDOW, significant_rule=rule, **settings)
    whole, rows = whole_history(config.model_dump_json(), warm_up), budget(config, warm_up).startup_candles
    ends = ends_of(whole, TRAINING)[::3]
    told, asked = Reason.NONE, judge_of(config, rows - 1).asked(rows)
    for end in ends:
        alone = decided(config, end + 1 - rows, end + 1, warm_up, asked)
        for field in fields(StateColumns):
            assert getattr(alone, field.name)[-1] == getattr(whole, field.name)[end], (field.name, end)
        told |= Reason(int(whole.reasons[end]))
    assert len(ends) > 30
    for reason in (
        "MARKET_MODERATE",
        "MARKET_SIGNIFICANT",
        "RELATION_MODERATE",
        "RELATION_BROKEN",
        "RECOVERING",
        "PSI_SIGNIFICANT",
    ):
        assert Reason[reason] in told, reason
    assert Reason.ACCURACY_BREACH in told


@pytest.mark.parametrize("warm_up", [0, 60])
def test_a_shift_that_nothing_releases_ends_alike_in_the_shortest_frame_and_in_no_shorter_one(warm_up: int) -> None:
    """What is remembered longest: the last candle of a market's shift, its latch to the end, and the recovery."""
    config = LifecycleConfig(model_name="demo", window_candles=WINDOW, **SHORT)
    rows, recovery = budget(config, warm_up).startup_candles, config.recovery_candles
    whole = decided(config, 0, ROWS, warm_up, shift_release=ROWS)
    shifted = (whole.reasons & np.uint32(Reason.MARKET_SIGNIFICANT)) != 0
    last = [int(row) for row in np.flatnonzero(shifted[:-1] & ~shifted[1:]) if TRAINING < row < ROWS - recovery - 2]
    recovering = [row for row in last if whole.reasons[row + recovery] & np.uint32(Reason.RECOVERING)]
    assert recovering
    for end in [end for row in last for end in (row, row + 1, row + recovery, row + recovery + 1)]:
        alone = decided(config, end + 1 - rows, end + 1, warm_up, shift_release=ROWS)
        for field in fields(StateColumns):
            assert getattr(alone, field.name)[-1] == getattr(whole, field.name)[end], (field.name, end)
    for end in (row + recovery for row in recovering):
        shorter = decided(config, end + 2 - rows, end + 1, warm_up, shift_release=ROWS)
        assert not shorter.reasons[-1] & np.uint32(Reason.RECOVERING)


DRIFT_NAMES = ("moderate_ratio", "significant_ratio", "significant_share", "relation_fast_ratio", "retraining_rule")
element = st.sampled_from([0.0, 0.5, 0.75, 0.99, 1.0, 1.3])
spans = st.lists(st.tuples(st.integers(1, 70), element), min_size=1, max_size=40)
long_spans = st.lists(st.tuples(st.integers(1, 250), element), min_size=1, max_size=20)
HELD_FOR = ({"moderate_persistence_candles": 150}, {"significant_persistence_candles": 3})


@given(
    market_ratio=spans,
    market_fast=spans,
    relation_fast=spans,
    index=spans,
    broken=st.lists(st.integers(0, 1_999), max_size=3),
    rule=st.sampled_from(list(SignificantRule)),
    settings=st.sampled_from([{}, SHORT]),
    end=st.integers(0, 100),
)
@examples(max_examples=120, deadline=None)
def test_random_evidence_is_decided_alike_by_the_shortest_frame(
    market_ratio: Any,
    market_fast: Any,
    relation_fast: Any,
    index: Any,
    broken: list[int],
    rule: SignificantRule,
    settings: dict[str, Any],
    end: int,
) -> None:
    config = LifecycleConfig(model_name="demo", window_candles=WINDOW, significant_rule=rule, **settings)
    policy, asked = policy_settings(config, candle_ns=HOUR_NS), budget(config, 0)
    quality = np.zeros(2_000, dtype=np.uint32)
    quality[broken] = Reason.RELATION_BROKEN
    health = evidence(
        market_ratio=column(market_ratio),
        market_fast_ratio=column(market_fast),
        relation_fast_ratio=column(relation_fast),
        significant_ratio=column(index),
        moderate_ratio=column(index),
        significant_share=column(index) - 0.75,
        retraining_rule=column(market_fast) > 0.9,
        quality=quality,
    )
    warm = np.ones(2_000, dtype=bool)
    whole = decide_states(health, warm=warm, settings=policy, adoption=None)
    # of the shortest frame, the rows whose own evidence does not depend on where it starts
    known = slice(1_999 - end - policy_memory_candles(policy), 2_000 - end)
    assert policy_memory_candles(policy) <= asked.predecessors
    alone = decide_states(cut(health, known), warm=warm[known], settings=policy, adoption=None)
    for field in fields(StateColumns):
        assert getattr(alone, field.name)[-1] == getattr(whole, field.name)[1_999 - end], field.name


@given(
    market_ratio=spans,
    market_fast=spans,
    relation_fast=spans,
    moderate=long_spans,
    significant=long_spans,
    rule=st.sampled_from(list(SignificantRule)),
    settings=st.sampled_from([{}, SHORT, *HELD_FOR]),
    newest=st.integers(0, 100),
    resets=st.lists(st.integers(1_500, 2_100), max_size=2).map(sorted),
)
@examples(max_examples=300, deadline=None)
def test_the_rows_that_are_asked_for_decide_alike_without_the_others(
    market_ratio: Any,
    market_fast: Any,
    relation_fast: Any,
    moderate: Any,
    significant: Any,
    rule: SignificantRule,
    settings: dict[str, Any],
    newest: int,
    resets: list[int],
) -> None:
    """The rest of a run of significant drift is all that is looked at beyond what the market's alarms remember."""
    config = LifecycleConfig(model_name="demo", window_candles=WINDOW, significant_rule=rule, **settings)
    memory = 1_999 - newest
    judge = judge_of(config, memory)
    ratio = column(significant)
    health = evidence(
        market_ratio=column(market_ratio),
        market_fast_ratio=column(market_fast),
        relation_fast_ratio=column(relation_fast),
        moderate_ratio=column(moderate),
        significant_ratio=ratio,
        significant_share=ratio - 0.75,
        retraining_rule=column(market_fast) > 0.9,
    )
    asked = judge.asked(2_000)
    first = asked.drift_rows_from(ratio)
    assert max(first, asked.runs_from) <= asked.drift_from < memory
    lacking = {name: getattr(health, name).copy() for name in (*DRIFT_NAMES, "market_ratio", "market_fast_ratio")}
    for name, values in lacking.items():
        values[: first if name in DRIFT_NAMES else asked.drift_from] = False if values.dtype == bool else np.nan
    known = replace(health, **lacking)
    warm = np.arange(2_000) >= memory
    whole, alone = (
        decide_states(judged, warm=warm, settings=judge.policy, adoption=None, drift_resets=resets)
        for judged in (health, known)
    )
    for field in fields(StateColumns):
        assert np.array_equal(getattr(alone, field.name)[memory:], getattr(whole, field.name)[memory:]), field.name


@pytest.mark.parametrize(
    ("name", "held", "settings", "whole"),
    [
        ("significant_ratio", "significant_persistence", {}, "runs_from"),
        ("market_ratio", "shift_persistence", {}, "drift_from"),
        ("moderate_ratio", "moderate_persistence", HELD_FOR[0], "drift_from"),
    ],
)
def test_the_oldest_run_that_still_decides_begins_with_the_first_row_that_is_asked_for(
    name: str, held: str, settings: dict[str, Any], whole: str
) -> None:
    """It holds for just long enough; latch and recovery reach the newest row, and a row earlier they would not."""
    config = LifecycleConfig(model_name="demo", window_candles=WINDOW, **settings)
    judge = judge_of(config, 999)
    first = getattr(judge.asked(1_000), whole)
    states = []
    for begin in (first - 1, first):
        ratio = np.full(2_000, 0.8)
        ratio[begin : begin + getattr(judge.policy, held)] = 1.0
        health = cut(evidence(**{name: ratio}), slice(0, 1_000))
        warm = np.arange(1_000) >= 999
        states.append(decide_states(health, warm=warm, settings=judge.policy, adoption=None).state[-1])
    assert states == [TradingState.ACTIVE, TradingState.REDUCED]


def judge_of(config: LifecycleConfig, predecessors: int) -> JudgeSettings:
    return JudgeSettings(
        health=health_settings(config, timeframe="1h", horizon_candles=HORIZON),
        policy=policy_settings(config, candle_ns=HOUR_NS),
        predecessors=predecessors,
        feature_warm_up=0,
        reduced_stake_ratio=0.5,
    )


def column(parts: list[tuple[int, float]]) -> np.ndarray:
    return np.resize(np.concatenate([np.full(length, value) for length, value in parts]), 2_000)


def cut(health: HealthColumns, rows: slice, **columns: np.ndarray) -> HealthColumns:
    every = {one.name: getattr(health, one.name) for one in fields(health)}
    parts = {name: value[rows] for name, value in every.items() if isinstance(value, np.ndarray)}
    return replace(health, **{**parts, **columns})


def evidence(**columns: np.ndarray) -> HealthColumns:
    """Calm evidence, 2,000 rows of it, but for these columns; fast ratios must hold for as long as they ever do."""
    calm: dict[str, Any] = {one.name: np.zeros(2_000) for one in fields(HealthColumns)}
    calm |= {"worst_series": np.zeros(2_000, dtype=np.int16), "retraining_rule": np.zeros(2_000, dtype=bool)}
    calm |= {"accuracy_verdict": np.ones(2_000, dtype=np.int8)}
    longest = max(tier.persistence for tier in fast_tiers(WINDOW))
    calm |= {"market_fast_persistence": longest, "relation_fast_persistence": longest}
    return HealthColumns(**{**calm, **columns})
