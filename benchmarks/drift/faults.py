"""Faults for the features of live candles, and for candles before features are computed; from an onset on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.drift.rows import Floats, Rows
from benchmarks.faults import CANDLE_FAULTS, PRICES, CandleFault

Generator = np.random.Generator

NO_FAULT = "no fault"
#: Put into the candles before their features are computed.
VOLATILITY_IN_CANDLES = "volatility x2, in the candles"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """What a fault is measured by: the features' names, means and standard deviations in training."""

    names: tuple[str, ...]
    means: Floats
    deviations: Floats

    @classmethod
    def of(cls, names: tuple[str, ...], reference: Rows) -> "Training":
        """From the training rows."""
        finite = np.where(np.isfinite(reference.features), reference.features, np.nan)
        return cls(names=names, means=np.nanmean(finite, axis=0), deviations=np.nanstd(finite, axis=0))

    def some(self, generator: Generator, count: int = 1) -> NDArray[np.intp]:
        """The places of `count` different features."""
        return generator.choice(len(self.names), size=count, replace=False).astype(np.intp)

    def named(self, *words: str) -> NDArray[np.intp]:
        """The places of the features whose name holds one of `words`."""
        return np.flatnonzero([any(word in name for word in words) for name in self.names])


FeatureFault = Callable[[Rows, int, Training, Generator], Rows]


def mean_shifted(deviations: float, count: int) -> FeatureFault:
    """So many standard deviations of the training more in `count` features."""

    def fault(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
        places = training.some(generator, count)
        return _changed(rows, onset, places, lambda values: values + deviations * training.deviations[places])

    return fault


def volatility_doubled(rows: Rows, onset: int, training: Training, _: Generator) -> Rows:
    """Features of volatility and of returns twice as large."""
    places = training.named("return", "volatility", "natr", "band-width", "macd", "from-mean")
    return _changed(rows, onset, places, lambda values: 2.0 * values)


def stuck(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
    """One feature at its first value for ever."""
    return _changed(rows, onset, training.some(generator), lambda values: np.broadcast_to(values[0], values.shape))


def half_missing(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
    """Half of the values of one feature not a number."""
    return _changed(
        rows,
        onset,
        training.some(generator),
        lambda values: np.where(generator.random(values.shape) < 0.5, np.nan, values),
    )


def thousandfold(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
    """One feature in another unit."""
    return _changed(rows, onset, training.some(generator), lambda values: 1_000.0 * values)


def sign_flipped(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
    """One feature mirrored at its mean in training."""
    places = training.some(generator)
    return _changed(rows, onset, places, lambda values: 2.0 * training.means[places] - values)


def swapped(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
    """Two features in each other's column."""
    places = training.some(generator, 2)
    return _changed(rows, onset, places, lambda values: values[:, ::-1])


def lagged(rows: Rows, onset: int, training: Training, generator: Generator) -> Rows:
    """One feature a candle late."""
    places = training.some(generator)
    features = rows.features.copy()
    features[onset:, places] = rows.features[onset - 1 : -1, places]
    return replace(rows, features=features)


def frozen(rows: Rows, onset: int, _: Training, __: Generator) -> Rows:
    """The candle before the onset again and again, and all its features; only the dates go on."""
    number = np.arange(len(rows))
    # where no price moves there is no outcome
    realised = np.where(number < onset, rows.realised, 0.0)
    return replace(rows.at(np.minimum(number, onset - 1)), dates_ns=rows.dates_ns, realised=realised)


FEATURE_FAULTS: Mapping[str, FeatureFault] = {
    "one feature +0.5 sd": mean_shifted(0.5, 1),
    "one feature +1 sd": mean_shifted(1.0, 1),
    "five features +0.5 sd": mean_shifted(0.5, 5),
    "volatility x2, in the features": volatility_doubled,
    "one feature stuck": stuck,
    "feed frozen": frozen,
    "one feature NaN 50 %": half_missing,
    "one feature x1000": thousandfold,
    "one feature's sign flipped": sign_flipped,
    "two features swapped": swapped,
    "one feature a candle late": lagged,
}
#: Faults of the data itself, which should be seen at once.
QUALITY_FAULTS = ("one feature stuck", "feed frozen", "one feature NaN 50 %", "one feature x1000")


def volatility_halved(candles: pd.DataFrame, onset: int, _: Generator) -> pd.DataFrame:
    """Every move from the onset on half as large, wicks too."""
    prices = candles[PRICES].to_numpy()
    moved = 0.5 * np.log(prices[onset:] / prices[onset - 1 : -1, 3:])
    before = prices[onset - 1, 3] * np.exp(np.concatenate([[0.0], np.cumsum(moved[:-1, 3])]))
    candles = candles.copy()
    candles.loc[onset:, PRICES] = before[:, None] * np.exp(moved)
    return candles


def wicks_noisy(candles: pd.DataFrame, onset: int, generator: Generator) -> pd.DataFrame:
    """Highs and lows further out, each by a random length of mean one earlier wick; opens and closes stay."""
    candles = candles.copy()
    before = candles.iloc[:onset]
    body = before[["open", "close"]]
    upper = np.log(before["high"] / body.max(axis=1)).mean()
    lower = np.log(body.min(axis=1) / before["low"]).mean()
    rows = len(candles) - onset
    candles.loc[onset:, "high"] *= np.exp(upper * generator.exponential(size=rows))
    candles.loc[onset:, "low"] *= np.exp(-lower * generator.exponential(size=rows))
    return candles


RAW_FAULTS: Mapping[str, CandleFault] = {
    "volatility x2": CANDLE_FAULTS["volatility x2"],
    "volatility x0.5": volatility_halved,
    "volume x3": CANDLE_FAULTS["volume x3"],
    "returns permuted": CANDLE_FAULTS["returns permuted"],
    "wicks noisy": wicks_noisy,
    "feed frozen": CANDLE_FAULTS["feed frozen"],
}


def _changed(rows: Rows, onset: int, places: NDArray[np.intp], change: Callable[[Floats], Floats]) -> Rows:
    features = rows.features.copy()
    features[onset:, places] = change(rows.features[onset:, places])
    return replace(rows, features=features)


__all__ = ["FEATURE_FAULTS", "NO_FAULT", "QUALITY_FAULTS", "RAW_FAULTS", "VOLATILITY_IN_CANDLES", "Training"]
