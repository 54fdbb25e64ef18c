"""What stands beside a pair's accuracy at its newest candle, worked out beside the bot's thread."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.validation import validated_accuracy
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.directions import DirectionAccuracy, accuracy_details
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.store.records import AccuracyRecord, DirectionRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccuracyTail:
    """The rows that the newest accuracy of a pair may depend on, each `(rows,)`: slices of the judged arrays.

    `trained_until_ns` is the first open time after the model's training range.
    """

    dates_ns: NDArray[np.int64]
    scores: NDArray[np.float64]
    realised: NDArray[np.float64]
    trained_until_ns: int
    validated: Validated | None


def accuracy_tail(
    *,
    pair: str,
    dates_ns: NDArray[np.int64],
    scores: NDArray[np.float64],
    realised: NDArray[np.float64],
    bundle: ModelBundle,
    settings: HealthSettings,
) -> AccuracyTail:
    """The newest of n rows of a frame that `bundle` judged, as far back as its accuracy looks."""
    rows = slice(max(len(dates_ns) - settings.horizon_candles - settings.accuracy_windows[-1], 0), None)
    return AccuracyTail(
        dates_ns=dates_ns[rows],
        scores=scores[rows],
        realised=realised[rows],
        trained_until_ns=int(bundle.trained_until.timestamp()) * 1_000_000_000,
        validated=validated_accuracy(bundle.metrics, pair, dead_band=settings.prediction_dead_band),
    )


def accuracy_record(tail: AccuracyTail, settings: HealthSettings) -> AccuracyRecord:
    """Each direction, the baselines and the coverage over the window that the rule used, and what it needs."""
    shown = tail.validated
    details = accuracy_details(
        judged=tail.scores,
        realised=tail.realised,
        counted=tail.dates_ns >= tail.trained_until_ns,
        settings=settings,
        validated=shown,
    )
    return AccuracyRecord(
        window_candles=details.window_candles,
        widest_window_candles=settings.accuracy_windows[-1],
        needed_candles=details.needed_candles,
        predictions=details.predictions,
        up=_direction(details.up),
        down=_direction(details.down),
        always_up=details.always_up,
        pesaran_timmermann=details.chance.statistic,
        p_value=details.chance.p_value,
        coverage=details.coverage,
        validated_accuracy=shown.accuracy if shown is not None else np.nan,
        validated_effective_predictions=shown.effective_predictions if shown is not None else np.nan,
    )


def _direction(found: DirectionAccuracy) -> DirectionRecord:
    return DirectionRecord(
        accuracy=found.accuracy,
        predictions=found.predictions,
        effective_predictions=found.effective_predictions,
        lower=found.lower,
        upper=found.upper,
    )


__all__ = ["AccuracyTail", "accuracy_record", "accuracy_tail"]
