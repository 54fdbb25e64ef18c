"""Kolmogorov and Smirnov's two-sample test as a textbook has it: each feature, Bonferroni, independent rows assumed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.drift.detectors.detector import held_between
from benchmarks.drift.rows import Flags, Floats, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.drift.streams.stream import WINDOW

LEVEL, EVERY = 0.05, 25


@dataclass(frozen=True, slots=True, kw_only=True)
class KolmogorovSmirnov:
    """A feature's p-value below 0.05 / F."""

    name: str = "KS test"
    about: str = "two-sample KS test of each feature, p below 0.05 / F, judged every 25 candles"
    most_runs: int | None = None
    sparse: bool = False
    sources: tuple[Path, ...] = (Path(__file__),)

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def fit(self, scene: Scene) -> "KolmogorovSmirnovWatch":
        """Sort each feature."""
        features = scene.reference.features
        return KolmogorovSmirnovWatch(
            features=tuple(np.sort(column) for column in features.T),
            critical=critical_distance(len(features), WINDOW, LEVEL / features.shape[1]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KolmogorovSmirnovWatch:
    """The sorted reference of every feature, and the distance that is too large."""

    features: tuple[Floats, ...]
    critical: float

    def alarm(self, live: Rows, from_row: int) -> Flags:
        """Judged every 25 candles, held in between."""
        first = max(from_row, WINDOW - 1)
        judged = [self._drifts(live.features[row - WINDOW + 1 : row + 1]) for row in range(first, len(live), EVERY)]
        return held_between(np.array(judged, dtype=np.bool_), first, EVERY, len(live))

    def _drifts(self, window: Floats) -> bool:
        pairs = zip(self.features, window.T, strict=True)
        return any(distance(known, column) > self.critical for known, column in pairs)


def distance(known: Floats, column: Floats) -> float:
    """The statistic of `scipy.stats.ks_2samp` for a sorted sample and another; values that are not finite left out."""
    values = np.sort(column[np.isfinite(column)])
    if not len(values):
        return 1.0
    above = np.arange(1, len(values) + 1) / len(values) - np.searchsorted(known, values, side="right") / len(known)
    below = np.searchsorted(known, values, side="left") / len(known) - np.arange(len(values)) / len(values)
    # at equal values the empirical function has jumped by all of them
    last = np.append(values[1:] != values[:-1], [True])
    first = np.append([True], values[1:] != values[:-1])
    return float(max(above[last].max(initial=0.0), below[first].max(initial=0.0)))


def critical_distance(known: int, rows: int, level: float) -> float:
    """The distance beyond which scipy's asymptotic p-value is below `level`."""
    return float(stats.kstwo.isf(level, round(known * rows / (known + rows))))


__all__ = ["KolmogorovSmirnov", "critical_distance", "distance"]
