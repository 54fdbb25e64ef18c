"""Faults of the data: each reason alone, its exemptions, and that none depends on where the frame starts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradai_lifecycle.monitor import quality_memory_candles, quality_reasons
from tradai_lifecycle.states import QUALITY_REASONS, Reason

WINDOW = 100
RECENT = 5
ROWS = 400
ONSET = 300
HOUR_NS = 3_600 * 10**9
START = 1_600_000_000 * 10**9 // HOUR_NS * HOUR_NS


@pytest.fixture(scope="module")
def frame(autoregressive):
    """Healthy values (n, 2), close and dates, all changing at every candle."""
    values = autoregressive(ROWS, 2, 0.5, 11)
    return values, 100.0 + values[:, 0], START + HOUR_NS * np.arange(ROWS)


@pytest.fixture(scope="module")
def reference(pair_reference, series_reference, autoregressive):
    """The reference of two features of the same kind as the frame's, window 100."""
    training = autoregressive(4_000, 2, 0.5, 12)
    features = tuple(
        replace(series_reference(column), name=name, iqr_low=0.9, iqr_high=1.8)
        for name, column in zip("ab", training.T, strict=True)
    )
    return of_features(replace(pair_reference, longest_constant_close_run=2), features)


def of_features(reference, features):
    """The reference of other features, between which nothing is related."""
    unrelated = replace(
        reference.relations, scores=tuple((0,) * len(feature.counts) for feature in features), combinations=()
    )
    return replace(reference, features=tuple(features), relations=unrelated)


def reasons(values, close, dates, reference, window=WINDOW):
    return quality_reasons(
        values=values, close=close, dates_ns=dates, candle_ns=HOUR_NS, reference=reference, window=window
    )


def on(found, reason):
    return np.flatnonzero(found & np.uint32(reason)).tolist()


def test_healthy_candles_have_no_reason(frame, reference):
    found = reasons(*frame, reference)
    assert found.dtype == np.uint32
    assert not found.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_flagged_at_its_row_alone(frame, reference, value):
    values, close, dates = frame
    broken = values.copy()
    broken[ONSET, 1] = value
    assert on(reasons(broken, close, dates, reference), Reason.NOT_FINITE) == [ONSET]
    broken_close = close.copy()
    broken_close[ONSET] = value
    assert on(reasons(values, broken_close, dates, reference), Reason.NOT_FINITE) == [ONSET]


def test_mostly_missing_values_stay_flagged_until_most_are_back(frame, reference):
    values, close, dates = frame
    broken = values.copy()
    broken[ONSET : ONSET + 10, 0] = np.nan
    assert on(reasons(broken, close, dates, reference), Reason.NOT_FINITE) == list(range(ONSET, ONSET + 12))


def test_a_stuck_feature_is_flagged_after_24_candles(frame, reference):
    values, close, dates = frame
    broken = values.copy()
    broken[ONSET : ONSET + 40, 0] = broken[ONSET, 0]
    found = reasons(broken, close, dates, reference)
    assert on(found, Reason.CONSTANT_FEATURE) == list(range(ONSET + 24, ONSET + 40))


def test_a_feature_may_stand_still_for_one_and_a_half_times_as_long_as_in_training(frame, reference):
    values, close, dates = frame
    patient = replace(reference.features[0], longest_constant_run=31)
    broken = values.copy()
    broken[ONSET : ONSET + 60, 0] = 0.0
    found = reasons(broken, close, dates, of_features(reference, (patient, reference.features[1])))
    assert on(found, Reason.CONSTANT_FEATURE) == list(range(ONSET + 47, ONSET + 60))


def test_the_patience_ends_at_the_window_and_a_feature_constant_in_training_is_exempt(frame, reference):
    values, close, dates = frame
    broken = values.copy()
    broken[ONSET - 200 :, 0] = 0.0
    for longest, first in ((WINDOW - 1, ONSET - 200 + WINDOW), (WINDOW, None)):
        feature = replace(reference.features[0], longest_constant_run=longest)
        found = on(
            reasons(broken, close, dates, of_features(reference, (feature, reference.features[1]))),
            Reason.CONSTANT_FEATURE,
        )
        assert found == (list(range(first, ROWS)) if first else [])


def test_a_frozen_close_is_flagged_after_24_candles(frame, reference):
    values, close, dates = frame
    frozen = close.copy()
    frozen[ONSET : ONSET + 30] = frozen[ONSET]
    assert on(reasons(values, frozen, dates, reference), Reason.FROZEN_FEED) == list(range(ONSET + 24, ONSET + 30))


def test_more_than_a_fifth_of_recent_values_far_out_of_range_is_flagged(frame, reference):
    values, close, dates = frame
    feature = reference.features[0]
    limit = feature.maximum + 0.5 * (feature.maximum - feature.minimum)
    for value, flagged in ((limit * 1.001, [ONSET + 2, ONSET + 3, ONSET + 4]), (limit * 0.999, [])):
        broken = values.copy()
        broken[[ONSET, ONSET + 2], 0] = value
        assert on(reasons(broken, close, dates, reference), Reason.OUT_OF_RANGE) == flagged


