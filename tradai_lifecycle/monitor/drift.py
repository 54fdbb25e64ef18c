"""The rolling index of all series of a pair and the shifts of its relations, folded into what the policy reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.dynamic import (
    Bounds,
    PastIndex,
    PastWindows,
    index_memory_candles,
    limits_of_past,
)
from tradai_lifecycle.monitor.psi import Binned, Codes, Counts, Floats, WindowPsi, psi_columns
from tradai_lifecycle.monitor.shift_windows import relation_slow_window
from tradai_lifecycle.monitor.shifts import ShiftMonitor, ShiftReference


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLimits:
    """The limits of one monitored series under given settings.

    With `past_candles` they are floors: each row's limits are those of the series' own past where that is higher, and
    unknown before it is full. All series of a pair have the same number.
    """

    moderate: float
    significant: float
    retrain: float
    monitorable: bool
    past_candles: int = 0

    @property
    def bounds(self) -> Bounds:
        """The three as they stand."""
        return Bounds(moderate=self.moderate, significant=self.significant, retrain=self.retrain)

    def over(self, psi: Floats, window: int) -> Bounds:
        """The limits at the rows of the series' index `(n,)`, which is known from its row `window` - 1 on."""
        if not self.past_candles:
            return self.bounds
        return self.bounds.raised(limits_of_past(psi, window, self.past_candles))

    def raised(self, own: float) -> "SeriesLimits":
        """These floors raised to the limit of one row's past; NaN where that is unknown."""
        moderate, significant, retrain = (
            float(np.maximum(floor, own)) for floor in (self.moderate, self.significant, self.retrain)
        )
        return replace(self, moderate=moderate, significant=significant, retrain=retrain)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftColumns:
    """What is kept of the rolling PSI of all series and of their relations, one entry per row `(n,)`.

    The floats are 0 where no series counts or the limits are unknown, whatever the rows hold; how many rows fill the
    first window, and the past that limits follow, is the reader's to know. `beyond_significant` and `beyond_retrain`
    count the monitorable series beyond these limits. `relation_slow` and `relation_fast` are ratios to the relations'
    bounds (see `shifts`), NaN before their windows are full.
    """

    psi_max: Floats
    moderate_ratio: Floats
    significant_ratio: Floats
    beyond_significant: NDArray[np.int16]
    beyond_retrain: NDArray[np.int16]
    worst_series: NDArray[np.int16]
    relation_slow: Floats
    relation_fast: Floats

    @classmethod
    def empty(cls, rows: int) -> "DriftColumns":
        """Columns of `rows` rows of which nothing is known yet."""
        return cls(
            psi_max=np.zeros(rows),
            moderate_ratio=np.zeros(rows),
            significant_ratio=np.zeros(rows),
            beyond_significant=np.zeros(rows, dtype=np.int16),
            beyond_retrain=np.zeros(rows, dtype=np.int16),
            worst_series=np.full(rows, -1, dtype=np.int16),
            relation_slow=np.full(rows, np.nan),
            relation_fast=np.full(rows, np.nan),
        )

    def put(self, start: int, other: "DriftColumns", rows: slice = slice(None)) -> None:
        """Write `rows` of `other` over those from `start` on."""
        for name in _COLUMNS:
            part = getattr(other, name)[rows]
            getattr(self, name)[start : start + len(part)] = part

    def forget_limits(self, rows: slice) -> None:
        """Empty what limits decide: in these rows they are unknown."""
        empty = DriftColumns.empty(len(self.psi_max[rows]))
        for name in _OF_LIMITS:
            getattr(self, name)[rows] = getattr(empty, name)

    def part(self, rows: slice) -> "DriftColumns":
        """Some of the rows; what is written into them is written here."""
        return DriftColumns(**{name: getattr(self, name)[rows] for name in _COLUMNS})


_COLUMNS = tuple(field.name for field in fields(DriftColumns))
_OF_LIMITS = ("moderate_ratio", "significant_ratio", "beyond_significant", "beyond_retrain", "worst_series")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftWindow:
    """What the columns of one row are made of: the bins of the window that ends at it, counted, and scores summed.

    `counts` `(S, bins)` are of all series, `sums` `(2, S - 1)` of the features over the windows of the relations;
    `past` is what the limits follow, None where they follow nothing or it is not full. A monitor lets them go on from
    row to row.
    """

    counts: Counts
    sums: Floats
    past: PastWindows | None


def folded(columns: Iterable[Floats], limits: Sequence[SeriesLimits], rows: int, window: int) -> DriftColumns:
    """The columns of `rows` rows from each series' index over `window` rows, taken one series at a time.

    NaN counts as unknown.
    """
    drift = DriftColumns.empty(rows)
    for index, (psi, limit) in enumerate(zip(columns, limits, strict=True)):
        # reported for every series, acted on where the limit means something
        np.fmax(drift.psi_max, psi, out=drift.psi_max)
        if limit.monitorable:
            _fold(drift, index, psi, limit.over(psi, window))
    return drift


def _fold(drift: DriftColumns, index: int, psi: Floats, bounds: Bounds) -> None:
    ratio = psi / bounds.significant
    drift.worst_series[(ratio > drift.significant_ratio) | ((drift.worst_series < 0) & ~np.isnan(ratio))] = index
    np.fmax(drift.moderate_ratio, psi / bounds.moderate, out=drift.moderate_ratio)
    np.fmax(drift.significant_ratio, ratio, out=drift.significant_ratio)
    np.add(drift.beyond_significant, psi > bounds.significant, out=drift.beyond_significant)
    np.add(drift.beyond_retrain, psi > bounds.retrain, out=drift.beyond_retrain)


