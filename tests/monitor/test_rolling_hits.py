"""Accuracy that goes on from the last frame is that of the frame alone, to the last bit."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor import effective
from tradai_lifecycle.monitor.accuracy import AccuracyColumns, AccuracyRule, Validated
from tradai_lifecycle.monitor.effective import HitBits, HitWindow
from tradai_lifecycle.monitor.rolling_hits import RememberedAccuracy

NAMES = tuple(field.name for field in fields(AccuracyColumns))
SHOWN = Validated(accuracy=0.9, predictions=500, effective_predictions=200.0, candles=600)
RULE = AccuracyRule(horizon_candles=3, windows=(20, 40), minimum_effective=8, floor=0.52, validated=SHOWN)


def outcomes(rng, rows):
    """Scored rows and right ones, in runs."""
    scored = rng.random(rows) < rng.choice([0.1, 0.7, 1.0])
    return scored, np.repeat(rng.random(rows // 3 + 1) < 0.5, 3)[:rows]


def assert_same(columns, expected, where):
    for name in NAMES:
        assert np.array_equal(getattr(columns, name), getattr(expected, name), equal_nan=True), (name, where)


@given(seed=st.integers(0, 100_000), rows=st.integers(1, 60), lags=st.integers(0, 59), candles=st.integers(1, 150))
@examples(max_examples=150, deadline=None)
def test_a_window_that_went_on_is_the_window_counted_anew(seed, rows, lags, candles):
    """From before the first candle on, of which the window then holds none."""
    bits = HitBits.of(*outcomes(np.random.default_rng(seed), candles))
    lags = min(lags, rows - 1)
    window = HitWindow.of(bits.until(-1, rows), lags)
    for row in range(candles):
        window = window.then(bits.until(row, 1))
        assert window == HitWindow.of(bits.until(row, rows), lags)


@given(
    seed=st.integers(0, 100_000),
    horizon=st.integers(1, 12),
    windows=st.sets(st.integers(1, 50), min_size=1, max_size=3),
    rows=st.integers(1, 150),
    from_row=st.integers(0, 160),
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=15),
)
@examples(max_examples=300, deadline=None)
def test_frames_of_any_lengths_and_changes_show_what_each_shows_alone(seed, horizon, windows, rows, from_row, steps):
    """Outcomes become known late, and now and then one is another than it was, or the rule is."""
    rng = np.random.default_rng(seed)
    rule = replace(RULE, horizon_candles=horizon, windows=tuple(sorted(windows)))
    scored, hit = outcomes(rng, rows + sum(come for _, come in steps))
    remembered, start, end, gone = RememberedAccuracy(), 0, rows, -1
    for most_gone, come in [*steps, (0, 0)]:
        frame, frame_hit = scored[start:end].copy(), hit[start:end]
        frame[max(len(frame) - horizon, 0) :] = False
        columns = remembered.next(frame, frame_hit, rule, gone, from_row)
        assert_same(columns, rule.of(frame, frame_hit, from_row), (start, end))
        gone = min(most_gone, end - start - 1)
        start, end = start + gone, end + come
        if rng.random() < 0.2:
            changed = rng.integers(start, end)
            scored[changed], hit[changed] = rng.random(2) < 0.5
        if rng.random() < 0.1:
            rule = replace(rule, validated=SHOWN if rule.validated is None else None)


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("from_row", [0, 60])
def test_an_outcome_that_changed_changes_each_row_that_saw_it(gone, from_row):
    """Whichever of the frame's rows it is, to the oldest that the first row asked for sees."""
    scored, hit = outcomes(np.random.default_rng(5), 121)
    for changed in range(gone, 120):
        remembered, after = RememberedAccuracy(), scored.copy()
        remembered.next(scored[:120], hit[:120], RULE, -1, from_row)
        after[changed] ^= True
        rows = slice(gone, 120 + gone)
        columns = remembered.next(after[rows], hit[rows], RULE, gone, from_row)
        assert_same(columns, RULE.of(after[rows], hit[rows], from_row), changed)


@pytest.mark.parametrize("come", [1, 2])
def test_a_new_candle_counts_no_pairs_but_its_own(monkeypatch, come):
    """The point of it; a changed outcome that a known row saw asks for them anew, and so does the first to go on."""
    counted = []
    pairs = effective._pairs
    monkeypatch.setattr(effective, "_pairs", lambda bits, lags: counted.append(bits.rows) or pairs(bits, lags))
    scored, hit = outcomes(np.random.default_rng(3), 200)
    remembered, seen = RememberedAccuracy(), []
    for start in range(0, 10 * come, come):
        if start == 6 * come:
            hit[start + 90] ^= True
            scored[start + 90] = True
        before = len(counted)
        frame = slice(start, start + 100)
        remembered.next(scored[frame], hit[frame], RULE, come if start else -1, 95)
        seen.append(len(counted) - before)
    assert seen == [1, 1, 0, 0, 0, 0, 2, 0, 0, 0]
