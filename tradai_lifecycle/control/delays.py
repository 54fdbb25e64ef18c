"""How soon faults were seen when they were measured: the figures of `make bench`, kept beside the code."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

FILE_NAME = "measured_delays.json"


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


def measured_on() -> str:
    """On which candles, how often and when it was measured, for a person to read."""
    return str(_content()["measured_on"])


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files(__package__).joinpath(FILE_NAME).read_text(encoding="utf-8"))
    return content


__all__ = ["FILE_NAME", "FaultDelay", "measured_delays", "measured_on"]
