"""Limits that follow the past: by hand, causal, exact in any order, deaf to a creep and not to a step."""

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.candles import rows_of, walking_candles
from tests.monitor.test_health import ROWS, frame_of, judge
from tradai_lifecycle.monitor import bin_codes, fit_pair_reference, rolling_psi, series_limits
from tradai_lifecycle.monitor.drift import DriftColumns, DriftMonitor, SeriesLimits
from tradai_lifecycle.monitor.dynamic import (
    DEVIATIONS,
    Bounds,
    PastIndex,
    index_memory_candles,
    limits_of_past,
    past_candles,
)
from tradai_lifecycle.monitor.psi import WindowPsi
from tradai_lifecycle.states import Thresholds

WINDOW = 40
MEMORY = index_memory_candles(WINDOW, WINDOW)
OF_LIMITS = ("moderate_ratio", "significant_ratio", "significant_share")


@pytest.fixture(scope="module")
def dynamic(settings):
    return replace(settings, thresholds=Thresholds.DYNAMIC)


def codes_of(frame, reference):
    return bin_codes(np.column_stack([frame["features"], frame["prediction"]]), reference.series)


def index_of(rows, window, seed=0):
    """An index as it comes: unknown before its first window is full."""
    psi = np.random.default_rng(seed).gamma(2.0, 0.1, rows)
    psi[: window - 1] = np.nan
    return psi


@given(window=st.integers(1, 12), past=st.integers(1, 15), rows=st.integers(0, 80), seed=st.integers(0, 99))
def test_a_limit_is_mean_and_three_deviations_of_the_rows_that_end_a_window_before(window, past, rows, seed):
    psi, memory = index_of(rows, window, seed), index_memory_candles(window, past)
    limits = limits_of_past(psi, window, past)
    assert np.isnan(limits[:memory]).all()
    for row in range(memory, rows):
        own = psi[row - window - past + 1 : row - window + 1]
        assert len(own) == past
        assert limits[row] == pytest.approx(own.mean() + DEVIATIONS * own.std(), abs=1e-5)


def test_only_dynamic_thresholds_follow_a_past():
    followed = {thresholds: past_candles(500, thresholds) for thresholds in Thresholds}
    assert {thresholds: past for thresholds, past in followed.items() if past} == {Thresholds.DYNAMIC: 500}
    assert index_memory_candles(500, 0) == 499
    assert index_memory_candles(500, 500) == 1_498


@given(window=st.integers(1, 12), past=st.integers(1, 15), seed=st.integers(0, 99), row=st.integers(30, 79))
def test_no_candle_of_the_window_judged_moves_its_own_limit(window, past, seed, row):
    """Nor does any later one."""
    psi = index_of(80, window, seed)
    changed = psi.copy()
    # a candle of the window is in the index of the window's rows and of those after
    changed[row - window + 1 :] += 5.0
    assert np.array_equal(
        limits_of_past(changed, window, past)[: row + 1], limits_of_past(psi, window, past)[: row + 1], equal_nan=True
    )


def test_a_past_that_stands_still_is_its_own_limit():
    psi = np.full(200, 0.3125)
    assert (limits_of_past(psi, WINDOW, WINDOW)[MEMORY:] == 0.3125).all()


def test_squares_of_the_largest_index_and_of_a_long_history_are_summed_exactly():
    """More of them than fit into 64 bits, and after them small ones again."""
    window = past = 5_000
    psi = np.concatenate([np.full(40_000, 31.9), index_of(17_000, 1)])
    limits, alone = limits_of_past(psi, window, past), limits_of_past(psi[40_000:], window, past)
    assert limits[20_000] == pytest.approx(31.9, abs=1e-5)
    assert np.array_equal(limits[-2_000:], alone[-2_000:])


