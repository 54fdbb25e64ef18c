"""The stability index: by hand, as properties, and where values are odd."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tradai_lifecycle.monitor import bin_codes, rolling_psi, window_psi
from tradai_lifecycle.monitor.psi import interior_edges, series_psi

finite = st.floats(-1e6, 1e6, allow_nan=False)
odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 5e-324])
columns = st.lists(st.one_of(finite, odd), min_size=12, max_size=80)
training = st.lists(finite, min_size=3, max_size=80)


def psi_of(live, reference):
    codes = bin_codes(np.asarray(live, dtype=float)[:, None], (reference,))
    return float(window_psi(codes, (reference,))[0])


def test_index_of_two_bins_by_hand(series_reference):
    reference = series_reference([0.0] * 50 + [1.0] * 50)
    # two value bins of one half each, smoothing mass 1; ten live rows, two of them in the first bin
    low, high = (2 + 0.5) / 11, (8 + 0.5) / 11
    expected = (low - 0.5) * log(low / 0.5) + (high - 0.5) * log(high / 0.5)
    assert psi_of([0.0] * 2 + [1.0] * 8, reference) == pytest.approx(expected, rel=1e-12)


def test_a_bin_empty_in_training_counts_as_half_a_candle(series_reference):
    reference = series_reference([0.0] * 50 + [1.0] * 50)
    half, share = 0.5 / 100, (1 + 0.5 / 100) / 11
    low, high = (4 + 0.5) / 11, (5 + 0.5) / 11
    expected = sum((q - p) * log(q / p) for q, p in ((low, 0.5), (high, 0.5), (share, half)))
    assert psi_of([0.0] * 4 + [1.0] * 5 + [np.nan], reference) == pytest.approx(expected, rel=1e-12)


def test_shares_equal_to_the_reference_give_zero(series_reference):
    values = np.random.default_rng(0).normal(size=500)
    reference = series_reference(values)
    assert psi_of(values, reference) == pytest.approx(0.0, abs=1e-15)
    assert psi_of(np.tile(values, 3), reference) == pytest.approx(0.0, abs=1e-15)


def test_a_constant_that_stays_gives_zero_and_either_side_is_told_apart(series_reference):
    reference = series_reference([2.0] * 30)
    assert psi_of([2.0] * 10, reference) == 0.0
    assert psi_of([1.0] * 10, reference) == psi_of([3.0] * 10, reference) > 1.0
    assert bin_codes(np.array([[1.0], [2.0], [np.nextafter(2.0, 3.0)], [np.nan]]), (reference,)).tolist() == [
        [0],
        [1],
        [2],
        [3],
    ]


def test_edges_are_deciles_that_occur_and_bins_hold_equal_shares():
    assert interior_edges(np.arange(100.0)) == tuple(np.arange(10.0, 100.0, 10.0))


def test_few_distinct_values_get_mid_points_and_bins_of_their_own():
    assert interior_edges(np.array([3, 1, 1, 2, 3])) == (1.5, 2.5)
    assert interior_edges(np.array([True, False, True])) == (0.5,)


def test_an_atom_at_the_minimum_keeps_a_bin_of_its_own(series_reference):
    values = np.concatenate([np.zeros(300), np.arange(1.0, 101.0)])
    reference = series_reference(values)
    assert reference.edges[0] == 1.0
    assert reference.counts[0] == 300


def test_no_value_bin_of_a_series_with_many_values_is_empty_in_training(series_reference):
    values = np.round(np.random.default_rng(1).normal(size=400) * 4)
    assert min(series_reference(values).counts[:-1]) > 0


def test_neighbouring_floats_and_the_largest_ones_are_told_apart(series_reference):
    largest = float(np.finfo(float).max)
    for low, high in ((1.0, np.nextafter(1.0, 2.0)), (0.0, 5e-324), (5e-324, 1e-323), (-largest, largest)):
        reference = series_reference([low] * 5 + [high] * 5)
        assert reference.counts == (5, 5, 0)
    assert bin_codes(np.array([[0.0], [largest], [np.inf]]), (series_reference([largest] * 5),)).tolist() == [
        [0],
        [1],
        [2],
    ]


def test_values_beyond_training_fall_into_the_outer_bins_and_infinities_do_not(series_reference):
    reference = series_reference(np.arange(100.0))
    codes = bin_codes(np.array([[-1e300], [1e300], [np.inf], [-np.inf], [np.nan]]), (reference,))
    assert codes[:, 0].tolist() == [0, 9, 10, 10, 10]


def test_integers_and_booleans_are_binned_as_floats(series_reference):
    reference = series_reference([0, 1, 1, 0])
    expected = bin_codes(np.array([[0.0], [1.0], [1.0]]), (reference,))
    assert bin_codes(np.array([[0], [1], [1]]), (reference,)).tolist() == expected.tolist()
    assert bin_codes(np.array([[False], [True], [True]]), (reference,)).tolist() == expected.tolist()


def test_binning_does_not_depend_on_the_block_a_row_falls_into(series_reference):
    values = np.random.default_rng(2).normal(size=(20_000, 2))
    references = (series_reference(values[:500, 0]), series_reference(np.round(values[:500, 1])))
    whole = bin_codes(values, references)
    assert (whole[8_000:8_400] == bin_codes(values[8_000:8_400], references)).all()
    expected = np.searchsorted(references[0].edges, values[:, 0], side="right")
    assert (whole[:, 0] == expected).all()


@given(training=training, live=columns)
@settings(max_examples=100, deadline=None)
def test_the_index_is_never_negative_and_always_finite(series_reference, training, live):
    psi = psi_of(live, series_reference(training))
    assert psi >= 0.0
    assert np.isfinite(psi)


@given(training=training, live=columns, window=st.integers(1, 15), cut=st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_batch_and_rolling_agree_to_the_last_bit_wherever_the_frame_starts_and_ends(
    series_reference, training, live, window, cut
):
    reference = series_reference(training)
    codes = bin_codes(np.array(live)[:, None], (reference,))
    rolling = rolling_psi(codes, (reference,), window)[:, 0]
    assert np.isnan(rolling[: window - 1]).all()
    for row in range(window - 1, len(live)):
        assert rolling[row] == window_psi(codes[row - window + 1 : row + 1], (reference,))[0]
    if len(codes) >= window:
        assert np.array_equal(series_psi(codes[:, 0], reference, window), rolling[window - 1 :])
    later = rolling_psi(codes[cut:], (reference,), window)[:, 0]
    assert (later[window - 1 :] == rolling[cut + window - 1 :]).all()
    shorter = rolling_psi(codes[: len(live) - cut], (reference,), window)[:, 0]
    assert np.array_equal(shorter, rolling[: len(live) - cut], equal_nan=True)


@given(
    training=arrays(np.int64, 60, elements=st.integers(-300, 300), unique=True),
    live=arrays(np.int64, 30, elements=st.integers(-400, 400)),
)
@settings(max_examples=60, deadline=None)
def test_a_strictly_increasing_transform_of_training_and_live_changes_nothing(series_reference, training, live):
    def transform(values):
        return np.exp(values / 50.0) + values**3

    plain = psi_of(live, series_reference(training))
    assert psi_of(transform(live.astype(float)), series_reference(transform(training.astype(float)))) == plain


def test_each_feature_is_judged_by_its_own_reference(series_reference):
    values = np.random.default_rng(3).normal(size=(300, 3)) * (1.0, 10.0, 100.0)
    references = tuple(series_reference(column) for column in values.T)
    psi = rolling_psi(bin_codes(values, references), references, 50)
    for index, reference in enumerate(references):
        alone = rolling_psi(bin_codes(values[:, [index]], (reference,)), (reference,), 50)[:, 0]
        assert np.array_equal(psi[:, index], alone, equal_nan=True)


def test_batches_and_rolling_agree_to_the_last_bit_over_series_with_different_numbers_of_bins(series_reference):
    values = np.random.default_rng(4).normal(size=(3_000, 4))
    values[:, 1], values[:, 2], values[:, 3] = np.round(values[:, 1]), 1.0, values[:, 3] > 0
    references = tuple(series_reference(column[:1_000]) for column in values.T)
    values[2_000:, 2] = np.nan
    codes = bin_codes(values, references)
    for window in (7, 100, 500):
        rolling = rolling_psi(codes, references, window)
        for column, reference, index in zip(codes.T, references, rolling.T, strict=True):
            assert np.array_equal(series_psi(column, reference, window), index[window - 1 :])
        for end in range(window, 3_001, 61):
            assert (window_psi(codes[end - window : end], references) == rolling[end - 1]).all()


def test_a_frame_shorter_than_the_window_and_an_empty_batch_are_nan(series_reference):
    reference = series_reference([1.0, 2.0, 3.0])
    codes = bin_codes(np.ones((4, 1)), (reference,))
    assert np.isnan(rolling_psi(codes, (reference,), 5)).all()
    assert rolling_psi(codes[:0], (reference,), 5).shape == (0, 1)
    assert np.isnan(window_psi(codes[:0], (reference,))).all()


def test_wrong_shapes_and_windows_are_named(series_reference):
    reference = series_reference([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(3, 2\) do not fit 1"):
        bin_codes(np.ones((3, 2)), (reference,))
    with pytest.raises(ValueError, match=r"\(3, 2\) do not fit 1"):
        window_psi(np.zeros((3, 2), dtype=np.uint8), (reference,))
    with pytest.raises(ValueError, match="window of 0"):
        rolling_psi(np.zeros((3, 1), dtype=np.uint8), (reference,), 0)
    for window in (0, 4):
        with pytest.raises(ValueError, match="3 rows hold no window"):
            series_psi(np.zeros(3, dtype=np.uint8), reference, window)
    with pytest.raises(ValueError, match="no finite value"):
        interior_edges(np.array([np.nan, np.inf]))
