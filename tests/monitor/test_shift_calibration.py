"""What training shows of shifts: scores of bins, bounds that other candles set, peaks and limits."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.fast_tier import Holding
from tradai_lifecycle.monitor.persistence import held, latched
from tradai_lifecycle.monitor.shift_calibration import (
    FAST_SHARES,
    SlowLimit,
    Weights,
    each_alone,
    fit_shifts,
    normal_scores,
    scored,
    separate_peaks,
)
from tradai_lifecycle.monitor.shifts import SCORE_UNIT, WEIGHT_UNIT, FastTier, ShiftMonitor, weight_matrix
from tradai_lifecycle.monitor.window_means import WindowMeans

SLOW_WINDOW = 20
TIER = FastTier(window=8, persistence=2)
HOLDING = Holding(slow=4, release=4, memory=80)
LIMIT = SlowLimit(base=1.5, per_window_share=2.0)
GIVEN = {"slow_window": SLOW_WINDOW, "tiers": (TIER,), "fast_share": 0.05, "holding": HOLDING, "limit": LIMIT}
TABLE = normal_scores([100] * 10 + [0])


def normal(rows, columns, seed):
    """Independent whole scores of unit variance."""
    return np.rint(SCORE_UNIT * np.random.default_rng(seed).normal(size=(rows, columns)))


def named(columns):
    return [f"series {index}" for index in range(columns)]


def fitted(codes, chosen=None, **changes):
    scores = scored(codes, [TABLE] * codes.shape[1])
    return fit_shifts(
        scores, [TABLE] * codes.shape[1], chosen or each_alone(named(codes.shape[1])), **{**GIVEN, **changes}
    )


def slow_codes(autoregressive, rows=2_000, columns=3, seed=1):
    """Bin codes of slow series: deciles of AR(1) columns."""
    values = autoregressive(rows, columns, 0.9, seed)
    edges = np.quantile(values, np.arange(1, 10) / 10, axis=0)
    return (values[:, None, :] >= edges).sum(axis=1).astype(np.uint8)


def test_bins_score_at_the_middle_of_their_share_and_the_bin_of_nan_at_nothing():
    scores = normal_scores([25, 50, 25, 7])
    # the middles are 12.5 %, 50 % and 87.5 %
    assert scores == (-round(1.1503493803760079 * 256), 0, round(1.1503493803760079 * 256), 0)
    assert len(TABLE) == 11
    assert TABLE[:-1] == tuple(-score for score in TABLE[-2::-1])


def test_bins_that_training_left_empty_score_at_the_ends_of_what_it_held():
    # a constant: nothing below, nothing above
    below, at, above, nan = normal_scores([0, 100, 0, 0])
    assert (below, at, above, nan) == (-952, 0, 952, 0)
    assert all(abs(score) <= 3.72 * SCORE_UNIT for score in normal_scores([0, 0, 1, 10**9, 0, 5]))
    assert len(normal_scores([0, 0])) == 2


@given(counts=st.lists(st.integers(0, 10**6), min_size=2, max_size=12))
@examples(max_examples=100, deadline=None)
def test_scores_are_whole_rise_from_bin_to_bin_and_stay_within_bounds(counts):
    scores = normal_scores(counts)
    assert all(type(score) is int for score in scores)
    assert list(scores[:-1]) == sorted(scores[:-1])
    assert max(map(abs, scores)) <= 952
    assert scores[-1] == 0


def test_codes_become_the_scores_of_their_own_series():
    codes = np.array([[0, 1], [1, 2], [2, 0]], dtype=np.uint8)
    assert scored(codes, [(-5, 5, 0), (-7, 7, 0)]).tolist() == [[-5, 7], [5, 0], [0, -7]]
    assert scored(np.empty((4, 0), dtype=np.uint8), []).shape == (4, 0)


def means_of(scores, chosen, window):
    """Window means of every combination, in normal scores."""
    matrix = weight_matrix([(one.series, one.weights) for one in chosen], scores.shape[1])
    rows = [scores[start : start + window].sum(axis=0) for start in range(len(scores) - window + 1)]
    return np.array(rows) @ matrix / (SCORE_UNIT * WEIGHT_UNIT * window)


def bounds_by_hand(means):
    """Middle, and half way between three deviations and the furthest stray on either side."""
    middle, three = means.mean(axis=0), 3.0 * means.std(axis=0)
    return middle, (three + middle - means.min(axis=0)) / 2, (three + means.max(axis=0) - middle) / 2


def test_bounds_lie_between_three_deviations_and_the_furthest_stray(autoregressive):
    codes = slow_codes(autoregressive)
    chosen = [*each_alone(named(3)), Weights(name="both", series=(0, 2), weights=(256, -100))]
    reference = fitted(codes, chosen)
    assert [one.name for one in reference.combinations] == ["series 0", "series 1", "series 2", "both"]
    assert [one.series for one in reference.combinations] == [(0,), (1,), (2,), (0, 2)]
    for which, window in (("slow", SLOW_WINDOW), ("fast", TIER.window)):
        bounds = [getattr(one, which) for one in reference.combinations]
        middle, below, above = bounds_by_hand(means_of(scored(codes, [TABLE] * 3), chosen, window))
        assert [bound.middle for bound in bounds] == pytest.approx(middle.tolist(), abs=1e-12)
        assert [bound.below for bound in bounds] == pytest.approx(below.tolist(), rel=1e-9)
        assert [bound.above for bound in bounds] == pytest.approx(above.tolist(), rel=1e-9)


def test_no_window_of_training_strays_further_than_twice_its_bounds(autoregressive):
    codes = slow_codes(autoregressive)
    found = ShiftMonitor(fitted(codes), SLOW_WINDOW).of(codes)
    assert 0.5 < np.nanmax(found.slow) < 2.0
    assert 0.5 < np.nanmax(found.fast) < 2.0


def test_what_never_varies_has_bounds_wide_enough_to_be_left():
    reference = fitted(np.full((2_000, 2), 4, dtype=np.uint8))
    for one in reference.combinations:
        assert (one.slow.below, one.slow.above) == (0.05, 0.05)
    assert reference.slow_peaks == ()
    assert all(0.0 < limit < 1e-2 for limit in reference.fast_limits)


def test_the_slow_limit_is_the_higher_the_less_was_trained_on(autoregressive):
    assert LIMIT.of(0.1) == 1.7
    assert fitted(slow_codes(autoregressive)).slow_limit == 1.5 + 2.0 * 80 / 2_000
    assert fitted(slow_codes(autoregressive, rows=400)).slow_limit == 1.5 + 2.0 * 80 / 400


@pytest.mark.parametrize("rows", [*range(0, 400, 13), *range(150, 190)])
def test_training_that_its_other_parts_cannot_judge_has_no_combinations_and_all_else_is_finite(autoregressive, rows):
    reference = fitted(slow_codes(autoregressive, rows=max(rows, 1))[:rows])
    assert reference.scores == (TABLE,) * 3
    assert bool(reference.combinations) is (rows >= 8 * SLOW_WINDOW)
    if reference.combinations:
        assert np.isfinite([*reference.fast_limits, *reference.slow_peaks]).all()
        assert len(reference.fast_limits) == len(FAST_SHARES)
    else:
        assert (reference.slow_limit, reference.fast_limits, reference.slow_peaks) == (1.0, (), ())


def test_a_group_without_combinations_is_empty():
    reference = fit_shifts(normal(2_000, 2, 9), [TABLE] * 2, [], **GIVEN)
    assert reference.combinations == ()


def judged(scores, window=SLOW_WINDOW):
    """The furthest stray of each row by bounds of other parts, one combination per series."""
    chosen = each_alone(named(scores.shape[1]))
    matrix = weight_matrix([(one.series, one.weights) for one in chosen], scores.shape[1])
    return WindowMeans.over(scores, matrix, window).judged_by_others()


def judged_by_hand(scores, window=SLOW_WINDOW, blocks=8):
    """The same, from all windows that share no candle with any window of the row's eighth."""
    means = means_of(scores, each_alone(named(scores.shape[1])), window)
    edges, starts = np.linspace(0, len(means), blocks + 1).astype(int), np.arange(len(means))
    ratios = np.empty(len(means))
    for first, end in pairwise(edges):
        apart = (starts + window <= first) | (starts >= end - 1 + window)
        middle, below, above = bounds_by_hand(means[apart])
        strayed = means[first:end] - middle
        ratios[first:end] = np.where(strayed > 0, strayed / above, -strayed / below).max(axis=1)
    return ratios


