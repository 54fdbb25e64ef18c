"""The drift columns row by row: those asked for are those of the whole, remembered ones those of a frame alone."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.monitor.test_health import frame_of
from tradai_lifecycle.monitor import bin_codes, series_limits
from tradai_lifecycle.monitor.accuracy import AccuracyColumns
from tradai_lifecycle.monitor.drift import DriftColumns, DriftMonitor
from tradai_lifecycle.monitor.health import EvidenceAsked, gathered
from tradai_lifecycle.monitor.limits import PairLimits, ShiftLimits
from tradai_lifecycle.monitor.rolling_codes import RememberedCodes
from tradai_lifecycle.monitor.rolling_drift import RememberedDrift
from tradai_lifecycle.monitor.shifts import ShiftColumns
from tradai_lifecycle.states import Reason, Thresholds

WINDOW, LENGTH = 40, 160
NAMES = tuple(field.name for field in fields(DriftColumns))
either_limits = pytest.mark.parametrize("thresholds", [Thresholds.CALIBRATED, Thresholds.DYNAMIC])


def codes_of(frame, pair_reference, rows=slice(None)):
    series = np.column_stack([frame["features"], frame["prediction"]])[rows]
    return bin_codes(series, pair_reference.series)


def monitor_of(pair_reference, settings, kind=DriftMonitor):
    return kind(pair_reference.series, series_limits(pair_reference, settings), pair_reference.relations, WINDOW)


def assert_same(found, expected, rows, where):
    for name in NAMES:
        one, other = getattr(found, name)[rows], getattr(expected, name)[rows]
        assert np.array_equal(one, other, equal_nan=name.startswith("relation")), (name, where)


@either_limits
@given(seed=st.integers(0, 500), from_row=st.integers(0, 520), end=st.integers(0, 500))
@examples(max_examples=40, deadline=None)
def test_rows_that_are_asked_for_are_those_of_the_whole(
    autoregressive, pair_reference, settings, thresholds, seed, from_row, end
):
    codes = codes_of(frame_of(seed, autoregressive, drift=2.0), pair_reference)
    monitor = monitor_of(pair_reference, replace(settings, thresholds=thresholds))
    whole, asked = monitor.of(codes), monitor.of(codes[:end], from_row)
    assert_same(asked, whole, slice(from_row, end), "asked for")
    assert_same(asked, DriftColumns.empty(end), slice(0, min(from_row, end)), "not asked for")


@either_limits
@given(
    seed=st.integers(0, 500),
    noise=st.sampled_from([0.0, 1e-3, 0.05, 0.5]),
    from_row=st.sampled_from([0, WINDOW - 1, 70, 3 * WINDOW - 2]),
    steps=st.lists(st.integers(0, 6), min_size=1, max_size=10),
)
@examples(max_examples=60, deadline=None)
def test_remembered_columns_are_those_of_each_frame_alone(
    autoregressive, pair_reference, settings, thresholds, seed, noise, from_row, steps
):
    whole, rng, start = frame_of(seed, autoregressive, drift=2.0), np.random.default_rng(seed), 150
    settings = replace(settings, thresholds=thresholds)
    remembered, alone = monitor_of(pair_reference, settings, RememberedDrift), monitor_of(pair_reference, settings)
    codes = RememberedCodes([series.edges for series in pair_reference.series])
    asked = slice(max(from_row, WINDOW - 1), None)
    for turn, step in enumerate([0, *steps]):
        start += step
        rows = slice(start, start + LENGTH)
        features = whole["features"][rows] + noise * rng.normal(size=(LENGTH, 3)) * (rng.random((LENGTH, 3)) < 0.1)
        judged = whole["prediction"][rows].copy()
        seen = max(0, from_row - settings.index_memory)
        if turn:
            binned = codes.next(features, judged, step, seen)
            found = remembered.next(binned.codes, binned.crossings, step, from_row)
        else:
            found = remembered.anew(codes.anew(features, judged, seen), from_row)
        assert_same(
            found, alone.of(codes_of({"features": features, "prediction": judged}, pair_reference)), asked, turn
        )


def calm(rows):
    """The columns of both groups, with nothing in them."""
    drift = DriftColumns.empty(rows)
    drift.relation_slow[:], drift.relation_fast[:] = 0.0, 0.0
    return drift, ShiftColumns(slow=np.zeros(rows), fast=np.zeros(rows))


def health_of(drift, market, settings, *, quality=None, asked=None, relations=(2.0, 4.0), markets=(5.0, 0.5)):
    rows = len(drift.psi_max)
    nothing = {field.name: np.zeros(rows) for field in fields(AccuracyColumns)}
    return gathered(
        drift=drift,
        market=market,
        limits=PairLimits(
            series=(),
            market=ShiftLimits(slow=markets[0], fast=markets[1], fast_persistence=3),
            relations=ShiftLimits(slow=relations[0], fast=relations[1], fast_persistence=4),
        ),
        quality=np.zeros(rows, dtype=np.uint32) if quality is None else quality,
        accuracy=AccuracyColumns(**nothing),
        settings=settings,
        asked=asked or EvidenceAsked(),
    )


def broken(health):
    return np.flatnonzero(health.quality & np.uint32(Reason.RELATION_BROKEN)).tolist()


@pytest.fixture
def wide(settings):
    """Window 80: a relation must hold for two candles, beside twenty of a calm market."""
    return replace(settings, window_candles=80)


def test_ratios_are_shifts_over_their_limits_and_nothing_where_those_are_infinite(wide):
    drift, market = calm(100)
    drift.relation_fast[90], market.slow[90], market.fast[90] = 6.0, 4.0, 3.0
    market.slow[10] = np.nan
    health = health_of(drift, market, wide)
    assert (health.market_ratio[90], health.market_fast_ratio[90], health.relation_fast_ratio[90]) == (0.8, 6.0, 1.5)
    assert (health.market_fast_persistence, health.relation_fast_persistence) == (3, 4)
    assert np.isnan(health.market_ratio[10])
    # unknown before the window is full, as the index is
    assert np.isnan(health.relation_fast_ratio[:79]).all()
    assert (health.relation_fast_ratio[79:90] == 0.0).all()
    off = health_of(drift, market, wide, relations=(np.inf, np.inf), markets=(np.inf, np.inf))
    for name in ("market_ratio", "market_fast_ratio", "relation_fast_ratio"):
        assert getattr(off, name)[90] == 0.0


def test_a_relation_is_broken_where_it_has_held_its_limit(wide):
    drift, market = calm(130)
    drift.relation_slow[[85, *range(100, 105)]] = 2.0
    drift.relation_slow[110:115] = 1.99
    assert broken(health_of(drift, market, wide)) == [101, 102, 103, 104]
    assert broken(health_of(drift, market, wide, relations=(np.inf, np.inf))) == []


@pytest.mark.parametrize(("name", "beyond", "within"), [("slow", 1.0, 0.99), ("fast", 0.5, 0.49)])
def test_a_relation_is_not_broken_while_the_market_was_restless_within_half_a_window(wide, name, beyond, within):
    drift, market = calm(160)
    drift.relation_slow[90:] = 3.0
    getattr(market, name)[100:103] = beyond
    getattr(market, name)[130] = within
    # a fast alarm is one with its third candle
    first = {"slow": 100, "fast": 102}[name]
    # the last restless candle is 102, forgotten forty candles later
    assert broken(health_of(drift, market, wide)) == [*range(91, first), *range(142, 160)]


def test_rows_that_are_not_asked_for_are_not_broken_and_other_faults_stay(wide):
    drift, market = calm(140)
    drift.relation_slow[90:] = 3.0
    quality = np.full(140, np.uint32(Reason.FROZEN_FEED))
    health = health_of(drift, market, wide, quality=quality.copy(), asked=EvidenceAsked(quality_from=120))
    assert broken(health) == [*range(120, 140)]
    assert (health.quality & np.uint32(Reason.FROZEN_FEED)).all()
