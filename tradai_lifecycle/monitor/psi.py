"""Population stability index of many features at once, over one batch or rolling, from integer counts alone.

The index of a feature is the sum over its bins of (q - p) * ln(q / p): p is the share of a bin in training, q in the
live window (Siddiqi 2006; its distribution without drift: Yurdakul 2018). Two choices keep it honest on short windows.

* q is smoothed towards the reference, q = (k + a * p) / (n + a) with a = half the number of value bins, so that one
  empty bin does not decide the sum. A fixed epsilon would: it adds ln(p / epsilon) * p for every empty bin.
* p is the plain training share. A bin that training left empty counts as half a candle, and as nothing while the live
  window leaves it empty too; so shares equal to the reference give zero.

A window's counts are integers and pick their terms from a table, summed in the order of the bins. Hence one batch, a
rolling pass and a frame that starts elsewhere agree to the last bit.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from math import inf, nextafter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]
Counts = NDArray[np.int64]

#: Of a distance that proves something so much is believed: it loses more than the rounding of a few differences.
BELIEVED = 1.0 - 1e-9
#: Value bins of a feature with enough distinct values.
BINS = 10
# a block of rows this long stays in the cache while each edge is compared with it
_ROWS_PER_BLOCK = 8_192


class Binned(Protocol):
    """A series cut into bins. FeatureReference is one."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Interior edges, strictly increasing: a value belongs to the bin whose lower edge is the last one <= it."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Training rows per bin: len(edges) + 1 value bins, then the bin of NaN and infinities."""


def interior_edges(values: NDArray[Any]) -> tuple[float, ...]:
    """The interior bin edges of a training series `(m,)`; non-finite values are left out.

    More than ten distinct values: the deciles, as values that occur, equal ones merged, an atom at the minimum kept
    in a bin of its own. Up to ten: the mid-points between neighbours. One value c: three bins, below c, c, above c.
    Raises ValueError when no value is finite.
    """
    finite = np.sort(values[np.isfinite(values)].astype(np.float64))
    distinct = np.unique(finite)
    if distinct.size == 0:
        raise ValueError("no finite value to bin")
    if distinct.size == 1:
        return _edges_round(float(distinct[0]))
    if distinct.size <= BINS:
        return _edges_between(distinct)
    edges = np.unique(finite[np.arange(1, BINS) * finite.size // BINS])
    if edges[0] == distinct[0]:
        edges[0] = distinct[1]
    return tuple(np.unique(edges).tolist())


def _edges_round(constant: float) -> tuple[float, ...]:
    above = nextafter(constant, inf)
    return (constant, above) if above < inf else (constant,)


def _edges_between(distinct: Floats) -> tuple[float, ...]:
    lower, upper = distinct[:-1], distinct[1:]
    middle = lower / 2 + upper / 2
    # between neighbouring floats there is no middle: the upper one is its own edge
    return tuple(np.where((lower < middle) & (middle <= upper), middle, upper).tolist())


class PaddedEdges:
    """The interior edges of several series in one table, for values that are binned again and again.

    The bin `code` of a series lies between the columns `code` and `code + 1` of its row of `bounds`.
    """

    def __init__(self, edges: Sequence[Sequence[float]]) -> None:
        self._table = padded(edges, np.inf, np.float64)
        self._columns = self._table.T.copy()
        self.bounds = np.full((len(self._table), self._table.shape[1] + 3), np.inf)
        self.bounds[:, 0], self.bounds[:, 1:-2] = -np.inf, self._table
        self._first_bounds = np.arange(len(self.bounds)) * self.bounds.shape[1]
        self._beyond = np.array([len(series_edges) + 1 for series_edges in edges], dtype=np.uint8)[:, None]

    def codes(self, values: NDArray[Any], series: slice | NDArray[np.intp] = slice(None)) -> Codes:
        """Bin codes `(n, s)` of `values` `(n, s)`, the columns of the chosen `series`, as `edge_codes` numbers them."""
        table, beyond = self._table[series], self._beyond[series]
        if values.ndim != 2 or values.shape[1] != len(table):
            raise ValueError(f"values of shape {values.shape} do not fit {len(table)} binned series")
        codes = np.empty((len(table), len(values)), dtype=np.uint8)
        for start in range(0, len(values), _ROWS_PER_BLOCK):
            block = np.ascontiguousarray(values[start : start + _ROWS_PER_BLOCK].T, dtype=np.float64)
            codes[:, start : start + _ROWS_PER_BLOCK] = _block_codes(block, table, beyond)
        return codes.T

    def of_few(self, values: Floats) -> tuple[Codes, Floats]:
        """The codes of few rows `(n, S)` of all series, and their room: as `codes` and `room`, in one go.

        Each value meets all edges at once.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            away = values[:, None, :] - self._columns
        codes: Codes = (away >= 0.0).sum(axis=1, dtype=np.uint8)
        room: Floats = np.abs(away, out=away).min(axis=1, initial=np.inf)
        finite = np.isfinite(values)
        if not finite.all():
            np.copyto(codes, self._beyond.T, where=~finite)
            room[~finite] = 0.0
        return codes, room

    def one(self, values: Floats, series: int) -> tuple[Codes, float]:
        """The codes of one series' values `(n,)`, and their room: as `codes` and the least `room` of a column."""
        values, bounds = np.ascontiguousarray(values), self.bounds[series, : self._beyond[series, 0] + 1]
        codes = bounds[1:-1].searchsorted(values, side="right")
        with np.errstate(over="ignore", invalid="ignore"):
            away = float(np.minimum(values - bounds[codes], bounds[codes + 1] - values).min(initial=np.inf))
        # the distance of an infinite value from its bound is not a number either
        if np.isnan(away):
            codes[~np.isfinite(values)] = len(bounds) - 1
            away = 0.0
        return codes.astype(np.uint8), away

    def room(self, values: Floats, codes: Codes) -> Floats:
        """How far each value `(n, S)` is from an edge: by less than that it moves within the bin of its code.

        0 for a value that is not finite.
        """
        lower = codes + self._first_bounds
        bounds = self.bounds.ravel()
        with np.errstate(invalid="ignore", over="ignore"):
            room: Floats = np.minimum(values - bounds.take(lower), bounds.take(lower + 1) - values)
        finite = np.isfinite(values)
        if not finite.all():
            room[~finite] = 0.0
        return room


