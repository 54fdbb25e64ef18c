"""The newest figure of every monitored series of a pair, worked out beside the bot's thread."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.monitor.health import series_health
from tradai_lifecycle.store.records import PairSeries, SeriesRecord
from tradai_lifecycle.strategy.columns import Frame, Judgement, JudgeSettings, moment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedTail:
    """The newest window of a judged frame, by reference, and the model that judged it.

    `features` `(rows, F)` are the frame's own array: nobody changes it after the judgement. The first `unfit` of these
    rows lie within the features' own warm-up and carry no prediction.
    """

    pair: str
    candle: datetime
    bundle: ModelBundle
    features: NDArray[np.float64]
    unfit: int


def judged_tail(
    frame: Frame, judgement: Judgement, bundle: ModelBundle | None, settings: JudgeSettings
) -> JudgedTail | None:
    """The tail of a frame that `bundle` judged; None where it could not."""
    if bundle is None or not len(frame) or judgement.version_at(-1) != bundle.label:
        return None
    first = max(len(frame) - settings.health.window_candles, 0)
    return JudgedTail(
        pair=frame.pair,
        candle=moment(int(frame.dates_ns[-1])),
        bundle=bundle,
        features=frame.features[first:],
        unfit=max(settings.feature_warm_up - first, 0),
    )


def pair_series(tail: JudgedTail, settings: JudgeSettings) -> PairSeries | None:
    """Each monitored series over the window of `tail`, as the judgement of that frame saw it; None without a reference.

    Raises what the model raises.
    """
    reference = tail.bundle.profile.pair(tail.pair)
    if reference is None:
        return None
    health = series_health(
        features_tail=tail.features,
        prediction_tail=_predictions(tail),
        reference=reference,
        settings=settings.health,
    )
    return PairSeries(
        pair=tail.pair,
        candle=tail.candle,
        version=tail.bundle.label,
        training_windows=reference.training_candles / settings.health.window_candles,
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
    )


# a row's score does not depend on the rest of its batch: these are the ones the frame was judged by
def _predictions(tail: JudgedTail) -> NDArray[np.float64]:
    asked = np.isfinite(tail.features).all(axis=1) & (np.arange(len(tail.features)) >= tail.unfit)
    prediction = np.full(len(tail.features), np.nan)
    prediction[asked] = tail.bundle.raw_scores(tail.features[asked])
    prediction[~np.isfinite(prediction)] = np.nan
    return prediction


__all__ = ["JudgedTail", "judged_tail", "pair_series"]
