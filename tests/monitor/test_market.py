"""The market's own figures: steps show at once and fade, nothing depends on a frame's start, and no candle is odd."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.candles import walking_candles
from tradai_lifecycle.monitor.market import (
    MARKET_SERIES,
    RANGE,
    VOLUME,
    Candles,
    MarketPast,
    market_memory_candles,
    market_values,
)

WINDOW = 50
STEP = 2.0**-20
NAMES = tuple(field.name for field in fields(Candles))
prices = st.one_of(
    st.floats(1e-3, 1e3),
    st.sampled_from([0.0, -0.0, -1.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, np.finfo(float).max]),
)


def candles_of(values):
    """Candles whose open, high, low, close and volume are the columns of `values` `(n, 5)`."""
    return Candles(**dict(zip(NAMES, np.array(values, dtype=np.float64).T, strict=True)))


def by_hand(candles, window):
    """The definition, one row after another, in plain floats."""
    height = np.log(np.maximum(candles.high / candles.low - 1.0, 1e-5))
    volume = np.log(candles.volume + 1e-3)
    spread = candles.high - candles.low
    body = np.abs(candles.close - candles.open) / np.where(spread > 0.0, spread, np.inf)
    changes = [np.concatenate([[np.nan], np.abs(np.diff(values))]) for values in (height, volume)]
    figures = np.column_stack([height, volume, *changes, body])
    relative = np.full(figures.shape, np.nan)
    for row in range(window, len(figures)):
        relative[row] = figures[row] - figures[row - window : row].mean(axis=0)
    return relative


def test_each_figure_is_taken_relative_to_its_mean_over_the_candles_before():
    candles = walking_candles(300, seed=1)
    candles.volume[100:105] = 0.0
    candles.high[150], candles.low[150] = candles.close[150], candles.close[150]
    candles.open[150] = candles.close[150]
    values, expected = market_values(candles, WINDOW), by_hand(candles, WINDOW)
    assert values.shape == (300, len(MARKET_SERIES))
    assert np.array_equal(np.isnan(values), np.isnan(expected))
    # rounded to parts of 2**20, the figure and each of those before it
    np.testing.assert_allclose(values, expected, rtol=0.0, atol=STEP)


def test_the_series_are_named_in_the_order_of_the_columns():
    calm = walking_candles(400, seed=2)
    wild = replace(calm, high=calm.close * 1.2, low=calm.close * 0.8)
    assert market_values(wild, WINDOW)[300, RANGE] == 0.0
    louder = replace(calm, volume=calm.volume * np.where(np.arange(400) == 300, 100.0, 1.0))
    moved = market_values(louder, WINDOW)[300] - market_values(calm, WINDOW)[300]
    assert moved[VOLUME] == pytest.approx(np.log(100.0), abs=1e-3)
    assert np.flatnonzero(moved).tolist() == [VOLUME, MARKET_SERIES.index("change of volume")]


@pytest.mark.parametrize(
    ("column", "change", "size"),
    [(RANGE, {"volatility": 2.0}, np.log(2.0)), (VOLUME, {"volume": 3.0}, np.log(3.0))],
    ids=["volatility x2", "volume x3"],
)
def test_a_step_shows_at_once_and_fades_after_a_window(column, change, size):
    rows, onset = 600, 300
    name, factor = next(iter(change.items()))
    stepped = walking_candles(rows, seed=3, **{name: np.where(np.arange(rows) >= onset, factor, 1.0)})
    difference = (
        market_values(stepped, WINDOW)[:, column] - market_values(walking_candles(rows, seed=3), WINDOW)[:, column]
    )
    assert (difference[WINDOW:onset] == 0.0).all()
    # whole at the first candle of the new regime, half of it half a window later, nothing of it a window later
    shown = difference[onset : onset + WINDOW] / size
    np.testing.assert_allclose(shown, 1.0 - np.arange(WINDOW) / WINDOW, atol=0.05)
    np.testing.assert_allclose(difference[onset + WINDOW :], 0.0, atol=0.05)


@given(
    cut=st.integers(0, 120),
    end=st.integers(150, 260),
    seed=st.integers(0, 100),
    odd=st.lists(st.tuples(st.integers(0, 259), st.sampled_from(NAMES), prices), max_size=6),
)
@examples(max_examples=60, deadline=None)
def test_no_figure_depends_on_the_frames_start_or_on_later_candles(cut, end, seed, odd):
    candles = walking_candles(260, seed=seed)
    for row, name, value in odd:
        getattr(candles, name)[row] = value
    whole, part = market_values(candles, WINDOW), market_values(candles.rows(slice(cut, end)), WINDOW)
    memory = market_memory_candles(WINDOW)
    assert np.array_equal(part[memory:], whole[cut + memory : end], equal_nan=True)


@given(
    cut=st.integers(1, 200),
    odd=st.lists(st.tuples(st.integers(0, 199), st.sampled_from(NAMES), prices), max_size=6),
)
@examples(max_examples=60, deadline=None)
def test_figures_that_are_kept_give_the_values_of_each_candle_to_come(cut, odd):
    candles = walking_candles(200, seed=10)
    for row, name, value in odd:
        getattr(candles, name)[row] = value
    past, expected = MarketPast(candles.rows(slice(0, cut)), WINDOW), market_values(candles, WINDOW)
    newest = [past.next(candles.at(row)) for row in range(cut, 200)]
    assert np.array_equal(np.reshape(newest, (-1, 5)), expected[cut:], equal_nan=True)


def test_the_memory_is_exact():
    candles = walking_candles(200, seed=4)
    memory = market_memory_candles(WINDOW)
    values = market_values(candles, WINDOW)
    assert np.isnan(values[:WINDOW]).all()
    assert np.isnan(values[memory - 1]).any()
    assert np.isfinite(values[memory:]).all()
    first = replace(candles, high=np.concatenate([candles.high[:1] * 3.0, candles.high[1:]]))
    touched = (np.nan_to_num(market_values(first, WINDOW)) != np.nan_to_num(values)).any(axis=1)
    assert np.flatnonzero(touched).tolist() == [WINDOW, memory]


def test_the_unit_of_the_price_changes_no_more_than_rounding():
    candles = walking_candles(400, seed=5)
    values = market_values(candles, WINDOW)
    for factor in (1e-8, 0.1, 3.0, 1e6):
        scaled = Candles(**{name: getattr(candles, name) * (1.0 if name == "volume" else factor) for name in NAMES})
        np.testing.assert_allclose(market_values(scaled, WINDOW), values, rtol=0.0, atol=2 * STEP)
    # a power of two has no rounding at all
    doubled = Candles(**{name: getattr(candles, name) * (1.0 if name == "volume" else 2.0) for name in NAMES})
    assert np.array_equal(market_values(doubled, WINDOW), values, equal_nan=True)


def test_the_unit_of_the_volume_changes_next_to_nothing():
    candles = walking_candles(400, seed=6)
    thousandfold = market_values(replace(candles, volume=candles.volume * 1_000.0), WINDOW)
    np.testing.assert_allclose(thousandfold, market_values(candles, WINDOW), rtol=0.0, atol=2e-4)


@given(values=arrays(np.float64, st.tuples(st.integers(0, 30), st.just(5)), elements=prices))
@examples(max_examples=100, deadline=None)
def test_every_candle_has_a_figure_or_none_and_none_is_infinite(values):
    found = market_values(candles_of(values), 5)
    assert found.shape == (len(values), 5)
    assert not np.isinf(found).any()
    assert np.isnan(found[:5]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_candle_that_is_no_number_is_unknown_for_as_long_as_it_is_remembered(name, value):
    candles, row = walking_candles(300, seed=7), 150
    known = market_values(candles, WINDOW)
    getattr(candles, name)[row] = value
    values = market_values(candles, WINDOW)
    touched = {
        "open": {"body"},
        "close": {"body"},
        "volume": {"volume", "change of volume"},
        "high": {"range", "change of range", "body"},
        "low": {"range", "change of range", "body"},
    }[name]
    for column, series in enumerate(MARKET_SERIES):
        unknown = np.flatnonzero(np.isnan(values[:, column]) & ~np.isnan(known[:, column]))
        last = row + WINDOW + (1 if series.startswith("change") else 0)
        assert unknown.tolist() == ([*range(row, last + 1)] if series in touched else []), series
    kept = ~np.isnan(values)
    assert np.array_equal(values[kept], known[kept])


def test_candles_without_range_or_volume_count_as_ones_with_very_little():
    still = candles_of([[5.0, 5.0, 5.0, 5.0, 0.0]] * 100)
    assert (market_values(still, WINDOW)[WINDOW + 1 :] == 0.0).all()
    candles = candles_of([[100.0, 101.0, 99.0, 100.5, 50.0]] * 100)
    for name in ("open", "high", "low", "close"):
        getattr(candles, name)[80] = 100.0
    candles.volume[80] = 0.0
    quiet = market_values(candles, WINDOW)[80]
    assert quiet[RANGE] == pytest.approx(np.log(1e-5) - np.log(101.0 / 99.0 - 1.0), abs=1e-5)
    assert quiet[VOLUME] == pytest.approx(np.log(1e-3) - np.log(50.001), abs=1e-5)
    assert quiet[MARKET_SERIES.index("body")] == pytest.approx(-0.25, abs=1e-5)


def test_a_negative_volume_is_no_number_and_no_range_is_below_the_least():
    candles = walking_candles(120, seed=8)
    candles.volume[100], candles.high[110] = -1.0, candles.low[110] * 0.9
    values = market_values(candles, WINDOW)
    assert np.isnan(values[100, VOLUME])
    assert np.isfinite(values[110, RANGE])
    assert np.isnan(values[100, MARKET_SERIES.index("change of volume")])
