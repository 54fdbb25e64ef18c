"""The index by the plainest fast methods, to measure the package's own against: nothing here is shared with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor import FeatureReference

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Interior edges `(F, 9)` of features with ten value bins each, and their training counts `(F, 11)`, NaN last."""

    edges: Floats
    counts: Counts

    @classmethod
    def of(cls, references: Sequence[FeatureReference]) -> "Plain":
        """From references that all have ten value bins."""
        return cls(
            edges=np.array([reference.edges for reference in references]),
            counts=np.array([reference.counts for reference in references]),
        )

    def index(self, observed: Counts, window: int) -> Floats:
        """The index of counts `(..., F, 11)`, smoothed towards training as the package does."""
        total = self.counts.sum(axis=1, keepdims=True)
        index: Floats = index_terms(observed, window, self.counts, total).sum(axis=-1)
        return index


def index_terms(observed: Counts, window: int, counts: Counts, total: Counts | int) -> Floats:
    """The terms of the index of features with ten value bins: five candles are shared out as training was."""
    expected = np.maximum(counts, 0.5) / total
    share = (observed + 5.0 * expected) / (window + 5.0)
    return np.where((counts == 0) & (observed == 0), 0.0, (share - expected) * np.log(share / expected))


def by_compares(batch: Floats, plain: Plain) -> Floats:
    """One batch `(n, F)`: every edge compared with every value, and the truths of each feature counted."""
    columns, observed = np.ascontiguousarray(batch.T), np.zeros(plain.counts.shape, dtype=np.int64)
    above = np.full(len(columns), len(batch))
    for edge in range(plain.edges.shape[1]):
        beyond = np.count_nonzero(columns >= plain.edges[:, edge : edge + 1], axis=1)
        observed[:, edge], above = above - beyond, beyond
    observed[:, -2] = above
    return plain.index(observed, len(batch))


def by_searching(batch: Floats, plain: Plain) -> Floats:
    """One batch `(n, F)`: each feature's values searched among its edges."""
    observed = [
        np.bincount(np.searchsorted(edges, column, side="right"), minlength=plain.counts.shape[1])
        for edges, column in zip(plain.edges, batch.T, strict=True)
    ]
    return plain.index(np.array(observed), len(batch))


def history_by_tables(codes: Codes, plain: Plain, window: int) -> Floats:
    """A whole history of codes `(n, F)`: per feature, the counts of each window index a table of its n + 1 terms."""
    rows, possible = len(codes) - window + 1, np.arange(window + 1)
    psi = np.zeros((len(plain.counts), rows))
    for series, (column, counts) in enumerate(zip(codes.T, plain.counts, strict=True)):
        tables = index_terms(possible, window, counts[:, None], int(counts.sum()))
        for code in range(plain.edges.shape[1] + 1):
            until = np.cumsum(column == code, dtype=np.int32)
            observed = until[window - 1 :].copy()
            observed[1:] -= until[:-window]
            psi[series] += tables[code][observed]
    return psi


class RingBuffer:
    """The newest codes `(window, F)`, counted as they come and go; what no window changes is worked out beforehand."""

    def __init__(self, codes: Codes, plain: Plain) -> None:
        self._first = np.arange(codes.shape[1]) * plain.counts.shape[1]
        self._ring, self._next = codes + self._first, 0
        self._counts = np.bincount(self._ring.ravel(), minlength=plain.counts.size)
        self._expected = np.maximum(plain.counts, 0.5) / plain.counts.sum(axis=1, keepdims=True)
        self._prior, self._empty = 5.0 * self._expected, plain.counts == 0

    def push(self, row: Codes) -> Floats:
        """The index `(F,)` once the row `(F,)` has come."""
        come = row + self._first
        self._counts[self._ring[self._next]] -= 1
        self._counts[come] += 1
        self._ring[self._next] = come
        self._next = (self._next + 1) % len(self._ring)
        observed = self._counts.reshape(self._expected.shape)
        share = (observed + self._prior) / (len(self._ring) + 5.0)
        terms: Floats = (share - self._expected) * np.log(share / self._expected)
        terms[self._empty & (observed == 0)] = 0.0
        index: Floats = terms.sum(axis=1)
        return index


def recounted_windows(codes: Codes, plain: Plain, window: int) -> Floats:
    """The training windows a quarter of a window apart against all other rows, `(F, windows)`, each counted anew."""
    starts = np.arange(0, len(codes) - window + 1, window // 4)
    psi = np.empty((len(plain.counts), len(starts)))
    for series, (column, counts) in enumerate(zip(codes.T, plain.counts, strict=True)):
        for number, start in enumerate(starts):
            inside = np.bincount(column[start : start + window], minlength=len(counts))
            terms = index_terms(inside, window, counts - inside, len(codes) - window)
            psi[series, number] = terms.sum()
    return psi


__all__ = [
    "Plain",
    "RingBuffer",
    "by_compares",
    "by_searching",
    "history_by_tables",
    "index_terms",
    "recounted_windows",
]
