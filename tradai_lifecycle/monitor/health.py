"""All evidence about one pair at every candle of a frame: drift, data quality and accuracy, as plain columns.

A row's values depend on its last `health_memory_candles` predecessors alone. That is why a live frame, a backtest and a
rehearsal agree on them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.accuracy import (
    AccuracyColumns,
    AccuracyRule,
    Validated,
    accuracy_memory_candles,
    scored_rows,
)
from tradai_lifecycle.monitor.drift import DriftColumns, DriftMonitor, limits_at
from tradai_lifecycle.monitor.effective import Bools
from tradai_lifecycle.monitor.limits import PairLimits, pair_limits, series_limits
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.monitor.market_shifts import MarketMonitor
from tradai_lifecycle.monitor.persistence import held, within
from tradai_lifecycle.monitor.psi import Floats, bin_codes, window_psi
from tradai_lifecycle.monitor.quality import QualityRules, quality_memory_candles
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.scales import Scales
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.monitor.shift_windows import broken_candles, calm_memory_candles, restless_candles
from tradai_lifecycle.monitor.shifts import ShiftColumns
from tradai_lifecycle.states import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceAsked:
    """The first rows whose evidence is asked for: a live frame decides only its newest, and most rows are memory.

    Earlier rows stay empty: drift as before the first window is full, quality as if there were no fault, accuracy as
    with too few predictions. But where the row `drift_from` is at a significant limit or beyond, the rest of its run is
    asked for as well: the rows before it down to the first one that is not, and none before `runs_from`. Raises
    ValueError where that comes after `drift_from`.
    """

    runs_from: int = 0
    drift_from: int = 0
    quality_from: int = 0
    accuracy_from: int = 0

    def __post_init__(self) -> None:
        if self.runs_from > self.drift_from:
            raise ValueError(f"runs of drift from row {self.runs_from} begin after the drift from {self.drift_from}")

    def drift_rows_from(self, significant_ratio: Floats) -> int:
        """The first row whose drift is asked for, by the ratio `(n,)`, which must be known from there on."""
        # a NaN is beyond nothing
        if self.drift_from >= len(significant_ratio) or not significant_ratio[self.drift_from] >= 1.0:
            return self.drift_from
        ended = np.flatnonzero(~(significant_ratio[self.runs_from : self.drift_from] >= 1.0))
        return self.runs_from + (int(ended[-1]) if len(ended) else 0)


#: Every row's evidence.
ALL_ROWS = EvidenceAsked()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthColumns:
    """The evidence at each of n candles.

    Before the PSI window is full, the four floats of drift are NaN, the retraining rule is off and the worst series
    is -1; but for `psi_max` so they are, with dynamic limits, until the past of these is full. After it they are never
    NaN: with no monitorable series they are 0. `psi_max` and the ratios (PSI over
    limit, so beyond 1 is beyond the limit) are the largest over monitorable series, `significant_share` the share of
    those beyond their significant limit, `worst_series` the index of the largest significant ratio (the number of
    features stands for the prediction). `market_ratio` and the two fast ratios are shifts over their limits, beyond 1
    is beyond, NaN until their windows are full and 0 where they are not to be acted on; beside the fast ones stands for
    how many candles each must be beyond. `quality` holds bits of
    `Reason`, `accuracy_verdict` values of `AccuracyVerdict`.
    """

    psi_max: Floats
    moderate_ratio: Floats
    significant_ratio: Floats
    significant_share: Floats
    retraining_rule: NDArray[np.bool_]
    worst_series: NDArray[np.int16]
    market_ratio: Floats
    market_fast_ratio: Floats
    market_fast_persistence: int
    relation_fast_ratio: Floats
    relation_fast_persistence: int
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


def health_memory_candles(settings: HealthSettings) -> int:
    """How many predecessors a row needs so that no column of its health depends on where the frame starts."""
    return max(
        settings.index_memory,
        calm_memory_candles(settings.window_candles),
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
    candles: Candles,
    reference: PairReference,
    settings: HealthSettings,
    trained_until_ns: int,
    asked: EvidenceAsked = ALL_ROWS,
    validated: Validated | None = None,
) -> HealthColumns:
    """The health of one pair at each of n candles, in time order, causal.

    `features` `(n, F)` in the model's order; `prediction` `(n,)` the model's raw output; `fit` `(n,)` rows that could
    be predicted (the others count in the prediction's NaN bin and are not scored); `realised` `(n,)` the target's
    signed outcome for the prediction made at the row, NaN where unknown; `dates_ns` `(n,)` open times in ns since the
    epoch; `candles` the n candles. Accuracy scores fit rows after `trained_until_ns` whose outcome is known and not
    zero and whose prediction is larger than the dead band; a hit has the outcome's sign; where nothing is `validated`,
    no fall is seen. Rows before those `asked` for are left empty. Raises ValueError where shapes do not match.
    """
    check_shapes(features, prediction, fit, realised, dates_ns, candles.close)
    judged = np.where(fit, prediction, np.nan)
    parts = bin_codes(features, reference.features), bin_codes(judged[:, None], (reference.prediction,))
    codes = np.concatenate([part.T for part in parts]).T
    limits, window = pair_limits(reference, settings), settings.window_candles
    drift = DriftMonitor(reference.series, limits.series, reference.relations, window)
    market = MarketMonitor(reference.market.edges, reference.market.shifts, window)
    rules = QualityRules(reference, settings.candle_ns, Scales(reference.features, window))
    scored, hit = scored_hits(judged, np.where(dates_ns > trained_until_ns, realised, np.nan), settings)
    return gathered(
        drift=drift.of(codes, asked.runs_from),
        market=market.of(candles, asked.drift_from),
        limits=limits,
        quality=rules.reasons(features, candles.close, dates_ns, asked.quality_from),
        accuracy=accuracy_rule(settings, validated).of(scored, hit, asked.accuracy_from),
        settings=settings,
        asked=asked,
    )


def check_shapes(features: NDArray[np.float64], *columns: NDArray[Any]) -> None:
    """Raises ValueError where a column has not as many rows as `features`."""
    shapes = {column.shape for column in columns}
    if shapes != {(len(features),)}:
        raise ValueError(f"columns of shapes {sorted(shapes)} do not fit {len(features)} rows of features")


def accuracy_rule(settings: HealthSettings, validated: Validated | None) -> AccuracyRule:
    """How the accuracy is judged under these settings."""
    return AccuracyRule(
        horizon_candles=settings.horizon_candles,
        windows=settings.accuracy_windows,
        minimum_effective=settings.minimum_effective_predictions,
        floor=settings.accuracy_floor,
        validated=validated,
    )


def scored_hits(judged: Floats, realised: Floats, settings: HealthSettings) -> tuple[Bools, Bools]:
    """The rows that are scored, and those that are right where scored: whose signs are the same, none being 0 there.

    `judged` `(n,)` are the predictions, NaN where none; `realised` `(n,)` the outcomes, NaN where not to be scored.
    """
    return scored_rows(judged, realised, settings.prediction_dead_band), (judged > 0.0) == (realised > 0.0)


def gathered(
    *,
    drift: DriftColumns,
    market: ShiftColumns,
    limits: PairLimits,
    quality: NDArray[np.uint32],
    accuracy: AccuracyColumns,
    settings: HealthSettings,
    asked: EvidenceAsked,
) -> HealthColumns:
    """The evidence of all monitors as one, in arrays of its own: what these keep is theirs."""
    first = asked.drift_rows_from(drift.significant_ratio)
    unknown = max(settings.window_candles - 1, first)
    figures = np.empty((6, len(drift.psi_max)))
    figures[:, :unknown] = np.nan
    columns: tuple[tuple[NDArray[Any], float], ...] = (
        (drift.psi_max, 1.0),
        (drift.moderate_ratio, 1.0),
        (drift.significant_ratio, 1.0),
        (drift.beyond_significant, max(1, limits.monitorable)),
        (drift.relation_slow, limits.relations.slow),
        (drift.relation_fast, limits.relations.fast),
    )
    for figure, (column, unit) in zip(figures, columns, strict=True):
        np.divide(column[unknown:], unit, out=figure[unknown:])
    # what limits decide is known later where they follow the past
    figures[1:4, : settings.index_memory] = np.nan
    psi_max, moderate_ratio, significant_ratio, significant_share, relation_ratio, relation_fast_ratio = figures
    retraining_rule = (drift.beyond_significant > 0) | (drift.beyond_retrain > settings.retrain_feature_count)
    worst_series = drift.worst_series.copy()
    retraining_rule[:first], worst_series[:first] = False, -1
    apart = _apart(relation_ratio, market, limits, settings.window_candles)
    if apart.any():
        quality = quality | np.where(apart, np.uint32(Reason.RELATION_BROKEN), np.uint32(0))
        quality[: asked.quality_from] &= ~np.uint32(Reason.RELATION_BROKEN)
    return HealthColumns(
        psi_max=psi_max,
        moderate_ratio=moderate_ratio,
        significant_ratio=significant_ratio,
        significant_share=significant_share,
        retraining_rule=retraining_rule,
        worst_series=worst_series,
        market_ratio=market.slow / limits.market.slow,
        market_fast_ratio=market.fast / limits.market.fast,
        market_fast_persistence=limits.market.fast_persistence,
        relation_fast_ratio=relation_fast_ratio,
        relation_fast_persistence=limits.relations.fast_persistence,
        quality=quality,
        accuracy=accuracy.accuracy.copy(),
        accuracy_lower=accuracy.lower.copy(),
        accuracy_upper=accuracy.upper.copy(),
        effective_predictions=accuracy.effective_predictions.copy(),
        accuracy_verdict=accuracy.verdict.copy(),
    )


# A relation is broken in the features, not in the market, where it strays while the market is as calm as in training.
def _apart(relation_ratio: Floats, market: ShiftColumns, limits: PairLimits, window: int) -> NDArray[np.bool_]:
    broken = held(relation_ratio >= 1.0, broken_candles(window))
    if not broken.any():
        return broken
    fast = held(market.fast >= limits.market.fast, limits.market.fast_persistence)
    restless = (market.slow >= 1.0) | fast
    return broken & ~within(restless, restless_candles(window))


def series_health(
    *,
    features_tail: NDArray[np.float64],
    prediction_tail: NDArray[np.float64],
    reference: PairReference,
    settings: HealthSettings,
) -> tuple[SeriesHealth, ...]:
    """Each feature and, last, the prediction over the newest window: its PSI and its limits, monitorable or not.

    `features_tail` `(rows, F)` and `prediction_tail` `(rows,)` end at the candle reported; rows before the window are
    left out, but for those that dynamic limits follow. With fewer rows than a window the PSI is NaN, with no more than
    `index_memory` the dynamic limits are. Unfit rows must carry a NaN prediction. Raises ValueError where shapes do not
    match.
    """
    if prediction_tail.shape != (len(features_tail),):
        raise ValueError(f"prediction {prediction_tail.shape} does not fit {len(features_tail)} rows of features")
    series = np.column_stack([features_tail, prediction_tail])[-settings.index_memory - 1 :]
    codes, window = bin_codes(series, reference.series), settings.window_candles
    psi = np.full(len(reference.series), np.nan)
    if len(codes) >= window:
        psi = window_psi(codes[-window:], reference.series)
    limits = limits_at(codes, reference.series, series_limits(reference, settings), window)
    return tuple(
        SeriesHealth(
            name=part.name,
            psi=float(value),
            moderate_limit=limit.moderate,
            significant_limit=limit.significant,
            monitorable=limit.monitorable,
        )
        for part, value, limit in zip(reference.series, psi, limits, strict=True)
    )


__all__ = [
    "ALL_ROWS",
    "EvidenceAsked",
    "HealthColumns",
    "SeriesHealth",
    "accuracy_rule",
    "assess",
    "check_shapes",
    "gathered",
    "health_memory_candles",
    "scored_hits",
    "series_health",
]