def limits_at(
    codes: Codes, series: Sequence[Binned], limits: Sequence[SeriesLimits], window: int
) -> tuple[SeriesLimits, ...]:
    """The limits at the row that the codes `(n, S)` end at; NaN where they follow a past that is not full."""
    past = _past_of(limits)
    if not past:
        return tuple(limits)
    own, memory = np.full(len(limits), np.nan), index_memory_candles(window, past)
    if len(codes) > memory:
        index = PastIndex(series, WindowPsi(series), window, past)
        own = index.limits(index.of(codes[-memory - 1 :]))
    return tuple(limit.raised(float(of_past)) for limit, of_past in zip(limits, own, strict=True))


def _past_of(limits: Sequence[SeriesLimits]) -> int:
    return max((limit.past_candles for limit in limits), default=0)


class DriftMonitor:
    """The columns of one pair: of a whole history, or of its newest row alone, to the last bit the same."""

    def __init__(
        self, series: Sequence[Binned], limits: Sequence[SeriesLimits], relations: ShiftReference, window: int
    ) -> None:
        self._series, self._limits, self._window = tuple(series), tuple(limits), window
        self._psi = WindowPsi(series)
        self._slow_window = relation_slow_window(window)
        self._relations = ShiftMonitor(relations, self._slow_window)
        self._counted = np.flatnonzero([limit.monitorable for limit in limits])
        past = _past_of(limits)
        self.memory = index_memory_candles(window, past)
        self._past = PastIndex(series, self._psi, window, past) if past else None
        self._bounds = _of_all([limit for limit in limits if limit.monitorable])

    def of(self, codes: Codes, from_row: int = 0) -> DriftColumns:
        """All rows of `codes` `(n, S)`, the prediction's last; those before `from_row` are not asked for."""
        first = max(0, min(from_row, len(codes)) - self.memory)
        seen, window = codes[first:], self._window
        asked = folded(psi_columns(seen, self._series, window), self._limits, len(seen), window)
        self.put_relations(asked, seen, slice(from_row - first, len(seen)))
        drift = DriftColumns.empty(len(codes))
        drift.put(from_row, asked, slice(from_row - first, None))
        return drift

    def newest(self, codes: Codes) -> DriftColumns:
        """One row, from the codes `(memory + 1, S)` that end at it."""
        row = DriftColumns.empty(1)
        self.put_row(row, 0, self.window(codes))
        return row

    def window(self, codes: Codes) -> DriftWindow:
        """What a row is made of, from the codes `(n, S)` that end at it.

        At least a window of them, and `memory + 1` where limits are to be known that follow the past.
        """
        window = codes[-self._window :]
        past = self._past.of(codes[-self.memory - 1 :]) if self._past and len(codes) > self.memory else None
        return DriftWindow(counts=self._psi.counts(window), sums=self._relations.sums(window[:, :-1]), past=past)

    def go_on(self, window: DriftWindow, codes: Codes, row: int) -> None:
        """Let the window that ended just before `row`, beyond `memory`, of the frame's `codes` `(n, S)` end at it."""
        self._psi.exchange(window.counts, codes[row - self._window], codes[row])
        self._relations.go_on(window.sums, codes[:, :-1], row)
        if self._past and window.past:
            self._past.go_on(window.past, codes, row)

    def put_row(self, drift: DriftColumns, row: int, window: DriftWindow) -> None:
        """Write the row at which a window ends."""
        psi = self._psi.of_counts(window.counts, self._window)
        drift.psi_max[row] = psi.max(initial=0.0)
        if len(self._counted) and (window.past or not self._past):
            self._fold_row(drift, row, psi[self._counted], self._bounds_at(window))
        drift.relation_slow[row], drift.relation_fast[row] = self._relations.at(window.sums)

    def _bounds_at(self, window: DriftWindow) -> Bounds:
        if not self._past or not window.past:
            return self._bounds
        return self._bounds.raised(self._past.limits(window.past)[self._counted])

    def _fold_row(self, drift: DriftColumns, row: int, psi: Floats, bounds: Bounds) -> None:
        ratio = psi / bounds.significant
        worst = int(ratio.argmax())
        drift.worst_series[row] = self._counted[worst]
        drift.significant_ratio[row] = ratio[worst]
        drift.moderate_ratio[row] = (psi / bounds.moderate).max()
        drift.beyond_significant[row] = np.count_nonzero(psi > bounds.significant)
        drift.beyond_retrain[row] = np.count_nonzero(psi > bounds.retrain)

    def put_relations(self, drift: DriftColumns, codes: Codes, rows: slice) -> None:
        """Write the relations' columns of these rows of `codes` `(n, S)`."""
        first = max(0, rows.start - self._slow_window + 1)
        shifts = self._relations.of(codes[first : rows.stop, :-1], rows.start - first)
        drift.relation_slow[rows] = shifts.slow[rows.start - first :]
        drift.relation_fast[rows] = shifts.fast[rows.start - first :]


# of some series at one row, each an array
def _of_all(limits: Sequence[SeriesLimits]) -> Bounds:
    return Bounds(
        moderate=np.array([limit.moderate for limit in limits]),
        significant=np.array([limit.significant for limit in limits]),
        retrain=np.array([limit.retrain for limit in limits]),
    )


__all__ = ["DriftColumns", "DriftMonitor", "DriftWindow", "SeriesLimits", "folded", "limits_at"]
