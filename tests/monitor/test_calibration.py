"""Calibration: what training windows show, and that alarms become rare without drift and stay possible with it."""

import numpy as np
import pytest

from tests.candles import candles_round
from tradai_lifecycle.monitor import bin_codes, fit_pair_reference, rolling_psi
from tradai_lifecycle.monitor.calibration import calibrate, interquartile_ranges, run_lengths, training_window_psi
from tradai_lifecycle.monitor.psi import psi_terms

WINDOW = 200


@pytest.fixture(scope="module")
def slow_series(autoregressive):
    """Eight AR(1) features as slow as volatility on hourly candles, 20,000 rows of training and 20,000 after it."""
    values = autoregressive(40_000, 8, 0.95, 7)
    reference = fit_pair_reference(
        pair="BTC/USDT",
        features=values[:20_000],
        feature_names=[f"%-{index}" for index in range(8)],
        prediction=values[:20_000, 0],
        candles=candles_round(np.arange(20_000.0)),
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )
    return reference, values[20_000:]


def test_alarms_without_drift_are_rare_where_the_bare_rule_is_nearly_always_on(slow_series):
    reference, live = slow_series
    psi = rolling_psi(bin_codes(live, reference.features), reference.features, WINDOW)[WINDOW - 1 :]
    limits = np.array([max(0.25, feature.significant_quantile) for feature in reference.features])
    assert (psi > 0.25).any(axis=1).mean() > 0.9
    assert (psi > limits).any(axis=1).mean() < 0.02


def test_a_shift_of_one_deviation_and_a_half_in_every_feature_is_still_seen(slow_series):
    reference, live = slow_series
    shifted = live[: 5 * WINDOW] + 1.5
    psi = rolling_psi(bin_codes(shifted, reference.features), reference.features, WINDOW)[WINDOW - 1 :]
    limits = np.array([max(0.25, feature.significant_quantile) for feature in reference.features])
    assert (psi > limits).any(axis=1).mean() > 0.9


def test_moderate_is_below_significant_and_both_are_above_the_mean(slow_series):
    for series in slow_series[0].series:
        assert 0 < series.mean_window_psi < series.moderate_quantile < series.significant_quantile
        assert series.mean_window_psi < series.retrain_quantile < series.significant_quantile


def test_slower_features_get_wider_limits(autoregressive):
    rows = 10_000
    features = np.column_stack([autoregressive(rows, 1, persistence, 3)[:, 0] for persistence in (0.0, 0.8, 0.98)])
    reference = fit_pair_reference(
        pair="p",
        features=features,
        feature_names="abc",
        prediction=features[:, 0],
        candles=candles_round(features[:, 0]),
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )
    limits = [feature.significant_quantile for feature in reference.features]
    assert limits == sorted(limits)
    assert limits[2] > 3 * limits[0]


def test_each_training_window_is_compared_with_the_rows_outside_it():
    codes = np.random.default_rng(4).integers(0, 4, size=100).astype(np.uint8)
    counts = tuple(np.bincount(codes, minlength=5).tolist())
    psi = training_window_psi(codes, counts, 20)
    expected = []
    for start in range(0, 81, 5):
        inside = np.bincount(codes[start : start + 20], minlength=5)
        outside = np.bincount(np.delete(codes, np.s_[start : start + 20]), minlength=5)
        expected.append(psi_terms(inside, 20, outside, 80, 4).sum())
    assert psi == pytest.approx(expected, rel=1e-12)


def test_series_whose_windows_never_differ_get_limits_of_zero_and_do_not_disturb_the_others():
    rng = np.random.default_rng(5)
    varying = rng.integers(0, 4, size=(400, 1)).astype(np.uint8)
    constant = np.ones((400, 1), dtype=np.uint8)
    counts = [tuple(np.bincount(column, minlength=5).tolist()) for column in (varying[:, 0], constant[:, 0])]
    both = calibrate(np.hstack([varying, constant]), counts, 40)
    for quantile in (both.moderate_quantile, both.significant_quantile, both.retrain_quantile):
        assert quantile[0] > 0.0
        assert quantile[1] == 0.0
    alone = calibrate(np.hstack([constant, constant]), [counts[1], counts[1]], 40)
    assert alone.significant_quantile.tolist() == [0.0, 0.0]


def test_fewer_than_two_windows_of_training_is_an_error():
    with pytest.raises(ValueError, match="79 training candles do not hold two windows of 40"):
        calibrate(np.zeros((79, 1), dtype=np.uint8), [(79, 0)], 40)


def test_run_lengths_count_equal_values_and_break_at_what_is_not_finite():
    values = np.array([1.0, 1.0, 1.0, 2.0, np.nan, np.nan, 2.0, 2.0, np.inf, np.inf])
    assert run_lengths(values).tolist() == [1, 2, 3, 1, 1, 1, 1, 2, 1, 1]
    assert run_lengths(np.empty(0)).tolist() == []


def test_interquartile_ranges_are_order_statistics_of_the_finite_values():
    values = np.array([8.0, 1.0, 5.0, 3.0, np.nan, np.inf, 7.0, 2.0])
    ranges = interquartile_ranges(values, np.array([3, 5, 7]), 4)
    # 1 3 5 8 -> 8 - 3; 3 5 and two that are not finite -> 5 - 3; 2 7 and two that are not -> 7 - 2
    assert ranges.tolist() == [5.0, 2.0, 5.0]
    assert np.isnan(interquartile_ranges(values, np.array([5]), 2)).all()
    assert interquartile_ranges(values, np.array([], dtype=np.intp), 4).size == 0
    largest = np.finfo(float).max
    assert interquartile_ranges(np.array([-largest, -largest, largest, largest]), np.array([3]), 4)[0] == largest
