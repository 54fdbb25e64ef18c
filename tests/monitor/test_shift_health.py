"""The report of shifts names every combination, and its largest figures are those that the policy acts on."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.candles import rows_of
from tests.monitor.related_market import NAMES
from tests.monitor.test_health_shifts import ONSET, SETTINGS, WINDOW, frame, reference
from tradai_lifecycle.monitor import MARKET_SERIES, assess, bin_codes
from tradai_lifecycle.monitor.drift import DriftMonitor
from tradai_lifecycle.monitor.fitting import MARKET_RELATIONS
from tradai_lifecycle.monitor.limits import pair_limits
from tradai_lifecycle.monitor.shift_health import MARKET, RELATION, shift_health
from tradai_lifecycle.monitor.shift_windows import shift_memory_candles
from tradai_lifecycle.states import Thresholds


def reported(end, rows=None, settings=SETTINGS):
    """The report at candle `end` of a market whose volume triples, from its last `rows`."""
    tail = rows_of(frame(0, volume=3.0), slice(0 if rows is None else end + 1 - rows, end + 1))
    return shift_health(
        features_tail=tail["features"], candles_tail=tail["candles"], reference=reference(0), settings=settings
    )


def largest(report, group):
    return max(shift.ratio for shift in report if shift.group == group)


def test_every_combination_is_named_the_markets_first():
    report = reported(ONSET)
    names = [shift.name for shift in report]
    assert names[:7] == [*MARKET_SERIES, *MARKET_RELATIONS]
    assert names[7:] == [one.name for one in reference(0).relations.combinations]
    assert set(names[7:]) <= set(NAMES)
    assert [shift.group for shift in report] == [MARKET] * 7 + [RELATION] * len(names[7:])


@pytest.mark.parametrize("candles", [-1, 0, 50, 100, 500])
def test_the_largest_of_each_group_is_what_is_acted_on(candles):
    end = ONSET + candles
    live, limits = rows_of(frame(0, volume=3.0), slice(end - 1_000, end + 1)), pair_limits(reference(0), SETTINGS)
    health = assess(**live, reference=reference(0), settings=SETTINGS, trained_until_ns=0)
    report = reported(end)
    assert largest(report, MARKET) / limits.market.slow == health.market_ratio[-1]
    codes = bin_codes(np.column_stack([live["features"], live["prediction"]]), reference(0).series)
    drift = DriftMonitor(reference(0).series, limits.series, reference(0).relations, WINDOW)
    assert largest(report, RELATION) == drift.of(codes).relation_slow[-1]
    assert {shift.limit for shift in report if shift.group == MARKET} == {limits.market.slow}
    assert {shift.limit for shift in report if shift.group == RELATION} == {limits.relations.slow}


def test_volume_that_tripled_is_named():
    report = reported(ONSET + 100)
    beyond = {shift.name for shift in report if shift.group == MARKET and shift.ratio > shift.limit}
    assert "range for its volume" in beyond
    # the moves themselves are as before
    assert not beyond & {"range", "change of range", "change of volume", "body"}


def test_older_candles_than_the_windows_need_change_nothing_and_fewer_are_unknown():
    enough = shift_memory_candles(WINDOW) + 1
    assert reported(ONSET + 60, enough) == reported(ONSET + 60)
    short = reported(ONSET + 60, enough - 1)
    assert all(math.isnan(shift.ratio) for shift in short if shift.group == MARKET)
    assert tuple(shift for shift in short if shift.group == RELATION) == reported(ONSET + 60)[7:]
    assert all(math.isnan(shift.ratio) for shift in reported(ONSET + 60, WINDOW // 4 - 1))


def test_shifts_that_are_not_acted_on_have_no_limit_and_a_figure():
    for shift in reported(ONSET + 60, settings=replace(SETTINGS, thresholds=Thresholds.FIXED)):
        assert shift.limit == math.inf
        assert math.isfinite(shift.ratio)
