"""Directional accuracy: against a plain slow version, causal, and mute where it cannot know."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradai_lifecycle.monitor import rolling_accuracy
from tradai_lifecycle.monitor.accuracy import NEWEST_PART, Validated, accuracy_memory_candles
from tradai_lifecycle.states import AccuracyVerdict

COLUMNS = ("accuracy", "lower", "upper", "effective_predictions", "verdict", "window_candles")
Z = 1.959963984540054
Z_FALL = 2.3263478740408408


def known_rows(scored, row, horizon, window):
    """The scored rows of a window whose outcomes are known at `row`."""
    return [s for s in range(max(0, row - horizon - window + 1), row - horizon + 1) if s >= 0 and scored[s]]


def slow_share(hit, rows):
    """The share of hits, by the definition."""
    return sum(bool(hit[s]) for s in rows) / len(rows) if rows else np.nan


def slow_worth(hit, rows, lags):
    """How many independent predictions each of the rows is worth, by the definition."""
    if not rows:
        return np.nan
    share, inflation, weights, known = slow_share(hit, rows), 1.0, 0.0, set(rows)
    for lag in range(1, lags + 1):
        pairs = [(s, s - lag) for s in rows if s - lag in known]
        weight = 1.0 - lag / (lags + 1)
        weights += weight * len(pairs)
        if 0.0 < share < 1.0:
            covariance = sum((hit[a] - share) * (hit[b] - share) for a, b in pairs) / len(rows)
            inflation += 2.0 * weight * covariance / (share * (1.0 - share))
    return max(1.0 - (1.0 + 2.0 * weights / len(rows)) / len(rows), 0.0) / max(inflation, 1.0)


def slow_fall(share, number, validated):
    """The test of two shares with a pooled variance, one-sided at 99 %, by the definition."""
    if not number or np.isnan(share):
        return False
    other = validated.effective_predictions
    pooled = (share * number + validated.accuracy * other) / (number + other)
    error = sqrt(pooled * (1 - pooled) * (1 / number + 1 / other))
    return bool(error) and (validated.accuracy - share) / error > Z_FALL


def slow_accuracy(scored, hit, horizon, windows, minimum, floor, validated):
    """Every column of every row, by the definition."""
    lags, rows = min(2 * horizon, windows[0] - 1), []
    for row in range(len(scored)):
        worth = slow_worth(hit, known_rows(scored, row, horizon, windows[-1]), lags)
        for window in windows:
            known = known_rows(scored, row, horizon, window)
            share, number = slow_share(hit, known), len(known) * worth if known else np.nan
            if number >= minimum:
                break
        with np.errstate(divide="ignore", invalid="ignore"):
            n = np.float64(number)
            centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n) if n else 0.5
            half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) if n else 0.5
        verdict = AccuracyVerdict.INSUFFICIENT_DATA
        if number >= minimum:
            breached = share < floor and centre + half < floor
            newest = known_rows(scored, row, horizon, window // NEWEST_PART)
            fell = validated.effective_predictions >= minimum and slow_fall(share, number, validated)
            fell = fell and slow_fall(slow_share(hit, newest), len(newest) * worth, validated)
            unbreached = AccuracyVerdict.FELL if fell else AccuracyVerdict.HEALTHY
            verdict = AccuracyVerdict.BREACHED if breached else unbreached
        rows.append((share, centre - half, centre + half, number, verdict, window))
    return np.array(rows).T


def validated(accuracy=0.8, effective=200.0):
    """What a model showed in validation."""
    return Validated(accuracy=accuracy, predictions=1_000, effective_predictions=effective, candles=1_200)


@given(
    seed=st.integers(0, 10_000),
    scored_share=st.floats(0.2, 1.0),
    horizon=st.integers(1, 6),
    windows=st.sets(st.integers(2, 60), min_size=1, max_size=3),
    skill=st.floats(0.0, 1.0),
    shown=st.builds(validated, st.floats(0.0, 1.0), st.sampled_from([9.0, 10.0, 40.0, 1e4])),
)
@settings(max_examples=60, deadline=None)
def test_every_column_is_that_of_the_plain_definition(seed, scored_share, horizon, windows, skill, shown):
    rng = np.random.default_rng(seed)
    scored = rng.random(120) < scored_share
    hit = np.repeat(rng.random(40) < skill, 3) ^ (rng.random(120) < 0.1)
    ascending = tuple(sorted(windows))
    columns = rolling_accuracy(
        scored=scored,
        hit=hit,
        horizon_candles=horizon,
        windows=ascending,
        minimum_effective=10,
        floor=0.52,
        validated=shown,
    )
    expected = slow_accuracy(scored, hit, horizon, ascending, 10, 0.52, shown)
    # at exactly the minimum, the last bit of either computation chooses the window
    tied = (abs(expected[3] - 10) < 1e-6) | (abs(columns.effective_predictions - 10) < 1e-6)
    settled = ~tied
    assert (columns.lower[settled & (columns.effective_predictions > 0)] >= 0.0).all()
    for name, values in zip(COLUMNS[:4], expected, strict=False):
        np.testing.assert_allclose(getattr(columns, name)[settled], values[settled], rtol=1e-8, atol=1e-9, err_msg=name)
    assert (columns.window_candles == expected[5])[settled].all()
    assert (columns.verdict == expected[4])[settled].all()


def judge(scored, hit, **changes):
    values = {"horizon_candles": 3, "windows": (20, 40), "minimum_effective": 10, "floor": 0.52}
    values["validated"] = validated()
    return rolling_accuracy(scored=scored, hit=hit, **(values | changes))


@pytest.fixture
def outcomes():
    """Scored flags and hits of 300 rows."""
    rng = np.random.default_rng(8)
    return rng.random(300) < 0.8, np.repeat(rng.random(100) < 0.5, 3)


def test_appending_candles_changes_nothing_before(outcomes):
    whole = judge(*outcomes)
    shorter = judge(*(column[:200] for column in outcomes))
    for name in COLUMNS:
        assert np.array_equal(getattr(whole, name)[:200], getattr(shorter, name), equal_nan=True)


def test_a_frame_that_starts_later_agrees_to_the_last_bit_once_its_memory_is_full(outcomes):
    memory = accuracy_memory_candles(3, (20, 40))
    whole, later = judge(*outcomes), judge(*(column[77:] for column in outcomes))
    for name in COLUMNS:
        a, b = getattr(whole, name)[77 + memory :], getattr(later, name)[memory:]
        assert np.array_equal(a, b, equal_nan=True)


def test_only_predictions_at_least_a_horizon_old_are_used(outcomes):
    scored, hit = outcomes
    changed_scored, changed_hit = scored.copy(), hit.copy()
    changed_scored[-3:], changed_hit[-3:] = ~scored[-3:], ~hit[-3:]
    before, after = judge(scored, hit), judge(changed_scored, changed_hit)
    for name in COLUMNS:
        assert np.array_equal(getattr(before, name), getattr(after, name), equal_nan=True)
    changed_scored[-4] = ~scored[-4]
    assert judge(changed_scored, changed_hit).accuracy[-1] != before.accuracy[-1]


def test_hits_of_rows_that_are_not_scored_count_for_nothing(outcomes):
    scored, hit = outcomes
    for name in COLUMNS:
        a, b = getattr(judge(scored, hit), name), getattr(judge(scored, hit | ~scored), name)
        assert np.array_equal(a, b, equal_nan=True)


def test_independent_hits_count_in_full_and_repeated_ones_do_not():
    rng = np.random.default_rng(9)
    everything = np.ones(6_000, dtype=bool)
    independent = judge(everything, rng.random(6_000) < 0.55, windows=(5_000,)).effective_predictions[-1]
    repeated = judge(everything, np.repeat(rng.random(1_000) < 0.55, 6), windows=(5_000,)).effective_predictions[-1]
    assert independent > 4_000
    assert 700 < repeated < 2_000


def test_the_window_widens_until_it_holds_enough():
    scored = np.arange(300) % 4 == 0
    columns = judge(scored, np.ones(300, dtype=bool), windows=(20, 40, 80), minimum_effective=9)
    assert columns.window_candles[-1] == 40
    # ten are scored; the twenty of the widest window say what each is worth
    assert 9 < columns.effective_predictions[-1] < 10
    assert columns.verdict[-1] == AccuracyVerdict.HEALTHY


def test_a_model_that_is_always_wrong_is_breached_and_one_that_is_right_is_not():
    everything = np.ones(200, dtype=bool)
    assert judge(everything, ~everything).verdict[-1] == AccuracyVerdict.BREACHED
    assert judge(everything, ~everything).accuracy[-1] == 0.0
    assert judge(everything, everything).verdict[-1] == AccuracyVerdict.HEALTHY


def test_a_point_below_the_floor_with_an_interval_across_it_is_healthy():
    hit = np.arange(200) % 2 == 0
    columns = judge(np.ones(200, dtype=bool), hit)
    assert columns.accuracy[-1] < 0.52 < columns.upper[-1]
    assert columns.verdict[-1] == AccuracyVerdict.HEALTHY


def test_too_few_predictions_are_shown_and_judged_insufficient():
    scored = np.arange(200) % 20 == 0
    columns = judge(scored, ~scored)
    assert columns.accuracy[-1] == 0.0
    assert columns.effective_predictions[-1] == 1
    assert columns.window_candles[-1] == 40
    assert (columns.verdict == AccuracyVerdict.INSUFFICIENT_DATA).all()


def test_nothing_scored_is_nan_and_insufficient():
    columns = judge(np.zeros(50, dtype=bool), np.ones(50, dtype=bool))
    for name in COLUMNS[:4]:
        assert np.isnan(getattr(columns, name)).all()
    assert (columns.verdict == AccuracyVerdict.INSUFFICIENT_DATA).all()
    assert judge(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)).accuracy.shape == (0,)


def test_impossible_arguments_are_named():
    flags = np.ones(10, dtype=bool)
    with pytest.raises(ValueError, match="two columns of one length"):
        judge(flags, flags[1:])
    with pytest.raises(ValueError, match="horizon of 0"):
        judge(flags, flags, horizon_candles=0)
    for windows in ((), (0,), (5, 5), (5, 3)):
        with pytest.raises(ValueError, match="positive and ascending"):
            judge(flags, flags, windows=windows)