@given(seed=st.integers(0, 200), start=st.integers(0, 200), steps=st.integers(0, 150))
@examples(max_examples=30, deadline=None)
def test_the_past_goes_on_row_by_row_as_it_is_anew(autoregressive, pair_reference, seed, start, steps):
    codes = codes_of(frame_of(seed, autoregressive, drift=2.0), pair_reference)
    series = pair_reference.series
    index = PastIndex(series, WindowPsi(series), WINDOW, WINDOW)
    whole = np.array([limits_of_past(psi, WINDOW, WINDOW) for psi in rolling_psi(codes, series, WINDOW).T])
    past = index.of(codes[start : start + MEMORY + 1])
    for row in range(start + MEMORY, start + MEMORY + 1 + steps):
        if row > start + MEMORY:
            index.go_on(past, codes, row)
        assert np.array_equal(index.limits(past), whole[:, row])


@given(seed=st.integers(0, 200), drift=st.sampled_from([0.0, 2.0]))
@examples(max_examples=15, deadline=None)
def test_the_newest_row_alone_is_that_of_all_rows(autoregressive, pair_reference, dynamic, seed, drift):
    codes = codes_of(frame_of(seed, autoregressive, drift=drift), pair_reference)
    monitor = DriftMonitor(
        pair_reference.series, series_limits(pair_reference, dynamic), pair_reference.relations, WINDOW
    )
    assert monitor.memory == MEMORY == dynamic.index_memory
    whole = monitor.of(codes)
    for row in range(MEMORY, ROWS, 7):
        one = monitor.newest(codes[row - MEMORY : row + 1])
        for field in fields(DriftColumns):
            assert getattr(one, field.name)[0] == getattr(whole, field.name)[row], (field.name, row)


def test_ratios_are_the_index_over_the_larger_of_floor_and_past(autoregressive, pair_reference, dynamic):
    frame = frame_of(3, autoregressive, drift=2.0)
    health = judge(frame, pair_reference, dynamic)
    psi = rolling_psi(codes_of(frame, pair_reference), pair_reference.series, WINDOW)
    own = np.array([limits_of_past(column, WINDOW, WINDOW) for column in psi.T]).T
    known = slice(MEMORY, None)
    significant, moderate = psi / np.maximum(0.25, own), psi / np.maximum(0.10, own)
    assert np.array_equal(health.significant_ratio[known], significant.max(axis=1)[known])
    assert np.array_equal(health.moderate_ratio[known], moderate.max(axis=1)[known])
    assert np.array_equal(health.worst_series[known], significant.argmax(axis=1)[known])
    assert np.array_equal(health.significant_share[known], (psi > np.maximum(0.25, own)).mean(axis=1)[known])
    beyond = (psi > np.maximum(0.20, own)).sum(axis=1) > dynamic.retrain_feature_count
    assert np.array_equal(health.retraining_rule[known], beyond[known] | (health.significant_share[known] > 0.0))
    # the past decides at some rows, the floor at others
    assert 0 < (own[known] > 0.25).mean() < 1


def test_before_its_past_is_full_a_row_has_an_index_and_no_ratio(autoregressive, pair_reference, dynamic):
    health = judge(frame_of(3, autoregressive, drift=2.0), pair_reference, dynamic)
    for name in OF_LIMITS:
        ratio = getattr(health, name)
        assert np.isnan(ratio[:MEMORY]).all()
        assert not np.isnan(ratio[MEMORY:]).any()
    assert not np.isnan(health.psi_max[WINDOW - 1 :]).any()
    assert (health.worst_series[:MEMORY] == -1).all()
    assert not health.retraining_rule[:MEMORY].any()
    calibrated = judge(
        frame_of(3, autoregressive, drift=2.0), pair_reference, replace(dynamic, thresholds=Thresholds.CALIBRATED)
    )
    assert np.array_equal(health.psi_max, calibrated.psi_max, equal_nan=True)
    assert np.array_equal(health.market_ratio, calibrated.market_ratio, equal_nan=True)
    assert np.array_equal(health.relation_fast_ratio, calibrated.relation_fast_ratio, equal_nan=True)