def edge_codes(values: NDArray[Any], edges: Sequence[Sequence[float]]) -> Codes:
    """Bin codes `(n, F)` of `values` `(n, F)` for F lists of interior edges.

    Value bins are numbered from 0; NaN and infinities get the code after the last value bin. Raises ValueError when the
    number of columns is not the number of edge lists.
    """
    return PaddedEdges(edges).codes(values)


def _block_codes(block: Floats, edges: Floats, beyond: Codes) -> Codes:
    codes, above = np.zeros(block.shape, dtype=np.uint8), np.empty(block.shape, dtype=np.bool_)
    for edge in edges.T:
        np.greater_equal(block, edge[:, None], out=above)
        # as numbers: adding truths to numbers would convert them first
        np.add(codes, above.view(np.uint8), out=codes)
    finite = np.isfinite(block)
    if not finite.all():
        np.copyto(codes, beyond, where=~finite)
    return codes


def bin_codes(values: NDArray[Any], references: Sequence[Binned]) -> Codes:
    """Bin codes `(n, F)` of `values` `(n, F)`; integers and booleans are read as floats.

    A code counts the edges at or below the value, so values outside the training range fall into the outer bins; NaN
    and infinities get the last code. Raises ValueError when columns and references differ in number.
    """
    return edge_codes(values, [reference.edges for reference in references])


