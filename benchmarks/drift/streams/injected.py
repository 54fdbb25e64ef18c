"""Faults put into a block bootstrap of candles that were left out of the training."""

from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift.faults import FEATURE_FAULTS, NO_FAULT, VOLATILITY_IN_CANDLES, Training
from benchmarks.drift.markets import Series, doubled_market, market
from benchmarks.drift.rows import Rows, chained, moves
from benchmarks.drift.scenes import Run, Scene, trained_scene
from benchmarks.drift.streams.stream import WATCHED_CANDLES, Kind, generator, history_candles

#: The range is cut into segments of so many candles; of each five one, by chance, is left out of the training.
SEGMENT_CANDLES, GROUP = 1_250, 5
SHORTEST_BLOCK, LONGEST_BLOCK = 250, 500


@dataclass(frozen=True, kw_only=True)
class Injected:
    """Random blocks of left-out candles, all features together with the candle, joined; a fault from the onset on.

    The blocks of a run come from one left-out segment, and prices are chained by their moves: a joint is neither a
    jump nor a change of regime.
    """

    kind: ClassVar[Kind] = Kind.INJECTED
    series: Series
    trained: int
    splits: int
    runs_per_split: int
    faults: tuple[str, ...] = (NO_FAULT, *FEATURE_FAULTS, VOLATILITY_IN_CANDLES)

    def runs(self, fault: str) -> list[Run]:
        """Each split's runs; run by run the same candles and the same choice of features, whatever the fault."""
        return [
            _run(self, left_out, split, number, fault)
            for split, left_out in enumerate(_left_out(self))
            for number in range(self.runs_per_split)
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _LeftOut:
    """A scene, and the first rows of the segments of the market that its training did not see."""

    scene: Scene
    starts: tuple[int, ...]


@lru_cache(maxsize=1)
def _left_out(stream: Injected) -> list[_LeftOut]:
    names, rows = market(stream.series)
    groups = stream.trained // (SEGMENT_CANDLES * (GROUP - 1))
    segments = groups * GROUP
    spare = len(rows) - segments * SEGMENT_CANDLES
    if spare < 0:
        return []
    found = []
    for split, origin in enumerate(np.linspace(0, spare, stream.splits).astype(int)):
        starts = int(origin) + SEGMENT_CANDLES * np.arange(segments)
        chosen = np.arange(groups) * GROUP + generator(stream, split).integers(GROUP, size=groups)
        kept = [
            rows.at(slice(start, start + SEGMENT_CANDLES)).without_outcomes_of_the_end()
            for start in np.delete(starts, chosen)
        ]
        scene = trained_scene(stream.series, names, reduce(Rows.followed_by, kept))
        found.append(_LeftOut(scene=scene, starts=tuple(starts[chosen].tolist())))
    return found


def _run(stream: Injected, left_out: _LeftOut, split: int, number: int, fault: str) -> Run:
    names, rows = market(stream.series)
    onset = history_candles(stream.series.timeframe)
    start = left_out.starts[number % len(left_out.starts)]
    which = _blocks(start, onset + WATCHED_CANDLES, generator(stream, split, number))
    if fault == VOLATILITY_IN_CANDLES:
        _, doubled = doubled_market(stream.series)
        live = _joined(rows.at(which[:onset]).followed_by(doubled.at(which[onset:])), rows.dates_ns)
        live = _repriced(live, np.concatenate([_moves(rows)[which[:onset]], _moves(doubled)[which[onset:]]]))
    else:
        live = _repriced(_joined(rows.at(which), rows.dates_ns), _moves(rows)[which])
    if fault in FEATURE_FAULTS:
        training = Training.of(names, left_out.scene.reference)
        # the same choice for all faults: their rows differ by the fault alone
        live = FEATURE_FAULTS[fault](live, onset, training, generator(stream, split, number, 1))
    return Run(scene=left_out.scene, live=left_out.scene.predicted(live), onset=onset)


# rows of the market: blocks from the segment that begins at `start`, joined and cut to `length`
def _blocks(start: int, length: int, chance: np.random.Generator) -> NDArray[np.intp]:
    parts: list[NDArray[np.intp]] = []
    while sum(map(len, parts)) < length:
        rows = int(chance.integers(SHORTEST_BLOCK, LONGEST_BLOCK + 1))
        first = start + int(chance.integers(SEGMENT_CANDLES - rows + 1))
        parts.append(np.arange(first, first + rows))
    return np.concatenate(parts)[:length]


def _joined(rows: Rows, dates_ns: NDArray[np.int64]) -> Rows:
    step = dates_ns[1] - dates_ns[0]
    return replace(rows, dates_ns=dates_ns[-1] + step * np.arange(1, len(rows) + 1))


def _repriced(rows: Rows, parts: NDArray[np.float64]) -> Rows:
    return rows.priced(chained(parts, float(rows.open[0])))


@lru_cache(maxsize=2)
def _moves(rows: Rows) -> NDArray[np.float64]:
    return moves(rows.prices)


__all__ = ["Injected"]
