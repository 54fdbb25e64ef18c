"""All evidence together: the same wherever the frame starts, causal, and mute where it must be."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.candles import candles_round, rows_of, walking_candles
from tradai_lifecycle.monitor import (
    HealthColumns,
    assess,
    bin_codes,
    health_memory_candles,
    rolling_psi,
    series_health,
    series_limits,
)
from tradai_lifecycle.monitor.limits import SIGNIFICANT_MARGIN
from tradai_lifecycle.states import AccuracyVerdict, Reason, Thresholds

HOUR_NS = 3_600 * 10**9
ROWS = 500
NAMES = tuple(field.name for field in fields(HealthColumns) if not field.name.endswith("_persistence"))


def frame_of(seed, autoregressive, *, drift=0.0, faults=False):
    """The arguments of `assess` that have one row per candle."""
    rng = np.random.default_rng(seed)
    fast, slow = autoregressive(ROWS, 2, 0.2, seed), autoregressive(ROWS, 1, 0.9, seed + 1)
    features = np.column_stack([fast[:, 0], slow[:, 0], np.round(fast[:, 0] + 0.5 * fast[:, 1])])
    # the third stays: the relation between it and the first breaks, too
    features[ROWS // 2 :, :2] += drift
    busy = np.where((np.arange(ROWS) >= 3 * ROWS // 4) & (drift > 0.0), 6.0, 1.0)
    candles, dates = walking_candles(ROWS, seed=seed + 2, volume=busy), HOUR_NS * (400_000 + np.arange(ROWS))
    fit = np.ones(ROWS, dtype=bool)
    prediction = np.tanh(features[:, 0])
    if faults:
        fit = rng.random(ROWS) < 0.8
        features[~fit, rng.integers(3)] = np.nan
        features[200:240, 1], candles.close[210:250] = 3.0, 99.0
        features[300:330, 0] *= 40.0
        dates[350:] += 3 * HOUR_NS
        prediction[~fit] = np.nan
    realised = np.where(rng.random(ROWS) < 0.1, 0.0, rng.normal(size=ROWS) + 0.3 * np.tanh(features[:, 0]))
    realised[-3:] = np.nan
    return {
        "features": features,
        "prediction": prediction,
        "fit": fit,
        "realised": realised,
        "dates_ns": dates,
        "candles": candles,
    }


def judge(frame, reference, settings, trained_until_ns=0):
    return assess(**frame, reference=reference, settings=settings, trained_until_ns=trained_until_ns)


@pytest.mark.parametrize("thresholds", [Thresholds.CALIBRATED, Thresholds.DYNAMIC])
@given(seed=st.integers(0, 1_000), cut=st.integers(1, 300), drift=st.sampled_from([0.0, 2.0]), faults=st.booleans())
@examples(max_examples=40, deadline=None)
def test_every_column_is_the_same_to_the_last_bit_wherever_the_frame_starts_or_ends(
    autoregressive, pair_reference, settings, thresholds, seed, cut, drift, faults
):
    settings = replace(settings, thresholds=thresholds)
    frame = frame_of(seed, autoregressive, drift=drift, faults=faults)
    whole = judge(frame, pair_reference, settings, HOUR_NS * 400_100)
    memory = health_memory_candles(settings)
    later = judge(rows_of(frame, slice(cut, None)), pair_reference, settings, HOUR_NS * 400_100)
    shorter = judge(rows_of(frame, slice(0, -cut)), pair_reference, settings, HOUR_NS * 400_100)
    for name in NAMES:
        values = getattr(whole, name)
        assert np.array_equal(getattr(later, name)[memory:], values[cut + memory :], equal_nan=True), name
        assert np.array_equal(getattr(shorter, name), values[:-cut], equal_nan=True), name


def test_the_frames_compared_show_every_kind_of_evidence(autoregressive, pair_reference, settings):
    health = judge(frame_of(3, autoregressive, drift=2.0), pair_reference, settings)
    assert (health.quality & np.uint32(Reason.RELATION_BROKEN)).any()
    for name in ("market_ratio", "market_fast_ratio", "relation_fast_ratio", "moderate_ratio", "significant_ratio"):
        ratio = getattr(health, name)
        assert np.nanmax(ratio) >= 1.0 > np.nanmin(ratio), name


def test_the_memory_is_the_longest_of_all_monitors(settings):
    assert health_memory_candles(settings) == 3 + 90 - 1
    # the market beside its last window, over half a window, and calm for half of one before a relation counts
    assert health_memory_candles(replace(settings, window_candles=500)) == (501 + 249) + 250 + 24
    # the window, and one window of past whose windows end before it begins
    followed = replace(settings, window_candles=500, thresholds=Thresholds.DYNAMIC)
    assert health_memory_candles(followed) == 499 + 999


def test_drift_columns_are_those_of_the_rolling_index_and_its_limits(autoregressive, pair_reference, settings):
    frame = frame_of(3, autoregressive, drift=2.0)
    health = judge(frame, pair_reference, settings)
    series = np.column_stack([frame["features"], frame["prediction"]])
    psi = rolling_psi(bin_codes(series, pair_reference.series), pair_reference.series, 40)
    limits = series_limits(pair_reference, settings)
    kept = [index for index, limit in enumerate(limits) if limit.monitorable]
    assert len(kept) >= 2
    of_all_series = psi.max(axis=1)
    psi, significant = psi[:, kept], np.array([limits[index].significant for index in kept])
    moderate = np.array([limits[index].moderate for index in kept])
    retrain = np.array([limits[index].retrain for index in kept])
    full = slice(39, None)
    assert np.array_equal(health.psi_max[full], of_all_series[full])
    assert np.array_equal(health.moderate_ratio[full], (psi / moderate)[full].max(axis=1))
    assert np.array_equal(health.significant_ratio[full], (psi / significant)[full].max(axis=1))
    assert np.array_equal(health.significant_share[full], (psi > significant)[full].mean(axis=1))
    worst = np.array(kept)[(psi / significant)[full].argmax(axis=1)]
    assert np.array_equal(health.worst_series[full], worst)
    rule = (psi > significant).any(axis=1) | ((psi > retrain).sum(axis=1) > settings.retrain_feature_count)
    assert np.array_equal(health.retraining_rule[full], rule[full])
    assert rule[full].any()
    assert not rule[full].all()


def test_before_the_window_is_full_drift_is_unknown(autoregressive, pair_reference, settings):
    health = judge(frame_of(4, autoregressive), pair_reference, settings)
    for name in ("psi_max", "moderate_ratio", "significant_ratio", "significant_share"):
        assert np.isnan(getattr(health, name)[:39]).all()
        assert np.isfinite(getattr(health, name)[39:]).all()
    assert not health.retraining_rule[:39].any()
    assert (health.worst_series[:39] == -1).all()
    assert (health.worst_series[39:] >= 0).all()


def test_a_short_training_range_reports_and_never_acts(autoregressive, pair_reference, settings):
    short = replace(pair_reference, training_candles=399)
    health = judge(frame_of(5, autoregressive, drift=9.0), short, settings)
    assert (health.significant_ratio[39:] == 0.0).all()
    assert (health.significant_share[39:] == 0.0).all()
    assert (health.worst_series == -1).all()
    assert not health.retraining_rule.any()
    assert not any(limit.monitorable for limit in series_limits(short, settings))


def test_a_series_whose_limit_sees_nothing_is_left_out_of_the_rules(pair_reference, settings):
    blind = replace(pair_reference.features[0], significant_quantile=1.01)
    limits = series_limits(replace(pair_reference, features=(blind, *pair_reference.features[1:])), settings)
    assert not limits[0].monitorable
    assert limits[0].significant == SIGNIFICANT_MARGIN * 1.01


def test_fixed_thresholds_are_the_floors_for_every_series(pair_reference, settings):
    fixed = replace(settings, thresholds=Thresholds.FIXED)
    limits = series_limits(replace(pair_reference, training_candles=80), fixed)
    assert {(limit.moderate, limit.significant, limit.retrain, limit.monitorable) for limit in limits} == {
        (0.10, 0.25, 0.20, True)
    }
    assert {limit.past_candles for limit in limits} == {0}


def test_dynamic_thresholds_have_the_floors_and_a_past_for_every_series_that_training_was_long_enough_for(
    pair_reference, settings
):
    """Also for one that cannot be watched by what training shows: its own level is what it is held against."""
    dynamic = replace(settings, thresholds=Thresholds.DYNAMIC)
    blind = replace(pair_reference.features[0], significant_quantile=1.01)
    reference = replace(pair_reference, features=(blind, *pair_reference.features[1:]))
    limits = series_limits(reference, dynamic)
    assert {(limit.moderate, limit.significant, limit.retrain, limit.past_candles) for limit in limits} == {
        (0.10, 0.25, 0.20, 40)
    }
    assert all(limit.monitorable for limit in limits)
    assert not any(limit.monitorable for limit in series_limits(replace(reference, training_candles=399), dynamic))


def test_calibrated_limits_never_fall_below_the_floors(pair_reference, settings):
    calm = replace(pair_reference.prediction, moderate_quantile=0.0, significant_quantile=0.0, retrain_quantile=0.0)
    limit = series_limits(replace(pair_reference, prediction=calm), settings)[-1]
    assert (limit.moderate, limit.significant, limit.retrain, limit.monitorable) == (0.10, 0.25, 0.20, True)


def test_rows_that_are_not_fit_count_in_the_nan_bin_of_the_prediction(autoregressive, pair_reference, settings):
    frame = frame_of(6, autoregressive)
    unfit = frame | {"fit": np.zeros(ROWS, dtype=bool)}
    nan = frame | {"prediction": np.full(ROWS, np.nan)}
    for name in NAMES:
        a, b = judge(unfit, pair_reference, settings), judge(nan, pair_reference, settings)
        assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
    seen = replace(settings, thresholds=Thresholds.FIXED)
    assert judge(unfit, pair_reference, seen).worst_series[-1] == 3


def test_series_health_shows_the_newest_row_to_the_last_bit(autoregressive, pair_reference, settings):
    fixed = replace(settings, thresholds=Thresholds.FIXED)
    frame = frame_of(7, autoregressive, drift=1.0)
    health = judge(frame, pair_reference, fixed)
    report = series_health(
        features_tail=frame["features"][-40:],
        prediction_tail=frame["prediction"][-40:],
        reference=pair_reference,
        settings=fixed,
    )
    assert [part.name for part in report] == ["%-fast", "%-slow", "%-round", "prediction"]
    assert max(part.psi for part in report) == health.psi_max[-1]
    assert report[health.worst_series[-1]].psi / 0.25 == health.significant_ratio[-1]
    longer = series_health(
        features_tail=frame["features"],
        prediction_tail=frame["prediction"],
        reference=pair_reference,
        settings=fixed,
    )
    assert longer == report


def test_series_health_shows_dynamic_limits_as_they_are_at_its_candle(autoregressive, pair_reference, settings):
    dynamic = replace(settings, thresholds=Thresholds.DYNAMIC)
    frame = frame_of(7, autoregressive, drift=1.0)
    raised = False
    for end in range(120, ROWS, 20):
        tail = rows_of(frame, slice(max(0, end - 150), end))
        health = judge(tail, pair_reference, dynamic)
        shown = {"features_tail": tail["features"], "prediction_tail": tail["prediction"]}
        report = series_health(**shown, reference=pair_reference, settings=dynamic)
        worst = report[health.worst_series[-1]]
        assert worst.psi / worst.significant_limit == health.significant_ratio[-1]
        assert max(part.psi / part.moderate_limit for part in report) == health.moderate_ratio[-1]
        raised |= worst.significant_limit > 0.25
    assert raised
    few = series_health(
        **{name: values[-118:] for name, values in shown.items()}, reference=pair_reference, settings=dynamic
    )
    assert [part.psi for part in few] == [part.psi for part in report]
    assert all(np.isnan(part.significant_limit) for part in few)


def test_series_health_of_less_than_a_window_is_nan(pair_reference, settings):
    report = series_health(
        features_tail=np.zeros((39, 3)), prediction_tail=np.zeros(39), reference=pair_reference, settings=settings
    )
    assert all(np.isnan(part.psi) for part in report)


def accuracy_frame(**changes):
    """Predictions that are always right, one per candle."""
    frame = {
        "features": np.random.default_rng(1).normal(size=(ROWS, 3)),
        "prediction": np.where(np.arange(ROWS) % 2, 0.5, -0.5),
        "fit": np.ones(ROWS, dtype=bool),
        "realised": np.where(np.arange(ROWS) % 2, 2.0, -2.0),
        "dates_ns": HOUR_NS * (400_000 + np.arange(ROWS)),
        "candles": candles_round(np.arange(ROWS) + 1.0),
    }
    return frame | changes


def test_accuracy_is_the_share_of_equal_signs(pair_reference, settings):
    right = judge(accuracy_frame(), pair_reference, settings)
    assert right.accuracy[-1] == 1.0
    assert right.accuracy_verdict[-1] == AccuracyVerdict.HEALTHY
    wrong = judge(accuracy_frame(realised=-accuracy_frame()["realised"]), pair_reference, settings)
    assert wrong.accuracy[-1] == 0.0
    assert wrong.accuracy_verdict[-1] == AccuracyVerdict.BREACHED
    assert wrong.accuracy_lower[-1] == 0.0 < wrong.accuracy_upper[-1] < 0.52


@pytest.mark.parametrize(
    "changes",
    [
        {"fit": np.zeros(ROWS, dtype=bool)},
        {"realised": np.zeros(ROWS)},
        {"realised": np.full(ROWS, np.nan)},
        {"prediction": np.full(ROWS, 0.01)},
        {"prediction": np.full(ROWS, np.inf)},
        {"dates_ns": HOUR_NS * np.arange(ROWS)},
    ],
    ids=["unfit", "no move", "unknown", "dead band", "infinite", "training range"],
)
def test_rows_that_say_nothing_are_not_scored(pair_reference, settings, changes):
    health = judge(accuracy_frame(**changes), pair_reference, settings, HOUR_NS * 399_999)
    assert np.isnan(health.accuracy).all()
    assert (health.accuracy_verdict == AccuracyVerdict.INSUFFICIENT_DATA).all()


def test_the_last_training_candle_is_not_scored_and_the_one_after_it_is(pair_reference, settings):
    health = judge(accuracy_frame(), pair_reference, settings, HOUR_NS * (400_000 + 100))
    # prediction 101 is the first one scored, and known three candles later
    assert np.flatnonzero(np.isfinite(health.accuracy))[0] == 104


def test_faults_of_the_data_reach_the_quality_column(autoregressive, pair_reference, settings):
    quality = judge(frame_of(9, autoregressive, faults=True), pair_reference, settings).quality
    seen = Reason(int(np.bitwise_or.reduce(quality)))
    assert (
        seen & (Reason.NOT_FINITE | Reason.CONSTANT_FEATURE | Reason.FROZEN_FEED | Reason.CANDLES_IRREGULAR)
        == Reason.NOT_FINITE | Reason.CONSTANT_FEATURE | Reason.FROZEN_FEED | Reason.CANDLES_IRREGULAR
    )


def test_columns_of_another_length_are_named(pair_reference, settings):
    with pytest.raises(ValueError, match="do not fit 500 rows"):
        judge(accuracy_frame(candles=candles_round(np.ones(499))), pair_reference, settings)
    with pytest.raises(ValueError, match="does not fit 4 rows"):
        series_health(
            features_tail=np.zeros((4, 3)), prediction_tail=np.zeros(5), reference=pair_reference, settings=settings
        )


def test_an_empty_frame_gives_empty_columns(pair_reference, settings):
    health = judge(rows_of(accuracy_frame(), slice(0, 0)), pair_reference, settings)
    assert {len(getattr(health, name)) for name in NAMES} == {0}
