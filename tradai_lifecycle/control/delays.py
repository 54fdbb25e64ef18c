"""How soon faults were seen when they were measured: the figures of `make bench`, kept beside the code."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from tradai_lifecycle.config import LifecycleConfig

FILE_NAME = "measured_delays.json"
#: The settings that decide how soon a fault is seen. The delays were measured with the default of each.
DECISIVE_SETTINGS = (
    "window_candles",
    "thresholds",
    "target_false_alarms_per_1000",
    "maximum_share_of_time_reduced",
    "significant_rule",
    "moderate_psi",
    "significant_psi",
    "moderate_persistence_candles",
    "significant_persistence_candles",
    "accuracy_floor",
    "accuracy_window_days",
    "minimum_effective_predictions",
    "prediction_dead_band",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultDelay:
    """How one fault was seen that was put into candles at random times.

    The shares are of those times after which the pair was reduced (or stricter) and paused, 0 to 1; the days are the
    median from the fault to that state, None where it was never reached.
    """

    fault: str
    reduced_share: float
    reduced_days: float | None
    paused_share: float
    paused_days: float | None


def measured_delays(timeframe: str) -> tuple[FaultDelay, ...]:
    """What was measured with the package's defaults at this timeframe, "no fault" first; empty where nothing was."""
    return tuple(FaultDelay(**fault) for fault in _content()["timeframes"].get(timeframe, ()))


def other_settings(config: LifecycleConfig) -> tuple[str, ...]:
    """Those of a bot's settings that decide its delays and are not the defaults the delays were measured with."""
    default = LifecycleConfig.model_validate({"model_name": config.model_name})
    return tuple(name for name in DECISIVE_SETTINGS if getattr(config, name) != getattr(default, name))


def measured_with(others: tuple[str, ...]) -> str:
    """With which settings the delays were measured, if a bot's are others; to follow what they are, or nothing."""
    return f", with the default of {', '.join(others)}, not yours" if others else ""


def measured_on() -> str:
    """On which candles, how often and when it was measured, for a person to read."""
    return str(_content()["measured_on"])


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files(__package__).joinpath(FILE_NAME).read_text(encoding="utf-8"))
    return content


__all__ = [
    "DECISIVE_SETTINGS",
    "FILE_NAME",
    "FaultDelay",
    "measured_delays",
    "measured_on",
    "measured_with",
    "other_settings",
]
