"""The candles a decision needs are counted by name, and freqtrade is asked for exactly that many."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.strategy.fakes import Plain, made
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.policy.trading_state import policy_memory_candles
from tradai_lifecycle.states import Thresholds
from tradai_lifecycle.strategy.memory import (
    DAY_SECONDS,
    CandleBudget,
    accuracy_windows,
    candle_budget,
    health_settings,
    policy_settings,
)


def budget(*, warm_up: int = 60, timeframe: str = "1h", horizon: int = 6, **section: Any) -> CandleBudget:
    config = LifecycleConfig(model_name="demo", **section)
    health = health_settings(config, timeframe=timeframe, horizon_candles=horizon)
    return candle_budget(config, health, feature_warm_up=warm_up)


def test_the_default_window_needs_1398_raw_candles_or_1372_with_features() -> None:
    market = (501 + 249) + (24 + 499 + 125)
    drift = 499 + (249 + 499 + 125)
    assert budget(warm_up=0).predecessors == market == 1_398
    # the market needs no features: their warm-up is part of its memory
    assert budget(warm_up=market - drift).predecessors == market
    assert budget(warm_up=300).predecessors == 300 + drift


def test_the_parts_are_the_whole() -> None:
    counted = budget(window_candles=200)
    assert counted == CandleBudget(feature_warm_up=60, evidence=199, policy=348)
    assert sum(candles for _, candles in counted.parts) == counted.startup_candles == 608


def test_dynamic_limits_ask_for_two_more_windows_and_others_for_none() -> None:
    assert budget(window_candles=200, thresholds="dynamic").predecessors == 60 + (199 + 399) + 348
    assert budget(thresholds="dynamic").startup_candles == 2_432
    assert budget(thresholds="fixed") == budget(thresholds="calibrated") == budget()


def test_dynamic_limits_leave_the_windows_of_the_accuracy_as_they_are() -> None:
    calibrated, dynamic = (
        accuracy_windows(LifecycleConfig(model_name="demo", thresholds=limits), timeframe="1h", horizon_candles=6)
        for limits in (Thresholds.CALIBRATED, Thresholds.DYNAMIC)
    )
    assert dynamic == calibrated


def test_a_long_accuracy_window_is_paid_for_by_the_evidence() -> None:
    longer = budget(window_candles=200, accuracy_window_days=60.0)
    assert longer.predecessors == 60 + 6 + 60 * 24 - 1 + 2 * 50 - 1


@given(
    window=st.integers(200, 1_000),
    days=st.floats(1.0, 60.0),
    horizon=st.integers(1, 48),
    moderate=st.none() | st.integers(1, 400),
    significant=st.none() | st.integers(1, 400),
    timeframe=st.sampled_from(["5m", "1h", "4h", "1d"]),
)
def test_every_memory_fits_into_the_budget(
    window: int, days: float, horizon: int, moderate: int | None, significant: int | None, timeframe: str
) -> None:
    config = LifecycleConfig(
        model_name="demo",
        window_candles=window,
        accuracy_window_days=days,
        moderate_persistence_candles=moderate,
        significant_persistence_candles=significant,
    )
    health = health_settings(config, timeframe=timeframe, horizon_candles=horizon)
    evidence = candle_budget(config, health, feature_warm_up=0).predecessors
    persistence = max(config.moderate_persistence, config.significant_persistence, config.recovery_candles)
    drift = (window - 1) + (persistence - 1) + (window - 1) + config.recovery_candles
    windows = accuracy_windows(config, timeframe=timeframe, horizon_candles=horizon)
    accuracy = horizon + windows[-1] - 1 + 2 * config.recovery_candles - 1
    assert list(windows) == sorted(set(windows))
    assert evidence >= max(drift, accuracy, policy_memory_candles(policy_settings(config, candle_ns=health.candle_ns)))
    policy = policy_settings(config, candle_ns=health.candle_ns)
    assert 1 <= policy.accuracy_fall_persistence <= policy.recovery
    assert policy.accuracy_fall_persistence <= max(1, DAY_SECONDS * 10**9 // health.candle_ns)
    # widening the accuracy's window never asks for more than the drift or the configured days already do
    assert accuracy <= max(drift, horizon + windows[0] - 1 + 2 * config.recovery_candles - 1)


def test_the_strategy_asks_freqtrade_for_the_sum() -> None:
    strategy = made(Plain)
    assert strategy.startup_candle_count == budget(warm_up=10, window_candles=200).startup_candles


def test_a_subclass_keeps_its_own_warm_up() -> None:
    class Warmer(Plain):
        startup_candle_count = 300

    assert made(Warmer).startup_candle_count == budget(warm_up=300, window_candles=200).startup_candles
    assert Warmer.startup_candle_count == 300
