"""The drift columns of one pair's live frames, one after another: what a new candle and a crossed edge change, no more.

A new candle brings a row and takes one from the newest window. A value that crosses an edge changes the index of its
own series over one window of rows, and limits that follow the past for as long as it is theirs: the series' part in
the largest of all is taken out and put in anew. Only where it was itself the largest, and fell, must the others be
asked again.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.drift import DriftColumns, DriftMonitor, DriftWindow, SeriesLimits
from tradai_lifecycle.monitor.dynamic import Bounds
from tradai_lifecycle.monitor.psi import Binned, Codes, Counts, Floats, psi_columns, series_psi
from tradai_lifecycle.monitor.rolling_codes import Crossing
from tradai_lifecycle.monitor.rolling_columns import KeptColumns
from tradai_lifecycle.monitor.shift_windows import relation_slow_window
from tradai_lifecycle.monitor.shifts import ShiftReference

# of no more rows than this part of a window an index is counted row by row
_FEW_PART = 4

Flags = NDArray[np.bool_]
#: An index and what it is held against.
Judged = tuple[Floats, Bounds]


class RememberedDrift:
    """The columns of `DriftMonitor.of`, to the last bit of every row asked for."""

    def __init__(
        self, series: Sequence[Binned], limits: Sequence[SeriesLimits], relations: ShiftReference, window: int
    ) -> None:
        self._monitor = DriftMonitor(series, limits, relations, window)
        self._series, self._limits, self._window = tuple(series), tuple(limits), window
        self._related, self._few = relation_slow_window(window), max(window // _FEW_PART, 1)
        self._rows = 0
        self._columns: KeptColumns[DriftColumns]
        #: of the newest frame, which the next one writes into
        self.significant_ratio: Floats
        self._newest: DriftWindow | None = None

    def anew(self, codes: Codes, from_row: int) -> DriftColumns:
        """The columns of a frame's codes `(n, S)`, from nothing; good until the next frame."""
        self._newest = self._monitor.window(codes) if len(codes) > self._monitor.memory else None
        columns = self._monitor.of(codes, max(from_row, self._window - 1))
        self._rows, self.significant_ratio = len(codes), columns.significant_ratio
        self._columns = KeptColumns(columns, self._rows, DriftColumns.empty)
        return columns

    def next(self, codes: Codes, crossings: Sequence[Crossing], gone: int, from_row: int) -> DriftColumns:
        """The same for a frame that lacks the last one's first `gone` rows."""
        known, from_row = self._rows - gone, max(from_row, self._window - 1)
        columns, self._rows = self._columns.go_on(gone, len(codes), from_row), len(codes)
        self.significant_ratio = columns.significant_ratio
        if from_row < self._monitor.memory:
            # what begins this frame no longer has the past that its limits followed
            columns.forget_limits(slice(from_row, self._monitor.memory))
        if any(crossing.rows[-1] >= known - 1 - self._monitor.memory for crossing in crossings):
            self._newest = None
        for row in range(max(known, self._window - 1), len(codes)):
            newest = self._window_at(codes, row)
            if row >= from_row:
                self._monitor.put_row(columns, row, newest)
        if crossings:
            self._cross(columns, codes, crossings, from_row, known)
        return columns

    @property
    def newest_counts(self) -> Counts | None:
        """The newest frame's last window, counted `(S, bins)`: good until the next frame. None where it is unknown."""
        return self._newest.counts if self._newest is not None else None

    # the windows of rows one after another
    def _window_at(self, codes: Codes, row: int) -> DriftWindow:
        memory = self._monitor.memory
        if self._newest is None or row <= memory:
            self._newest = self._monitor.window(codes[max(0, row - memory) : row + 1])
        else:
            self._monitor.go_on(self._newest, codes, row)
        return self._newest

    def _cross(
        self, columns: DriftColumns, codes: Codes, crossings: Sequence[Crossing], from_row: int, known: int
    ) -> None:
        lost = np.zeros(len(codes), dtype=np.bool_)
        for crossing in crossings:
            end = int(crossing.rows[-1]) + self._monitor.memory + 1
            rows = slice(max(int(crossing.rows[0]), from_row), min(end, known))
            if rows.start < rows.stop:
                lost[rows] |= self._exchange(columns.part(rows), codes, crossing, rows)
            related = slice(rows.start, min(int(crossing.rows[-1]) + self._related, known))
            if related.start < related.stop and crossing.series < len(self._series) - 1:
                self._monitor.put_relations(columns, codes, related)
        if lost.any():
            again = np.flatnonzero(lost)
            first, end = max(0, int(again[0]) - self._monitor.memory), int(again[-1]) + 1
            anew = self._monitor.of(codes[first:end], int(again[0]) - first)
            columns.put(int(again[0]), anew, slice(int(again[0]) - first, None))

    # Puts a series' new index in the place of its old one; where that does not tell the largest of all, says so.
    def _exchange(self, columns: DriftColumns, codes: Codes, crossing: Crossing, rows: slice) -> Flags:
        index = crossing.series
        before, old = self._judged(crossing.before, index, rows)
        after, new = self._judged(codes[:, index], index, rows)
        lost: Flags = (before == columns.psi_max) & (after < before)
        np.maximum(columns.psi_max, after, out=columns.psi_max)
        if self._limits[index].monitorable:
            lost |= _exchange_counted(columns, index, (before, old), (after, new))
        return lost

    # the index of some rows and what it is held against there
    def _judged(self, column: Codes, index: int, rows: slice) -> Judged:
        first, limits = max(0, rows.start - self._monitor.memory), self._limits[index]
        if not limits.past_candles and rows.stop - rows.start <= self._few:
            first = rows.start - self._window + 1
            return series_psi(column[first : rows.stop], self._series[index], self._window), limits.bounds
        (psi,) = psi_columns(column[first : rows.stop, None], self._series[index : index + 1], self._window)
        asked = slice(rows.start - first, None)
        return psi[asked], limits.over(psi, self._window).part(asked)


# NaN are limits that are not known yet: they set nothing
def _exchange_counted(columns: DriftColumns, index: int, before: Judged, after: Judged) -> Flags:
    (gone, old_bounds), (come, bounds) = before, after
    old, new = gone / old_bounds.moderate, come / bounds.moderate
    lost: Flags = (old == columns.moderate_ratio) & (new < old)
    np.fmax(columns.moderate_ratio, new, out=columns.moderate_ratio)
    ratio, worst = come / bounds.significant, columns.worst_series
    lost |= (worst == index) & (ratio < columns.significant_ratio)
    # of equal ones the first
    worst[(ratio > columns.significant_ratio) | ((ratio == columns.significant_ratio) & (index < worst))] = index
    np.fmax(columns.significant_ratio, ratio, out=columns.significant_ratio)
    for count, limit, old_limit in (
        (columns.beyond_significant, bounds.significant, old_bounds.significant),
        (columns.beyond_retrain, bounds.retrain, old_bounds.retrain),
    ):
        np.add(count, come > limit, out=count)
        np.subtract(count, gone > old_limit, out=count)
    return lost


__all__ = ["RememberedDrift"]
