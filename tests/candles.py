"""Candles for tests: plausible opens, highs, lows and volumes round given closes, and a made-up market with regimes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from tradai_lifecycle.monitor.market import Candles


def candles_round(close: NDArray[np.float64], *, seed: int = 0) -> Candles:
    """Candles with these closes `(n,)`: each opens at the close before, with wicks and a volume out of `seed`."""
    rng, close = np.random.default_rng(seed), np.asarray(close, dtype=np.float64)
    opened = np.concatenate([close[:1], close[:-1]])
    wicks = 0.002 * rng.exponential(size=(2, len(close))) * np.abs(close)
    return Candles(
        open=opened,
        high=np.maximum(opened, close) + wicks[0],
        low=np.minimum(opened, close) - wicks[1],
        close=close,
        volume=rng.lognormal(3.0, 0.5, len(close)),
    )


def walking_candles(rows: int, *, seed: int, volatility: Any = 1.0, volume: Any = 1.0) -> Candles:
    """A random walk of `rows` candles of 1 % each, 16 steps to a candle, on a volume that breathes with its activity.

    `volatility` and `volume` multiply the size of the moves and the volume, as numbers or per candle `(n,)`.
    """
    rng = np.random.default_rng(seed)
    calm = np.exp(0.35 * _slow(rng, rows))
    steps = 0.0025 * (calm * volatility)[:, None] * rng.normal(size=(rows, 16))
    path = np.cumsum(steps, axis=1) + np.concatenate([[0.0], np.cumsum(steps.sum(axis=1))[:-1]])[:, None]
    close = path[:, -1]
    opened = np.concatenate([[0.0], close[:-1]])
    return Candles(
        open=100.0 * np.exp(opened),
        high=100.0 * np.exp(np.maximum(path.max(axis=1), opened)),
        low=100.0 * np.exp(np.minimum(path.min(axis=1), opened)),
        close=100.0 * np.exp(close),
        volume=100.0 * calm * volume * rng.lognormal(0.0, 0.4, rows),
    )


def rows_of(frame: Mapping[str, Any], rows: "slice | NDArray[np.int64]") -> dict[str, Any]:
    """The arguments of `assess` that have one row per candle, some rows of them, each copied."""
    return {
        name: Candles(**{part: getattr(column, part)[rows].copy() for part in Candles.__dataclass_fields__})
        if isinstance(column, Candles)
        else column[rows].copy()
        for name, column in frame.items()
    }


# persistence of about 50 candles, unit variance
def _slow(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    kept = 0.98
    noise = rng.normal(size=rows) * np.sqrt(1.0 - kept**2)
    noise[0] /= np.sqrt(1.0 - kept**2)
    values: NDArray[np.float64] = lfilter([1.0], [1.0, -kept], noise)
    return values


__all__ = ["candles_round", "rows_of", "walking_candles"]