def test_a_hundredfold_scale_is_out_of_range_within_the_recent_candles(frame, reference):
    values, close, dates = frame
    for factor in (100.0, 1000.0):
        broken = values.copy()
        broken[ONSET:, 1] *= factor
        assert on(reasons(broken, close, dates, reference), Reason.OUT_OF_RANGE)[0] < ONSET + RECENT


@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_another_scale_is_flagged_once_the_window_shows_it_and_only_at_every_fifth_candle(frame, reference, factor):
    values, close, dates = frame
    broken = values.copy()
    broken[ONSET - WINDOW :, 1] *= factor
    rows = on(reasons(broken, close, dates, reference), Reason.SCALE_CHANGED)
    assert rows[-1] == ROWS - 1
    assert (dates[rows[0]] // HOUR_NS) % RECENT == 0
    assert ONSET - WINDOW < rows[0] <= ONSET


def test_a_feature_without_a_scale_in_training_has_none_to_change(frame, reference):
    values, close, dates = frame
    feature = replace(reference.features[0], iqr_low=0.0, iqr_high=0.0)
    flat = of_features(reference, (feature, reference.features[1]))
    assert not on(reasons(values, close, dates, flat), Reason.SCALE_CHANGED)


@pytest.mark.parametrize(
    ("step", "rows"),
    [
        (2 * HOUR_NS, list(range(ONSET, ONSET + RECENT))),
        (0, list(range(ONSET, ONSET + RECENT))),
        (-HOUR_NS, list(range(ONSET, ONSET + RECENT))),
        (HOUR_NS, []),
    ],
    ids=["gap", "duplicate", "out of order", "regular"],
)
def test_an_irregular_step_is_flagged_for_as_long_as_it_is_recent(frame, reference, step, rows):
    values, close, dates = frame
    moved = dates.copy()
    moved[ONSET:] += step - HOUR_NS
    assert on(reasons(values, close, moved, reference), Reason.CANDLES_IRREGULAR) == rows


def test_numbers_near_the_largest_float_are_judged_without_a_warning(frame, reference, series_reference):
    values, close, dates = frame
    largest = np.finfo(float).max
    feature = replace(series_reference([-largest, largest]), iqr_high=largest, iqr_low=1.0)
    huge = of_features(reference, (feature, reference.features[1]))
    wild = values.copy()
    wild[:, 0] = np.where(values[:, 0] > 0, largest, -largest) * np.linspace(0.5, 1.0, ROWS)
    assert not on(reasons(wild, close, dates, huge), Reason.OUT_OF_RANGE | Reason.SCALE_CHANGED)


@given(
    seed=st.integers(0, 10_000),
    cut=st.integers(1, 200),
    fault=st.sampled_from(["stuck", "nan", "scaled", "gaps", "none"]),
)
@settings(max_examples=60, deadline=None)
def test_reasons_do_not_depend_on_where_the_frame_starts_or_ends(frame, reference, seed, cut, fault):
    values, close, dates = (column.copy() for column in frame)
    rng = np.random.default_rng(seed)
    first, last = np.sort(rng.integers(0, ROWS, size=2))
    if fault == "stuck":
        values[first:last, 0] = close[first:last] = 1.0
    elif fault == "nan":
        values[rng.random(ROWS) < 0.3, 1] = np.nan
    elif fault == "scaled":
        values[first:last, 1] *= 30.0
    elif fault == "gaps":
        dates += HOUR_NS * np.cumsum(rng.choice([-1, 0, 0, 0, 0, 1, 3], size=ROWS))
        values[first:last, 1] *= 30.0
    whole = reasons(values, close, dates, reference)
    memory = quality_memory_candles(WINDOW)
    later = reasons(values[cut:], close[cut:], dates[cut:], reference)
    assert (later[memory:] == whole[cut + memory :]).all()
    shorter = reasons(values[:-cut], close[:-cut], dates[:-cut], reference)
    assert (shorter == whole[:-cut]).all()
    assert not (whole & ~np.uint32(QUALITY_REASONS)).any()


def test_frames_shorter_than_the_window_and_empty_ones_are_judged(frame, reference):
    values, close, dates = frame
    assert reasons(values[:7], close[:7], dates[:7], reference).tolist() == [0] * 7
    assert reasons(values[:0], close[:0], dates[:0], reference).shape == (0,)


def test_impossible_arguments_are_named(frame, reference):
    values, close, dates = frame
    with pytest.raises(ValueError, match="do not fit 2 features"):
        reasons(values[:, :1], close, dates, reference)
    with pytest.raises(ValueError, match="must have 400 rows"):
        reasons(values, close[1:], dates, reference)
    with pytest.raises(ValueError, match="must be positive"):
        reasons(values, close, dates, reference, window=0)
