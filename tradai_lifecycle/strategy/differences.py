"""What is wrong with features that were computed again: which columns differ, by how much, and what they look like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]

#: Values of one column are equal within this share of the column's largest. One code on one set of candles gives equal
#: bits; another processor or library moves the last ones of a rolling sum, far less than this.
RELATIVE_TOLERANCE = 1e-6
#: Steps by which a column is moved to find a lag.
LAGS = (1, 2, 3)
#: Columns that are named; the others are counted.
NAMED_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDifference:
    """One column that is not as stored: on how many of its rows, by how much at most, and what it looks like.

    `largest` is NaN where a value stands against none. `likeness` is empty where nothing was recognised.
    """

    name: str
    rows: int
    rows_compared: int
    largest: float
    likeness: str

    @property
    def words(self) -> str:
        """The finding as one phrase."""
        by = f", by up to {self.largest:.3g}" if np.isfinite(self.largest) else ", a value against none"
        seen = f"{self.rows} of {self.rows_compared} rows{by}"
        return f"{self.name} {self.likeness} ({seen})" if self.likeness else f"{self.name} differs ({seen})"


def differences(
    stored: FloatColumn, computed: FloatColumn, names: Sequence[str], *, unchecked: frozenset[str] = frozenset()
) -> tuple[ColumnDifference, ...]:
    """The columns of `computed` (r, n_features) that differ from `stored`, in order; those in `unchecked` never do.

    A NaN equals a NaN alone, an infinity itself alone.
    """
    odd = [
        column
        for column, name in enumerate(names)
        if name not in unchecked and not equal(stored[:, column], computed[:, column]).all()
    ]
    return tuple(_described(stored, computed, names, column) for column in odd)


def equal(stored: FloatColumn, computed: FloatColumn) -> NDArray[np.bool_]:
    """Rows at which two columns agree within the tolerance, which is a share of the largest finite stored value."""
    finite = np.abs(stored[np.isfinite(stored)])
    allowed = RELATIVE_TOLERANCE * float(finite.max(initial=0.0))
    both_finite = np.isfinite(stored) & np.isfinite(computed)
    distance = np.abs(np.where(both_finite, stored, 0.0) - np.where(both_finite, computed, 0.0))
    alike = (stored == computed) | (np.isnan(stored) & np.isnan(computed))
    return np.asarray(alike | (both_finite & (distance <= allowed)))


def difference_words(found: Sequence[ColumnDifference]) -> str:
    """All that was found in one sentence, those that were recognised first."""
    ordered = sorted(found, key=lambda one: not one.likeness)
    named = [one.words for one in ordered[:NAMED_COLUMNS]]
    more = len(found) - len(named)
    return "; ".join([*named, f"and {more} more"] if more > 0 else named)


def _described(stored: FloatColumn, computed: FloatColumn, names: Sequence[str], column: int) -> ColumnDifference:
    was, now = stored[:, column], computed[:, column]
    wrong = ~equal(was, now)
    finite = wrong & np.isfinite(was) & np.isfinite(now)
    return ColumnDifference(
        name=names[column],
        rows=int(wrong.sum()),
        rows_compared=len(was),
        largest=float(np.abs(was[finite] - now[finite]).max()) if finite.any() else float("nan"),
        likeness=next(_likenesses(stored, now, names, column), ""),
    )


# What the column may have become, the most telling first.
def _likenesses(stored: FloatColumn, now: FloatColumn, names: Sequence[str], column: int) -> Iterator[str]:
    was = stored[:, column]
    for lag in LAGS:
        candles = "1 candle" if lag == 1 else f"{lag} candles"
        if _is(was[:-lag], now[lag:]):
            yield f"is lagged by {candles}"
        if _is(was[lag:], now[:-lag]):
            yield f"is {candles} ahead"
    for other, name in enumerate(names):
        if other != column and _is(stored[:, other], now):
            yield f"looks like {name}"
    yield from _scaled(was, now)


def _scaled(was: FloatColumn, now: FloatColumn) -> Iterator[str]:
    usable = np.isfinite(was) & np.isfinite(now) & (was != 0.0)
    if not usable.any():
        return
    with np.errstate(over="ignore"):
        factor = float(np.median(now[usable] / was[usable]))
        scaled = was * factor
    if factor == 0.0 or not _is(scaled, now):
        return
    yield "has its sign flipped" if abs(factor + 1.0) <= RELATIVE_TOLERANCE else f"is {factor:.6g} times as large"


# A column that stands still is like many others: it tells nothing.
def _is(stored: FloatColumn, computed: FloatColumn) -> bool:
    finite = stored[np.isfinite(stored)]
    return len(finite) > 0 and bool(finite.min() < finite.max()) and bool(equal(stored, computed).all())


__all__ = [
    "RELATIVE_TOLERANCE",
    "ColumnDifference",
    "difference_words",
    "differences",
    "equal",
]
