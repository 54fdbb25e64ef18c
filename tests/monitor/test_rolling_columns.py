"""Columns that are kept from frame to frame are what copying them would give, and only the memory's own to write."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.candles import rows_of
from tests.monitor.test_health import HOUR_NS, frame_of
from tradai_lifecycle.monitor import HealthColumns, RollingHealth, assess
from tradai_lifecycle.monitor.drift import DriftColumns
from tradai_lifecycle.monitor.rolling_columns import KeptColumns
from tradai_lifecycle.states import Thresholds

DRIFT = tuple(field.name for field in fields(DriftColumns))
HEALTH = tuple(field.name for field in fields(HealthColumns) if not field.name.endswith("_persistence"))


def filled(rng, rows):
    columns = DriftColumns.empty(rows)
    for name in DRIFT:
        getattr(columns, name)[:] = rng.integers(1, 99, rows)
    return columns


def assert_same(kept, expected):
    for name in DRIFT:
        assert np.array_equal(getattr(kept, name), getattr(expected, name), equal_nan=True), name


@given(
    seed=st.integers(0, 1_000),
    rows=st.integers(1, 40),
    from_row=st.integers(0, 60),
    steps=st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 80), st.sampled_from([None, 0, 1, 30])), min_size=1, max_size=30
    ),
)
@examples(max_examples=150, deadline=None)
def test_a_frame_has_the_last_ones_rows_and_is_empty_elsewhere(seed, rows, from_row, steps):
    """However many candles go and come, wherever the store ends, and as the first row that is asked for moves on."""
    rng = np.random.default_rng(seed)
    last = DriftColumns.empty(rows)
    last.put(from_row, filled(rng, rows), slice(from_row, None))
    kept = KeptColumns(last, rows, DriftColumns.empty)
    for most_gone, come, later in steps:
        gone = min(most_gone, rows - 1)
        if later is not None:
            from_row = max(from_row - gone, 0) + later
        known, rows = rows - gone, rows - gone + come
        expected = DriftColumns.empty(rows)
        expected.put(from_row, last, slice(from_row + gone, None))
        newest = kept.go_on(gone, rows, from_row)
        assert_same(newest, expected)
        newest.put(max(known, from_row), filled(rng, rows), slice(max(known, from_row), None))
        last = newest.part(slice(None))
        last = DriftColumns(**{name: getattr(last, name).copy() for name in DRIFT})


def test_a_new_row_costs_no_copy_of_the_others():
    """The point of it: a store is copied once in many candles."""
    kept = KeptColumns(DriftColumns.empty(50), 50, DriftColumns.empty)
    # all of them are held, so that none takes the place of another
    stores = [kept.go_on(1, 50, 10).psi_max.base for _ in range(1_000)]
    assert len({id(store) for store in stores}) <= 5


@pytest.mark.parametrize("thresholds", [Thresholds.CALIBRATED, Thresholds.DYNAMIC])
def test_who_writes_into_what_a_frame_was_told_changes_no_later_frame(
    autoregressive, pair_reference, settings, thresholds
):
    settings = replace(settings, thresholds=thresholds)
    whole, rolling = frame_of(21, autoregressive, drift=2.0, faults=True), RollingHealth(pair_reference, settings)
    for start in range(6):
        frame = rows_of(whole, slice(start, start + 260))
        shared = {**frame, "trained_until_ns": HOUR_NS * 400_100}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        told = rolling.assess(**shared)
        for name in HEALTH:
            assert np.array_equal(getattr(told, name), getattr(alone, name), equal_nan=True), (name, start)
            getattr(told, name)[:] = 1
