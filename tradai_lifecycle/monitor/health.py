"""All evidence about one pair at every candle of a frame: drift, data quality and accuracy, as plain columns.

A row's values depend on its last `health_memory_candles` predecessors alone. That is why a live frame, a backtest and a
rehearsal agree on them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.accuracy import AccuracyColumns, accuracy_memory_candles, rolling_accuracy
from tradai_lifecycle.monitor.drift import DriftColumns, SeriesLimits, drift_of
from tradai_lifecycle.monitor.psi import Floats, bin_codes, window_psi
from tradai_lifecycle.monitor.quality import QualityRules, quality_memory_candles
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.scales import Scales
from tradai_lifecycle.states import Thresholds

#: With fewer training windows than this, calibrated limits mean too little to act on: report only.
FEWEST_TRAINING_WINDOWS = 10
#: With fewer than this, limits are loose: to be acted on, and said.
ENOUGH_TRAINING_WINDOWS = 40
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
class EvidenceAsked:
    """The first rows whose evidence is asked for: a live frame decides only its newest, and most rows are memory.

    Earlier rows may stay empty: drift as before the first window is full, quality as if there were no fault, accuracy
    as with too few predictions.
    """

    drift_from: int = 0
    quality_from: int = 0
    accuracy_from: int = 0


#: Every row's evidence.
ALL_ROWS = EvidenceAsked()


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
    asked: EvidenceAsked = ALL_ROWS,
) -> HealthColumns:
    """The health of one pair at each of n candles, in time order, causal.

    `features` `(n, F)` in the model's order; `prediction` `(n,)` the model's raw output; `fit` `(n,)` rows that could
    be predicted (the others count in the prediction's NaN bin and are not scored); `realised` `(n,)` the target's
    signed outcome for the prediction made at the row, NaN where unknown; `dates_ns` `(n,)` open times in ns since the
    epoch; `close` `(n,)`. Accuracy scores fit rows after `trained_until_ns` whose outcome is known and not zero and
    whose prediction is larger than the dead band; a hit has the outcome's sign. Rows before those `asked` for are left
    empty. Raises ValueError where shapes do not
    match.
    """
    check_shapes(features, prediction, fit, realised, dates_ns, close)
    judged = np.where(fit, prediction, np.nan)
    parts = bin_codes(features, reference.features), bin_codes(judged[:, None], (reference.prediction,))
    codes = np.concatenate([part.T for part in parts]).T
    limits = series_limits(reference, settings)
    rules = QualityRules(reference, settings.candle_ns, Scales(reference.features, settings.window_candles))
    return gathered(
        drift=drift_of(codes, reference.series, limits, settings.window_candles, asked.drift_from),
        monitorable=sum(limit.monitorable for limit in limits),
        quality=rules.reasons(features, close, dates_ns, asked.quality_from),
        accuracy=known_accuracy(judged, np.where(dates_ns > trained_until_ns, realised, np.nan), settings, asked),
        settings=settings,
        asked=asked,
    )


def check_shapes(features: NDArray[np.float64], *columns: NDArray[Any]) -> None:
    """Raises ValueError where a column has not as many rows as `features`."""
    shapes = {column.shape for column in columns}
    if shapes != {(len(features),)}:
        raise ValueError(f"columns of shapes {sorted(shapes)} do not fit {len(features)} rows of features")


def known_accuracy(judged: Floats, realised: Floats, settings: HealthSettings, asked: EvidenceAsked) -> AccuracyColumns:
    """The accuracy of predictions `(n,)` (NaN: none) whose outcomes `(n,)` count (NaN: unknown or not to be scored)."""
    scored = np.isfinite(judged) & np.isfinite(realised) & (realised != 0.0)
    scored &= np.abs(judged) > settings.prediction_dead_band
    return rolling_accuracy(
        scored=scored,
        hit=np.sign(judged) == np.sign(realised),
        horizon_candles=settings.horizon_candles,
        windows=settings.accuracy_windows,
        minimum_effective=settings.minimum_effective_predictions,
        floor=settings.accuracy_floor,
        from_row=asked.accuracy_from,
    )


def gathered(
    *,
    drift: DriftColumns,
    monitorable: int,
    quality: NDArray[np.uint32],
    accuracy: AccuracyColumns,
    settings: HealthSettings,
    asked: EvidenceAsked,
) -> HealthColumns:
    """The evidence of all monitors as one; `monitorable` is the number of series that count."""
    unknown = slice(0, max(settings.window_candles - 1, asked.drift_from))
    figures = (
        drift.psi_max,
        drift.moderate_ratio,
        drift.significant_ratio,
        drift.beyond_significant / max(1, monitorable),
    )
    psi_max, moderate_ratio, significant_ratio, share = (figure.astype(np.float64) for figure in figures)
    for column in (psi_max, moderate_ratio, significant_ratio, share):
        column[unknown] = np.nan
    return HealthColumns(
        psi_max=psi_max,
        moderate_ratio=moderate_ratio,
        significant_ratio=significant_ratio,
        significant_share=share,
        retraining_rule=(drift.beyond_significant > 0) | (drift.beyond_retrain > settings.retrain_feature_count),
        worst_series=drift.worst_series.copy(),
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
    "ALL_ROWS",
    "EvidenceAsked",
    "HealthColumns",
    "HealthSettings",
    "SeriesHealth",
    "assess",
    "check_shapes",
    "gathered",
    "health_memory_candles",
    "known_accuracy",
    "series_health",
    "series_limits",
]
