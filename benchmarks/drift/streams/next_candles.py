"""The candles that really followed a training range."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.markets import Series, market
from benchmarks.drift.scenes import Run, trained_scene
from benchmarks.drift.streams.stream import Kind, history_candles


@dataclass(frozen=True, kw_only=True)
class NextCandles:
    """Training ranges at several origins, each with all candles after it, up to `longest`."""

    kind: ClassVar[Kind] = Kind.NEXT
    faults: ClassVar[tuple[str, ...]] = (NO_FAULT,)
    series: Series
    trained: int
    origins: int
    longest: int = 20_000
    shortest: int = 2_500

    def runs(self, fault: str) -> list[Run]:  # noqa: ARG002 - there is but one
        """One run per origin."""
        return _runs(self)


@lru_cache(maxsize=1)
def _runs(stream: NextCandles) -> list[Run]:
    names, rows = market(stream.series)
    history = history_candles(stream.series.timeframe)
    last = len(rows) - stream.trained - stream.shortest
    if last < 0:
        return []
    runs = []
    for origin in np.unique(np.linspace(0, last, stream.origins + 1)[:-1].astype(int)):
        end = origin + stream.trained
        reference = rows.at(slice(origin, end)).without_outcomes_of_the_end()
        scene = trained_scene(stream.series, names, reference)
        # a bot's first frame after a training holds candles of the training
        live = scene.predicted(rows.at(slice(end - history, end + stream.longest)))
        runs.append(Run(scene=scene, live=live, onset=history))
    return runs


__all__ = ["NextCandles"]
