"""Blocks of the training range itself, left out of the training: no drift by construction."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.markets import Series, market
from benchmarks.drift.scenes import Run, trained_scene
from benchmarks.drift.streams.stream import Kind, generator, history_candles


@dataclass(frozen=True, kw_only=True)
class NoDrift:
    """Contiguous blocks from random places of training ranges; each is compared with all the rest of its range."""

    kind: ClassVar[Kind] = Kind.NO_DRIFT
    faults: ClassVar[tuple[str, ...]] = (NO_FAULT,)
    series: Series
    trained: int
    blocks: int
    #: Candles of a block that are watched, after its history.
    watched: int = 2_500

    def runs(self, fault: str) -> list[Run]:  # noqa: ARG002 - there is but one
        """One run per block."""
        return _runs(self)


@lru_cache(maxsize=1)
def _runs(stream: NoDrift) -> list[Run]:
    names, rows = market(stream.series)
    history = history_candles(stream.series.timeframe)
    block = history + stream.watched
    spare = len(rows) - stream.trained - block
    if spare < 0:
        return []
    runs = []
    for number, origin in enumerate(np.linspace(0, spare, stream.blocks).astype(int)):
        first = int(origin + generator(stream, number).integers(stream.trained + 1))
        before = rows.at(slice(origin, first)).without_outcomes_of_the_end()
        after = rows.at(slice(first + block, origin + stream.trained + block)).without_outcomes_of_the_end()
        scene = trained_scene(stream.series, names, before.followed_by(after))
        live = scene.predicted(rows.at(slice(first, first + block)))
        runs.append(Run(scene=scene, live=live, onset=history))
    return runs


__all__ = ["NoDrift"]
