"""Limits of shifts: off where they mean nothing, within the budget of false alarms, and counted on training's peaks."""

from dataclasses import replace
from math import inf, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.limits import (
    FEWEST_TRAINING_WINDOWS,
    MARKET_PART,
    MODERATE_MARGIN,
    RELATION_PART,
    SIGNIFICANT_MARGIN,
    ShiftLimits,
    expected_alarms_per_1000,
    pair_limits,
)
from tradai_lifecycle.monitor.shift_calibration import FAST_SHARES
from tradai_lifecycle.states import Thresholds

OFF = ShiftLimits(slow=inf, fast=inf, fast_persistence=1)
FAST = tuple(np.linspace(3.0, 1.2, len(FAST_SHARES)).tolist())


def group(pair_reference, *, peaks=(), combinations=True, slow_limit=1.5):
    """The shifts of a group whose training showed these peaks."""
    shifts = pair_reference.market.shifts
    return replace(
        shifts,
        combinations=shifts.combinations if combinations else (),
        slow_limit=slow_limit,
        fast_limits=FAST if combinations else (),
        slow_peaks=tuple(sorted(peaks, reverse=True)),
    )


def reference_of(pair_reference, *, psi=(), market=(), relations=(), candles=800):
    """A pair's reference whose training showed these peaks of the index, the market and the relations."""
    own = pair_reference.relations
    # the market's combinations do for the relations: bins and scores are not looked at here
    related = replace(group(pair_reference, peaks=relations), scores=own.scores, combinations=())
    return replace(
        pair_reference,
        training_candles=candles,
        psi_peaks=tuple(sorted(psi, reverse=True)),
        market=replace(pair_reference.market, shifts=group(pair_reference, peaks=market)),
        relations=replace(
            related,
            combinations=tuple(
                replace(one, series=(0,), weights=(256,)) for one in pair_reference.market.shifts.combinations[:2]
            ),
        ),
    )


def target(settings, rate):
    return replace(settings, thresholds=Thresholds.TARGET_FALSE_ALARMS_PER_1000, target_false_alarms_per_1000=rate)


def test_calibrated_limits_are_the_references_own_and_fast_ones_those_of_the_budget(pair_reference, settings):
    limits = pair_limits(reference_of(pair_reference), settings)
    assert [(limit.moderate, limit.significant, limit.retrain) for limit in limits.series] == [
        (
            max(settings.moderate_psi, MODERATE_MARGIN * series.moderate_quantile),
            max(settings.significant_psi, SIGNIFICANT_MARGIN * series.significant_quantile),
            max(settings.retrain_psi, series.retrain_quantile),
        )
        for series in pair_reference.series
    ]
    assert (MODERATE_MARGIN, SIGNIFICANT_MARGIN) == (1.5, 2.0)
    assert (MARKET_PART, RELATION_PART) == (0.5, 0.2)
    by_share = dict(zip(FAST_SHARES, FAST, strict=True))
    # a tenth of the time: a twentieth for the market, a fiftieth for the relations
    assert limits.market == ShiftLimits(slow=1.5, fast=by_share[0.05], fast_persistence=1)
    assert limits.relations == ShiftLimits(slow=1.5, fast=by_share[0.02], fast_persistence=1)


def test_between_two_shares_the_limit_lies_between_theirs(pair_reference, settings):
    between = pair_limits(reference_of(pair_reference), replace(settings, maximum_share_of_time_reduced=0.125)).market
    by_share = dict(zip(FAST_SHARES, FAST, strict=True))
    assert between.fast == pytest.approx((by_share[0.05] + by_share[0.075]) / 2)


@given(share=st.floats(1e-6, 0.4), less=st.floats(0.0, 1.0))
@examples(max_examples=60, deadline=None)
def test_a_smaller_budget_never_gives_a_lower_limit(pair_reference, settings, share, less):
    reference = reference_of(pair_reference)
    wide, narrow = (
        pair_limits(reference, replace(settings, maximum_share_of_time_reduced=one)) for one in (share, less * share)
    )
    assert narrow.market.fast >= wide.market.fast
    assert narrow.relations.fast >= wide.relations.fast


def test_without_a_budget_fast_alarms_are_off_and_slow_ones_are_not(pair_reference, settings):
    limits = pair_limits(reference_of(pair_reference), replace(settings, maximum_share_of_time_reduced=0.0))
    assert limits.market == limits.relations == ShiftLimits(slow=1.5, fast=inf, fast_persistence=1)


@pytest.mark.parametrize("share", [1e-9, 1e-3, 0.004, 0.009])
def test_fast_alarms_that_no_known_limit_makes_rare_enough_are_off(pair_reference, settings, share):
    limits = pair_limits(reference_of(pair_reference), replace(settings, maximum_share_of_time_reduced=share))
    assert limits.market == limits.relations == ShiftLimits(slow=1.5, fast=inf, fast_persistence=1)


def test_the_smallest_share_known_is_kept_to(pair_reference, settings):
    rare = replace(settings, maximum_share_of_time_reduced=FAST_SHARES[0] / MARKET_PART)
    limits = pair_limits(reference_of(pair_reference), rare)
    assert (limits.market.fast, limits.relations.fast) == (FAST[0], inf)


