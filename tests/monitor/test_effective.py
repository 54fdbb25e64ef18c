"""Effective predictions: independent ones count in full, dependent ones as much as their mean varies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradai_lifecycle.monitor.effective import pooled_share, share_of

ROWS = st.integers(2, 120)


def runs(rng, rows, length, right=0.55):
    """Hits that come in runs of `length`, each run right or wrong as a whole."""
    return np.repeat(rng.random(rows // length + 1) < right, length)[:rows]


@given(seed=st.integers(0, 10_000), rows=ROWS, lags=st.integers(0, 200), scored=st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_the_pooled_share_of_one_pair_is_its_share(seed, rows, lags, scored):
    rng = np.random.default_rng(seed)
    flags, hits = rng.random(rows) < scored, runs(rng, rows, 3)
    alone, pooled = share_of(flags, hits, lags), pooled_share([(flags, hits)], lags)
    assert alone.predictions == pooled.predictions
    for name in ("accuracy", "effective_predictions"):
        np.testing.assert_allclose(getattr(alone, name), getattr(pooled, name), rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 10_000), rows=ROWS, lags=st.integers(0, 40), scored=st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_no_more_is_effective_than_was_predicted(seed, rows, lags, scored):
    rng = np.random.default_rng(seed)
    share = share_of(rng.random(rows) < scored, runs(rng, rows, 2), lags)
    if share.predictions:
        assert 0.0 <= share.effective_predictions < share.predictions
        assert 0.0 <= share.accuracy <= 1.0
    else:
        assert np.isnan(share.accuracy)
        assert np.isnan(share.effective_predictions)


@pytest.mark.parametrize(("length", "lags"), [(1, 24), (6, 12), (12, 24)])
def test_the_variance_of_the_mean_is_that_of_as_many_independent_hits(length, lags):
    rng = np.random.default_rng(4)
    everything = np.ones(1_008, dtype=bool)
    shares = [share_of(everything, runs(rng, 1_008, length), lags) for _ in range(1_500)]
    spread = np.var([share.accuracy for share in shares])
    effective = 1.0 / np.mean([1.0 / share.effective_predictions for share in shares])
    # weights that fall with the lag miss some of a dependence that reaches half of it; an inflation is never below one
    assert 0.75 < (0.55 * 0.45 / effective) / spread < 1.2


def test_two_pairs_that_are_right_together_are_worth_one():
    rng = np.random.default_rng(5)
    everything, one, other = np.ones(4_000, dtype=bool), runs(rng, 4_000, 4), runs(rng, 4_000, 4)
    alone = share_of(everything, one, 8).effective_predictions
    alike = pooled_share([(everything, one), (everything, one)], 8)
    apart = pooled_share([(everything, one), (everything, other)], 8)
    assert alike.predictions == 8_000
    assert alike.effective_predictions == pytest.approx(alone, rel=1e-9)
    assert apart.effective_predictions == pytest.approx(2.0 * alone, rel=0.1)


def test_nothing_scored_is_not_a_number():
    nothing = np.zeros(5, dtype=bool)
    for share in (share_of(nothing, ~nothing, 3), pooled_share([(nothing, ~nothing)], 3)):
        assert share.predictions == 0
        assert np.isnan(share.accuracy)
        assert np.isnan(share.effective_predictions)
