"""The rolling shifts: one row, a batch and a whole history to the last bit the same, whatever the values."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor import shifts as shifts_module
from tradai_lifecycle.monitor.shifts import (
    SCORE_UNIT,
    WEIGHT_UNIT,
    Bounds,
    Combination,
    FastTier,
    ShiftColumns,
    ShiftMonitor,
    ShiftReference,
    weight_matrix,
)

COLUMNS = tuple(field.name for field in fields(ShiftColumns))


def random_group(rng, *, fast, series=4, combinations=5, largest_weight=3 * WEIGHT_UNIT):
    """A reference of random scores and combinations; the number of bins differs from series to series."""
    scores = tuple(
        (*sorted(rng.integers(-4 * SCORE_UNIT, 4 * SCORE_UNIT, rng.integers(1, 12)).tolist()), 0) for _ in range(series)
    )
    bounds = iter(rng.uniform(0.05, 1.0, (combinations, 6)))
    return ShiftReference(
        scores=scores,
        combinations=tuple(random_combination(rng, series, next(bounds), largest_weight) for _ in range(combinations)),
        slow_limit=1.0,
        fast_tier=FastTier(window=fast, persistence=1),
        fast_limits=(),
        slow_peaks=(),
    )


def random_combination(rng, series, bounds, largest_weight):
    members = rng.permutation(series)[: rng.integers(1, series + 1)]
    return Combination(
        name="any",
        series=tuple(members.tolist()),
        weights=tuple(rng.integers(-largest_weight, largest_weight + 1, len(members)).tolist()),
        slow=Bounds(middle=bounds[0] - 0.5, below=bounds[1], above=bounds[2]),
        fast=Bounds(middle=bounds[3] - 0.5, below=bounds[4], above=bounds[5]),
    )


def random_codes(rng, reference, rows):
    codes = [rng.integers(0, len(scores), rows) for scores in reference.scores]
    return np.array(codes, dtype=np.uint8).reshape(len(reference.scores), rows).T


def by_hand(reference, codes, window, which):
    """The ratio of every row and combination `(n, C)` in Python's whole numbers, NaN before the window is full."""
    ratios = np.full((len(codes), len(reference.combinations)), np.nan)
    for index, combination in enumerate(reference.combinations):
        bounds = getattr(combination, which)
        parts = list(zip(combination.series, combination.weights, strict=True))
        worth = [sum(weight * reference.scores[one][row[one]] for one, weight in parts) for row in codes.tolist()]
        for row in range(window - 1, len(codes)):
            strayed = sum(worth[row - window + 1 : row + 1]) / (SCORE_UNIT * WEIGHT_UNIT * window) - bounds.middle
            ratios[row, index] = strayed / bounds.above if strayed > 0.0 else -strayed / bounds.below
    return ratios


def assert_same(found, expected, rows=slice(None)):
    for name in COLUMNS:
        assert np.array_equal(getattr(found, name)[rows], getattr(expected, name), equal_nan=True), name


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(0, 60),
    slow=st.integers(1, 25),
    fast=st.integers(1, 25),
    series=st.integers(1, 5),
    combinations=st.integers(1, 6),
)
@examples(max_examples=80, deadline=None)
def test_the_furthest_combination_by_hand_to_the_last_bit(seed, rows, slow, fast, series, combinations):
    rng = np.random.default_rng(seed)
    reference = random_group(rng, fast=fast, series=series, combinations=combinations)
    codes = random_codes(rng, reference, rows)
    found = ShiftMonitor(reference, slow).of(codes)
    for name, window in (("slow", slow), ("fast", fast)):
        expected = by_hand(reference, codes, window, name).max(axis=1, initial=-np.inf)
        assert np.array_equal(getattr(found, name), expected, equal_nan=True), name


