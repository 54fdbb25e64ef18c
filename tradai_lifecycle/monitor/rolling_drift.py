"""The drift columns of one pair's live frames, one after another: what a new candle and a crossed edge change, no more.

A new candle brings a row and takes one from the newest window. A value that crosses an edge changes the index of its
own series over one window of rows: the series' part in the largest of all is taken out and put in anew. Only where it
was itself the largest, and fell, must the others be asked again.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.drift import DriftColumns, DriftMonitor, DriftWindow, SeriesLimits
from tradai_lifecycle.monitor.psi import Binned, Codes, Floats, psi_columns
from tradai_lifecycle.monitor.rolling_codes import Crossing
from tradai_lifecycle.monitor.shift_windows import relation_windows
from tradai_lifecycle.monitor.shifts import ShiftReference

Flags = NDArray[np.bool_]


class RememberedDrift:
    """The columns of `DriftMonitor.of`, to the last bit of every row asked for."""

    def __init__(
        self, series: Sequence[Binned], limits: Sequence[SeriesLimits], relations: ShiftReference, window: int
    ) -> None:
        self._monitor = DriftMonitor(series, limits, relations, window)
        self._series, self._limits, self._window = tuple(series), tuple(limits), window
        self._related = relation_windows(window).slow
        self._columns = DriftColumns.empty(0)
        self._newest: DriftWindow | None = None

    def anew(self, codes: Codes, from_row: int) -> DriftColumns:
        """The columns of a frame's codes `(n, S)`, from nothing."""
        self._newest = self._monitor.window(codes[-self._window :]) if len(codes) >= self._window else None
        self._columns = self._monitor.of(codes, from_row)
        return self._columns

    def next(self, codes: Codes, crossings: Sequence[Crossing], gone: int, from_row: int) -> DriftColumns:
        """The same for a frame that lacks the last one's first `gone` rows."""
        known, from_row = len(self._columns.psi_max) - gone, max(from_row, self._window - 1)
        columns = DriftColumns.empty(len(codes))
        columns.put(from_row, self._columns, slice(from_row + gone, None))
        if any(crossing.rows[-1] >= known - self._window for crossing in crossings):
            self._newest = None
        for row in range(max(known, self._window - 1), len(codes)):
            newest = self._window_at(codes, row)
            if row >= from_row:
                self._monitor.put_row(columns, row, newest)
        self._cross(columns, codes, crossings, from_row, known)
        self._columns = columns
        return columns

    # the windows of rows one after another
    def _window_at(self, codes: Codes, row: int) -> DriftWindow:
        if self._newest is None or row < self._window:
            self._newest = self._monitor.window(codes[row - self._window + 1 : row + 1])
        else:
            self._monitor.go_on(self._newest, codes, row)
        return self._newest

    def _cross(
        self, columns: DriftColumns, codes: Codes, crossings: Sequence[Crossing], from_row: int, known: int
    ) -> None:
        lost = np.zeros(len(codes), dtype=np.bool_)
        for crossing in crossings:
            rows = slice(max(int(crossing.rows[0]), from_row), min(int(crossing.rows[-1]) + self._window, known))
            if rows.start < rows.stop:
                lost[rows] |= self._exchange(columns.part(rows), codes, crossing, rows)
            related = slice(rows.start, min(int(crossing.rows[-1]) + self._related, known))
            if related.start < related.stop and crossing.series < len(self._series) - 1:
                self._monitor.put_relations(columns, codes, related)
        if lost.any():
            again = np.flatnonzero(lost)
            first, end = int(again[0]) - self._window + 1, int(again[-1]) + 1
            anew = self._monitor.of(codes[first:end], self._window - 1)
            columns.put(int(again[0]), anew, slice(self._window - 1, None))

    # Puts a series' new index in the place of its old one; where that does not tell the largest of all, says so.
    def _exchange(self, columns: DriftColumns, codes: Codes, crossing: Crossing, rows: slice) -> Flags:
        index, limit = crossing.series, self._limits[crossing.series]
        before, after = self._psi(crossing.before, index, rows), self._psi(codes[:, index], index, rows)
        lost: Flags = (before == columns.psi_max) & (after < before)
        np.maximum(columns.psi_max, after, out=columns.psi_max)
        if limit.monitorable:
            lost |= _exchange_counted(columns, before, after, index, limit)
        return lost

    def _psi(self, column: Codes, index: int, rows: slice) -> Floats:
        seen = column[rows.start - self._window + 1 : rows.stop, None]
        (psi,) = psi_columns(seen, self._series[index : index + 1], self._window)
        return psi[self._window - 1 :]


def _exchange_counted(columns: DriftColumns, before: Floats, after: Floats, index: int, limit: SeriesLimits) -> Flags:
    old, new = before / limit.moderate, after / limit.moderate
    lost: Flags = (old == columns.moderate_ratio) & (new < old)
    np.maximum(columns.moderate_ratio, new, out=columns.moderate_ratio)
    ratio, worst = after / limit.significant, columns.worst_series
    lost |= (worst == index) & (ratio < columns.significant_ratio)
    # of equal ones the first
    worst[(ratio > columns.significant_ratio) | ((ratio == columns.significant_ratio) & (index < worst))] = index
    np.maximum(columns.significant_ratio, ratio, out=columns.significant_ratio)
    for count, bound in ((columns.beyond_significant, limit.significant), (columns.beyond_retrain, limit.retrain)):
        np.add(count, after > bound, out=count)
        np.subtract(count, before > bound, out=count)
    return lost


__all__ = ["RememberedDrift"]