def test_the_memory_is_enough_and_one_candle_less_is_not(autoregressive, pair_reference, dynamic):
    frame, row = frame_of(5, autoregressive, drift=2.0), 300
    whole = judge(frame, pair_reference, dynamic)
    enough = judge(rows_of(frame, slice(row - MEMORY, row + 1)), pair_reference, dynamic)
    fewer = judge(rows_of(frame, slice(row - MEMORY + 1, row + 1)), pair_reference, dynamic)
    for name in OF_LIMITS:
        assert getattr(enough, name)[-1] == getattr(whole, name)[row]
        assert np.isnan(getattr(fewer, name)[-1])


def longest_run(flags):
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return max((int(end - start) for start, end in list(pairwise(ends))[::2]), default=0)


@pytest.mark.parametrize("rise_in_scatters", [0.5, 1.0])
def test_an_index_that_creeps_less_than_its_scatter_per_window_is_followed(rise_in_scatters):
    """However far it gets: at its end it is at ten times the floor."""
    rows, rise = 200 * WINDOW, 2.5 / 200
    creep = np.linspace(0.0, 2.5, rows)
    psi = np.abs(creep + rise / rise_in_scatters * np.random.default_rng(6).normal(size=rows))
    psi[: WINDOW - 1] = np.nan
    ratio = psi / np.fmax(0.25, limits_of_past(psi, WINDOW, WINDOW))
    assert (psi[-100 * WINDOW :] > 0.25).all()
    assert longest_run(ratio >= 1.0) < WINDOW // 4
    stepped = psi + np.where(np.arange(rows) >= rows // 2, 0.5, 0.0)
    beyond = np.flatnonzero(stepped / np.fmax(0.25, limits_of_past(stepped, WINDOW, WINDOW)) >= 1.0)
    step = beyond[(beyond >= rows // 2) & (beyond < rows // 2 + 4 * WINDOW)]
    # the past takes it in after a window
    assert step.tolist()[:WINDOW] == list(range(rows // 2, rows // 2 + WINDOW))
    assert len(step) < 2 * WINDOW


def test_a_step_of_the_values_holds_its_limit_and_is_forgotten(autoregressive, settings):
    window, rows, onset = 200, 2_000, 1_200
    values = autoregressive(4_000 + rows, 1, 0.2, 4)
    reference = fit_pair_reference(
        pair="BTC/USDT",
        features=values[:4_000],
        feature_names=("%-a",),
        prediction=np.tanh(values[:4_000, 0]),
        candles=walking_candles(4_000, seed=3),
        window_candles=window,
        maximum_share_of_time_reduced=0.1,
    )
    live = values[4_000:] + np.where(np.arange(rows) >= onset, 1.2, 0.0)[:, None]
    codes = bin_codes(np.column_stack([live, np.tanh(live[:, 0])]), reference.series)

    def beyond(thresholds):
        limits = series_limits(reference, replace(settings, window_candles=window, thresholds=thresholds))
        return DriftMonitor(reference.series, limits, reference.relations, window).of(codes).significant_ratio >= 1.0

    dynamic, fixed = beyond(Thresholds.DYNAMIC), beyond(Thresholds.FIXED)
    assert not dynamic[:onset].any()
    assert longest_run(dynamic) >= window // 2
    assert not dynamic[onset + 4 * window :].any()
    assert fixed[onset + 4 * window :].all()


def test_bounds_of_some_rows_keep_what_all_rows_share():
    rows = np.arange(5.0)
    part = Bounds(moderate=0.1, significant=rows, retrain=0.2).part(slice(3, None))
    assert (part.moderate, part.significant.tolist(), part.retrain) == (0.1, [3.0, 4.0], 0.2)
    unknown = SeriesLimits(moderate=0.1, significant=0.25, retrain=0.2, monitorable=True).raised(float("nan"))
    assert np.isnan([unknown.moderate, unknown.significant, unknown.retrain]).all()
