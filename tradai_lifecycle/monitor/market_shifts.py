"""How far the market itself has strayed from its recent past, beside how far it ever did in training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradai_lifecycle.monitor.market import Candles, MarketPast, market_values
from tradai_lifecycle.monitor.psi import Codes, Floats, PaddedEdges
from tradai_lifecycle.monitor.shift_windows import market_windows, shift_memory_candles
from tradai_lifecycle.monitor.shifts import ShiftColumns, ShiftMonitor, ShiftReference


class MarketMonitor:
    """The rolling shifts of one pair's market series."""

    def __init__(self, edges: Sequence[Sequence[float]], shifts: ShiftReference, window: int) -> None:
        self._window = window
        self._edges = PaddedEdges(edges)
        self._shifts = ShiftMonitor(shifts, market_windows(window))

    def of(self, candles: Candles, from_row: int = 0) -> ShiftColumns:
        """All rows of the candles; those before `from_row` are not asked for, those without all their memory NaN."""
        memory = shift_memory_candles(self._window)
        first = max(0, min(from_row, len(candles)) - memory)
        columns = self._shifts.of(self._codes(candles.rows(slice(first, None))), max(from_row - first, memory))
        before = np.full(first, np.nan)
        return ShiftColumns(slow=np.concatenate([before, columns.slow]), fast=np.concatenate([before, columns.fast]))

    def each(self, candles: Candles) -> Floats:
        """The slow ratio of every combination `(C,)` at the newest candle; NaN with too few candles."""
        if len(candles) <= shift_memory_candles(self._window):
            return np.full(len(self._shifts.each(np.empty((0, 0), dtype=np.uint8))), np.nan)
        return self._shifts.each(self._codes(candles))

    def _codes(self, candles: Candles) -> Codes:
        return self._edges.codes(market_values(candles, self._window))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    candles: Candles
    codes: Codes
    columns: ShiftColumns


class RememberedMarket(MarketMonitor):
    """The same for a pair's frames one after another: candles that were there before are not read again."""

    def __init__(self, edges: Sequence[Sequence[float]], shifts: ShiftReference, window: int) -> None:
        super().__init__(edges, shifts, window)
        self._last: _Known | None = None
        self._past: MarketPast
        self._sums: Floats | None = None

    def next(self, candles: Candles, gone: int, from_row: int) -> ShiftColumns:
        """As `of`, for a frame that lacks the last one's first `gone` rows; -1: it does not go on from it."""
        last, self._last = self._last, None
        known = -1 if last is None or gone < 0 else len(last.candles) - gone
        if last is None or known < 1 or not candles.go_on_from(last.candles, gone):
            self._past, self._sums = MarketPast(candles, self._window), None
            codes, columns = self._codes(candles), self.of(candles, from_row)
        else:
            codes, columns = self._going_on(last, gone, candles, from_row)
        self._last = _Known(candles=candles, codes=codes, columns=columns)
        return columns

    def _going_on(self, last: _Known, gone: int, candles: Candles, from_row: int) -> tuple[Codes, ShiftColumns]:
        memory, known, rows = shift_memory_candles(self._window), len(last.candles) - gone, len(candles)
        # the changes of a new candle are from the one before it
        newest = self._past.next(candles.rows(slice(known - 1, None)))
        codes = np.concatenate([last.codes[gone:], self._edges.codes(newest)])
        columns = ShiftColumns(slow=np.full(rows, np.nan), fast=np.full(rows, np.nan))
        # as of this frame alone, which does not hold all memory of its first rows
        first = max(memory, from_row)
        columns.slow[first:known], columns.fast[first:known] = (
            column[first + gone :] for column in (last.columns.slow, last.columns.fast)
        )
        if known < first:
            # rows without all their memory are left out, and so are not summed
            self._sums = None
        for row in range(max(first, known), rows):
            columns.slow[row], columns.fast[row] = self._shifts.at(self._sums_at(codes, row))
        return codes, columns

    # of rows one after another
    def _sums_at(self, codes: Codes, row: int) -> Floats:
        if self._sums is None:
            self._sums = self._shifts.sums(codes[: row + 1])
        else:
            self._shifts.go_on(self._sums, codes, row)
        return self._sums


__all__ = ["MarketMonitor", "RememberedMarket"]
