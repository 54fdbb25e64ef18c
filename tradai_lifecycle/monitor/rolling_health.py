"""The health of one pair's live frames, one after another: the same as of each frame alone, for a fraction of the work.

A live frame differs from the one before it by a candle, and by the last bits of features whose sums begin elsewhere.
What was known of the older rows is used again only where that is proven to change nothing: a value that moved by less
than its distance from the nearest edge is in the bin it was in, and equal bins give an equal index. Everything else is
computed anew. So nothing depends on which frames were seen before, and a restarted bot decides alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.drift import DriftColumns, NewestDrift, drift_of
from tradai_lifecycle.monitor.health import (
    ALL_ROWS,
    EvidenceAsked,
    HealthColumns,
    HealthSettings,
    check_shapes,
    gathered,
    known_accuracy,
    series_limits,
)
from tradai_lifecycle.monitor.psi import Codes, Floats, PaddedEdges
from tradai_lifecycle.monitor.quality import QualityRules, quality_memory_candles
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.scales import RememberedScales

#: More new candles than this, as after an outage, are judged as a frame of their own.
_MOST_NEW_ROWS = 8
# more than the rounding of a difference
_ROUNDING = 1.0 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What is kept of the last frame. `room` is how far each feature may move before a bin must be looked at again."""

    dates_ns: NDArray[np.int64]
    features: Floats
    codes: Codes
    room: Floats
    drift: DriftColumns
    asked: EvidenceAsked


