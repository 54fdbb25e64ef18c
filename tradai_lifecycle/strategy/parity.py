"""What was logged for a candle against what the same candle gives when it is computed again, candle by candle."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.events import Event, FaultReported, ParityAlarm
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.states import Reason, Unchecked
from tradai_lifecycle.store.records import PredictionRecord
from tradai_lifecycle.strategy.columns import Frame, Judgement, moment
from tradai_lifecycle.strategy.gate import Gate

#: Recomputed features may differ by this share of their size: rolling sums over another frame do, by far less.
RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-9
#: A feature has changed after the fact when it moved by more than this share of its spread over the newest rows.
CHANGED_SHARE = 0.01
SPREAD_ROWS = 500
#: A pair is held back when so many of its last compared rows have changed, and until so many in a row have not.
CHANGED_ROWS = 2
OF_LAST_ROWS = 5
UNCHANGED_ROWS = 10
#: Features that are named.
NAMED_FEATURES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRow:
    """One logged prediction and the features it was made from; the candle itself where it is still known."""

    candle_ns: int
    version: str
    features: NDArray[np.float64]
    prediction: float
    candle: tuple[float, ...] | None = None


class ParityCheck:
    """Compares the newest logged rows of a pair with its next frame, each row once.

    Every row that is not the same again is reported. Rows whose features changed by more than rounding explains hold
    their pair back: the model decided on values that did not last.
    """

    def __init__(self, gate: Gate, report: Callable[[Event], None]) -> None:
        self._gate = gate
        self._report = report
        self._logged: dict[str, list[LoggedRow]] = {}
        self._changed: dict[str, deque[bool]] = {}
        self._held: set[str] = set()

    def remember(self, records: Iterable[PredictionRecord]) -> None:
        """Take in rows that were logged before a restart."""
        for record in sorted(records, key=lambda one: one.candle):
            row = LoggedRow(
                candle_ns=int(record.candle.timestamp()) * 1_000_000_000,
                version=record.version,
                features=record.features,
                prediction=record.prediction,
            )
            if record.do_predict:
                self._logged.setdefault(record.pair, []).append(row)

    def look_at(self, frame: Frame, judgement: Judgement, bundle: ModelBundle | None = None) -> None:
        """Compare what was logged with `frame`, then remember its newest row.

        What training found to depend on the frame's start (`bundle.golden_candles.unchecked`) holds nothing back: such
        a feature changes with every frame.
        """
        for logged in self._logged.pop(frame.pair, ()):
            self._compare(logged, frame, judgement, _depending_on_the_start(bundle))
        newest = len(judgement) - 1
        if judgement.do_predict[newest]:
            self._logged[frame.pair] = [
                LoggedRow(
                    candle_ns=int(frame.dates_ns[newest]),
                    version=judgement.version_at(newest),
                    features=frame.features[newest].copy(),
                    prediction=float(judgement.prediction[newest]),
                    candle=_candle(frame, newest),
                )
            ]

    def _compare(self, logged: LoggedRow, frame: Frame, judgement: Judgement, left_out: frozenset[str]) -> None:
        row = int(np.searchsorted(frame.dates_ns, logged.candle_ns))
        if row >= len(frame) or frame.dates_ns[row] != logged.candle_ns or judgement.version_at(row) != logged.version:
            return
        again = frame.features[row]
        if len(again) != len(logged.features):
            return
        # while it is the newest candle still, it has had no time to change
        if row < len(frame) - 1:
            changed = _changed_features(logged.features, frame, row, left_out)
            self._note(frame, row, _change_words(logged, frame, row, changed) if changed else "")
        if judgement.do_predict[row]:
            self._alarm(logged, again, float(judgement.prediction[row]), frame.pair)

    def _alarm(self, logged: LoggedRow, again: NDArray[np.float64], recomputed: float, pair: str) -> None:
        same_row = np.array_equal(again, logged.features)
        if same_row and recomputed == logged.prediction:
            return
        if not same_row and np.allclose(again, logged.features, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE):
            return
        candle = moment(logged.candle_ns)
        self._report(
            ParityAlarm(
                at=candle,
                pair=pair,
                candle=candle.isoformat(),
                version=logged.version,
                logged=logged.prediction,
                recomputed=recomputed,
            )
        )

    # One row more of the pair, with what changed in words; empty where nothing did.
    def _note(self, frame: Frame, row: int, words: str) -> None:
        pair = frame.pair
        seen = self._changed.setdefault(pair, deque(maxlen=UNCHANGED_ROWS))
        seen.append(bool(words))
        if pair not in self._held and sum(list(seen)[-OF_LAST_ROWS:]) >= CHANGED_ROWS:
            self._held.add(pair)
            self._tell(pair, frame, row, f"{Reason.FEATURES_DIFFER.words[0]}: {words}", held=True)
        elif pair in self._held and len(seen) == UNCHANGED_ROWS and not any(seen):
            self._held.remove(pair)
            message = f"{Reason.FEATURES_DIFFER.words[0]}: {UNCHANGED_ROWS} rows in turn did not change after the fact"
            self._tell(pair, frame, row, message, held=False)

    def _tell(self, pair: str, frame: Frame, row: int, message: str, *, held: bool) -> None:
        self._gate.set_pair_fault(pair, Reason.FEATURES_DIFFER, present=held)
        at = moment(int(frame.dates_ns[row]))
        self._report(FaultReported(at=at, part=pair, message=message, recovered=not held))


# A NaN that was a value moved, too; rounding does not count, nor what is small beside what the feature does anyway.
def _changed_features(logged: NDArray[np.float64], frame: Frame, row: int, left_out: frozenset[str]) -> tuple[str, ...]:
    again = frame.features[row]
    moved = ~np.isclose(again, logged, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE)
    return tuple(
        frame.feature_names[column]
        for column in np.flatnonzero(moved)
        if frame.feature_names[column] not in left_out
        and not abs(again[column] - logged[column]) <= CHANGED_SHARE * _spread(frame.features[-SPREAD_ROWS:, column])
    )


def _spread(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.std()) if len(finite) else 0.0


def _change_words(logged: LoggedRow, frame: Frame, row: int, changed: tuple[str, ...]) -> str:
    more = len(changed) - NAMED_FEATURES
    named = ", ".join(changed[:NAMED_FEATURES]) + (f" and {more} more" if more > 0 else "")
    at = f"{moment(logged.candle_ns):%Y-%m-%d %H:%M} UTC"
    if logged.candle is not None and logged.candle != _candle(frame, row):
        return f"changes after the fact, at {at} with the candle itself, which the exchange revised: {named}"
    return f"changes after the fact, at {at} again: {named}"


def _candle(frame: Frame, row: int) -> tuple[float, ...]:
    return tuple(float(getattr(frame.candles, field.name)[row]) for field in fields(frame.candles))


def _depending_on_the_start(bundle: ModelBundle | None) -> frozenset[str]:
    if bundle is None or bundle.golden_candles is None:
        return frozenset()
    unchecked = bundle.golden_candles.unchecked
    return frozenset(name for name, why in unchecked.items() if why is Unchecked.FRAME_START)


__all__ = ["LoggedRow", "ParityCheck"]
