"""What the monitors are told."""

from dataclasses import dataclass

from tradai_lifecycle.monitor.dynamic import index_memory_candles, past_candles
from tradai_lifecycle.states import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """What the monitors are told: windows and horizons in candles, PSI floors, error budgets, and the accuracy rule."""

    window_candles: int
    candle_ns: int
    horizon_candles: int
    thresholds: Thresholds
    moderate_psi: float
    significant_psi: float
    retrain_psi: float
    retrain_feature_count: int
    maximum_share_of_time_reduced: float
    target_false_alarms_per_1000: float | None
    accuracy_floor: float
    accuracy_windows: tuple[int, ...]
    minimum_effective_predictions: int
    prediction_dead_band: float

    @property
    def past_candles(self) -> int:
        """Rows of past that the limits of the index follow; 0 where they follow nothing."""
        return past_candles(self.window_candles, self.thresholds)

    @property
    def index_memory(self) -> int:
        """Predecessors that a row needs for its index and the limits of it."""
        return index_memory_candles(self.window_candles, self.past_candles)


__all__ = ["HealthSettings"]
