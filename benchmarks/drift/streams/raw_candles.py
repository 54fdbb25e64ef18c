"""Faults put into raw candles after a training, before the strategy computes its features."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.drift.faults import NO_FAULT, RAW_FAULTS
from benchmarks.drift.markets import Series, candles
from benchmarks.drift.rows import featured
from benchmarks.drift.scenes import Run, Scene, trained_scene
from benchmarks.drift.streams.stream import WATCHED_CANDLES, Kind, generator, history_candles
from benchmarks.features import WARM_UP


@dataclass(frozen=True, kw_only=True)
class RawCandles:
    """One training range that ends before `trained_until`, and onsets at random candles after it."""

    kind: ClassVar[Kind] = Kind.RAW
    series: Series
    trained: int
    onsets: int
    trained_until: str = "2022-07-01"
    faults: tuple[str, ...] = (NO_FAULT, *RAW_FAULTS)

    def runs(self, fault: str) -> list[Run]:
        """One run per onset; the same onsets for every fault."""
        scene = _scene(self)
        return [] if scene is None else [_run(self, scene, int(onset), fault) for onset in _onsets(self)]


def _trained_end(stream: RawCandles) -> int:
    return int((candles(stream.series)["date"] < pd.Timestamp(stream.trained_until, tz="UTC")).sum())


@lru_cache(maxsize=1)
def _scene(stream: RawCandles) -> Scene | None:
    end = _trained_end(stream)
    known = candles(stream.series).iloc[max(0, end - stream.trained - WARM_UP) : end].reset_index(drop=True)
    if len(known) < stream.trained + WARM_UP or not len(_onsets(stream)):
        return None
    names, reference = featured(known)
    return trained_scene(stream.series, names, reference.without_outcomes_of_the_end())


def _onsets(stream: RawCandles) -> NDArray[np.intp]:
    first = _trained_end(stream) + history_candles(stream.series.timeframe)
    last = len(candles(stream.series)) - WATCHED_CANDLES
    if last - first < stream.onsets:
        return np.empty(0, dtype=np.intp)
    return np.sort(first + generator(stream).choice(last - first, size=stream.onsets, replace=False))


def _run(stream: RawCandles, scene: Scene, onset: int, fault: str) -> Run:
    history = history_candles(stream.series.timeframe)
    seen = candles(stream.series).iloc[onset - history - WARM_UP : onset + WATCHED_CANDLES].reset_index(drop=True)
    if fault != NO_FAULT:
        seen = RAW_FAULTS[fault](seen, history + WARM_UP, generator(stream, onset))
    _, live = featured(seen)
    return Run(scene=scene, live=scene.predicted(live), onset=history)


__all__ = ["RawCandles"]
