"""What a detector must offer to be put on the common scale: alarms at its own limits times any factor."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.drift.rows import Flags, Floats, Rows
from benchmarks.drift.scenes import Scene
from tradai_lifecycle.monitor.persistence import RELEASE_RATIO, held, latched

# far from the limits a coarse step does; near them it would leave one detector half the triggers of another
_COARSE, _FINE = 12, 48
#: From a quarter of the limits up to forty times; 1.5 % apart between a half and 2.8, 6 % beyond. 1 is among them.
FACTORS: tuple[float, ...] = tuple(
    2.0 ** (step / steps)
    for steps, places in ((_COARSE, range(-24, -12)), (_FINE, range(-48, 72)), (_COARSE, range(18, 65)))
    for step in places
)
#: Where in FACTORS a detector's own limits are.
UNSCALED = FACTORS.index(1.0)


class Evidence(Protocol):
    """What a detector knows of one run, whatever its limits are."""

    def alarm(self, factor: float) -> Flags:
        """Rows in alarm `(n,)` at limits times `factor`. Where none is, none is at any larger factor."""


class ScaledWatch(Protocol):
    """A scaled detector that has learnt what is normal."""

    def evidence(self, live: Rows, from_row: int) -> Evidence:
        """The evidence of n live rows, causal; rows before `from_row` need not be judged."""


class ScaledDetector(Hashable, Protocol):
    """A way to tell drift whose limits can be multiplied."""

    @property
    def name(self) -> str:
        """As in the tables."""

    @property
    def about(self) -> str:
        """Its rule in one line, before any factor."""

    def fit(self, scene: Scene) -> ScaledWatch:
        """Learn from the scene's reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtFactor:
    """A scaled detector at one factor: a detector like those of `benchmarks.drift`."""

    scaled: ScaledDetector
    factor: float
    most_runs: int | None = None
    sparse: bool = False
    sources: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """The detector's."""
        return self.scaled.name

    @property
    def about(self) -> str:
        """The detector's rule."""
        return self.scaled.about

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def fit(self, scene: Scene) -> "AtFactorWatch":
        """As the scaled detector does."""
        return AtFactorWatch(watch=self.scaled.fit(scene), factor=self.factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AtFactorWatch:
    """The watch of a scaled detector, at one factor."""

    watch: ScaledWatch
    factor: float

    def alarm(self, live: Rows, from_row: int) -> Flags:
        """As the evidence says at the factor."""
        return self.watch.evidence(live, from_row).alarm(self.factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BareRatio:
    """A ratio to the limits `(n,)` that is in alarm wherever it is beyond them; NaN is not."""

    ratio: Floats

    def alarm(self, factor: float) -> Flags:
        """Rows whose ratio is above `factor`."""
        return np.asarray(self.ratio > factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatchedRatio:
    """A ratio to the limits `(n,)` that must hold, and is then latched as the policy latches the index.

    NaN neither sets nor releases. Counts are in candles.
    """

    ratio: Floats
    persistence: int
    release: int
    memory: int

    def alarm(self, factor: float) -> Flags:
        """Rows whose newest event within the memory is a ratio held at `factor` or more, not one that let go."""
        ratio = self.ratio / factor
        return latched(held(ratio >= 1.0, self.persistence), held(ratio < RELEASE_RATIO, self.release), self.memory)


__all__ = [
    "FACTORS",
    "UNSCALED",
    "AtFactor",
    "AtFactorWatch",
    "BareRatio",
    "Evidence",
    "LatchedRatio",
    "ScaledDetector",
    "ScaledWatch",
]
