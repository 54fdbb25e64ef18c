"""All evidence about one pair at every candle of a frame: drift, data quality and accuracy, as plain columns.

A row's values depend on its last `health_memory_candles` predecessors alone. That is why a live frame, a backtest and a
rehearsal agree on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.accuracy import AccuracyColumns, accuracy_memory_candles, rolling_accuracy
from tradai_lifecycle.monitor.psi import Floats, bin_codes, psi_columns, window_psi
from tradai_lifecycle.monitor.quality import quality_memory_candles, quality_reasons
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.states import Thresholds

#: With fewer training windows than this, calibrated limits mean too little to act on: report only.
FEWEST_TRAINING_WINDOWS = 10
#: A calibrated limit above this is too wide to see anything: the series is shown and left out of the rules.
LARGEST_USEFUL_LIMIT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """What the monitors are told: windows and horizons in candles, PSI floors, and the accuracy rule."""

    window_candles: int
    candle_ns: int
    horizon_candles: int
    thresholds: Thresholds
    moderate_psi: float
    significant_psi: float
    retrain_psi: float
    retrain_feature_count: int
    accuracy_floor: float
    accuracy_windows: tuple[int, ...]
    minimum_effective_predictions: int
    prediction_dead_band: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthColumns:
    """The evidence at each of n candles.

    Before the PSI window is full, the four floats of drift are NaN, the retraining rule is off and the worst series
    is -1. After it they are never NaN: with no monitorable series they are 0. `psi_max` and the ratios (PSI over
    limit, so beyond 1 is beyond the limit) are the largest over monitorable series, `significant_share` the share of
    those beyond their significant limit, `worst_series` the index of the largest significant ratio (the number of
    features stands for the prediction). `quality` holds bits of `Reason`, `accuracy_verdict` values of
    `AccuracyVerdict`.
    """

    psi_max: Floats
    moderate_ratio: Floats
    significant_ratio: Floats
    significant_share: Floats
    retraining_rule: NDArray[np.bool_]
    worst_series: NDArray[np.int16]
    quality: NDArray[np.uint32]
    accuracy: Floats
    accuracy_lower: Floats
    accuracy_upper: Floats
    effective_predictions: Floats
    accuracy_verdict: NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesHealth:
    """One monitored series in a report: its PSI over the last window (NaN if it is not full) beside its limits."""

    name: str
    psi: float
    moderate_limit: float
    significant_limit: float
    monitorable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLimits:
    """The limits of one monitored series under given settings."""

    moderate: float
    significant: float
    retrain: float
    monitorable: bool


def series_limits(reference: PairReference, settings: HealthSettings) -> tuple[SeriesLimits, ...]:
    """The limits of each feature and, last, of the prediction.

    Fixed thresholds are the settings' floors, and every series counts. Calibrated ones are the larger of floor and
    training quantile; a series counts while its significant limit is at most 1 and training held 10 windows.
    """
    if settings.thresholds is Thresholds.FIXED:
        bare = SeriesLimits(
            moderate=settings.moderate_psi,
            significant=settings.significant_psi,
            retrain=settings.retrain_psi,
            monitorable=True,
        )
        return (bare,) * len(reference.series)
    enough = reference.training_candles >= FEWEST_TRAINING_WINDOWS * settings.window_candles
    return tuple(
        SeriesLimits(
            moderate=max(settings.moderate_psi, series.moderate_quantile),
            significant=(significant := max(settings.significant_psi, series.significant_quantile)),
            retrain=max(settings.retrain_psi, series.retrain_quantile),
            monitorable=enough and significant <= LARGEST_USEFUL_LIMIT,
        )
        for series in reference.series
    )


def health_memory_candles(settings: HealthSettings) -> int:
    """How many predecessors a row needs so that no column of its health depends on where the frame starts."""
    return max(
        settings.window_candles - 1,
        quality_memory_candles(settings.window_candles),
        accuracy_memory_candles(settings.horizon_candles, settings.accuracy_windows),
    )


def assess(
    *,
    features: NDArray[np.float64],
    prediction: NDArray[np.float64],
    fit: NDArray[np.bool_],
    realised: NDArray[np.float64],
    dates_ns: NDArray[np.int64],
    close: NDArray[np.float64],
    reference: PairReference,
    settings: HealthSettings,
    trained_until_ns: int,
) -> HealthColumns:
    """The health of one pair at each of n candles, in time order, causal.

    `features` `(n, F)` in the model's order; `prediction` `(n,)` the model's raw output; `fit` `(n,)` rows that could
    be predicted (the others count in the prediction's NaN bin and are not scored); `realised` `(n,)` the target's
    signed outcome for the prediction made at the row, NaN where unknown; `dates_ns` `(n,)` open times in ns since the
    epoch; `close` `(n,)`. Accuracy scores fit rows after `trained_until_ns` whose outcome is known and not zero and
    whose prediction is larger than the dead band; a hit has the outcome's sign. Raises ValueError where shapes do not
    match.
    """
    shapes = {column.shape for column in (prediction, fit, realised, dates_ns, close)}
    if shapes != {(len(features),)}:
        raise ValueError(f"columns of shapes {sorted(shapes)} do not fit {len(features)} rows of features")
    judged = np.where(fit, prediction, np.nan)
    codes = bin_codes(features, reference.features), bin_codes(judged[:, None], (reference.prediction,))
    window = settings.window_candles
    columns = chain(
        psi_columns(codes[0], reference.features, window), psi_columns(codes[1], (reference.prediction,), window)
    )
    drift = _Drift.of(columns, series_limits(reference, settings), len(features))
    quality = quality_reasons(
        values=features,
        close=close,
        dates_ns=dates_ns,
        candle_ns=settings.candle_ns,
        reference=reference,
        window=window,
    )
    after_training = dates_ns > trained_until_ns
    accuracy = _accuracy(judged, np.where(after_training, realised, np.nan), settings)
    return _health(drift, quality, accuracy, settings)


@dataclass(slots=True, kw_only=True)
class _Drift:
    """What is kept of the rolling PSI of all series: one column each, folded one series at a time."""

    psi_max: Floats
    moderate_ratio: Floats
    significant_ratio: Floats
    beyond_significant: NDArray[np.int16]
    beyond_retrain: NDArray[np.int16]
    worst_series: NDArray[np.int16]
    monitorable: int

    @classmethod
    def of(cls, columns: Iterable[Floats], limits: tuple[SeriesLimits, ...], rows: int) -> "_Drift":
        drift = cls(
            psi_max=np.zeros(rows),
            moderate_ratio=np.zeros(rows),
            significant_ratio=np.zeros(rows),
            beyond_significant=np.zeros(rows, dtype=np.int16),
            beyond_retrain=np.zeros(rows, dtype=np.int16),
            worst_series=np.full(rows, -1, dtype=np.int16),
            monitorable=sum(limit.monitorable for limit in limits),
        )
        for index, (psi, limit) in enumerate(zip(columns, limits, strict=True)):
            # reported for every series, acted on where the limit means something
            np.fmax(drift.psi_max, psi, out=drift.psi_max)
            if limit.monitorable:
                drift._fold(index, psi, limit)
        return drift

    def _fold(self, index: int, psi: Floats, limit: SeriesLimits) -> None:
        ratio = psi / limit.significant
        self.worst_series[(ratio > self.significant_ratio) | ((self.worst_series < 0) & ~np.isnan(psi))] = index
        np.fmax(self.moderate_ratio, psi / limit.moderate, out=self.moderate_ratio)
        np.fmax(self.significant_ratio, ratio, out=self.significant_ratio)
        np.add(self.beyond_significant, psi > limit.significant, out=self.beyond_significant)
        np.add(self.beyond_retrain, psi > limit.retrain, out=self.beyond_retrain)


def _accuracy(judged: Floats, realised: Floats, settings: HealthSettings) -> AccuracyColumns:
    scored = np.isfinite(judged) & np.isfinite(realised) & (realised != 0.0)
    scored &= np.abs(judged) > settings.prediction_dead_band
    return rolling_accuracy(
        scored=scored,
        hit=np.sign(judged) == np.sign(realised),
        horizon_candles=settings.horizon_candles,
        windows=settings.accuracy_windows,
        minimum_effective=settings.minimum_effective_predictions,
        floor=settings.accuracy_floor,
    )


def _health(
    drift: _Drift, quality: NDArray[np.uint32], accuracy: AccuracyColumns, settings: HealthSettings
) -> HealthColumns:
    filling = slice(0, settings.window_candles - 1)
    share = drift.beyond_significant / max(1, drift.monitorable)
    for column in (drift.psi_max, drift.moderate_ratio, drift.significant_ratio, share):
        column[filling] = np.nan
    return HealthColumns(
        psi_max=drift.psi_max,
        moderate_ratio=drift.moderate_ratio,
        significant_ratio=drift.significant_ratio,
        significant_share=share,
        retraining_rule=(drift.beyond_significant > 0) | (drift.beyond_retrain > settings.retrain_feature_count),
        worst_series=drift.worst_series,
        quality=quality,
        accuracy=accuracy.accuracy,
        accuracy_lower=accuracy.lower,
        accuracy_upper=accuracy.upper,
        effective_predictions=accuracy.effective_predictions,
        accuracy_verdict=accuracy.verdict,
    )


def series_health(
    *,
    features_tail: NDArray[np.float64],
    prediction_tail: NDArray[np.float64],
    reference: PairReference,
    settings: HealthSettings,
) -> tuple[SeriesHealth, ...]:
    """Each feature and, last, the prediction over the newest window: its PSI and its limits, monitorable or not.

    `features_tail` `(rows, F)` and `prediction_tail` `(rows,)` end at the candle reported; rows before the window are
    left out, and with fewer rows than a window the PSI is NaN. Unfit rows must carry a NaN prediction. Raises
    ValueError where shapes do not match.
    """
    if prediction_tail.shape != (len(features_tail),):
        raise ValueError(f"prediction {prediction_tail.shape} does not fit {len(features_tail)} rows of features")
    series = np.column_stack([features_tail, prediction_tail])[-settings.window_candles :]
    psi = np.full(len(reference.series), np.nan)
    if len(series) == settings.window_candles:
        psi = window_psi(bin_codes(series, reference.series), reference.series)
    return tuple(
        SeriesHealth(
            name=part.name,
            psi=float(value),
            moderate_limit=limit.moderate,
            significant_limit=limit.significant,
            monitorable=limit.monitorable,
        )
        for part, value, limit in zip(reference.series, psi, series_limits(reference, settings), strict=True)
    )


__all__ = [
    "HealthColumns",
    "HealthSettings",
    "SeriesHealth",
    "SeriesLimits",
    "assess",
    "health_memory_candles",
    "series_health",
    "series_limits",
]