def psi_terms(observed: NDArray[Any], window: int, reference: NDArray[Any], total: Any, value_bins: Any) -> Floats:
    """The terms of the index for `observed` counts of a window and `reference` counts of `total` training rows.

    All broadcast; `value_bins` is the number of bins without the one of NaN and infinities. No term is negative, and a
    bin empty on both sides gives 0.
    """
    return _Expected(reference, total, value_bins).terms(observed, window)


class _Expected:
    """What training lets expect of the bins: the part of `psi_terms` that no window changes."""

    def __init__(self, reference: NDArray[Any], total: Any, value_bins: Any) -> None:
        self._prior = value_bins / 2
        self._window, self._smoothed = 0, self._prior
        self._shares = np.maximum(reference, 0.5) / total
        self._weighted_prior = self._prior * self._shares
        # below so many smoothed candles of the window a bin is as empty as training left it
        self._least = np.where(reference == 0, self._weighted_prior + 0.5, -np.inf)

    def terms(self, observed: NDArray[Any], window: int) -> Floats:
        """As `psi_terms` for a window's `observed` counts, in an array of its own."""
        terms: Floats = np.add(observed, self._weighted_prior, order="C")
        empty = terms < self._least
        if window != self._window:
            self._window, self._smoothed = window, window + self._prior
        terms /= self._smoothed
        logarithms = np.log(terms / self._shares)
        terms -= self._shares
        terms *= logarithms
        np.putmask(terms, empty, 0.0)
        return terms


# One row per bin, one column per count from 0 to the window. Kept: a bot asks for the same tables with every candle;
# 100 pairs of 200 features at window 500 take half a gigabyte, so no more than the tables of about 20 such pairs stay.
@lru_cache(maxsize=4_096)
def _term_table(reference_counts: tuple[int, ...], window: int) -> Floats:
    counts = np.array(reference_counts, dtype=np.int64)[:, None]
    observed = np.arange(window + 1)[None, :]
    table = psi_terms(observed, window, counts, max(1, int(counts.sum())), len(counts) - 1)
    table.setflags(write=False)
    return table


def psi_columns(codes: Codes, references: Sequence[Binned], window: int) -> Iterator[Floats]:
    """The rolling index of one series after another, each `(n,)`, NaN in the first `window` - 1 rows.

    Only one series is in memory at a time. Raises ValueError for a window below 1 or another number of columns.
    """
    _check_codes(codes, references)
    if window < 1:
        raise ValueError(f"a window of {window} candles holds nothing")
    for column, reference in zip(codes.T, references, strict=True):
        yield _rolling_column(np.ascontiguousarray(column), _term_table(tuple(reference.counts), window), window)


def _rolling_column(column: Codes, table: Floats, window: int) -> Floats:
    psi = np.full(len(column), np.nan)
    if len(column) < window:
        return psi
    psi[window - 1 :] = 0.0
    until = np.zeros(len(column) + 1, dtype=np.int32)
    for code, terms in enumerate(table):
        np.cumsum(column == code, out=until[1:])
        psi[window - 1 :] += terms.take(until[window:] - until[:-window])
    return psi


def series_psi(column: Codes, reference: Binned, window: int) -> Floats:
    """The index of one series at the rows of `column` `(n,)` from `window` - 1 on, `(n - window + 1,)`.

    As `psi_columns`, to the last bit: that is for many rows, this for few. Raises ValueError for fewer than `window`.
    """
    if not 1 <= window <= len(column):
        raise ValueError(f"{len(column)} rows hold no window of {window} candles")
    bins = np.arange(len(reference.counts))
    changes = (column[window:, None] == bins).astype(np.int64) - (column[:-window, None] == bins)
    first = np.bincount(column[:window], minlength=len(bins))
    counts = np.concatenate([first[None], first + np.cumsum(changes, axis=0)])
    trained = np.array(reference.counts, dtype=np.int64)
    terms = psi_terms(counts.T, window, trained[:, None], max(1, int(trained.sum())), len(bins) - 1)
    return _summed(terms)


