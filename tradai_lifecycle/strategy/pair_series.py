"""The newest figure of every monitored series of a pair, worked out beside the bot's thread."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.monitor.health import series_health
from tradai_lifecycle.monitor.limits import expected_alarms_per_1000
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.shift_health import shift_health
from tradai_lifecycle.store.records import PairSeries, SeriesRecord, ShiftRecord
from tradai_lifecycle.strategy.columns import Frame, Judgement, JudgeSettings, moment
from tradai_lifecycle.strategy.pair_accuracy import AccuracyTail, accuracy_record, accuracy_tail


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedTail:
    """The newest window of a judged frame, and what its limits follow, with the reference it was judged against.

    `features` `(rows, F)` and `scores` `(rows,)` are slices of the frame's and the judgement's own arrays, `candles`
    all of the frame's: nobody changes these after the judgement.
    """

    pair: str
    candle: datetime
    version: str
    reference: PairReference
    features: NDArray[np.float64]
    scores: NDArray[np.float64]
    candles: Candles
    accuracy: AccuracyTail


def judged_tail(
    frame: Frame, judgement: Judgement, bundle: ModelBundle | None, settings: JudgeSettings
) -> JudgedTail | None:
    """The tail of a frame that `bundle` judged; None where it could not."""
    if bundle is None or not len(frame) or judgement.version_at(-1) != bundle.label:
        return None
    reference = bundle.profile.pair(frame.pair)
    if reference is None:
        return None
    window = slice(max(len(frame) - settings.health.index_memory - 1, 0), None)
    return JudgedTail(
        pair=frame.pair,
        candle=moment(int(frame.dates_ns[-1])),
        version=bundle.label,
        reference=reference,
        features=frame.features[window],
        scores=judgement.scores[window],
        candles=frame.candles,
        accuracy=accuracy_tail(
            pair=frame.pair,
            dates_ns=frame.dates_ns,
            scores=judgement.scores,
            realised=frame.realised,
            bundle=bundle,
            settings=settings.health,
        ),
    )


def pair_series(tail: JudgedTail, settings: JudgeSettings) -> PairSeries:
    """Each monitored series over the window of `tail`, as the judgement of that frame saw it."""
    health = series_health(
        features_tail=tail.features,
        prediction_tail=tail.scores,
        reference=tail.reference,
        settings=settings.health,
    )
    return PairSeries(
        pair=tail.pair,
        candle=tail.candle,
        version=tail.version,
        training_windows=tail.reference.training_candles / settings.health.window_candles,
        series=tuple(
            SeriesRecord(
                name=series.name,
                psi=series.psi,
                moderate_limit=series.moderate_limit,
                significant_limit=series.significant_limit,
                monitorable=series.monitorable,
            )
            for series in health
        ),
        accuracy=accuracy_record(tail.accuracy, settings.health),
        shifts=tuple(
            ShiftRecord(name=shift.name, group=shift.group, ratio=shift.ratio, limit=shift.limit)
            for shift in shift_health(
                features_tail=tail.features,
                candles_tail=tail.candles,
                reference=tail.reference,
                settings=settings.health,
            )
        ),
        expected_alarms_per_1000=expected_alarms_per_1000(tail.reference, settings.health),
    )


__all__ = ["JudgedTail", "judged_tail", "pair_series"]
