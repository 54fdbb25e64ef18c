"""The rolling index of all series of a pair and the shifts of its relations, folded into what the policy reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Binned, Codes, Counts, Floats, WindowPsi, psi_columns
from tradai_lifecycle.monitor.shift_windows import relation_windows
from tradai_lifecycle.monitor.shifts import ShiftMonitor, ShiftReference


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLimits:
    """The limits of one monitored series under given settings."""

    moderate: float
    significant: float
    retrain: float
    monitorable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftColumns:
    """What is kept of the rolling PSI of all series and of their relations, one entry per row `(n,)`.

    The floats are 0 where no series counts, whatever the rows hold; how many rows fill the first window is the
    reader's to know. `beyond_significant` and `beyond_retrain` count the monitorable series beyond these limits.
    `relation_slow` and `relation_fast` are ratios to the relations' bounds (see `shifts`), NaN before their windows
    are full.
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

    def put(self, start: int, other: "DriftColumns", rows: slice) -> None:
        """Write `rows` of `other` over those from `start` on."""
        for name in _COLUMNS:
            part = getattr(other, name)[rows]
            getattr(self, name)[start : start + len(part)] = part

    def part(self, rows: slice) -> "DriftColumns":
        """Some of the rows; what is written into them is written here."""
        return DriftColumns(**{name: getattr(self, name)[rows] for name in _COLUMNS})


_COLUMNS = tuple(field.name for field in fields(DriftColumns))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftWindow:
    """What the columns of one row are made of: the bins of the window that ends at it, counted, and scores summed.

    `counts` `(S, bins)` are of all series, `sums` `(2, S - 1)` of the features over the windows of the relations. A
    monitor lets them go on from row to row.
    """

    counts: Counts
    sums: Floats


def folded(columns: Iterable[Floats], limits: Sequence[SeriesLimits], rows: int) -> DriftColumns:
    """The columns of `rows` rows from each series' index, taken one series at a time; NaN counts as unknown."""
    drift = DriftColumns.empty(rows)
    for index, (psi, limit) in enumerate(zip(columns, limits, strict=True)):
        # reported for every series, acted on where the limit means something
        np.fmax(drift.psi_max, psi, out=drift.psi_max)
        if limit.monitorable:
            _fold(drift, index, psi, limit)
    return drift


def _fold(drift: DriftColumns, index: int, psi: Floats, limit: SeriesLimits) -> None:
    ratio = psi / limit.significant
    drift.worst_series[(ratio > drift.significant_ratio) | ((drift.worst_series < 0) & ~np.isnan(psi))] = index
    np.fmax(drift.moderate_ratio, psi / limit.moderate, out=drift.moderate_ratio)
    np.fmax(drift.significant_ratio, ratio, out=drift.significant_ratio)
    np.add(drift.beyond_significant, psi > limit.significant, out=drift.beyond_significant)
    np.add(drift.beyond_retrain, psi > limit.retrain, out=drift.beyond_retrain)


class DriftMonitor:
    """The columns of one pair: of a whole history, or of its newest row alone, to the last bit the same."""

    def __init__(
        self, series: Sequence[Binned], limits: Sequence[SeriesLimits], relations: ShiftReference, window: int
    ) -> None:
        self._series, self._limits, self._window = tuple(series), tuple(limits), window
        self._psi = WindowPsi(series)
        self._windows = relation_windows(window)
        self._relations = ShiftMonitor(relations, self._windows)
        self._counted = np.flatnonzero([limit.monitorable for limit in limits])
        counted = [limit for limit in limits if limit.monitorable]
        self._moderate = np.array([limit.moderate for limit in counted])
        self._significant = np.array([limit.significant for limit in counted])
        self._retrain = np.array([limit.retrain for limit in counted])

    def of(self, codes: Codes, from_row: int = 0) -> DriftColumns:
        """All rows of `codes` `(n, S)`, the prediction's last; those before `from_row` are not asked for."""
        first = max(0, min(from_row, len(codes)) - self._window + 1)
        seen = codes[first:]
        asked = folded(psi_columns(seen, self._series, self._window), self._limits, len(seen))
        self.put_relations(asked, seen, slice(from_row - first, len(seen)))
        drift = DriftColumns.empty(len(codes))
        drift.put(from_row, asked, slice(from_row - first, None))
        return drift

    def newest(self, codes: Codes) -> DriftColumns:
        """One row, from the codes `(window, S)` that end at it."""
        row = DriftColumns.empty(1)
        self.put_row(row, 0, self.window(codes))
        return row

    def window(self, codes: Codes) -> DriftWindow:
        """What a row is made of, from the codes `(window, S)` that end at it."""
        return DriftWindow(counts=self._psi.counts(codes), sums=self._relations.sums(codes[:, :-1]))

    def go_on(self, window: DriftWindow, codes: Codes, row: int) -> None:
        """Let the window that ended just before `row` of the frame's `codes` `(n, S)` end at it."""
        self._psi.exchange(window.counts, codes[row - self._window], codes[row])
        self._relations.go_on(window.sums, codes[:, :-1], row)

    def put_row(self, drift: DriftColumns, row: int, window: DriftWindow) -> None:
        """Write the row at which a window ends."""
        psi = self._psi.of_counts(window.counts, self._window)
        drift.psi_max[row] = psi.max(initial=0.0)
        if len(self._counted):
            self._fold_row(drift, row, psi[self._counted])
        drift.relation_slow[row], drift.relation_fast[row] = self._relations.at(window.sums)

    def _fold_row(self, drift: DriftColumns, row: int, psi: Floats) -> None:
        ratio = psi / self._significant
        worst = int(ratio.argmax())
        drift.worst_series[row] = self._counted[worst]
        drift.significant_ratio[row] = ratio[worst]
        drift.moderate_ratio[row] = (psi / self._moderate).max()
        drift.beyond_significant[row] = np.count_nonzero(psi > self._significant)
        drift.beyond_retrain[row] = np.count_nonzero(psi > self._retrain)

    def put_relations(self, drift: DriftColumns, codes: Codes, rows: slice) -> None:
        """Write the relations' columns of these rows of `codes` `(n, S)`."""
        first = max(0, rows.start - self._windows.slow + 1)
        shifts = self._relations.of(codes[first : rows.stop, :-1], rows.start - first)
        drift.relation_slow[rows] = shifts.slow[rows.start - first :]
        drift.relation_fast[rows] = shifts.fast[rows.start - first :]


__all__ = ["DriftColumns", "DriftMonitor", "DriftWindow", "SeriesLimits", "folded"]
