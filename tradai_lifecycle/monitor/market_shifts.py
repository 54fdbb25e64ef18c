"""How far the market itself has strayed from its recent past, beside how far it ever did in training."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from tradai_lifecycle.monitor.market import MARKET_SERIES, Candles, MarketPast, market_values
from tradai_lifecycle.monitor.psi import Codes, Floats, PaddedEdges
from tradai_lifecycle.monitor.rolling_columns import KeptColumns
from tradai_lifecycle.monitor.shift_windows import market_slow_window, shift_memory_candles
from tradai_lifecycle.monitor.shifts import ShiftColumns, ShiftMonitor, ShiftReference


class MarketMonitor:
    """The rolling shifts of one pair's market series."""

    def __init__(self, edges: Sequence[Sequence[float]], shifts: ShiftReference, window: int) -> None:
        self._window = window
        self._edges = PaddedEdges(edges)
        self._shifts = ShiftMonitor(shifts, market_slow_window(window))

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
class _MarketColumns:
    """The bins of the market's series `(n, 5)` and their shifts `(n,)`."""

    codes: Codes
    slow: Floats
    fast: Floats

    @classmethod
    def empty(cls, rows: int) -> "_MarketColumns":
        """Nothing known in any row."""
        codes = np.zeros((rows, len(MARKET_SERIES)), dtype=np.uint8)
        return cls(codes=codes, slow=np.full(rows, np.nan), fast=np.full(rows, np.nan))

    def part(self, rows: slice) -> "_MarketColumns":
        """Some of the rows; what is written into them is written here."""
        return _MarketColumns(codes=self.codes[rows], slow=self.slow[rows], fast=self.fast[rows])

    def put(self, start: int, other: "_MarketColumns", rows: slice = slice(None)) -> None:
        """Write `rows` of `other` over those from `start` on."""
        end = start + len(other.slow[rows])
        self.codes[start:end] = other.codes[rows]
        self.slow[start:end], self.fast[start:end] = other.slow[rows], other.fast[rows]


class RememberedMarket(MarketMonitor):
    """The same for a pair's frames one after another: candles that were there before are not read again."""

    def __init__(self, edges: Sequence[Sequence[float]], shifts: ShiftReference, window: int) -> None:
        super().__init__(edges, shifts, window)
        self._each_edges, self._memory = tuple(edges), shift_memory_candles(window)
        self._last: Candles | None = None
        self._past: MarketPast
        self._columns: KeptColumns[_MarketColumns]
        self._sums: Floats | None = None

    def next(self, candles: Candles, gone: int, from_row: int) -> ShiftColumns:
        """As `of`, for a frame that lacks the last one's first `gone` rows; -1: it does not go on from it.

        Good until the next frame. The candles are kept, and must not be changed.
        """
        last, self._last = self._last, None
        if last is None or gone < 0 or not candles.go_on_from(last, gone):
            columns = self._anew(candles, from_row)
        else:
            columns = self._going_on(gone, len(last) - gone, candles, from_row)
        self._last = candles
        return ShiftColumns(slow=columns.slow, fast=columns.fast)

    def _anew(self, candles: Candles, from_row: int) -> _MarketColumns:
        self._past, self._sums = MarketPast(candles, self._window), None
        shifts = self.of(candles, from_row)
        columns = _MarketColumns(codes=self._codes(candles), slow=shifts.slow, fast=shifts.fast)
        self._columns = KeptColumns(columns, len(candles), _MarketColumns.empty)
        return columns

    def _going_on(self, gone: int, known: int, candles: Candles, from_row: int) -> _MarketColumns:
        rows, first = len(candles), max(self._memory, from_row)
        columns = self._columns.go_on(gone, rows, 0)
        # as of this frame alone, which does not hold all memory of its first rows
        columns.slow[max(first - gone, 0) : first] = columns.fast[max(first - gone, 0) : first] = np.nan
        if known < first:
            # rows without all their memory are left out, and so are not summed
            self._sums = None
        for row in range(known, rows):
            columns.codes[row] = self._codes_of_one(self._past.next(candles.at(row)))
            if row >= first:
                columns.slow[row], columns.fast[row] = self._shifts.at(self._sums_at(columns.codes, row))
        return columns

    # as those of all rows, for one
    def _codes_of_one(self, values: Sequence[float]) -> list[int]:
        return [
            bisect_right(edges, value) if isfinite(value) else len(edges) + 1
            for edges, value in zip(self._each_edges, values, strict=True)
        ]

    # of rows one after another
    def _sums_at(self, codes: Codes, row: int) -> Floats:
        if self._sums is None:
            self._sums = self._shifts.sums(codes[: row + 1])
        else:
            self._shifts.go_on(self._sums, codes, row)
        return self._sums


__all__ = ["MarketMonitor", "RememberedMarket"]
