"""What stands beside the accuracy: each direction by itself, always-up, Pesaran-Timmermann, coverage, what it needs."""

from dataclasses import replace
from math import erfc, inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.directions import accuracy_details, candles_needed, pesaran_timmermann
from tradai_lifecycle.monitor.effective import share_of

SHOWN = Validated(accuracy=0.6, predictions=800, effective_predictions=200.0, candles=1_000)


def textbook(x, y):
    """Pesaran and Timmermann (1992), equations 5 and 6, for n independent pairs of prediction and outcome."""
    n = len(x)
    px, py = sum(value > 0 for value in x) / n, sum(value > 0 for value in y) / n
    hit = sum((a > 0) == (b > 0) for a, b in zip(x, y, strict=True)) / n
    star = py * px + (1 - py) * (1 - px)
    variance = star * (1 - star) / n
    variance_of_star = (
        (2 * py - 1) ** 2 * px * (1 - px) / n
        + (2 * px - 1) ** 2 * py * (1 - py) / n
        + 4 * py * px * (1 - py) * (1 - px) / n**2
    )
    statistic = (hit - star) / sqrt(variance - variance_of_star)
    return statistic, erfc(statistic / sqrt(2)) / 2


def draws(seed, rows, up=0.5, rose=0.5, skill=0.0):
    """Predictions and outcomes, made one by one; a share `skill` of the predictions know the outcome."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(rows) < rose, 1.0, -1.0)
    x = np.where(rng.random(rows) < skill, y, np.where(rng.random(rows) < up, 1.0, -1.0))
    return x, y


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(30, 300),
    up=st.floats(0.2, 0.8),
    rose=st.floats(0.2, 0.8),
    skill=st.floats(0.0, 0.5),
)
@examples(max_examples=60, deadline=None)
def test_without_lags_the_statistic_is_the_textbooks_but_for_one_degree_of_freedom(seed, rows, up, rose, skill):
    x, y = draws(seed, rows, up, rose, skill)
    # with one direction only there is nothing to tell: a test of its own says so
    assume(len(set(x)) == len(set(y)) == 2)
    found = pesaran_timmermann(x > 0, y > 0, np.ones(rows, dtype=bool), lags=0)
    statistic, _ = textbook(x, y)
    assert found.statistic == pytest.approx(statistic * sqrt(1 - 1 / rows), rel=1e-9)
    assert found.p_value == pytest.approx(erfc(found.statistic / sqrt(2)) / 2, rel=1e-9)


def test_by_chance_one_in_twenty_is_below_five_per_cent_also_where_rows_repeat_each_other():
    p_values = {1: [], 6: []}
    for seed in range(1_500):
        x, y = draws(seed, 200, up=0.6, rose=0.55)
        for copies, found_so_far in p_values.items():
            up, rose = np.repeat(x > 0, copies), np.repeat(y > 0, copies)
            found = pesaran_timmermann(up, rose, np.ones(len(up), dtype=bool), lags=4 * copies)
            found_so_far.append(found.p_value)
    for found in p_values.values():
        assert 0.03 < np.mean(np.array(found) < 0.05) < 0.08


def test_skill_is_told_from_chance():
    x, y = draws(1, 400, skill=0.2)
    assert pesaran_timmermann(x > 0, y > 0, np.ones(400, dtype=bool), lags=4).p_value < 0.01


@pytest.mark.parametrize("side", ["up", "rose"])
def test_one_direction_only_cannot_be_told_from_chance(side):
    flags = {"up": np.arange(50) % 2 == 0, "rose": np.arange(50) % 3 == 0}
    flags[side] = np.ones(50, dtype=bool)
    found = pesaran_timmermann(flags["up"], flags["rose"], np.ones(50, dtype=bool), lags=4)
    assert isnan(found.statistic)
    assert isnan(found.p_value)


def details(settings, judged, realised, counted=None, **changes):
    everything = np.ones(len(judged), dtype=bool)
    values = {"counted": everything if counted is None else counted, "settings": settings, "validated": SHOWN}
    return accuracy_details(judged=judged, realised=realised, **(values | changes))


@pytest.fixture
def scene():
    """Scores and outcomes of 200 rows; some scores are tiny, one row has none, one outcome is zero."""
    x, y = draws(3, 200, up=0.6, skill=0.3)
    judged, realised = 0.05 * x, 0.01 * y
    judged[::5] *= 0.1
    judged[150], realised[160] = np.nan, 0.0
    return judged, realised


def test_each_direction_is_counted_by_itself_over_the_window_in_use(settings, scene):
    judged, realised = scene
    found = details(settings, judged, realised)
    end = 200 - settings.horizon_candles
    known = np.arange(end - found.window_candles, end)
    scored = known[np.isfinite(judged[known]) & (np.abs(judged[known]) > 0.01) & (realised[known] != 0.0)]
    for direction, sign in ((found.up, 1), (found.down, -1)):
        said = scored[np.sign(judged[scored]) == sign]
        assert direction.predictions == len(said)
        assert direction.accuracy == (np.sign(realised[said]) == sign).mean()
        assert 0.0 <= direction.lower <= direction.accuracy <= direction.upper <= 1.0
        assert 0.0 < direction.effective_predictions < len(said)
    assert found.predictions == len(scored) == found.up.predictions + found.down.predictions
    assert found.always_up == (realised[scored] > 0).mean()
    assert found.coverage == (np.abs(judged[known]) > 0.01).mean()
    expected = pesaran_timmermann(judged[scored] > 0, realised[scored] > 0, np.ones(len(scored), dtype=bool), lags=0)
    assert np.sign(found.chance.statistic) == np.sign(expected.statistic)


def test_rows_of_training_count_for_nothing(settings, scene):
    judged, realised = scene
    after = np.arange(200) >= 170
    found = details(settings, judged, realised, after)
    assert found.predictions == details(settings, judged[170:], realised[170:]).predictions
    assert found.coverage == details(settings, judged[170:], realised[170:]).coverage


def test_outcomes_that_are_not_yet_known_change_nothing(settings, scene):
    judged, realised = scene
    before = details(settings, judged, realised)
    realised[-settings.horizon_candles :] *= -1.0
    judged[-settings.horizon_candles :] = np.nan
    assert repr(details(settings, judged, realised)) == repr(before)


@given(seed=st.integers(0, 10_000), rows=st.integers(0, 150), said=st.sampled_from([-1.0, 0.0, 1.0, None]))
@examples(max_examples=60, deadline=None)
def test_any_frame_has_details_and_what_is_not_known_is_nan(seed, rows, said, settings):
    found = details(settings, *_frame(seed, rows, said))
    for direction, missing in ((found.up, said in (-1.0, 0.0)), (found.down, said in (0.0, 1.0))):
        if missing or not direction.predictions:
            assert (direction.predictions, isnan(direction.accuracy), isnan(direction.lower)) == (0, True, True)
    if said is not None:
        assert isnan(found.chance.statistic)
    assert isnan(found.coverage) or 0.0 <= found.coverage <= 1.0
    assert found.needed_candles > 0.0


def _frame(seed, rows, said):
    x, y = draws(seed, rows)
    return 0.05 * (x if said is None else np.full(rows, said)), 0.01 * y


def test_what_the_rule_needs_is_read_from_validation_and_else_from_the_rows_themselves(settings, scene):
    assert details(settings, *scene).needed_candles == settings.minimum_effective_predictions * 1_000 / 200.0
    assert candles_needed(replace(SHOWN, effective_predictions=0.0), 100) == inf
    judged, realised = scene
    live = details(settings, judged, realised, validated=None)
    known = slice(197 - settings.accuracy_windows[-1], 197)
    scored = np.isfinite(judged) & (np.abs(judged) > 0.01) & (realised != 0.0)
    share = share_of(scored[known], (np.sign(judged) == np.sign(realised))[known], 6)
    assert live.needed_candles == pytest.approx(10 * 90 / share.effective_predictions)
    assert isnan(details(settings, np.full(9, np.nan), np.ones(9), validated=None).needed_candles)
