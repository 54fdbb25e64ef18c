"""The parity alarm: what was logged for a candle against what the same candle gives when it is computed again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.events import Event, ParityAlarm
from tradai_lifecycle.store.records import PredictionRecord
from tradai_lifecycle.strategy.columns import Frame, Judgement, moment

#: Recomputed features may differ by this share of their size: rolling sums over another frame do, by far less.
RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRow:
    """One logged prediction and the features it was made from."""

    candle_ns: int
    version: str
    features: NDArray[np.float64]
    prediction: float


class ParityCheck:
    """Compares the newest logged rows of a pair with its next frame, each row once."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report = report
        self._logged: dict[str, list[LoggedRow]] = {}

    def remember(self, records: Iterable[PredictionRecord]) -> None:
        """Take in rows that were logged before a restart."""
        for record in records:
            row = LoggedRow(
                candle_ns=int(record.candle.timestamp()) * 1_000_000_000,
                version=record.version,
                features=record.features,
                prediction=record.prediction,
            )
            if record.do_predict:
                self._logged.setdefault(record.pair, []).append(row)

    def look_at(self, frame: Frame, judgement: Judgement) -> None:
        """Compare what was logged with `frame`, then remember its newest row."""
        for logged in self._logged.pop(frame.pair, ()):
            self._compare(logged, frame, judgement)
        newest = len(judgement) - 1
        if judgement.do_predict[newest]:
            self._logged[frame.pair] = [
                LoggedRow(
                    candle_ns=int(frame.dates_ns[newest]),
                    version=judgement.version_at(newest),
                    features=frame.features[newest].copy(),
                    prediction=float(judgement.prediction[newest]),
                )
            ]

    def _compare(self, logged: LoggedRow, frame: Frame, judgement: Judgement) -> None:
        row = int(np.searchsorted(frame.dates_ns, logged.candle_ns))
        if row >= len(frame) or frame.dates_ns[row] != logged.candle_ns:
            return
        if judgement.version_at(row) != logged.version or not judgement.do_predict[row]:
            return
        again = frame.features[row]
        if len(again) != len(logged.features):
            return
        recomputed = float(judgement.prediction[row])
        same_row = np.array_equal(again, logged.features)
        if same_row and recomputed == logged.prediction:
            return
        if not same_row and np.allclose(again, logged.features, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE):
            return
        candle = moment(logged.candle_ns)
        self._report(
            ParityAlarm(
                at=candle,
                pair=frame.pair,
                candle=candle.isoformat(),
                version=logged.version,
                logged=logged.prediction,
                recomputed=recomputed,
            )
        )


__all__ = ["LoggedRow", "ParityCheck"]
