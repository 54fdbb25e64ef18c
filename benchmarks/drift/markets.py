"""The pairs and timeframes that are measured: real candles where there are some, else the sandbox's market."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.drift.rows import Rows, featured
from benchmarks.faults import volatility_doubled
from benchmarks.latency_market import DATA_VARIABLE, load_market
from tradai_lifecycle.config import candle_seconds

#: Every pair that is measured where its candles are there; the first ones are those of the shorter tables.
PAIRS = ("BTC/USDT", "ETH/USDT", "BNB/USDT", "XRP/USDT", "ADA/USDT", "LTC/USDT", "SOL/USDT", "LINK/USDT")
SANDBOX_PAIRS = PAIRS[:2]
#: Timeframes that no file holds, and those they are made of.
_MADE_OF = {"30m": "5m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One pair at one timeframe."""

    pair: str
    timeframe: str

    def __str__(self) -> str:
        return f"{self.pair.partition('/')[0]} {self.timeframe}"

    @property
    def file(self) -> Path | None:
        """The candles' file; None where there is none, and the sandbox's market takes its place."""
        stored = _MADE_OF.get(self.timeframe, self.timeframe)
        named = os.environ.get(DATA_VARIABLE)
        file = Path(named) / f"{self.pair.replace('/', '_')}-{stored}.feather" if named else None
        return file if file is not None and file.exists() else None


def has_real_candles() -> bool:
    """Whether TRADAI_TEST_DATA names a directory with candles of the first pair."""
    return Series(pair=PAIRS[0], timeframe="1h").file is not None


def series_of(timeframe: str) -> list[Series]:
    """The series of a timeframe that can be measured here."""
    every = [Series(pair=pair, timeframe=timeframe) for pair in PAIRS]
    if not has_real_candles():
        return [series for series in every if series.pair in SANDBOX_PAIRS]
    return [series for series in every if series.file is not None]


@lru_cache(maxsize=2)
def candles(series: Series) -> pd.DataFrame:
    """Date, open, high, low, close and volume, gaps filled as freqtrade does."""
    stored = _MADE_OF.get(series.timeframe)
    if stored is None:
        return load_market(series.timeframe, series.pair).candles
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    finer = load_market(stored, series.pair).candles
    length = pd.Timedelta(seconds=candle_seconds(series.timeframe))
    coarser = finer.resample(length, on="date").agg(rules).reset_index()
    # the first and the last may be parts
    return coarser.iloc[1:-1].reset_index(drop=True)


@lru_cache(maxsize=2)
def market(series: Series) -> tuple[tuple[str, ...], Rows]:
    """The features' names, and all rows of a series, not predicted yet."""
    return featured(candles(series))


@lru_cache(maxsize=2)
def doubled_market(series: Series) -> tuple[tuple[str, ...], Rows]:
    """The same candles with every move twice as large, put in before the features were computed."""
    return featured(volatility_doubled(candles(series), 1, np.random.default_rng(0)))


__all__ = ["PAIRS", "Series", "candles", "doubled_market", "has_real_candles", "market", "series_of"]