@pytest.mark.parametrize("rows", [160, 161, 200, 320, 401, 2_000])
def test_each_eighth_is_judged_by_all_windows_that_share_no_candle_with_it(autoregressive, rows):
    scores = scored(slow_codes(autoregressive, rows=rows), [TABLE] * 3)
    np.testing.assert_allclose(judged(scores), judged_by_hand(scores), rtol=1e-9)


@pytest.mark.parametrize("block", range(8))
def test_an_eighths_own_candles_set_none_of_its_bounds(block):
    """An outlier at either end of an eighth changes no ratio of the rows in it that do not hold the outlier."""
    scores, window = normal(1_619, 2, 10), SLOW_WINDOW
    first, end = 200 * block, 200 * (block + 1)
    known = judged(scores)
    assert len(known) == 1_600
    for at in (slice(first, first + 10), slice(end + window - 11, end + window - 1)):
        wild = scores.copy()
        wild[at] += 50.0 * SCORE_UNIT
        found = judged(wild)
        without = np.array([row + window <= at.start or row >= at.stop for row in range(first, end)])
        assert without.sum() >= 150
        assert np.array_equal(found[first:end][without], known[first:end][without])
        # the others know it
        assert not np.array_equal(np.delete(found, np.s_[first:end]), np.delete(known, np.s_[first:end]))


