"""Faults that are put into a market after a model was trained on it: into its candles, or into one of its features."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Generator = np.random.Generator
CandleFault = Callable[[pd.DataFrame, int, Generator], pd.DataFrame]
FeatureFault = Callable[[NDArray[np.float64], float, Generator], NDArray[np.float64]]

PRICES = ["open", "high", "low", "close"]


def volatility_doubled(candles: pd.DataFrame, onset: int, _: Generator) -> pd.DataFrame:
    """Every move from the onset on twice as large, wicks too."""
    return _rebuilt(candles, onset, 2.0 * _moves(candles, onset))


def volume_tripled(candles: pd.DataFrame, onset: int, _: Generator) -> pd.DataFrame:
    """Three times the volume from the onset on."""
    candles = candles.copy()
    candles.loc[onset:, "volume"] *= 3.0
    return candles


def returns_permuted(candles: pd.DataFrame, onset: int, generator: Generator) -> pd.DataFrame:
    """The candles from the onset on in random order: each looks as before, but nothing follows from anything."""
    order = onset + generator.permutation(len(candles) - onset)
    moved = _rebuilt(candles, onset, _moves(candles, onset)[order - onset])
    moved.loc[onset:, "volume"] = candles["volume"].to_numpy()[order]
    return moved


def feed_frozen(candles: pd.DataFrame, onset: int, _: Generator) -> pd.DataFrame:
    """The candle before the onset, repeated."""
    candles = candles.copy()
    for column in [*PRICES, "volume"]:
        candles.loc[onset:, column] = candles.loc[onset - 1, column]
    return candles


def mean_shifted(values: NDArray[np.float64], deviation: float, _: Generator) -> NDArray[np.float64]:
    """One standard deviation of the training more."""
    return values + deviation


def half_missing(values: NDArray[np.float64], _: float, generator: Generator) -> NDArray[np.float64]:
    """Half of the values not a number."""
    return np.where(generator.random(len(values)) < 0.5, np.nan, values)


def thousandfold(values: NDArray[np.float64], _deviation: float, _: Generator) -> NDArray[np.float64]:
    """In another unit."""
    return 1_000.0 * values


def stuck(values: NDArray[np.float64], _deviation: float, _: Generator) -> NDArray[np.float64]:
    """The first value for ever."""
    return np.full_like(values, values[0])


CANDLE_FAULTS: Mapping[str, CandleFault] = {
    "volatility x2": volatility_doubled,
    "volume x3": volume_tripled,
    "returns permuted": returns_permuted,
    "feed frozen": feed_frozen,
}
FEATURE_FAULTS: Mapping[str, FeatureFault] = {
    "one feature +1 sd": mean_shifted,
    "one feature NaN 50 %": half_missing,
    "one feature x1000": thousandfold,
    "one feature stuck": stuck,
}


# Logarithms of open, high, low and close over the close before, from the onset on: (rows, 4).
def _moves(candles: pd.DataFrame, onset: int) -> NDArray[np.float64]:
    prices = candles[PRICES].to_numpy()
    moves: NDArray[np.float64] = np.log(prices[onset:] / prices[onset - 1 : -1, 3:])
    return moves


def _rebuilt(candles: pd.DataFrame, onset: int, moves: NDArray[np.float64]) -> pd.DataFrame:
    candles = candles.copy()
    after = candles["close"].iloc[onset - 1] * np.exp(np.cumsum(moves[:, 3]))
    before = np.concatenate(([candles["close"].iloc[onset - 1]], after[:-1]))
    candles.loc[onset:, PRICES] = before[:, None] * np.exp(moves)
    return candles


__all__ = ["CANDLE_FAULTS", "FEATURE_FAULTS", "PRICES"]