def test_fixed_thresholds_know_no_shifts(pair_reference, settings):
    fixed = replace(settings, thresholds=Thresholds.FIXED)
    limits = pair_limits(reference_of(pair_reference), fixed)
    assert limits.market == limits.relations == OFF
    assert isnan(expected_alarms_per_1000(reference_of(pair_reference), fixed))


def test_dynamic_thresholds_leave_the_shifts_as_calibrated_and_are_not_judged_by_training(pair_reference, settings):
    reference, dynamic = reference_of(pair_reference, psi=[9.0]), replace(settings, thresholds=Thresholds.DYNAMIC)
    limits, calibrated = pair_limits(reference, dynamic), pair_limits(reference, settings)
    assert (limits.market, limits.relations) == (calibrated.market, calibrated.relations) != (OFF, OFF)
    assert isnan(expected_alarms_per_1000(reference, dynamic))


@pytest.mark.parametrize("thresholds", [Thresholds.CALIBRATED, Thresholds.TARGET_FALSE_ALARMS_PER_1000])
def test_fewer_than_ten_training_windows_act_on_no_shift(pair_reference, settings, thresholds):
    tuned = replace(settings, thresholds=thresholds, target_false_alarms_per_1000=0.5)
    enough = FEWEST_TRAINING_WINDOWS * settings.window_candles
    short = reference_of(pair_reference, candles=enough - 1, psi=[9.0], market=[9.0], relations=[9.0])
    assert pair_limits(short, tuned).market == pair_limits(short, tuned).relations == OFF
    assert expected_alarms_per_1000(short, tuned) == 0.0
    assert pair_limits(replace(short, training_candles=enough), tuned).market != OFF


def test_a_group_without_combinations_is_off(pair_reference, settings):
    empty = replace(pair_reference.market, shifts=group(pair_reference, combinations=False))
    limits = pair_limits(replace(reference_of(pair_reference), market=empty), settings)
    assert limits.market == OFF
    assert limits.relations != OFF


def test_without_a_target_no_peak_moves_a_limit_and_those_beyond_are_counted(pair_reference, settings):
    reference = reference_of(
        pair_reference, candles=4_000, psi=[3.0, 1.0, 0.9], market=[2.0, 1.5, 1.4], relations=[1.6]
    )
    assert pair_limits(reference, settings).market.slow == 1.5
    # one of the index at 1.5 times its quantile, two of the market and one of the relations at their limit of 1.5
    assert expected_alarms_per_1000(reference, settings) == 4 / 4
    assert expected_alarms_per_1000(reference_of(pair_reference), settings) == 0.0


peaks = st.lists(st.floats(0.05, 5.0) | st.sampled_from([0.5, 1.0, 2.0]), max_size=50)


@given(psi=peaks, market=peaks, relations=peaks, rate=st.floats(0.01, 10.0), candles=st.integers(400, 40_000))
@examples(max_examples=150, deadline=None)
def test_a_target_allows_for_no_more_alarms_than_it_says(
    pair_reference, settings, psi, market, relations, rate, candles
):
    reference = reference_of(pair_reference, psi=psi, market=market, relations=relations, candles=candles)
    tuned, plain = target(settings, rate), pair_limits(reference, settings)
    limits = pair_limits(reference, tuned)
    allowed = int(rate / 3 * candles / 1_000)
    factor = limits.series[0].retrain / plain.series[0].retrain
    for shown, limit in ((psi, factor), (market, limits.market.slow), (relations, limits.relations.slow)):
        above = sum(peak >= limit * (1 + 1e-12) for peak in shown)
        assert above <= allowed
        # and is not stricter than it need be: one peak lower would be one alarm more, but for peaks of equal height
        if shown and 0 < allowed < len(shown):
            assert sum(peak >= limit * (1 - 1e-12) for peak in shown) > allowed
    assert expected_alarms_per_1000(reference, tuned) <= rate
    for one, other, series in zip(limits.series, plain.series, reference.series, strict=True):
        # the quantiles as they are: the target is met by what training itself showed, without a margin
        assert one.moderate == pytest.approx(factor * max(settings.moderate_psi, series.moderate_quantile))
        assert one.significant == pytest.approx(factor * max(settings.significant_psi, series.significant_quantile))
        assert one.retrain == pytest.approx(factor * other.retrain)
        assert one.monitorable is other.monitorable


def test_a_target_that_allows_for_none_lies_beyond_the_highest_peak(pair_reference, settings):
    reference = reference_of(pair_reference, psi=[2.0], market=[1.25, 1.0], relations=[0.5])
    limits = pair_limits(reference, target(settings, 0.5))
    assert limits.market.slow == 1.25 * 1.1
    assert limits.relations.slow == 0.5 * 1.1
    assert limits.series[-1].significant == 2.2 * reference.prediction.significant_quantile


def test_a_target_without_any_peak_keeps_the_bounds_of_training(pair_reference, settings):
    limits = pair_limits(reference_of(pair_reference), target(settings, 0.5))
    assert limits.market.slow == limits.relations.slow == 1.0
    assert [limit.significant for limit in limits.series] == [
        max(settings.significant_psi, series.significant_quantile) for series in pair_reference.series
    ]
    assert expected_alarms_per_1000(reference_of(pair_reference), target(settings, 0.5)) == 0.0
