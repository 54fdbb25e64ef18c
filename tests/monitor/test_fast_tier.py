"""The window and persistence of the fast alarms: those by which training sees a step soonest at the same cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from tradai_lifecycle.monitor.fast_tier import STEP, Holding, choose_tier, limit_for, mean_delay
from tradai_lifecycle.monitor.shift_windows import (
    fast_tiers,
    market_slow_window,
    relation_slow_window,
    shift_holding,
)
from tradai_lifecycle.monitor.shifts import SCORE_UNIT, WEIGHT_UNIT, FastTier
from tradai_lifecycle.monitor.window_means import WindowMeans

HOLDING = Holding(slow=4, release=4, memory=80)
TIERS = tuple(FastTier(window=window, persistence=held) for window, held in ((16, 4), (16, 2), (8, 2), (4, 2), (4, 1)))
ALONE = np.eye(3) * WEIGHT_UNIT


def whole_scores(values):
    """Values of unit variance as whole scores."""
    return np.rint(SCORE_UNIT * values)


def delay_by_hand(scores, window, persistence, limit, longest):
    """Each step put into the scores' window means one after another, and waited for candle by candle."""
    means = [scores[end - window : end].sum(axis=0) for end in range(window, len(scores) + 1)]
    means = np.array(means) / (SCORE_UNIT * window)
    middle, three = means.mean(axis=0), 3.0 * means.std(axis=0)
    below, above = (three + middle - means.min(axis=0)) / 2, (three + means.max(axis=0) - middle) / 2
    delays = []
    for onset in np.linspace(0, len(means) - longest, 30).astype(int):
        for one in range(means.shape[1]):
            for sign, bound in ((1.0, above[one]), (-1.0, below[one])):
                run, seen = 0, longest
                for candle in range(longest):
                    moved = means[onset + candle, one] + sign * STEP * min((candle + 1) / window, 1.0)
                    run = run + 1 if sign * (moved - middle[one]) >= limit * bound else 0
                    if run >= persistence:
                        seen = candle + 1
                        break
                delays.append(seen)
    return np.mean(delays)


@given(
    seed=st.integers(0, 1_000),
    kept=st.sampled_from([0.0, 0.8]),
    window=st.integers(1, 20),
    persistence=st.integers(1, 6),
    limit=st.floats(0.05, 1.5),
)
@examples(max_examples=30, deadline=None)
def test_the_delay_of_a_step_is_that_of_waiting_for_it(autoregressive, seed, kept, window, persistence, limit):
    scores = whole_scores(autoregressive(300, 3, kept, seed))
    means = WindowMeans.over(scores, ALONE, window)
    found = mean_delay(means, persistence, limit, 40)
    assert found == pytest.approx(delay_by_hand(scores, window, persistence, limit, 40), rel=1e-12)
    assert 1.0 <= found <= 40.0


def test_what_is_never_seen_takes_as_long_as_is_waited():
    means = WindowMeans.over(np.zeros((200, 3)), ALONE, 8)
    assert mean_delay(means, 2, 1e9, 40) == 40.0
    # bounds of what never varies are 0.05: a step of 0.86 is beyond them with the first of eight candles
    assert mean_delay(means, 2, 1.0, 40) == 2.0


@given(seed=st.integers(0, 1_000), kept=st.sampled_from([0.0, 0.8, 0.97]), share=st.sampled_from([0.005, 0.02, 0.1]))
@examples(max_examples=15, deadline=None)
def test_the_choice_sees_a_step_soonest_of_all_that_cost_no_more(autoregressive, seed, kept, share):
    scores = whole_scores(autoregressive(1_500, 3, kept, seed))
    found = choose_tier(scores, ALONE, TIERS, share, HOLDING)
    delays = {}
    for tier in TIERS:
        means = WindowMeans.over(scores, ALONE, tier.window)
        limit = limit_for(means.judged_by_others(), share, tier.persistence, HOLDING)
        delays[tier] = mean_delay(means, tier.persistence, limit, 40)
    assert delays[found.tier] == min(delays.values())
    assert found.tier == next(tier for tier in TIERS if delays[tier] == delays[found.tier])
    assert found.means.window == found.tier.window
    assert np.array_equal(found.ratio, WindowMeans.over(scores, ALONE, found.tier.window).judged_by_others())


def test_what_is_chosen_follows_from_how_long_the_series_remember_and_from_the_budget(autoregressive):
    def window(kept, share):
        return choose_tier(whole_scores(autoregressive(6_000, 3, kept, 1)), ALONE, TIERS, share, HOLDING).tier.window

    # means of independent values are calm over many, those of slow ones hardly are
    assert window(0.0, 0.02) > window(0.95, 0.02)
    # where much may be spent a short window's noise costs nothing
    assert window(0.0, 0.005) > window(0.0, 0.3)


def test_of_equal_choices_the_first_is_kept_and_there_must_be_one(autoregressive):
    twice = (FastTier(window=8, persistence=2), FastTier(window=8, persistence=2))
    scores = whole_scores(autoregressive(400, 3, 0.5, 1))
    assert choose_tier(scores, ALONE, twice, 0.05, HOLDING).tier is twice[0]
    with pytest.raises(ValueError, match="no window"):
        choose_tier(scores, ALONE, (), 0.05, HOLDING)


@pytest.mark.parametrize("window", [1, 20, 40, 200, 500, 2_000])
def test_no_choice_looks_further_back_or_holds_for_longer_than_slow_alarms_do(window):
    tiers = fast_tiers(window)
    assert len(set(tiers)) == len(tiers) >= 1
    for tier in tiers:
        assert tier.window <= min(market_slow_window(window), relation_slow_window(window))
        assert tier.persistence <= shift_holding(window).slow
    assert list(tiers) == sorted(tiers, key=lambda tier: (-tier.window, -tier.persistence))


def test_choices_at_the_default_window():
    assert [(tier.window, tier.persistence) for tier in fast_tiers(500)] == [
        (100, 25),
        (50, 25),
        (50, 12),
        (25, 12),
        (25, 6),
        (12, 6),
        (12, 3),
    ]


def test_a_step_moves_the_mean_score_of_ten_bins_as_far_as_it_is_said_to():
    edges, scores = ndtri(np.arange(1, 10) / 10), ndtri((np.arange(10) + 0.5) / 10)
    shares = np.diff(ndtr(np.array([-np.inf, *edges, np.inf]) - 1.0))
    assert shares @ scores == pytest.approx(STEP, abs=5e-4)