@given(
    seed=st.integers(0, 10_000),
    windows=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    block=st.sampled_from([1, 7, 16, 8_192]),
    cut=st.integers(0, 60),
    end=st.integers(60, 120),
    from_row=st.integers(0, 130),
)
@examples(max_examples=80, deadline=None)
def test_frames_that_start_or_end_elsewhere_and_blocks_of_rows_agree_to_the_last_bit(
    seed, windows, block, cut, end, from_row
):
    rng = np.random.default_rng(seed)
    reference = random_group(rng, fast=windows[1])
    codes, memory = random_codes(rng, reference, 120), max(windows) - 1
    monitor = ShiftMonitor(reference, windows[0])
    whole = monitor.of(codes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shifts_module, "_ROWS_PER_BLOCK", block)
        assert_same(monitor.of(codes), whole)
        part = monitor.of(codes[cut:end])
        asked = monitor.of(codes, from_row)
    for name in COLUMNS:
        values = getattr(whole, name)
        assert np.array_equal(getattr(part, name)[memory:], values[cut + memory : end], equal_nan=True), name
        assert np.array_equal(getattr(asked, name)[from_row:], values[from_row:], equal_nan=True), name
        assert np.isnan(getattr(asked, name)[:from_row]).all(), name
    newest = monitor.of(codes[end - 1 - memory : end], memory)
    assert (newest.slow[-1], newest.fast[-1]) == (whole.slow[end - 1], whole.fast[end - 1])
    # candles that come later change nothing
    assert_same(whole, monitor.of(codes[:end]), slice(0, end))


@given(seed=st.integers(0, 10_000), windows=st.tuples(st.integers(1, 20), st.integers(1, 20)), combined=st.booleans())
@examples(max_examples=40, deadline=None)
def test_sums_that_go_on_from_row_to_row_give_the_rows_of_the_whole(seed, windows, combined):
    rng = np.random.default_rng(seed)
    reference = random_group(rng, fast=windows[1], combinations=5 if combined else 0)
    codes, full = random_codes(rng, reference, 60), max(windows)
    monitor = ShiftMonitor(reference, windows[0])
    whole = monitor.of(codes)
    sums = monitor.sums(codes[:full])
    for row in range(full - 1, 60):
        if row >= full:
            monitor.go_on(sums, codes, row)
        assert np.array_equal(sums, monitor.sums(codes[: row + 1]))
        assert monitor.at(sums).tolist() == [whole.slow[row], whole.fast[row]]


def test_histories_longer_than_a_block_agree_with_their_parts():
    rng = np.random.default_rng(1)
    reference = random_group(rng, fast=50, series=6, combinations=12)
    codes = random_codes(rng, reference, 20_000)
    monitor = ShiftMonitor(reference, 250)
    whole = monitor.of(codes)
    for end in (250, 8_191, 8_192, 8_193, 8_441, 8_442, 16_384, 16_385, 20_000):
        alone = monitor.of(codes[end - 250 : end], 249)
        assert (alone.slow[-1], alone.fast[-1]) == (whole.slow[end - 1], whole.fast[end - 1])


def test_sums_stay_exact_with_the_largest_scores_weights_and_windows():
    """Every value in an outermost bin for 5,000 candles, on weights that no ridge regression gives."""
    scores, window = ((-4 * SCORE_UNIT, 4 * SCORE_UNIT, 0),) * 6, 5_000
    wide = Bounds(middle=0.1, below=0.7, above=0.3)
    weights = tuple((-1) ** one * (1_000 * WEIGHT_UNIT + one) for one in range(6))
    combination = Combination(name="any", series=tuple(range(6)), weights=weights, slow=wide, fast=wide)
    reference = ShiftReference(
        scores=scores,
        combinations=(combination,),
        slow_limit=1.0,
        fast_tier=FastTier(window=window, persistence=1),
        fast_limits=(),
        slow_peaks=(),
    )
    codes = np.tile(np.array([[one % 2 for one in range(6)]], dtype=np.uint8), (window, 1))
    codes[::7] = 2
    worth = sum(weight * (1 if one % 2 else -1) * 4 * SCORE_UNIT for one, weight in enumerate(weights))
    summed = worth * np.count_nonzero(codes[:, 0] != 2)
    assert abs(summed) < 2**53
    strayed = summed / (SCORE_UNIT * WEIGHT_UNIT * window) - 0.1
    found = ShiftMonitor(reference, window).of(codes)
    assert found.slow[-1] == (strayed / 0.3 if strayed > 0 else -strayed / 0.7)


