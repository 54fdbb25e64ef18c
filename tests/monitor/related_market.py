"""A made-up market and eight features read from it, related as a strategy's usually are."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tests.candles import rows_of, walking_candles
from tradai_lifecycle.monitor.market import Candles

HOUR_NS = 3_600 * 10**9
NAMES = ("%-return-3", "%-return-6", "%-return-12", "%-strength", "%-range-6", "%-range-24", "%-volume", "%-width")
WARM_UP = 50


def market(rows: int, *, seed: int, **regime: Any) -> dict[str, Any]:
    """The arguments of `assess` that have one row per candle, `rows` of them; `regime` is that of `walking_candles`."""
    candles = walking_candles(rows + WARM_UP, seed=seed, **regime)
    features = features_of(candles)
    frame = {
        "features": features,
        "prediction": np.tanh(20.0 * features[:, 1]),
        "fit": np.isfinite(features).all(axis=1),
        "realised": np.full(rows + WARM_UP, np.nan),
        "dates_ns": HOUR_NS * (400_000 + np.arange(rows + WARM_UP)),
        "candles": candles,
    }
    return rows_of(frame, slice(WARM_UP, None))


def features_of(candles: Candles) -> np.ndarray:
    """The features, `(n, 8)`; the first WARM_UP rows are not finite or know too little."""
    close, volume = pd.Series(np.log(candles.close)), pd.Series(candles.volume)
    spread = pd.Series(np.log(candles.high / candles.low))
    move = close.diff()
    up, down = move.clip(lower=0.0).rolling(14).mean(), (-move.clip(upper=0.0)).rolling(14).mean()
    lowest, highest = (np.log(one) for one in (candles.low, candles.high))
    lowest, highest = pd.Series(lowest).rolling(14).min(), pd.Series(highest).rolling(14).max()
    made = {
        **{f"%-return-{span}": close.diff(span) for span in (3, 6, 12)},
        "%-strength": up / (up + down),
        **{f"%-range-{span}": spread.rolling(span).mean() for span in (6, 24)},
        "%-volume": volume / volume.rolling(48).mean(),
        "%-width": 0.5 * (highest - lowest),
    }
    return np.column_stack([made[name] for name in NAMES])


def faulty(frame: Mapping[str, Any], onset: int, fault: str) -> dict[str, Any]:
    """The frame with a fault put into its features from row `onset` on."""
    broken = rows_of(frame, slice(None))
    values, known = broken["features"], frame["features"]
    deviation = known[:onset].std(axis=0)
    if fault == "mean shifted":
        values[onset:, 1] += 1.5 * deviation[1]
    elif fault == "sign flipped":
        values[onset:, 3] = 1.0 - known[onset:, 3]
    elif fault == "columns swapped":
        values[onset:, [5, 7]] = known[onset:, [7, 5]]
    else:
        raise ValueError(fault)
    return broken


__all__ = ["HOUR_NS", "NAMES", "WARM_UP", "faulty", "features_of", "market"]
