"""A fall against validation: seen where both shares prove it, in the window and in its newest third; else mute."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradai_lifecycle.monitor.accuracy import Validated, accuracy_memory_candles, fallen, rolling_accuracy
from tradai_lifecycle.states import AccuracyVerdict

WINDOWS = (200, 300)
SHOWN = Validated(accuracy=0.8, predictions=4_000, effective_predictions=1_000.0, candles=4_000)


def judge(hit, scored=None, **changes):
    values = {"horizon_candles": 2, "windows": WINDOWS, "minimum_effective": 50, "floor": 0.3, "validated": SHOWN}
    everything = np.ones(len(hit), dtype=bool)
    return rolling_accuracy(scored=everything if scored is None else scored, hit=hit, **(values | changes))


def hits(*parts):
    """Rows that are right by the given shares, spread evenly: (rows, share), (rows, share), ..."""
    return np.concatenate([np.floor(np.arange(1, n + 1) * p) > np.floor(np.arange(n) * p) for n, p in parts])


def test_an_accuracy_far_below_validation_fell_and_one_near_it_did_not():
    assert judge(hits((600, 0.5))).verdict[-1] == AccuracyVerdict.FELL
    assert judge(hits((600, 0.79))).verdict[-1] == AccuracyVerdict.HEALTHY
    assert judge(hits((600, 0.95))).verdict[-1] == AccuracyVerdict.HEALTHY


def test_below_the_floor_is_breached_whether_it_fell_or_not():
    assert judge(hits((600, 0.1))).verdict[-1] == AccuracyVerdict.BREACHED


def test_an_old_fall_is_forgiven_as_soon_as_the_newest_third_is_well():
    recovered = judge(hits((600, 0.2), (100, 0.8)), floor=0.1)
    assert recovered.accuracy[-1] < 0.55
    assert recovered.verdict[-1] == AccuracyVerdict.HEALTHY
    assert recovered.verdict[599] == AccuracyVerdict.FELL


@pytest.mark.parametrize("shown", [None, replace(SHOWN, effective_predictions=49.0)])
def test_without_enough_validation_nothing_can_fall(shown):
    assert not (judge(hits((600, 0.5)), validated=shown).verdict == AccuracyVerdict.FELL).any()


def test_too_few_live_predictions_never_fall():
    assert (judge(hits((600, 0.5)), minimum_effective=500).verdict == AccuracyVerdict.INSUFFICIENT_DATA).all()


def test_the_less_validation_is_worth_the_deeper_the_fall_must_be():
    share, number = np.linspace(0.0, 1.0, 1_001), np.full(1_001, 100.0)
    limits = [
        share[fallen(share, number, replace(SHOWN, effective_predictions=worth))].max() for worth in (50.0, 200.0, 1e6)
    ]
    assert limits[0] < limits[1] < limits[2] < 0.8
    # as many as there are: then the validated share is known, and the test is that of one share
    assert 0.8 - limits[2] == pytest.approx(2.3263 * np.sqrt(limits[2] * (1 - limits[2]) / 100.0), rel=0.15)


def test_false_falls_at_one_row_are_one_in_a_hundred():
    rng = np.random.default_rng(6)
    live, shown = rng.binomial(400, 0.55, 40_000) / 400, rng.binomial(1_000, 0.55, 40_000) / 1_000
    fell = [
        fallen(np.array([a]), np.array([400.0]), replace(SHOWN, accuracy=v))[0]
        for a, v in zip(live, shown, strict=True)
    ]
    assert 0.008 < np.mean(fell) < 0.012


@given(
    share=st.floats(0.0, 1.0) | st.just(float("nan")),
    number=st.floats(0.0, 1e5) | st.just(float("nan")),
    accuracy=st.floats(0.0, 1.0),
    worth=st.floats(1.0, 1e5),
)
def test_whatever_the_figures_the_answer_is_yes_or_no_and_no_for_a_share_that_did_not_fall(
    share, number, accuracy, worth
):
    shown = replace(SHOWN, accuracy=accuracy, effective_predictions=worth)
    (fell,) = fallen(np.array([share]), np.array([number]), shown)
    assert fell in (True, False)
    assert not (fell and not share < accuracy)
    assert not (fell and not number > 0.0)


@given(seed=st.integers(0, 10_000), keep=st.integers(1, 700), start=st.integers(1, 250))
@settings(max_examples=60, deadline=None)
def test_a_verdict_depends_on_nothing_but_the_memory_before_it(seed, keep, start):
    rng = np.random.default_rng(seed)
    scored, hit = rng.random(700) < 0.9, np.repeat(rng.random(350) < rng.uniform(0.3, 0.9), 2)
    whole, memory = judge(hit, scored), accuracy_memory_candles(2, WINDOWS)
    shorter, later = judge(hit[:keep], scored[:keep]), judge(hit[start:], scored[start:])
    assert np.array_equal(whole.verdict[:keep], shorter.verdict)
    assert np.array_equal(whole.verdict[start + memory :], later.verdict[memory:])
    part = judge(hit, scored, from_row=start)
    assert np.array_equal(whole.verdict[start:], part.verdict[start:])
    assert (part.verdict[:start] == AccuracyVerdict.INSUFFICIENT_DATA).all()


@given(seed=st.integers(0, 10_000), right=st.floats(0.0, 1.0), scored_share=st.floats(0.05, 1.0))
@settings(max_examples=60, deadline=None)
def test_the_interval_holds_the_share_and_every_row_has_a_verdict(seed, right, scored_share):
    rng = np.random.default_rng(seed)
    columns = judge(rng.random(500) < right, rng.random(500) < scored_share)
    known = np.isfinite(columns.accuracy)
    for low, high in ((columns.lower, columns.accuracy), (columns.accuracy, columns.upper)):
        assert (low[known] <= high[known] + 1e-12).all()
    assert (columns.lower[known] >= 0.0).all()
    assert (columns.upper[known] <= 1.0).all()
    assert set(columns.verdict.tolist()) <= {int(verdict) for verdict in AccuracyVerdict}
