"""How many candles a decision needs behind it: the sum that becomes `startup_candle_count`."""

from dataclasses import dataclass
from math import ceil

from tradai_lifecycle.config import LifecycleConfig, candle_seconds
from tradai_lifecycle.monitor.health import HealthSettings
from tradai_lifecycle.monitor.quality import quality_memory_candles
from tradai_lifecycle.policy.trading_state import PolicySettings, policy_memory_candles

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


def policy_settings(config: LifecycleConfig) -> PolicySettings:
    """The counts of the state policy, from the configuration."""
    return PolicySettings(
        moderate_persistence=config.moderate_persistence,
        significant_persistence=config.significant_persistence,
        release_persistence=config.recovery_candles,
        latch_memory=config.window_candles,
        recovery=config.recovery_candles,
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
        accuracy_floor=config.accuracy_floor,
        accuracy_windows=accuracy_windows(config, timeframe=timeframe, horizon_candles=horizon_candles),
        minimum_effective_predictions=config.minimum_effective_predictions,
        prediction_dead_band=config.prediction_dead_band,
    )


def accuracy_windows(config: LifecycleConfig, *, timeframe: str, horizon_candles: int) -> tuple[int, ...]:
    """Windows of the accuracy in candles, ascending: the configured days, then wider as far as the frame reaches.

    The frame reaches as far as the drift monitors make it reach anyway: widening never asks the exchange for more.
    """
    base = ceil(config.accuracy_window_days * DAY_SECONDS / candle_seconds(timeframe))
    drift = (config.window_candles - 1) + policy_memory_candles(policy_settings(config))
    limit = max(base, drift - _accuracy_aftermath(config) - horizon_candles + 1)
    windows = [base]
    while windows[-1] * 3 // 2 < limit:
        windows.append(max(windows[-1] * 3 // 2, windows[-1] + 1))
    return tuple(windows) if windows[-1] == limit else (*windows, limit)


def candle_budget(config: LifecycleConfig, health: HealthSettings, *, feature_warm_up: int) -> CandleBudget:
    """The sum of all memories. Drift, accuracy and quality run beside each other, so the longest of them counts."""
    drift = (health.window_candles - 1) + policy_memory_candles(policy_settings(config))
    accuracy = health.horizon_candles + health.accuracy_windows[-1] - 1 + _accuracy_aftermath(config)
    quality = quality_memory_candles(health.window_candles) + config.recovery_candles
    policy = policy_memory_candles(policy_settings(config))
    longest = max(drift, accuracy, quality)
    return CandleBudget(feature_warm_up=feature_warm_up, evidence=max(longest - policy, 0), policy=min(policy, longest))


def _accuracy_aftermath(config: LifecycleConfig) -> int:
    # a breach is held for `recovery` rows; where it corroborates a pause, `recovery` rows of reduced follow
    return 2 * config.recovery_candles - 1


__all__ = ["CandleBudget", "accuracy_windows", "candle_budget", "health_settings", "policy_settings"]
