"""Real candles for the tests that are marked `market`, and twenty usual indicators of them.

They come from a folder of freqtrade feather files, such as BTC_USDT-1h.feather, named by TRADAI_TEST_DATA.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tradai_lifecycle.monitor.market import Candles

FOLDER = os.environ.get("TRADAI_TEST_DATA", "")
needs_candles = pytest.mark.skipif(not FOLDER, reason="TRADAI_TEST_DATA does not name a folder of candles")


def real_candles(name: str) -> pd.DataFrame:
    """All candles of a series, by date, with gaps filled as freqtrade fills them: flat, without volume."""
    path = Path(FOLDER) / f"{name}.feather"
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    frame = pd.read_feather(path).drop_duplicates("date").set_index("date")
    frame = frame.reindex(pd.date_range(frame.index[0], frame.index[-1], freq=frame.index.to_series().diff().min()))
    frame["volume"] = frame["volume"].fillna(0.0)
    frame["close"] = frame["close"].ffill()
    return frame.apply(lambda column: column.fillna(frame["close"]))


def indicators(frame: pd.DataFrame) -> pd.DataFrame:
    """Twenty indicators of candles: returns, strength, volatility, distances, bands and volume."""
    close, high, low, volume = frame["close"], frame["high"], frame["low"], frame["volume"]
    log, made = np.log(close), {}
    made |= {f"%-return-{span}": log.diff(span) for span in (1, 3, 6, 12, 24, 48)}
    for span in (14, 28):
        up = close.diff().clip(lower=0).ewm(alpha=1 / span).mean()
        down = (-close.diff().clip(upper=0)).ewm(alpha=1 / span).mean()
        made[f"%-rsi-{span}"] = 100 * up / (up + down)
    made |= {f"%-volatility-{span}": log.diff().rolling(span).std() for span in (12, 24, 72)}
    made |= {f"%-distance-{span}": close / close.rolling(span).mean() - 1 for span in (20, 50)}
    made["%-range"] = (high - low) / close
    made["%-true-range"] = made["%-range"].rolling(14).mean()
    made["%-bands"] = 4 * close.rolling(20).std() / close.rolling(20).mean()
    made["%-stochastic"] = (close - low.rolling(14).min()) / (high.rolling(14).max() - low.rolling(14).min())
    made["%-macd"] = (close.ewm(span=12).mean() - close.ewm(span=26).mean()) / close
    made["%-volume"] = (volume - volume.rolling(48).mean()) / volume.rolling(48).std()
    made["%-volume-ratio"] = volume / volume.rolling(24).mean()
    return pd.DataFrame(made)


def as_candles(frame: pd.DataFrame) -> Candles:
    """The prices and volumes as arrays."""
    return Candles(**{name: frame[name].to_numpy(dtype=np.float64) for name in Candles.__dataclass_fields__})


__all__ = ["FOLDER", "as_candles", "indicators", "needs_candles", "real_candles"]
