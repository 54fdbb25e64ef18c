"""Streams of hits that depend on each other as a model's hits on unseen real candles do, at any true accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.features import HORIZON, WARM_UP
from benchmarks.latency_market import Market, load_market
from benchmarks.models import BOOSTED, MODELS, frame_of
from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.retraining.estimators import make_estimator

PAIRS = ("BTC/USDT", "ETH/USDT", "LINK/USDT", "SOL/USDT", "XRP/USDT")
TRAINED_CANDLES = 20_000
#: Dependence is taken as it is found up to twice the horizon, and let fade to none at four times.
LAGS, FADED = 2 * HORIZON, 4 * HORIZON
#: Made into the others where there are no candles of theirs.
FINEST = "5m"
OHLCV: Mapping[str, str] = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}

Hits = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """How much a model's hits say of its later hits: correlations at the lags 0, 1, ..., and where they come from."""

    pair: str
    timeframe: str
    real: bool
    candles: int
    accuracy: float
    correlations: Floats

    @property
    def inflation(self) -> float:
        """By how much the variance of a long mean is larger than that of independent hits."""
        return float(1.0 + 2.0 * self.correlations[1:].sum())

    def latent(self, rows: int, generator: np.random.Generator) -> Floats:
        """A Gaussian series `(rows,)` whose values below a quantile are hits with these correlations.

        At an accuracy of one half the correlation r of hits is that of a series with sin(r pi / 2); at 0.47 to 0.55 the
        difference is not seen. Made by its spectrum (circulant embedding); what is no spectrum of a series is cut off.
        """
        power = self._power(rows)
        size = 2 * (len(power) - 1)
        noise = np.fft.rfft(generator.standard_normal(size))
        return np.asarray(np.fft.irfft(noise * np.sqrt(power), size)[:rows])

    def _power(self, rows: int) -> Floats:
        size = 1 << (rows + 2 * FADED - 1).bit_length()
        around = np.zeros(size)
        series = np.sin(np.pi / 2.0 * self.correlations)
        around[: len(series)], around[-len(series) + 1 :] = series, series[:0:-1]
        power = np.maximum(np.fft.rfft(around).real, 0.0)
        return power / np.concatenate([power, power[-2:0:-1]]).mean()


def hits_of(latent: Floats, accuracy: float) -> Hits:
    """The hits of a latent series at a true accuracy: the same chance at every accuracy."""
    return np.asarray(latent < NormalDist().inv_cdf(accuracy))


@cache
def dependences(timeframe: str) -> tuple[Dependence, ...]:
    """The dependence of each pair's hits after the training, of boosted trees on the usual features."""
    return tuple(_dependence(_market(timeframe, pair)) for pair in PAIRS)


def _dependence(market: Market) -> Dependence:
    frame = frame_of(market.candles, market.pair)
    trained = WARM_UP + min(TRAINED_CANDLES, len(frame) // 2)
    known = np.isfinite(frame.features).all(axis=1) & np.isfinite(frame.realised) & (frame.realised != 0.0)
    rows = np.arange(len(frame))
    fit, after = known & (rows >= WARM_UP) & (rows < trained), known & (rows >= trained + HORIZON)
    name, parameters = MODELS[BOOSTED]
    estimator, _ = make_estimator(name, dict(parameters), seed=0)
    with threadpool_limits(1, "openmp"):
        estimator.fit(frame.features[fit], np.sign(frame.realised[fit]))
        said = estimator.predict(frame.features[after])
    hits = np.zeros(len(frame))
    hits[after] = said == np.sign(frame.realised[after])
    return Dependence(
        pair=market.pair,
        timeframe=market.timeframe,
        real=market.real,
        candles=int(after.sum()),
        accuracy=float(hits[after].mean()),
        correlations=_correlations(hits, after),
    )


def _correlations(hits: Floats, scored: Hits) -> Floats:
    deviations = np.where(scored, hits - hits[scored].mean(), 0.0)
    flags, variance = scored.astype(np.float64), float(deviations @ deviations) / scored.sum()
    found = [
        deviations[lag:] @ deviations[: len(hits) - lag] / (flags[lag:] @ flags[: len(hits) - lag]) / variance
        for lag in range(FADED + 1)
    ]
    fading = np.clip((FADED - np.arange(FADED + 1)) / (FADED - LAGS), 0.0, 1.0)
    return np.array(found) * fading


def _market(timeframe: str, pair: str) -> Market:
    found = load_market(timeframe, pair)
    finer = found if found.real else load_market(FINEST, pair)
    if found.real or not finer.real:
        return found
    step = pd.Timedelta(seconds=candle_seconds(timeframe))
    candles = finer.candles.set_index("date").resample(step).agg(dict(OHLCV)).dropna().reset_index()
    return Market(pair=pair, timeframe=timeframe, real=True, candles=candles)


__all__ = ["PAIRS", "Dependence", "Floats", "Hits", "dependences", "hits_of"]
