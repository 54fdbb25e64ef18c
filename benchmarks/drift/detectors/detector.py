"""What a detector is."""

from pathlib import Path
from typing import Protocol

import numpy as np

from benchmarks.drift.rows import Flags, Rows
from benchmarks.drift.scenes import Scene


class Watch(Protocol):
    """A detector that has learnt what is normal."""

    def alarm(self, live: Rows, from_row: int) -> Flags:
        """Whether each of n live rows is in alarm, `(n,)`, causal; rows before `from_row` need not be judged."""


class Detector(Protocol):
    """A way to tell drift. It learns from a scene's reference alone and is then shown live rows, history first."""

    @property
    def name(self) -> str:
        """As in the tables."""

    @property
    def about(self) -> str:
        """Its rule in one line."""

    @property
    def most_runs(self) -> int | None:
        """How many runs of a stream it can be given in reasonable time; None for all."""

    @property
    def sparse(self) -> bool:
        """Whether it is so slow that it is shown a few streams only, and of them the beginning."""

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files and folders of code that its alarms depend on: a change makes its stored cells stale."""

    def missing(self) -> str | None:
        """What must be done before it can run here; None where nothing must."""

    def fit(self, scene: Scene) -> Watch:
        """Learn from the scene's reference."""


def held_between(judged: Flags, first: int, every: int, rows: int) -> Flags:
    """Verdicts of rows `first`, `first` + `every` and so on, each held up to the next; nothing before `first`."""
    flags = np.zeros(rows, dtype=np.bool_)
    flags[first:] = np.repeat(judged, every)[: rows - first]
    return flags


__all__ = ["Detector", "Watch", "held_between"]
