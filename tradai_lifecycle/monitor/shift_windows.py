"""The windows and counts of the shifts, as shares of the window of the index."""

from tradai_lifecycle.monitor.market import market_memory_candles
from tradai_lifecycle.monitor.shift_calibration import Holding
from tradai_lifecycle.monitor.shifts import ShiftWindows


def market_windows(window: int) -> ShiftWindows:
    """Half a window for what pauses, a tenth for what cuts the stake."""
    return ShiftWindows(slow=max(window // 2, 1), fast=max(window // 10, 1))


def relation_windows(window: int) -> ShiftWindows:
    """A quarter of a window for what pauses: relations between features hold by the candle."""
    return ShiftWindows(slow=max(window // 4, 1), fast=max(window // 10, 1))


def shift_holding(window: int) -> Holding:
    """How long the ratios must hold. The windows' own memory does most of it already."""
    return Holding(
        slow=max(window // 20, 1), fast=max(window // 40, 1), release=max(window // 20, 1), memory=max(window, 1)
    )


def restless_candles(window: int) -> int:
    """For how long after the market strayed a strained relation says nothing: relations take longer to calm."""
    return max(window // 2, 1)


def shift_memory_candles(window: int) -> int:
    """How many predecessors a row needs so that no shift depends on where the frame starts."""
    return market_memory_candles(window) + market_windows(window).slow - 1


__all__ = ["market_windows", "relation_windows", "restless_candles", "shift_holding", "shift_memory_candles"]
