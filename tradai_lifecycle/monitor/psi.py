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
from math import inf, nextafter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint8]

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
    """The interior edges of several series in one table, for values that are binned again and again."""

    def __init__(self, edges: Sequence[Sequence[float]]) -> None:
        self._table = np.full((len(edges), max(map(len, edges), default=0)), np.inf)
        for row, series_edges in zip(self._table, edges, strict=True):
            row[: len(series_edges)] = series_edges
        self._beyond = np.array([[len(series_edges) + 1] for series_edges in edges], dtype=np.uint8).reshape(-1, 1)

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

    def room(self, values: Floats, series: NDArray[np.intp]) -> Floats:
        """How far each column's nearest value is from an edge, `(s,)`: what moves by less stays in its bin.

        0 for a column with a value that is not finite; infinity for one without values.
        """
        room = np.full(len(series), np.inf)
        columns = np.ascontiguousarray(values.T)
        for edge in self._table[series].T:
            with np.errstate(invalid="ignore", over="ignore"):
                np.minimum(room, np.abs(columns - edge[:, None]).min(axis=1, initial=np.inf), out=room)
        return np.where(np.isfinite(columns).all(axis=1), room, 0.0)


def edge_codes(values: NDArray[Any], edges: Sequence[Sequence[float]]) -> Codes:
    """Bin codes `(n, F)` of `values` `(n, F)` for F lists of interior edges.

    Value bins are numbered from 0; NaN and infinities get the code after the last value bin. Raises ValueError when the
    number of columns is not the number of edge lists.
    """
    return PaddedEdges(edges).codes(values)


def _block_codes(block: Floats, padded: Floats, beyond: Codes) -> Codes:
    codes = np.zeros(block.shape, dtype=np.uint8)
    for edge in range(padded.shape[1]):
        codes += block >= padded[:, edge : edge + 1]
    np.copyto(codes, beyond, where=~np.isfinite(block))
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
    prior = value_bins / 2
    expected = np.maximum(reference, 0.5) / total
    share = (observed + prior * expected) / (window + prior)
    terms = (share - expected) * np.log(share / expected)
    return np.where(reference + observed == 0, 0.0, terms)


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
        self._counts = _padded_counts(self._references)
        self._total = np.maximum(1, self._counts.sum(axis=1, keepdims=True))
        self._value_bins = np.array([[len(reference.counts) - 1] for reference in self._references]).reshape(-1, 1)
        self._first_bins = np.arange(len(self._references)) * self._counts.shape[1]

    def of(self, codes: Codes) -> Floats:
        """As `window_psi`."""
        _check_codes(codes, self._references)
        psi = np.full(len(self._references), 0.0 if len(codes) else np.nan)
        if len(codes) == 0 or not self._references:
            return psi
        numbered = np.bincount((codes + self._first_bins).ravel(), minlength=self._counts.size)
        observed = numbered.reshape(self._counts.shape)
        for terms in psi_terms(observed, len(codes), self._counts, self._total, self._value_bins).T:
            psi += terms
        return psi


def _padded_counts(references: Sequence[Binned]) -> NDArray[np.int64]:
    # bins a series does not have are empty on both sides, so they add exactly nothing
    most = max((len(reference.counts) for reference in references), default=0)
    counts = np.zeros((len(references), most), dtype=np.int64)
    for row, reference in zip(counts, references, strict=True):
        row[: len(reference.counts)] = reference.counts
    return counts


def _check_codes(codes: Codes, references: Sequence[Binned]) -> None:
    if codes.ndim != 2 or codes.shape[1] != len(references):
        raise ValueError(f"codes of shape {codes.shape} do not fit {len(references)} references")


__all__ = [
    "BINS",
    "Binned",
    "Codes",
    "Floats",
    "PaddedEdges",
    "WindowPsi",
    "bin_codes",
    "edge_codes",
    "interior_edges",
    "psi_columns",
    "psi_terms",
    "rolling_psi",
    "window_psi",
]
