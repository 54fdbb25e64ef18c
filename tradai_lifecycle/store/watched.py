"""Which pairs a bot still analyses: a pair that left the whitelist keeps its last states for ever."""

from collections.abc import Mapping
from datetime import timedelta

from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.store.records import StateRecord

#: A pair whose newest candle is older than the newest of all pairs by more candles than this is not traded any more.
UNWATCHED_AFTER_CANDLES = 3


def watched(states: Mapping[str, StateRecord], timeframe: str | None) -> dict[str, StateRecord]:
    """The newest states of the pairs that are still analysed; all of them where the timeframe is not known."""
    if timeframe is None or not states:
        return dict(states)
    newest = max(state.candle for state in states.values())
    oldest = newest - timedelta(seconds=UNWATCHED_AFTER_CANDLES * candle_seconds(timeframe))
    return {pair: state for pair, state in states.items() if state.candle >= oldest}


__all__ = ["UNWATCHED_AFTER_CANDLES", "watched"]
