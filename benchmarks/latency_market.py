"""The market that latency is measured on: real candles where there are some, else synthetic ones."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.sandbox import BASE, build_market

DATA_VARIABLE = "TRADAI_TEST_DATA"
PAIR = "BTC/USDT"
SYNTHETIC_CANDLES = 45_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One pair's candles without gaps, oldest first, and where they come from."""

    pair: str
    timeframe: str
    real: bool
    candles: pd.DataFrame

    @property
    def origin(self) -> str:
        """What kind of candles they are, in words."""
        return "real candles" if self.real else "synthetic candles"

    @property
    def candle_seconds(self) -> int:
        """The length of a candle."""
        return candle_seconds(self.timeframe)


def load_market(timeframe: str, pair: str = PAIR) -> Market:
    """The candles of `pair` from TRADAI_TEST_DATA's directory, gaps filled as freqtrade does, or synthetic ones."""
    named = os.environ.get(DATA_VARIABLE)
    file = Path(named) / f"{pair.replace('/', '_')}-{timeframe}.feather" if named else None
    if file is None or not file.exists():
        start = datetime(2020, 1, 1, tzinfo=UTC)
        candles = build_market(31, [pair], timeframe, start, SYNTHETIC_CANDLES, (BASE,))[pair]
        return Market(pair=pair, timeframe=timeframe, real=False, candles=candles)
    found = pd.read_feather(file).drop_duplicates("date").set_index("date").sort_index()
    step = pd.Timedelta(seconds=candle_seconds(timeframe))
    filled = found.reindex(pd.date_range(found.index[0], found.index[-1], freq=step, name="date"))
    filled["close"] = filled["close"].ffill()
    filled["volume"] = filled["volume"].fillna(0.0)
    for column in ("open", "high", "low"):
        filled[column] = filled[column].fillna(filled["close"])
    columns = ["date", "open", "high", "low", "close", "volume"]
    candles = filled.reset_index()[columns].astype(dict.fromkeys(columns[1:], np.float64))
    return Market(pair=pair, timeframe=timeframe, real=True, candles=candles)


__all__ = ["DATA_VARIABLE", "PAIR", "Market", "load_market"]
