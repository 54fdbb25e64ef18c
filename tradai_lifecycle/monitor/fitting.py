"""Fits the reference of a pair: everything live candles are compared with, from the training candles, once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.calibration import (
    LARGEST_USEFUL_LIMIT,
    SIGNIFICANT_PSI,
    Calibration,
    calibrate,
    interquartile_ranges,
    run_lengths,
    window_starts,
)
from tradai_lifecycle.monitor.limits import MARKET_PART, RELATION_PART
from tradai_lifecycle.monitor.market import MARKET_SERIES, Candles, market_memory_candles, market_values
from tradai_lifecycle.monitor.psi import Codes, Floats, edge_codes, interior_edges
from tradai_lifecycle.monitor.reference import PREDICTION, FeatureReference, MarketReference, PairReference
from tradai_lifecycle.monitor.shift_calibration import (
    SlowLimit,
    each_alone,
    fit_shifts,
    normal_scores,
    relations,
    scored,
    separate_peaks,
)
from tradai_lifecycle.monitor.shift_windows import (
    fast_tiers,
    market_slow_window,
    relation_slow_window,
    shift_holding,
)
from tradai_lifecycle.monitor.shifts import ShiftReference

#: The first of the market's series, each given the other: activity for its volume, and volume for its activity.
MARKET_RELATIONS = ("range for its volume", "volume for its range")
#: Partners must explain this share of a feature's variance, or it gets no relation.
EXPLAINED_SHARE = 0.5
# chosen on real candles after training: about 0.02 alarms per 1,000 of them, whether 5,000 or 20,000 were trained on
MARKET_LIMIT = SlowLimit(base=1.25, per_window_share=5.0)
RELATION_LIMIT = SlowLimit(base=1.9, per_window_share=3.0)


def fit_pair_reference(
    *,
    pair: str,
    features: NDArray[Any],
    feature_names: Sequence[str],
    prediction: NDArray[Any],
    candles: Candles,
    window_candles: int,
    maximum_share_of_time_reduced: float,
) -> PairReference:
    """Fit the reference of one pair on its training candles, calibration included.

    `features` `(m, F)`, `prediction` `(m,)` and the m `candles` are rows in time order; `window_candles` is the length
    of the live window. The window and persistence of the fast alarms are chosen by `maximum_share_of_time_reduced`;
    limits for other shares are kept, too. Predictions should be out of sample (from folds that had not seen the row): a
    model is surer of rows it was fitted on, and live predictions would look like drift. NaN and infinities are counted
    in a bin of their own. Raises ValueError naming the problem: shapes or names that do not match, fewer candles than
    two windows, a series without a finite value.
    """
    series = _training_series(features, feature_names, prediction, candles, window_candles)
    names = (*feature_names, PREDICTION)
    edges = [_named_edges(name, column) for name, column in zip(names, series.T, strict=True)]
    codes = edge_codes(series, edges)
    counts = [_counts(column, len(cut) + 2) for column, cut in zip(codes.T, edges, strict=True)]
    limits = calibrate(codes, counts, window_candles)
    references = tuple(
        _series_reference(name, series[:, index], edges[index], counts[index], limits, index, window_candles)
        for index, name in enumerate(names)
    )
    return PairReference(
        pair=pair,
        training_candles=len(series),
        features=references[:-1],
        prediction=references[-1],
        longest_constant_close_run=int(run_lengths(candles.close).max()),
        psi_peaks=_psi_peaks(limits),
        relations=_relations(codes[:, :-1], counts[:-1], feature_names, window_candles, maximum_share_of_time_reduced),
        market=_market(candles, window_candles, maximum_share_of_time_reduced),
    )


# At the default floor. Windows are a quarter of a window apart: three of them hold for half a window.
def _psi_peaks(limits: Calibration) -> tuple[float, ...]:
    significant = np.maximum(limits.significant_quantile, SIGNIFICANT_PSI)
    monitorable = significant <= LARGEST_USEFUL_LIMIT
    if not monitorable.any():
        return ()
    ratio = (limits.window_psi[monitorable] / significant[monitorable, None]).max(axis=0)
    return separate_peaks(ratio, held_rows=3, apart_rows=4)


def _relations(
    codes: Codes, counts: Sequence[tuple[int, ...]], names: Sequence[str], window: int, share_reduced: float
) -> ShiftReference:
    tables = [normal_scores(series) for series in counts]
    scores = scored(codes, tables)
    return fit_shifts(
        scores,
        tables,
        relations(scores, names, EXPLAINED_SHARE),
        slow_window=relation_slow_window(window),
        tiers=fast_tiers(window),
        fast_share=RELATION_PART * share_reduced,
        holding=shift_holding(window),
        limit=RELATION_LIMIT,
    )


def _market(candles: Candles, window: int, share_reduced: float) -> MarketReference:
    values = market_values(candles, window)[market_memory_candles(window) :]
    edges = [interior_edges(column) if np.isfinite(column).any() else () for column in values.T]
    codes = edge_codes(values, edges)
    tables = [normal_scores(_counts(column, len(cut) + 2)) for column, cut in zip(codes.T, edges, strict=True)]
    scores = scored(codes, tables)
    shifts = fit_shifts(
        scores,
        tables,
        [*each_alone(MARKET_SERIES), *relations(scores[:, : len(MARKET_RELATIONS)], MARKET_RELATIONS, 0.0)],
        slow_window=market_slow_window(window),
        tiers=fast_tiers(window),
        fast_share=MARKET_PART * share_reduced,
        holding=shift_holding(window),
        limit=MARKET_LIMIT,
    )
    return MarketReference(edges=tuple(edges), shifts=shifts)


def _training_series(
    features: NDArray[Any], names: Sequence[str], prediction: NDArray[Any], candles: Candles, window: int
) -> Floats:
    if features.ndim != 2 or features.shape[1] != len(names):
        raise ValueError(f"features of shape {features.shape} do not fit {len(names)} feature names")
    if len(set(names)) != len(names):
        raise ValueError("feature names occur twice")
    if prediction.shape != (len(features),) or len(candles) != len(features):
        raise ValueError(f"prediction {prediction.shape} and {len(candles)} candles must have {len(features)} rows")
    if window < 1 or len(features) < 2 * window:
        raise ValueError(f"{len(features)} training candles do not hold two windows of {window}")
    return np.asfortranarray(np.column_stack([features, prediction]), dtype=np.float64)


def _named_edges(name: str, column: Floats) -> tuple[float, ...]:
    try:
        return interior_edges(column)
    except ValueError as error:
        raise ValueError(f"series {name!r}: {error}") from None


def _counts(codes: Codes, bins: int) -> tuple[int, ...]:
    return tuple(np.bincount(codes, minlength=bins).tolist())


def _series_reference(
    name: str,
    column: Floats,
    edges: tuple[float, ...],
    counts: tuple[int, ...],
    limits: Calibration,
    index: int,
    window: int,
) -> FeatureReference:
    finite = column[np.isfinite(column)]
    ranges = interquartile_ranges(column, window_starts(len(column), window) + window - 1, window)
    known = ranges[np.isfinite(ranges)]
    return FeatureReference(
        name=name,
        edges=edges,
        counts=counts,
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        longest_constant_run=int(run_lengths(column).max()),
        iqr_low=float(known.min(initial=np.inf)) if known.size else 0.0,
        iqr_high=float(known.max(initial=0.0)),
        mean_window_psi=float(limits.mean_window_psi[index]),
        moderate_quantile=float(limits.moderate_quantile[index]),
        significant_quantile=float(limits.significant_quantile[index]),
        retrain_quantile=float(limits.retrain_quantile[index]),
    )


__all__ = ["MARKET_RELATIONS", "fit_pair_reference"]
