"""The windows and counts of the shifts, as shares of the window of the index."""

from tradai_lifecycle.monitor.fast_tier import Holding
from tradai_lifecycle.monitor.market import market_memory_candles
from tradai_lifecycle.monitor.shifts import FastTier


def market_slow_window(window: int) -> int:
    """Half a window for what pauses."""
    return max(window // 2, 1)


def relation_slow_window(window: int) -> int:
    """A quarter of a window for what pauses: relations between features hold by the candle."""
    return max(window // 4, 1)


def fast_tiers(window: int) -> tuple[FastTier, ...]:
    """What the fast alarms may look at: a 40th to a 5th of a window, held for a quarter or half of that.

    None is longer than a slow window, nor held for longer than a slow alarm is.
    """
    lengths, longest = [max(window // part, 1) for part in (5, 10, 20, 40)], shift_holding(window).slow
    each = dict.fromkeys((length, max(length // part, 1)) for length in lengths for part in (2, 4))
    return tuple(FastTier(window=length, persistence=candles) for length, candles in each if candles <= longest)


def shift_holding(window: int) -> Holding:
    """How long the ratios must hold. The windows' own memory does most of it already."""
    return Holding(slow=max(window // 20, 1), release=max(window // 20, 1), memory=max(window, 1))


def broken_candles(window: int) -> int:
    """For how long a relation must stray to be broken."""
    return max(window // 40, 1)


def restless_candles(window: int) -> int:
    """For how long after the market strayed a strained relation says nothing: relations take longer to calm."""
    return max(window // 2, 1)


def shift_memory_candles(window: int) -> int:
    """How many predecessors a row needs so that no shift depends on where the frame starts."""
    return market_memory_candles(window) + market_slow_window(window) - 1


def calm_memory_candles(window: int) -> int:
    """The same so that it is known whether the market was calm beside a strained relation."""
    return shift_memory_candles(window) + restless_candles(window) + shift_holding(window).slow - 1


__all__ = [
    "broken_candles",
    "calm_memory_candles",
    "fast_tiers",
    "market_slow_window",
    "relation_slow_window",
    "restless_candles",
    "shift_holding",
    "shift_memory_candles",
]
