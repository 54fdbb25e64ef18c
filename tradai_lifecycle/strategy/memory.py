"""How many candles a decision needs behind it: the sum that becomes `startup_candle_count`."""

from dataclasses import dataclass
from math import ceil

from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.monitor.quality import quality_memory_candles
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.monitor.shift_windows import shift_holding, shift_memory_candles
from tradai_lifecycle.policy.trading_state import PolicySettings, policy_memory_candles, shift_policy_memory_candles

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleBudget:
    """The predecessors each part asks for. `startup_candles` is what freqtrade must provide."""

    feature_warm_up: int
    evidence: int
    policy: int

    @property
    def predecessors(self) -> int:
        """Rows that must stand before a row for its decision not to depend on where the frame starts."""
        return self.feature_warm_up + self.evidence + self.policy

    @property
    def startup_candles(self) -> int:
        """Rows of the shortest frame whose last row is decided; the value of `startup_candle_count`."""
        return self.predecessors + 1

    @property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """The terms of the sum, named for a message."""
        return (
            ("for the features", self.feature_warm_up),
            ("for drift and accuracy", self.evidence),
            ("for persistence, latch and recovery", self.policy),
            ("for the candle itself", 1),
        )


def policy_settings(config: LifecycleConfig, *, candle_ns: int) -> PolicySettings:
    """The counts of the state policy, from the configuration and the length of a candle.

    A fall of the accuracy must hold for a day, but no longer than its memory has room for.
    """
    holding = shift_holding(config.window_candles)
    return PolicySettings(
        moderate_persistence=config.moderate_persistence,
        significant_persistence=config.significant_persistence,
        release_persistence=config.recovery_candles,
        latch_memory=config.window_candles,
        recovery=config.recovery_candles,
        shift_persistence=holding.slow,
        shift_release=holding.release,
        accuracy_fall_persistence=min(max(1, DAY_SECONDS * 10**9 // candle_ns), config.recovery_candles),
        significant_rule=config.significant_rule,
    )


def health_settings(config: LifecycleConfig, *, timeframe: str, horizon_candles: int) -> HealthSettings:
    """The settings of the monitors, from the configuration and the strategy's timeframe and horizon."""
    return HealthSettings(
        window_candles=config.window_candles,
        candle_ns=candle_seconds(timeframe) * 1_000_000_000,
        horizon_candles=horizon_candles,
        thresholds=config.thresholds,
        moderate_psi=config.moderate_psi,
        significant_psi=config.significant_psi,
        retrain_psi=config.retrain_psi,
        retrain_feature_count=config.retrain_feature_count,
        maximum_share_of_time_reduced=config.maximum_share_of_time_reduced,
        target_false_alarms_per_1000=config.target_false_alarms_per_1000,
        accuracy_floor=config.accuracy_floor,
        accuracy_windows=accuracy_windows(config, timeframe=timeframe, horizon_candles=horizon_candles),
        minimum_effective_predictions=config.minimum_effective_predictions,
        prediction_dead_band=config.prediction_dead_band,
    )


def accuracy_windows(config: LifecycleConfig, *, timeframe: str, horizon_candles: int) -> tuple[int, ...]:
    """Windows of the accuracy in candles, ascending: the configured days, then wider as far as the frame reaches.

    The frame reaches as far as the drift monitors make it reach anyway: widening never asks the exchange for more. Nor
    does it depend on `thresholds`: dynamic limits reach further, the accuracy does not.
    """
    step = candle_seconds(timeframe)
    base = ceil(config.accuracy_window_days * DAY_SECONDS / step)
    policy = policy_memory_candles(policy_settings(config, candle_ns=step * 10**9))
    drift = (config.window_candles - 1) + policy
    limit = max(base, drift - _accuracy_aftermath(config) - horizon_candles + 1)
    windows = [base]
    while windows[-1] * 3 // 2 < limit:
        windows.append(max(windows[-1] * 3 // 2, windows[-1] + 1))
    return tuple(windows) if windows[-1] == limit else (*windows, limit)


def candle_budget(config: LifecycleConfig, health: HealthSettings, *, feature_warm_up: int) -> CandleBudget:
    """The sum of all memories. Drift, accuracy and quality run beside each other, so the longest of them counts."""
    settings = policy_settings(config, candle_ns=health.candle_ns)
    policy = policy_memory_candles(settings)
    drift = health.index_memory + policy
    accuracy = health.horizon_candles + health.accuracy_windows[-1] - 1 + _accuracy_aftermath(config)
    quality = quality_memory_candles(health.window_candles) + config.recovery_candles
    # the market is read from raw candles: the features' warm-up is part of its memory, not added to it
    market = shift_memory_candles(health.window_candles) + shift_policy_memory_candles(settings)
    longest = max(drift, accuracy, quality, market - feature_warm_up)
    return CandleBudget(feature_warm_up=feature_warm_up, evidence=max(longest - policy, 0), policy=min(policy, longest))


def _accuracy_aftermath(config: LifecycleConfig) -> int:
    # a breach is held for `recovery` rows; where it corroborates a pause, `recovery` rows of reduced follow. A fall
    # that held for at most as many rows before it is held, and corroborates nothing, reaches no further back
    return 2 * config.recovery_candles - 1


__all__ = ["CandleBudget", "accuracy_windows", "candle_budget", "health_settings", "policy_settings"]
