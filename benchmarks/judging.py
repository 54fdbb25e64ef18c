"""The package's own defaults, as a strategy of a timeframe gets them."""

from benchmarks.features import HORIZON, WARM_UP
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.strategy.columns import JudgeSettings
from tradai_lifecycle.strategy.lifecycle import Lifecycle


def judge_settings(timeframe: str) -> tuple[JudgeSettings, int]:
    """The settings frames are judged by, and the candles a live frame needs."""
    lifecycle = Lifecycle(
        LifecycleConfig(model_name="benchmark"),
        timeframe=timeframe,
        horizon_candles=HORIZON,
        feature_warm_up=WARM_UP,
        trades_pairs=False,
    )
    return lifecycle.settings, lifecycle.budget.startup_candles


__all__ = ["judge_settings"]
