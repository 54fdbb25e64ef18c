"""A market made to measure: candles with a relation that a model can learn, and regimes that break it or drift.

The close moves by volatility * (sign * strength * s + e), where e is standard normal and s, of unit variance, is the
mood of the market at the candle before, which lasts some seven candles. The mood shows in that candle: volume is higher
and lower wicks are longer while it is good. So a model of candle features, the volume's z-score above all, predicts
the direction of the next 1 to 24 candles. Strength 0 leaves nothing to learn, yet volume and wicks keep their looks
and returns nearly do. Volatility clusters, as in real markets, but forgets within hours.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.sandbox.exchange import FUNDING_RATE

_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "XRP": 0.6}
_MOOD_MEMORY = 0.85
_MOOD_IN_VOLUME, _VOLUME_NOISE = 0.4, 0.15
_MOOD_IN_WICKS = 0.5
_VOLATILITY_MEMORY, _VOLATILITY_SPREAD = 0.7, 0.2

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """How the market behaves for a while.

    `candles` None: to the end. `volatility` is the standard deviation of one candle's return, `volume` the typical
    volume in the base currency, `strength` the mood's part in a return as a multiple of `volatility`, `sign` 1 or -1
    its direction, `drift` the mean return of one candle.
    """

    candles: int | None = None
    volatility: float = 0.004
    volume: float = 500.0
    strength: float = 0.26
    sign: int = 1
    drift: float = 0.0

    def lasting(self, candles: int) -> Self:
        """The same regime for so many candles."""
        return replace(self, candles=candles)


#: a relation to learn, in stationary surroundings
BASE = Regime()
#: looks like BASE, but the relation is gone: accuracy falls, features hardly move
BROKEN = Regime(strength=0.0)
#: the relation is reversed: a model of BASE is wrong more often than right
REVERSED = Regime(sign=-1)
#: volatility and volume are those of another market, and the relation is gone: features drift
DRIFTED = Regime(volatility=0.011, volume=1_600.0, strength=0.0)


def build_market(
    seed: int,
    pairs: Sequence[str],
    timeframe: str,
    start: datetime,
    candles: int,
    regimes: Sequence[Regime] = (BASE,),
) -> dict[str, pd.DataFrame]:
    """Candles of each pair in freqtrade's format: date (UTC), open, high, low, close, volume; one row per candle.

    Regimes follow each other in order, for all pairs at once; the last one, or one without `candles`, lasts to the
    end. The same arguments give the same candles, and a pair's candles do not depend on the other pairs.

    Raises ValueError where the regimes do not fit into `candles`.
    """
    spans = _spans(regimes, candles)
    first = pd.Timestamp(start).tz_convert("UTC")
    dates = pd.date_range(first, periods=candles, freq=pd.Timedelta(seconds=candle_seconds(timeframe)))
    dates = dates.as_unit("ms")
    return {pair: _pair_candles(seed, pair, dates, spans) for pair in pairs}


def write_datadir(
    frames: Mapping[str, pd.DataFrame], directory: Path, timeframe: str, trading_mode: str = "spot"
) -> None:
    """Write candles as freqtrade's feather files into a data directory, such as user_data/data/binance.

    With trading_mode "futures" pairs are named like "BTC/USDT:USDT"; each also gets its hourly mark candles and a
    constant funding rate, without which a futures backtest does not start. Raises ValueError for a pair that is not
    named for the trading mode.
    """
    from freqtrade.data.history import get_datahandler  # noqa: PLC0415 - freqtrade takes seconds to import
    from freqtrade.enums import CandleType  # noqa: PLC0415

    handler = get_datahandler(Path(directory), "feather")
    for pair, frame in frames.items():
        if (":" in pair) != (trading_mode == "futures"):
            raise ValueError(f"{pair!r} is not the name of a {trading_mode} pair")
        handler.ohlcv_store(pair, timeframe, frame, CandleType.get_default(trading_mode))
        if trading_mode == "futures":
            handler.ohlcv_store(pair, "1h", _hourly(frame), CandleType.MARK)
            handler.ohlcv_store(pair, "1h", _funding(frame), CandleType.FUNDING_RATE)


def _spans(regimes: Sequence[Regime], candles: int) -> list[tuple[Regime, int]]:
    spans: list[tuple[Regime, int]] = []
    left = candles
    for position, regime in enumerate(regimes):
        is_last = position == len(regimes) - 1
        length = left if is_last or regime.candles is None else regime.candles
        if (regime.candles or 0) > left or length <= 0 or (regime.candles is None and not is_last):
            raise ValueError(f"regime {position + 1} of {len(regimes)} does not fit: {left} of {candles} candles left")
        spans.append((regime, length))
        left -= length
    if not spans:
        raise ValueError("a market needs at least one regime")
    return spans


def _pair_candles(seed: int, pair: str, dates: pd.DatetimeIndex, spans: Sequence[tuple[Regime, int]]) -> pd.DataFrame:
    generator = np.random.default_rng([seed, zlib.crc32(pair.encode())])
    shocks, shape, activity, feeling = generator.standard_normal((4, len(dates)))
    wicks = 0.4 * np.abs(generator.standard_normal((2, len(dates))))
    mood = _remembered(feeling, _MOOD_MEMORY)
    volatility = _each(spans, "volatility") * _clustered(shape, _VOLATILITY_MEMORY, _VOLATILITY_SPREAD)
    relation = _each(spans, "sign") * _each(spans, "strength")
    returns = _each(spans, "drift") + volatility * (relation * np.concatenate(([0.0], mood[:-1])) + shocks)

    first = _PRICES.get(pair.partition("/")[0], 100.0)
    close = first * np.exp(np.cumsum(returns))
    opening = np.concatenate(([first], close[:-1]))
    high = np.maximum(opening, close) * np.exp(volatility * wicks[0] * np.exp(-_MOOD_IN_WICKS * mood))
    low = np.minimum(opening, close) * np.exp(-volatility * wicks[1] * np.exp(_MOOD_IN_WICKS * mood))
    volume = _each(spans, "volume") * np.exp(_MOOD_IN_VOLUME * mood + _VOLUME_NOISE * activity)
    volume *= np.exp(0.1 * np.abs(shocks))
    decimals = max(2, 6 - int(np.floor(np.log10(first))))
    prices = {"open": opening, "high": high, "low": low, "close": close}
    rounded = {name: np.round(values, decimals) for name, values in prices.items()}
    return pd.DataFrame({"date": dates, **rounded, "volume": np.round(volume, 4)})


def _each(spans: Sequence[tuple[Regime, int]], name: str) -> FloatArray:
    # one setting of the regimes, for each candle
    return np.concatenate([np.full(length, float(getattr(regime, name))) for regime, length in spans])


def _remembered(shocks: FloatArray, memory: float) -> FloatArray:
    # AR(1) of unit variance, from its stationary distribution on
    level, values = float(shocks[0]), np.empty_like(shocks)
    scale = float(np.sqrt(1 - memory**2))
    values[0] = level
    for position, shock in enumerate(shocks[1:].tolist(), start=1):
        level = memory * level + scale * shock
        values[position] = level
    return values


def _clustered(shocks: FloatArray, memory: float, spread: float) -> FloatArray:
    # a positive factor of mean square 1 that stays near where it was
    factor: FloatArray = np.exp(spread * _remembered(shocks, memory) - spread**2)
    return factor


def _hourly(frame: pd.DataFrame) -> pd.DataFrame:
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    hourly: pd.DataFrame = frame.resample("1h", on="date").agg(rules).ffill().reset_index()
    return hourly


def _funding(frame: pd.DataFrame) -> pd.DataFrame:
    # freqtrade 2026.3 stores the rate as "open", 2026.9 in a column of its own: its data handler picks
    dates = pd.date_range(frame["date"].iloc[0].floor("8h"), frame["date"].iloc[-1], freq="8h").as_unit("ms")
    rates = dict.fromkeys(("open", "funding_rate"), FUNDING_RATE)
    return pd.DataFrame({"date": dates, **rates, **dict.fromkeys(("high", "low", "close", "volume"), 0.0)})


__all__ = ["BASE", "BROKEN", "DRIFTED", "REVERSED", "Regime", "build_market", "write_datadir"]
