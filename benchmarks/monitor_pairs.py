"""Health of many pairs with many features, live: frames a candle apart, each made just before it is judged."""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from time import perf_counter, process_time
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from benchmarks.features import HORIZON, WARM_UP, direction, fifty_features
from benchmarks.judging import judge_settings
from benchmarks.monitor_plain import Plain, by_compares
from benchmarks.timing import seconds
from tradai_lifecycle.monitor import PairReference, RollingHealth, fit_pair_reference
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.psi import BINS, _term_table
from tradai_lifecycle.sandbox import build_market
from tradai_lifecycle.strategy.columns import Frame, JudgeSettings
from tradai_lifecycle.strategy.frame import build_frame

#: A pair's features are the fifty of its own market and of three others, as with informative pairs.
MARKETS, FEATURES = 4, 200
TRAINING, MOST_PAIRS, TURNS = 6_000, 100, 5
START = datetime(2024, 1, 1, tzinfo=UTC)
SHOWN = Validated(accuracy=0.55, predictions=5_000, effective_predictions=1_000.0, candles=5_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCost:
    """Health of a batch: the median over some batches in seconds and in processor seconds, and the dearest of them.

    `counted_seconds`: of counting each pair's newest window alone, by nine compares of every value, just after it.
    """

    seconds: float
    processor_seconds: float
    dearest_seconds: float
    counted_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Bytes that are kept of one pair between two candles, of which the features of its last frame take a part."""

    whole: int
    features: int


def health_cost(pairs: int, features: int = FEATURES, *, in_a_run: bool = False) -> BatchCost:
    """Of batches a candle apart, after a first one. Only `RollingHealth.assess` is timed, pair after pair.

    `in_a_run`: as much old drift is asked for as where a run of significant drift reaches back as far as one can.
    """
    memories, plain = [_memory(features) for _ in range(pairs)], _plain(features)
    costs = []
    for turn in range(TURNS + 1):
        cost = np.zeros(3)
        for memory, frame in zip(memories, _frames(pairs, features, turn), strict=True):
            spent = _assessed(memory, frame, in_a_run=in_a_run)
            newest = frame.features[-_defaults()[0].health.window_candles :]
            cost += *spent, seconds(lambda newest=newest: by_compares(newest, plain))
        costs.append(cost)
    wall, processor, counted = np.median(costs[1:], axis=0).tolist()
    dearest = float(max(cost[0] for cost in costs[1:]))
    return BatchCost(seconds=wall, processor_seconds=processor, dearest_seconds=dearest, counted_seconds=counted)


def kept_by_one_pair() -> Kept:
    """As tracemalloc counts it."""
    frames = [next(_frames(1, FEATURES, turn)) for turn in range(2)]
    _assessed(_memory(FEATURES), frames[0])
    tracemalloc.start()
    try:
        memory = _memory(FEATURES)
        for frame in frames:
            _assessed(memory, replace(frame, features=frame.features.copy()))
        return Kept(whole=tracemalloc.get_traced_memory()[0], features=frames[0].features.nbytes)
    finally:
        tracemalloc.stop()


def frame_candles() -> int:
    """The candles of a live frame at the defaults."""
    return _defaults()[1]


@cache
def _defaults() -> tuple[JudgeSettings, int]:
    return judge_settings("1h")


def _memory(features: int) -> RollingHealth:
    return RollingHealth(_reference(features), _defaults()[0].health)


# seconds and processor seconds
def _assessed(memory: RollingHealth, frame: Frame, *, in_a_run: bool = False) -> tuple[float, float]:
    prediction = np.where(np.arange(len(frame)) < WARM_UP, np.nan, _prediction(frame.features))
    fit, asked = np.isfinite(prediction), _defaults()[0].asked(len(frame))
    if in_a_run:
        asked = replace(asked, drift_from=asked.runs_from)
    # kept for pairs of one reference, as here; those of so many others would not be
    _term_table.cache_clear()
    began, processor = perf_counter(), process_time()
    memory.assess(
        features=frame.features,
        prediction=prediction,
        fit=fit,
        realised=frame.realised,
        dates_ns=frame.dates_ns,
        candles=frame.candles,
        trained_until_ns=int(START.timestamp()) * 10**9,
        asked=asked,
        validated=SHOWN,
    )
    return perf_counter() - began, process_time() - processor


# stands for a model: a smooth function of a feature, with its last bits
def _prediction(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.tanh(50.0 * features[:, 0])


@cache
def _reference(features: int) -> PairReference:
    parts = [_features(_market()[part * TRAINING : (part + 1) * TRAINING]) for part in range(MARKETS)]
    values = np.concatenate([part.features for part in parts], axis=1)[WARM_UP:, :features]
    return fit_pair_reference(
        pair="BTC/USDT",
        features=values,
        feature_names=tuple(f"%-{number}" for number in range(features)),
        prediction=_prediction(values),
        candles=parts[0].candles.rows(slice(WARM_UP, None)),
        window_candles=_defaults()[0].health.window_candles,
        maximum_share_of_time_reduced=0.1,
    )


# features of few values have fewer edges: the others are where no value is
@cache
def _plain(features: int) -> Plain:
    references = _reference(features).features
    edges, counts = np.full((features, BINS - 1), np.inf), np.zeros((features, BINS + 1), dtype=np.int64)
    for number, reference in enumerate(references):
        own = len(reference.edges)
        edges[number, :own], counts[number, : own + 1] = reference.edges, reference.counts[:-1]
    return Plain(edges=edges, counts=counts)


# each pair's frame at one candle; markets are parts of one long one
def _frames(pairs: int, features: int, turn: int) -> Iterator[Frame]:
    length, apart = frame_candles(), frame_candles() + TURNS + 1
    starts = [MARKETS * TRAINING + turn + number * apart for number in range(pairs + MARKETS - 1)]
    parts = [_features(_market()[start : start + length]) for start in starts]
    for number, own in enumerate(parts[:pairs]):
        values = np.concatenate([part.features for part in parts[number : number + MARKETS]], axis=1)
        yield replace(own, features=np.ascontiguousarray(values[:, :features]))


def _features(candles: DataFrame) -> Frame:
    return build_frame(_strategy(), candles.reset_index(drop=True), {"pair": "BTC/USDT"})[1]


@cache
def _market() -> DataFrame:
    candles = MARKETS * TRAINING + (MOST_PAIRS + MARKETS) * (frame_candles() + TURNS + 1)
    return build_market(5, ["BTC/USDT"], "1h", START, candles)["BTC/USDT"]


@cache
def _strategy() -> SimpleNamespace:
    return SimpleNamespace(
        horizon_candles=HORIZON,
        populate_features=lambda candles, _: fifty_features(candles),
        populate_target=lambda candles, _: direction(candles),
    )


__all__ = ["FEATURES", "MOST_PAIRS", "TURNS", "BatchCost", "Kept", "frame_candles", "health_cost", "kept_by_one_pair"]
