"""Synthetic series and references that the tests of the monitors share. Seeds are fixed: the same run every time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.candles import walking_candles
from tradai_lifecycle.monitor import FeatureReference, HealthSettings, PairReference, fit_pair_reference
from tradai_lifecycle.monitor.psi import edge_codes, interior_edges
from tradai_lifecycle.states import Thresholds

HOUR_NS = 3_600 * 10**9


def _series_reference(values: Any, **changes: Any) -> FeatureReference:
    column = np.asarray(values, dtype=np.float64)
    edges = interior_edges(column)
    codes = edge_codes(column[:, None], [edges])[:, 0]
    finite = column[np.isfinite(column)]
    reference = FeatureReference(
        name="feature",
        edges=edges,
        counts=tuple(np.bincount(codes, minlength=len(edges) + 2).tolist()),
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        longest_constant_run=1,
        iqr_low=0.0,
        iqr_high=0.0,
        mean_window_psi=0.0,
        moderate_quantile=0.0,
        significant_quantile=0.0,
        retrain_quantile=0.0,
    )
    return replace(reference, **changes)


@pytest.fixture(scope="session")
def series_reference() -> Callable[..., FeatureReference]:
    """Bins of a training series without calibration; keywords replace fields."""
    return _series_reference


def _autoregressive(rows: int, columns: int, persistence: float, seed: int) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).normal(size=(rows, columns)) * np.sqrt(1 - persistence**2)
    values = np.empty_like(noise)
    values[0] = noise[0] / np.sqrt(1 - persistence**2)
    for row in range(1, rows):
        values[row] = persistence * values[row - 1] + noise[row]
    return values


@pytest.fixture(scope="session")
def autoregressive() -> Callable[..., NDArray[np.float64]]:
    """Stationary AR(1) columns of unit variance: rows, columns, persistence, seed."""
    return _autoregressive


@pytest.fixture(scope="session")
def settings() -> HealthSettings:
    """Settings small enough for short frames: window 40, horizon 3."""
    return HealthSettings(
        window_candles=40,
        candle_ns=HOUR_NS,
        horizon_candles=3,
        thresholds=Thresholds.CALIBRATED,
        moderate_psi=0.10,
        significant_psi=0.25,
        retrain_psi=0.20,
        retrain_feature_count=1,
        maximum_share_of_time_reduced=0.10,
        target_false_alarms_per_1000=None,
        accuracy_floor=0.52,
        accuracy_windows=(30, 60, 90),
        minimum_effective_predictions=10,
        prediction_dead_band=0.01,
    )


@pytest.fixture(scope="session")
def pair_reference() -> PairReference:
    """Three features (noise, a slow one, and one that is rounded and related to the first); 800 candles, window 40."""
    rows = 800
    fast, slow = _autoregressive(rows, 2, 0.2, 1), _autoregressive(rows, 1, 0.9, 2)
    features = np.column_stack([fast[:, 0], slow[:, 0], np.round(fast[:, 0] + 0.5 * fast[:, 1])])
    return fit_pair_reference(
        pair="BTC/USDT",
        features=features,
        feature_names=("%-fast", "%-slow", "%-round"),
        prediction=np.tanh(features[:, 0]),
        candles=walking_candles(rows, seed=3),
        window_candles=40,
        maximum_share_of_time_reduced=0.1,
    )
