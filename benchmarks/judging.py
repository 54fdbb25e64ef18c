"""The package's own defaults, as a strategy of a timeframe gets them, and the policies measured beside them."""

from collections.abc import Mapping
from typing import Any

from benchmarks.features import HORIZON, WARM_UP
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.strategy.columns import JudgeSettings
from tradai_lifecycle.strategy.lifecycle import Lifecycle

#: What differs from the defaults in each policy that is measured.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "any_feature": {"thresholds": "calibrated", "significant_rule": "any_feature"},
    "no fast cut": {
        "thresholds": "calibrated",
        "significant_rule": "any_feature",
        "maximum_share_of_time_reduced": 0.0,
    },
    "corroborated": {"thresholds": "calibrated", "significant_rule": "corroborated"},
    "fixed": {"thresholds": "fixed", "significant_rule": "any_feature"},
}


def default_policy() -> str:
    """The name in POLICIES of what the package does by default. Raises LookupError where none is."""
    default = LifecycleConfig(model_name="benchmark")
    for name, section in POLICIES.items():
        if all(getattr(default, key) == value for key, value in section.items()):
            return name
    raise LookupError("the package's defaults are none of the measured policies: add them to POLICIES")


def judge_settings(timeframe: str, **section: Any) -> tuple[JudgeSettings, int]:
    """The settings frames are judged by, and the candles a live frame needs; `section` overrides the defaults."""
    lifecycle = Lifecycle(
        LifecycleConfig.model_validate({"model_name": "benchmark", **section}),
        timeframe=timeframe,
        horizon_candles=HORIZON,
        feature_warm_up=WARM_UP,
        trades_pairs=False,
        judged_ahead=True,
    )
    return lifecycle.settings, lifecycle.budget.startup_candles


__all__ = ["POLICIES", "default_policy", "judge_settings"]
