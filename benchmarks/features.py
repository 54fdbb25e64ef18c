"""Feature sets as strategies have them: twenty usual indicators, and fifty of a rich strategy."""

import numpy as np
import talib
from pandas import DataFrame, Series

#: Candles after which the slowest of the indicators below no longer knows where its frame began.
WARM_UP = 250
HORIZON = 12


def usual_features(candles: DataFrame) -> DataFrame:
    """Twenty indicators: returns, momentum, trend, volatility and volume."""
    open_, high, low, close, volume = (candles[name] for name in ("open", "high", "low", "close", "volume"))
    step = np.log(close).diff()
    for span in (1, 4, 12, 24):
        candles[f"%-return-{span}"] = np.log(close).diff(span)
    for span in (12, 48):
        candles[f"%-volatility-{span}"] = step.rolling(span).std()
    for span in (20, 50, 200):
        candles[f"%-from-mean-{span}"] = close / close.rolling(span).mean() - 1.0
    candles["%-rsi"] = talib.RSI(close, 14)
    candles["%-adx"] = talib.ADX(high, low, close, 14)
    candles["%-cci"] = talib.CCI(high, low, close, 20)
    candles["%-mfi"] = talib.MFI(high, low, close, volume, 14)
    candles["%-natr"] = talib.NATR(high, low, close, 14)
    candles["%-macd"] = talib.MACD(close)[2] / close
    upper, _, lower = talib.BBANDS(close, 20)
    candles["%-band-width"] = (upper - lower) / close
    candles["%-band-place"] = _share(close - lower, upper - lower)
    candles["%-volume-z"] = _share(volume - volume.rolling(48).mean(), volume.rolling(48).std())
    candles["%-volume-ratio"] = _share(volume, volume.rolling(24).mean())
    candles["%-body"] = _share(close - open_, high - low)
    return candles


def fifty_features(candles: DataFrame) -> DataFrame:
    """The twenty usual ones and thirty more: other spans, shapes of the distribution, oscillators, volume."""
    candles = usual_features(candles)
    high, low, close, volume = (candles[name] for name in ("high", "low", "close", "volume"))
    step = np.log(close).diff()
    for span in (2, 6, 48):
        candles[f"%-return-{span}"] = np.log(close).diff(span)
    for span in (6, 24, 96):
        candles[f"%-volatility-{span}"] = step.rolling(span).std()
    for span in (24, 96):
        candles[f"%-skew-{span}"] = step.rolling(span).skew()
        candles[f"%-from-high-{span}"] = close / high.rolling(span).max() - 1.0
        candles[f"%-from-low-{span}"] = close / low.rolling(span).min() - 1.0
    candles["%-kurtosis-48"] = step.rolling(48).kurt()
    candles["%-with-volume-48"] = step.rolling(48).corr(volume)
    for span in (10, 30, 100):
        candles[f"%-from-ema-{span}"] = close / talib.EMA(close, span) - 1.0
    for span in (7, 28):
        candles[f"%-rsi-{span}"] = talib.RSI(close, span)
        candles[f"%-natr-{span}"] = talib.NATR(high, low, close, span)
    slow, fast = talib.STOCH(high, low, close)
    candles["%-stochastic-slow"], candles["%-stochastic-fast"] = slow, fast
    candles["%-williams"] = talib.WILLR(high, low, close, 14)
    candles["%-aroon"] = talib.AROONOSC(high, low, 25)
    candles["%-ultimate"] = talib.ULTOSC(high, low, close)
    candles["%-trix"] = talib.TRIX(close, 15)
    candles["%-ppo"] = talib.PPO(close, 12, 26)
    candles["%-slope"] = talib.LINEARREG_SLOPE(close, 14) / close
    candles["%-volume-z-96"] = _share(volume - volume.rolling(96).mean(), volume.rolling(96).std())
    return candles


def direction(candles: DataFrame, horizon: int = HORIZON) -> DataFrame:
    """The target: the sign of the return over the next `horizon` candles, NaN where it is not known."""
    close = candles["close"]
    candles["&-direction"] = np.sign(close.shift(-horizon) / close - 1.0)
    return candles


# a feed that stands still has no spread and no deviation: such rows are neutral, as careful strategies have it
def _share(part: Series, whole: Series) -> Series:
    return (part / whole.where(whole > 0.0)).where(whole.isna() | (whole > 0.0), 0.0)


__all__ = ["HORIZON", "WARM_UP", "direction", "fifty_features", "usual_features"]