def test_a_value_outside_its_bounds_on_either_side_is_beyond_one():
    bounds = Bounds(middle=0.5, below=0.25, above=2.0)
    reference = ShiftReference(
        scores=((0, 256, 128, 640, 0),),
        combinations=(Combination(name="alone", series=(0,), weights=(256,), slow=bounds, fast=bounds),),
        slow_limit=1.0,
        fast_tier=FastTier(window=2, persistence=1),
        fast_limits=(),
        slow_peaks=(),
    )
    monitor = ShiftMonitor(reference, 1)
    found = monitor.of(np.array([[0], [1], [2], [3], [4]], dtype=np.uint8))
    # scores 0, 1, 0.5, 2.5 and, for NaN, 0
    assert found.slow.tolist() == [2.0, 0.25, 0.0, 1.0, 2.0]
    assert np.isnan(found.fast[0])
    assert found.fast[1:].tolist() == [0.0, 0.125, 0.5, 0.375]


@given(seed=st.integers(0, 1_000), slow=st.integers(1, 40), extra=st.integers(0, 20))
@examples(max_examples=40, deadline=None)
def test_each_combinations_ratio_at_the_newest_row_and_the_largest_is_that_of_the_columns(seed, slow, extra):
    rng = np.random.default_rng(seed)
    reference = random_group(rng, fast=1)
    codes = random_codes(rng, reference, slow + extra)
    monitor = ShiftMonitor(reference, slow)
    each = monitor.each(codes)
    assert np.array_equal(each, by_hand(reference, codes, slow, "slow")[-1])
    assert each.max() == monitor.of(codes).slow[-1]
    assert np.isnan(monitor.each(codes[: slow - 1])).tolist() == [True] * 5


@pytest.mark.parametrize("series", [0, 3])
def test_a_group_without_combinations_strays_nowhere(series):
    reference = replace(random_group(np.random.default_rng(2), fast=2, series=3), combinations=())
    reference = replace(reference, scores=reference.scores[:series])
    monitor = ShiftMonitor(reference, 4)
    codes = random_codes(np.random.default_rng(3), reference, 6)
    found = monitor.of(codes)
    assert np.isnan(found.slow[:3]).all()
    assert found.slow[3:].tolist() == [0.0] * 3
    assert np.isnan(found.fast[:1]).all()
    assert found.fast[1:].tolist() == [0.0] * 5
    assert monitor.each(codes).shape == monitor.each(codes[:1]).shape == (0,)


def test_weights_stand_in_the_rows_of_their_series():
    matrix = weight_matrix([((2, 0), (256, -128)), ((1,), (256,))], 3)
    assert matrix.tolist() == [[-128.0, 0.0], [0.0, 256.0], [256.0, 0.0]]
    assert weight_matrix([], 3).shape == (3, 0)


def test_combinations_that_fit_no_group_are_refused():
    reference = random_group(np.random.default_rng(4), fast=2, series=3)
    combination = reference.combinations[0]
    with pytest.raises(ValueError, match=r"'any' has 1 weights for the series \(0, 1\)"):
        replace(combination, series=(0, 1), weights=(256,))
    with pytest.raises(ValueError, match="2 weights for the series"):
        replace(combination, series=(1, 1), weights=(256, 256))
    for odd in (3, -1):
        with pytest.raises(ValueError, match="out of 3 series"):
            replace(reference, combinations=(replace(combination, series=(odd,), weights=(256,)),))
    for limits in ({"slow_limit": 0.0}, {"slow_limit": -1.0}, {"fast_limits": (1.0, 0.0)}):
        with pytest.raises(ValueError, match="not above 0"):
            replace(reference, **limits)
    for tier in ({"window": 0}, {"persistence": 0}):
        with pytest.raises(ValueError, match="is none"):
            replace(reference.fast_tier, **tier)


@pytest.mark.parametrize(
    "changes",
    [
        {"below": 0.0},
        {"above": 0.0},
        {"below": -1.0},
        {"above": np.inf},
        {"below": np.nan},
        {"middle": np.nan},
        {"middle": np.inf},
    ],
)
def test_bounds_that_enclose_nothing_are_refused(changes):
    with pytest.raises(ValueError, match="enclose nothing"):
        Bounds(**{"middle": 0.0, "below": 1.0, "above": 1.0, **changes})
