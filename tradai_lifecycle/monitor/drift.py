"""The rolling index of all series of a pair, folded into the columns that the policy reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Binned, Codes, Floats, WindowPsi, psi_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLimits:
    """The limits of one monitored series under given settings."""

    moderate: float
    significant: float
    retrain: float
    monitorable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftColumns:
    """What is kept of the rolling PSI of all series, one entry per row `(n,)`.

    The floats are 0 where no series counts, whatever the rows hold; how many rows fill the first window is the
    reader's to know. `beyond_significant` and `beyond_retrain` count the monitorable series beyond these limits.
    """

    psi_max: Floats
    moderate_ratio: Floats
    significant_ratio: Floats
    beyond_significant: NDArray[np.int16]
    beyond_retrain: NDArray[np.int16]
    worst_series: NDArray[np.int16]

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
        )

    def put(self, start: int, other: "DriftColumns", rows: slice) -> None:
        """Write `rows` of `other` over those from `start` on."""
        for field in fields(self):
            part = getattr(other, field.name)[rows]
            getattr(self, field.name)[start : start + len(part)] = part


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


def drift_of(
    codes: Codes, references: Sequence[Binned], limits: Sequence[SeriesLimits], window: int, from_row: int = 0
) -> DriftColumns:
    """The columns of all rows of `codes` `(n, S)`; rows before `from_row` are not asked for and stay empty."""
    first = max(0, min(from_row, len(codes)) - window + 1)
    seen = codes[first:]
    asked = folded(psi_columns(seen, references, window), limits, len(seen))
    drift = DriftColumns.empty(len(codes))
    drift.put(from_row, asked, slice(from_row - first, None))
    return drift


class NewestDrift:
    """The columns of a single row, of one full window of codes: the last row of `drift_of`, to the last bit."""

    def __init__(self, references: Sequence[Binned], limits: Sequence[SeriesLimits]) -> None:
        self._psi = WindowPsi(references)
        self._counted = np.flatnonzero([limit.monitorable for limit in limits])
        counted = [limit for limit in limits if limit.monitorable]
        self._moderate = np.array([limit.moderate for limit in counted])
        self._significant = np.array([limit.significant for limit in counted])
        self._retrain = np.array([limit.retrain for limit in counted])

    def of(self, codes: Codes) -> DriftColumns:
        """One row, from the codes `(window, S)` that end at it."""
        psi = self._psi.of(codes)
        row = DriftColumns.empty(1)
        row.psi_max[0] = psi.max(initial=0.0)
        if len(self._counted):
            self._fold(row, psi[self._counted])
        return row

    def _fold(self, row: DriftColumns, psi: Floats) -> None:
        ratio = psi / self._significant
        worst = int(ratio.argmax())
        row.worst_series[0] = self._counted[worst]
        row.significant_ratio[0] = ratio[worst]
        row.moderate_ratio[0] = (psi / self._moderate).max()
        row.beyond_significant[0] = np.count_nonzero(psi > self._significant)
        row.beyond_retrain[0] = np.count_nonzero(psi > self._retrain)


__all__ = ["DriftColumns", "NewestDrift", "SeriesLimits", "drift_of", "folded"]