class RollingHealth:
    """Assesses one pair's frames as `assess` does, to the last bit of every column that is asked for.

    Keeps a reference to the features of the newest frame, which must not be changed afterwards. Not for two threads at
    once.
    """

    def __init__(self, reference: PairReference, settings: HealthSettings) -> None:
        self._reference, self._settings = reference, settings
        self._limits = series_limits(reference, settings)
        self._monitorable = sum(limit.monitorable for limit in self._limits)
        self._edges = PaddedEdges([series.edges for series in reference.series])
        self._newest = NewestDrift(reference.series, self._limits)
        self._scales = RememberedScales(reference.features, settings.window_candles)
        self._rules = QualityRules(reference, settings.candle_ns, self._scales)
        self._last: _Frame | None = None

    def assess(
        self,
        *,
        features: Floats,
        prediction: Floats,
        fit: NDArray[np.bool_],
        realised: Floats,
        dates_ns: NDArray[np.int64],
        close: Floats,
        trained_until_ns: int,
        asked: EvidenceAsked = ALL_ROWS,
    ) -> HealthColumns:
        """As `tradai_lifecycle.monitor.assess` with the reference and settings given here."""
        check_shapes(features, prediction, fit, realised, dates_ns, close)
        judged = np.where(fit, prediction, np.nan)
        drift = self._drift(features, judged, dates_ns, asked)
        return gathered(
            drift=drift,
            monitorable=self._monitorable,
            quality=self._rules.reasons(features, close, dates_ns, asked.quality_from),
            accuracy=known_accuracy(
                judged, np.where(dates_ns > trained_until_ns, realised, np.nan), self._settings, asked
            ),
            settings=self._settings,
            asked=asked,
        )

    def _drift(
        self, features: Floats, judged: Floats, dates_ns: NDArray[np.int64], asked: EvidenceAsked
    ) -> DriftColumns:
        last, self._last = self._last, None
        gone = -1 if last is None else _rows_gone(last, dates_ns, asked, self._settings.window_candles)
        if last is None or gone < 0:
            codes, room, drift = self._anew(features, judged, asked)
        else:
            codes, room, drift = self._going_on(last, gone, features, judged, asked)
        self._last = _Frame(dates_ns=dates_ns, features=features, codes=codes, room=room, drift=drift, asked=asked)
        return drift

    def _anew(self, features: Floats, judged: Floats, asked: EvidenceAsked) -> tuple[Codes, Floats, DriftColumns]:
        self._scales.forget()
        codes = self._edges.codes(np.column_stack([features, judged]))
        seen = slice(self._first_seen(asked), None)
        room = self._edges.room(features[seen], np.arange(features.shape[1]))
        window = self._settings.window_candles
        return codes, room, drift_of(codes, self._reference.series, self._limits, window, asked.drift_from)

    def _going_on(
        self, last: _Frame, gone: int, features: Floats, judged: Floats, asked: EvidenceAsked
    ) -> tuple[Codes, Floats, DriftColumns]:
        first, known = self._first_seen(asked), len(last.features) - gone
        moves = _largest_moves(last.features[first + gone :], features[first:known])
        self._scales.moved(moves)
        codes, room = self._codes(last, gone, features, judged, moves, first)
        flipped = np.flatnonzero((codes[first:known] != last.codes[first + gone :]).any(axis=1)) + first
        return codes, room, self._drift_from(last, gone, codes, flipped, asked)

    def _codes(
        self, last: _Frame, gone: int, features: Floats, judged: Floats, moves: Floats, first: int
    ) -> tuple[Codes, Floats]:
        known = len(last.features) - gone
        codes = np.empty((features.shape[1] + 1, len(features)), dtype=np.uint8).T
        codes[:known] = last.codes[gone:]
        codes[known:, :-1] = self._edges.codes(features[known:], slice(None, -1))
        codes[first:, -1:] = self._edges.codes(judged[first:, None], slice(-1, None))
        # a move that is not a number proves nothing
        moved = np.flatnonzero(~((moves * _ROUNDING < last.room) | (moves == 0.0)))
        room = np.minimum(
            (last.room - moves) / _ROUNDING, self._edges.room(features[known:], np.arange(features.shape[1]))
        )
        if len(moved):
            codes[first:known, moved] = self._edges.codes(features[first:known, moved], moved)
            room[moved] = self._edges.room(features[first:, moved], moved)
        return codes, room

    def _drift_from(
        self, last: _Frame, gone: int, codes: Codes, flipped: NDArray[np.intp], asked: EvidenceAsked
    ) -> DriftColumns:
        rows, known, window = len(codes), len(last.features) - gone, self._settings.window_candles
        drift = DriftColumns.empty(rows)
        from_row = max(asked.drift_from, window - 1)
        drift.put(from_row, last.drift, slice(from_row + gone, None))
        for row in range(max(known, from_row), rows):
            drift.put(row, self._newest.of(codes[row - window + 1 : row + 1]), slice(1))
        if len(flipped):
            start, end = max(int(flipped[0]), from_row), min(int(flipped[-1]) + window, known)
            seen = slice(max(0, start - window + 1), end)
            anew = drift_of(codes[seen], self._reference.series, self._limits, window, start - seen.start)
            drift.put(start, anew, slice(start - seen.start, None))
        return drift

    # the first row that anything asked for depends on
    def _first_seen(self, asked: EvidenceAsked) -> int:
        window = self._settings.window_candles
        return max(0, min(asked.drift_from - window + 1, asked.quality_from - quality_memory_candles(window)))


# How many of the last frame's first rows this one no longer has; -1 where it does not go on from it.
def _rows_gone(last: _Frame, dates_ns: NDArray[np.int64], asked: EvidenceAsked, window: int) -> int:
    if not len(dates_ns) or len(dates_ns) < window or last.asked != asked:
        return -1
    gone = int(np.searchsorted(last.dates_ns, dates_ns[0]))
    known = len(last.dates_ns) - gone
    if not 0 < known <= len(dates_ns) or len(dates_ns) - known > _MOST_NEW_ROWS:
        return -1
    return gone if np.array_equal(last.dates_ns[gone:], dates_ns[:known]) else -1


# Each column's largest move between two frames' shared rows; NaN where one is not a number.
def _largest_moves(before: Floats, after: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        moves: Floats = np.abs(after - before).max(axis=0, initial=0.0)
    return moves


__all__ = ["RollingHealth"]