def time_on(ratio, limit, holding=HOLDING):
    """Where the fast alarm is on, row by row as the policy decides it."""
    return latched(held(ratio >= limit, TIER.persistence), held(ratio < 0.75 * limit, holding.release), holding.memory)


@given(seed=st.integers(0, 1_000), kept=st.sampled_from([0.0, 0.8, 0.97]))
@examples(max_examples=15, deadline=None)
def test_at_each_fast_limit_the_training_was_on_for_no_more_than_its_share_and_just_below_it_for_more(
    autoregressive, seed, kept
):
    scores = SCORE_UNIT * autoregressive(1_500, 3, kept, seed)
    reference = fit_shifts(scores, [TABLE] * 3, each_alone(named(3)), **GIVEN)
    ratio = judged(scores, TIER.window)
    assert list(reference.fast_limits) == sorted(reference.fast_limits, reverse=True)
    for share, limit in zip(FAST_SHARES, reference.fast_limits, strict=True):
        assert time_on(ratio, limit).mean() <= share
        assert time_on(ratio, limit - 2e-3).mean() > share


def peaks_by_hand(ratio, held_rows, apart_rows):
    """One after another, the highest value held, with nothing kept of the rows nearer than `apart_rows`."""
    starts = range(len(ratio) - held_rows + 1)
    left = {start: min(ratio[start : start + held_rows]) for start in starts}
    peaks = []
    while left and len(peaks) < 50:
        at = max(left, key=lambda start: (left[start], -start))
        if left[at] <= 0.0:
            break
        peaks.append(left[at])
        left = {start: value for start, value in left.items() if abs(start - at) >= apart_rows}
    return tuple(peaks)


@given(
    ratio=st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0, 1.5, 2.0]) | st.floats(0.0, 3.0), max_size=60),
    held_rows=st.integers(1, 6),
    apart_rows=st.integers(1, 12),
)
@examples(max_examples=200, deadline=None)
def test_separate_peaks_are_those_found_one_after_another(ratio, held_rows, apart_rows):
    values = np.array(ratio, dtype=np.float64)
    assert separate_peaks(values, held_rows, apart_rows) == pytest.approx(
        peaks_by_hand(values.tolist(), held_rows, apart_rows)
    )
    assert np.array_equal(values, np.array(ratio))


def test_a_peak_holds_and_there_are_at_most_fifty():
    spiky = np.tile([2.0, 0.5], 100)
    assert separate_peaks(spiky, 2, 1) == (0.5,) * 50
    assert separate_peaks(spiky, 1, 4)[:2] == (2.0, 2.0)
    assert separate_peaks(spiky[:3], 4, 1) == ()
    assert separate_peaks(np.zeros(10), 1, 1) == ()


def test_slow_peaks_are_those_of_the_ratio_that_other_parts_judge(autoregressive):
    codes = slow_codes(autoregressive)
    ratio = judged(scored(codes, [TABLE] * 3))
    assert fitted(codes).slow_peaks == peaks_by_hand(ratio.tolist(), HOLDING.slow, HOLDING.memory // 2)
