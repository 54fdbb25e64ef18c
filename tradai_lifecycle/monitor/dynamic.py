"""Limits that follow: what a series' own index was in its recent past, its mean and three standard deviations.

The past of a row t are the rows t - n - L + 1 to t - n, where n is the window and L the candles of past. So no window
of the past holds a candle of the window that is judged, and a drift does not lift its own limit while it comes in.

Indices are rounded to units of 2**-20 before they are summed. Sums of whole numbers do not depend on their order: one
batch, a row that goes on from the last and a frame that starts elsewhere agree to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Binned, Codes, Counts, Floats, WindowPsi, psi_columns
from tradai_lifecycle.states import Thresholds

Units = NDArray[np.int64]

#: So many standard deviations above its mean is the limit.
DEVIATIONS = 3.0
# an index is at most ln(2 m) + ln(1 + 2 n), so below 32: the squares of 5,000 of them stay below 2**63
_UNIT = 2.0**-20


def past_candles(window: int, thresholds: Thresholds) -> int:
    """How many rows of past the limits follow: as many as the window has, and 0 where they do not follow."""
    return window if thresholds is Thresholds.DYNAMIC else 0


def index_memory_candles(window: int, past: int) -> int:
    """How many predecessors a row needs for its index, and for its limits where they follow `past` rows."""
    return window - 1 if not past else (window - 1) + (window + past - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """What an index is held against: of one series at many rows, or of many series at one row; broadcast."""

    moderate: Floats | float
    significant: Floats | float
    retrain: Floats | float

    def raised(self, own: Floats) -> "Bounds":
        """The larger of these floors and `own`; NaN where that is unknown."""
        return Bounds(
            moderate=np.maximum(self.moderate, own),
            significant=np.maximum(self.significant, own),
            retrain=np.maximum(self.retrain, own),
        )

    def part(self, rows: slice) -> "Bounds":
        """Those of some of the rows; a bound that all rows share stays as it is."""
        moderate, significant, retrain = (
            bound if isinstance(bound, float) else bound[rows]
            for bound in (self.moderate, self.significant, self.retrain)
        )
        return Bounds(moderate=moderate, significant=significant, retrain=retrain)


def limits_of_past(psi: Floats, window: int, past: int) -> Floats:
    """Mean and three standard deviations of each row's past, `(n,)`, from one series' index `(n,)`.

    NaN in the first `index_memory_candles` rows; `psi` must be known from its row `window` - 1 on.
    """
    limits = np.full(len(psi), np.nan)
    first = index_memory_candles(window, past)
    if len(psi) > first:
        units = _units(psi[window - 1 : len(psi) - window])
        limits[first:] = _limit(_sums(units, past), _sums(units * units, past), past)
    return limits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PastWindows:
    """The past of one row: the index of all S series over it, summed, and its newest and its oldest window, counted.

    `sums` `(2, S)` are of units and of their squares; `newest` and `oldest` `(S, bins)` the windows at its two ends.
    """

    sums: Units
    newest: Counts
    oldest: Counts


class PastIndex:
    """What the limits of one row after another need: changed by two windows per row, kept for none."""

    def __init__(self, series: Sequence[Binned], psi: WindowPsi, window: int, past: int) -> None:
        self._series, self._psi, self._window, self._past = tuple(series), psi, window, past

    def of(self, codes: Codes) -> PastWindows:
        """The past of the row that the codes `(index_memory_candles + 1, S)` end at."""
        window = self._window
        before = codes[:-window]
        units = np.array([_units(psi[window - 1 :]) for psi in psi_columns(before, self._series, window)])
        return PastWindows(
            sums=np.stack([units.sum(axis=1), (units * units).sum(axis=1)]),
            newest=self._psi.counts(before[-window:]),
            oldest=self._psi.counts(before[:window]),
        )

    def go_on(self, past: PastWindows, codes: Codes, row: int) -> None:
        """Let the past of the row before `row` of the frame's `codes` `(n, S)` be that of `row`."""
        window, oldest, newest = self._window, row - self._window - self._past + 1, row - self._window
        _add(past.sums, -1, _units(self._psi.of_counts(past.oldest, window)))
        self._psi.exchange(past.oldest, codes[oldest - window], codes[oldest])
        self._psi.exchange(past.newest, codes[newest - window], codes[newest])
        _add(past.sums, 1, _units(self._psi.of_counts(past.newest, window)))

    def limits(self, past: PastWindows) -> Floats:
        """The limit of each series `(S,)`, as `limits_of_past` has it."""
        return _limit(past.sums[0], past.sums[1], self._past)


def _units(psi: Floats) -> Units:
    return np.rint(psi / _UNIT).astype(np.int64)


def _add(sums: Units, sign: int, units: Units) -> None:
    sums[0] += sign * units
    sums[1] += sign * units * units


# Each `past` of the numbers one after another, summed. Squares of a long history may run over 2**63: their differences
# do not, and are exact.
def _sums(units: Units, past: int) -> Units:
    until = np.zeros(len(units) + 1, dtype=np.int64)
    np.cumsum(units, out=until[1:])
    sums: Units = until[past:] - until[:-past]
    return sums


def _limit(sums: Units, squares: Units, past: int) -> Floats:
    mean: Any = sums / past
    variance = np.maximum(squares / past - mean * mean, 0.0)
    limit: Floats = (mean + DEVIATIONS * np.sqrt(variance)) * _UNIT
    return limit


__all__ = [
    "DEVIATIONS",
    "Bounds",
    "PastIndex",
    "PastWindows",
    "index_memory_candles",
    "limits_of_past",
    "past_candles",
]
