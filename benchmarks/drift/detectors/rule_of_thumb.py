"""The rule of thumb of the stability index, as it is usually written down; on its own, without the package's code."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.drift.rows import Flags, Floats, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.drift.streams.stream import WINDOW

BINS, EPSILON = 10, 1e-4
SIGNIFICANT, NOTABLE, NOTABLE_FEATURES = 0.25, 0.2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOfThumb:
    """Deciles of the reference, shares of at least 0.0001; one index above 0.25, or more than three above 0.2."""

    name: str = "rule of thumb"
    about: str = "PSI of ten deciles, epsilon 0.0001: one above 0.25, or more than three above 0.2; no persistence"
    most_runs: int | None = None
    sparse: bool = False
    sources: tuple[Path, ...] = (Path(__file__),)

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def fit(self, scene: Scene) -> "RuleOfThumbWatch":
        """Cut each feature at its deciles."""
        return RuleOfThumbWatch(features=tuple(_Deciles.of(column) for column in scene.reference.features.T))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleOfThumbWatch:
    """The deciles of every feature."""

    features: tuple["_Deciles", ...]

    def alarm(self, live: Rows, from_row: int) -> Flags:  # noqa: ARG002 - one pass judges all rows
        """Judged at every row whose window is full."""
        psi = np.stack(
            [deciles.rolling(column) for deciles, column in zip(self.features, live.features.T, strict=True)]
        )
        flags: Flags = (psi > SIGNIFICANT).any(axis=0) | ((psi > NOTABLE).sum(axis=0) > NOTABLE_FEATURES)
        return flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Deciles:
    edges: Floats
    shares: Floats

    @classmethod
    def of(cls, column: Floats) -> "_Deciles":
        edges = np.unique(np.nanquantile(column, np.arange(1, BINS) / BINS))
        counts = np.bincount(np.searchsorted(edges, column, side="right"), minlength=len(edges) + 1)
        return cls(edges=edges, shares=np.maximum(counts / len(column), EPSILON))

    # the index of the window that ends at each row, 0 before the first is full; NaN falls into the last bin
    def rolling(self, column: Floats) -> Floats:
        codes, psi = np.searchsorted(self.edges, column, side="right"), np.zeros(len(column))
        for code, expected in enumerate(self.shares):
            until = np.concatenate([[0], np.cumsum(codes == code)])
            actual = np.maximum((until[WINDOW:] - until[:-WINDOW]) / WINDOW, EPSILON)
            psi[WINDOW - 1 :] += (actual - expected) * np.log(actual / expected)
        return psi


__all__ = ["RuleOfThumb"]