def rolling_psi(codes: Codes, references: Sequence[Binned], window: int) -> Floats:
    """The index of every row's last `window` rows, `(n, F)`, at least 0, NaN in the first `window` - 1 rows.

    `codes` `(n, F)` come from `bin_codes`. Row t depends on rows t - window + 1 to t alone. Raises ValueError for a
    window below 1 or another number of columns than references.
    """
    psi = np.empty((len(references), len(codes)))
    for row, column in zip(psi, psi_columns(codes, references, window), strict=True):
        row[:] = column
    return psi.T


def window_psi(codes: Codes, references: Sequence[Binned]) -> Floats:
    """The index `(F,)` of one batch of codes `(n, F)`: the last row of `rolling_psi` with a window of n, bit for bit.

    An empty batch gives NaN. Raises ValueError when columns and references differ in number.
    """
    return WindowPsi(references).of(codes)


class WindowPsi:
    """`window_psi` for batches that come again and again with the same references."""

    def __init__(self, references: Sequence[Binned]) -> None:
        self._references = tuple(references)
        # bins a series does not have are empty on both sides, so they add exactly nothing
        counts: Counts = padded([reference.counts for reference in self._references], 0, np.int64)
        value_bins = np.array([len(reference.counts) - 1 for reference in self._references], dtype=np.int64)
        self._expected = _Expected(counts.T.copy(), np.maximum(1, counts.sum(axis=1)), value_bins)
        self._shape, self._first_bins = counts.shape, np.arange(len(counts)) * counts.shape[1]

    def of(self, codes: Codes) -> Floats:
        """As `window_psi`."""
        return self.of_counts(self.counts(codes), len(codes))

    def counts(self, codes: Codes) -> Counts:
        """How many rows of `codes` `(n, F)` are in each bin, `(F, bins)`."""
        _check_codes(codes, self._references)
        size = self._shape[0] * self._shape[1]
        return np.bincount((codes + self._first_bins).ravel(order="K"), minlength=size).reshape(self._shape)

    def exchange(self, counts: Counts, gone: Codes, come: Codes) -> None:
        """Let a window's counts go on: the codes `gone` `(F,)` leave it, others `come`."""
        flat = counts.reshape(-1)
        flat[self._first_bins + gone] -= 1
        flat[self._first_bins + come] += 1

    def of_counts(self, counts: Counts, rows: int) -> Floats:
        """The index `(F,)` of a batch of `rows` rows that is counted already."""
        if not rows:
            return np.full(len(counts), np.nan)
        return _summed(self._expected.terms(counts.T, rows))


# The terms `(bins, columns)` in the order of the bins: a single column would be added up in another one.
def _summed(terms: Floats) -> Floats:
    psi: Floats = np.add.reduce(terms) if terms.shape[1] > 1 else np.add.accumulate(terms)[-1]
    return psi


def padded(rows: Sequence[Sequence[Any]], filling: Any, kind: type[Any]) -> NDArray[Any]:
    """The rows as a table as wide as the longest of them."""
    lengths = np.array([len(row) for row in rows], dtype=np.intp)
    table = np.full((len(rows), lengths.max(initial=0)), filling, dtype=kind)
    table[np.arange(table.shape[1]) < lengths[:, None]] = np.fromiter(chain.from_iterable(rows), kind, lengths.sum())
    return table


def _check_codes(codes: Codes, references: Sequence[Binned]) -> None:
    if codes.ndim != 2 or codes.shape[1] != len(references):
        raise ValueError(f"codes of shape {codes.shape} do not fit {len(references)} references")


__all__ = [
    "BELIEVED",
    "BINS",
    "Binned",
    "Codes",
    "Counts",
    "Floats",
    "PaddedEdges",
    "WindowPsi",
    "bin_codes",
    "edge_codes",
    "interior_edges",
    "padded",
    "psi_columns",
    "psi_terms",
    "rolling_psi",
    "series_psi",
    "window_psi",
]
