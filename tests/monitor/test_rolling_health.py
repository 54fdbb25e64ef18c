"""A pair's live frames one after another are judged as each frame alone is, to the last bit of what is asked for."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.candles import rows_of
from tests.monitor.test_health import HOUR_NS, ROWS, frame_of
from tradai_lifecycle.monitor import EvidenceAsked, HealthColumns, RollingHealth, assess, bin_codes, series_limits
from tradai_lifecycle.monitor.calibration import interquartile_ranges
from tradai_lifecycle.monitor.drift import DriftMonitor
from tradai_lifecycle.monitor.market import market_memory_candles
from tradai_lifecycle.monitor.psi import PaddedEdges, edge_codes
from tradai_lifecycle.monitor.scales import RememberedScales, Scales
from tradai_lifecycle.states import Reason, Thresholds

NAMES = tuple(field.name for field in fields(HealthColumns))
TRAINED_UNTIL = HOUR_NS * 400_100
LENGTH = 260
NOISES = {"none": 0.0, "last bits": 1e-12, "small": 1e-4, "large": 0.3}


def part(frame, start, end):
    return rows_of(frame, slice(start, end))


def assert_same(rolling, alone, where=""):
    for name in NAMES:
        assert np.array_equal(getattr(rolling, name), getattr(alone, name), equal_nan=True), (name, where)


@given(
    seed=st.integers(0, 1_000),
    drift=st.sampled_from([0.0, 2.0]),
    faults=st.booleans(),
    noise=st.sampled_from(sorted(NOISES)),
    thresholds=st.sampled_from([Thresholds.CALIBRATED, Thresholds.DYNAMIC]),
    asked=st.sampled_from([EvidenceAsked(), EvidenceAsked(drift_from=90, quality_from=150, accuracy_from=120)]),
    steps=st.lists(st.integers(0, 12), min_size=1, max_size=14),
)
@examples(max_examples=120, deadline=None)
def test_frames_one_after_another_are_judged_as_each_alone(
    autoregressive, pair_reference, settings, seed, drift, faults, noise, thresholds, asked, steps
):
    settings = replace(settings, thresholds=thresholds)
    whole, rng = frame_of(seed, autoregressive, drift=drift, faults=faults), np.random.default_rng(seed)
    rolling, start = RollingHealth(pair_reference, settings), 0
    for step in steps:
        frame = part(whole, start, start + LENGTH)
        # every frame has its own last bits, as features of rolling sums do, and more the nearer to its start
        moves = NOISES[noise] * rng.normal(size=frame["features"].shape) * np.linspace(1.0, 0.0, LENGTH)[:, None]
        frame["features"] += moves
        shared = {**frame, "trained_until_ns": TRAINED_UNTIL, "asked": asked}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert_same(rolling.assess(**shared), alone, f"start {start}")
        start += step


def test_a_value_that_crosses_an_edge_and_comes_back_changes_what_it_must(autoregressive, pair_reference, settings):
    whole, rolling = frame_of(8, autoregressive), RollingHealth(pair_reference, settings)
    edge = pair_reference.features[0].edges[4]
    for start, value in enumerate((edge, np.nextafter(edge, -np.inf), np.nan, edge, edge + 1e-9)):
        frame = part(whole, start, start + LENGTH)
        frame["features"][150 - start, 0] = value
        shared = {**frame, "trained_until_ns": TRAINED_UNTIL}
        assert_same(rolling.assess(**shared), assess(**shared, reference=pair_reference, settings=settings))


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("back", [1, 30, 200])
def test_a_candle_that_was_revised_is_read_anew(autoregressive, pair_reference, settings, name, back):
    """An exchange corrects its newest candle at times; any candle may be so, and need not stay so."""
    whole, rolling = frame_of(14, autoregressive, drift=2.0), RollingHealth(pair_reference, settings)
    mattered = False
    for start, factor in enumerate((1.0, 1.02, 1.02, 1.0, 4.0, np.nan, 1.0)):
        frame = part(whole, start, start + LENGTH)
        kept = assess(**frame, trained_until_ns=TRAINED_UNTIL, reference=pair_reference, settings=settings)
        getattr(frame["candles"], name)[LENGTH - back - start] *= factor
        shared = {**frame, "trained_until_ns": TRAINED_UNTIL}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert_same(rolling.assess(**shared), alone, f"start {start}")
        mattered |= not np.array_equal(alone.market_fast_ratio, kept.market_fast_ratio, equal_nan=True)
    assert mattered


@pytest.mark.parametrize("at", [100, 150, 200, 224])
def test_a_candle_that_comes_twice_is_judged_as_alone(autoregressive, pair_reference, settings, at):
    """Also where it is one at which scales are compared, and a scale has changed."""
    whole, rolling = frame_of(13, autoregressive), RollingHealth(pair_reference, settings)
    whole["features"] *= 20.0
    whole = rows_of(whole, np.insert(np.arange(ROWS), at, at))
    for start in range(6):
        shared = {**part(whole, start, start + LENGTH), "trained_until_ns": TRAINED_UNTIL}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert_same(rolling.assess(**shared), alone)
    assert (alone.quality & np.uint32(Reason.SCALE_CHANGED)).any()


@pytest.mark.parametrize("change", ["gap", "shorter", "longer at the front", "another past"])
def test_a_frame_that_does_not_go_on_from_the_last_is_judged_anew(autoregressive, pair_reference, settings, change):
    whole, rolling = frame_of(9, autoregressive, drift=2.0), RollingHealth(pair_reference, settings)
    rolling.assess(**part(whole, 40, 40 + LENGTH), trained_until_ns=TRAINED_UNTIL)
    frame = {
        "gap": lambda: part(whole, 120, 120 + LENGTH),
        "shorter": lambda: part(whole, 90, 100),
        "longer at the front": lambda: part(whole, 0, 41 + LENGTH),
        "another past": lambda: part(whole, 41, 41 + LENGTH),
    }[change]()
    if change == "another past":
        frame["dates_ns"][:50] -= HOUR_NS
    shared = {**frame, "trained_until_ns": TRAINED_UNTIL}
    assert_same(rolling.assess(**shared), assess(**shared, reference=pair_reference, settings=settings))


def test_frames_that_go_on_are_not_judged_anew(autoregressive, pair_reference, settings, monkeypatch):
    """The point of it: per further candle no whole frame is binned or folded, and no old range is taken."""
    whole, rolling = frame_of(10, autoregressive), RollingHealth(pair_reference, settings)
    shared = {
        "trained_until_ns": TRAINED_UNTIL,
        "asked": EvidenceAsked(drift_from=90, quality_from=150, accuracy_from=120),
    }
    rolling.assess(**part(whole, 0, LENGTH), **shared)
    binned, ranges = [], []
    codes, interquartile = PaddedEdges.codes, interquartile_ranges

    def counted_codes(self, values, series=slice(None)):
        binned.append(values.size)
        return codes(self, values, series)

    def counted_ranges(values, rows, window):
        ranges.append(len(rows))
        return interquartile(values, rows, window)

    def refused(*arguments, **options):
        raise AssertionError("a whole frame was judged")

    monkeypatch.setattr(PaddedEdges, "codes", counted_codes)
    monkeypatch.setattr(DriftMonitor, "of", refused)
    monkeypatch.setattr("tradai_lifecycle.monitor.scales.interquartile_ranges", counted_ranges)
    for start in range(1, 5):
        frame = part(whole, start, start + LENGTH)
        frame["features"] *= 1.0 + 1e-13
        rolling.assess(**frame, **shared)
    # the newest row of three features, all of the prediction, and the five market series over their own memory
    assert max(binned) <= LENGTH
    assert sum(binned) <= 4 * (LENGTH + 3 + 5 * (market_memory_candles(40) + 1))
    # every second candle is one at which ranges are looked at, and each is new once
    assert sum(ranges) <= 3 * 2


@given(seed=st.integers(0, 10_000), size=st.sampled_from([1e-15, 1e-6, 0.01, 0.2]))
@examples(max_examples=60, deadline=None)
def test_a_value_within_its_room_stays_in_its_bin(seed, size):
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(50, 3)), 2)
    edges = [np.unique(np.round(rng.normal(size=count), 2)).tolist() for count in (1, 4, 9)]
    padded = PaddedEdges(edges)
    room = padded.room(values, padded.codes(values)).min(axis=0)
    moved = values + size * rng.uniform(-1.0, 1.0, size=values.shape)
    proven = np.abs(moved - values).max(axis=0) < room
    assert np.array_equal(edge_codes(moved, edges)[:, proven], edge_codes(values, edges)[:, proven])
    assert size > 0.001 or (room == 0.0).any() or proven.all()


@given(seed=st.integers(0, 10_000), size=st.sampled_from([0.0, 1e-13, 1e-3, 0.5, 5.0]))
@examples(max_examples=60, deadline=None)
def test_remembered_scales_are_those_of_the_windows_themselves(autoregressive, pair_reference, seed, size):
    rng = np.random.default_rng(seed)
    scale = rng.choice([0.05, 0.25, 1.0, 4.0, 20.0])
    values = scale * np.column_stack([autoregressive(200, 2, 0.2, seed), autoregressive(200, 1, 0.9, seed)])
    dates = np.arange(200) * HOUR_NS
    remembered, exact = RememberedScales(pair_reference.features, 40), Scales(pair_reference.features, 40)
    for frame in range(6):
        rows = np.arange(60 + 2 * frame, 200, 7)
        assert np.array_equal(remembered.changed(values, dates, rows), exact.changed(values, dates, rows))
        after = values + size * rng.normal(size=values.shape)
        if frame == 3:
            after[rng.integers(200), 0] = np.nan
        with np.errstate(invalid="ignore"):
            remembered.moved(np.abs(after - values).max(axis=0))
        values = after


def test_the_newest_row_alone_is_the_last_row_of_all(autoregressive, pair_reference, settings):
    frame = frame_of(11, autoregressive, drift=2.0)
    codes = bin_codes(np.column_stack([frame["features"], frame["prediction"]]), pair_reference.series)
    limits = series_limits(pair_reference, settings)
    monitor = DriftMonitor(pair_reference.series, limits, pair_reference.relations, 40)
    whole = monitor.of(codes)
    for row in range(39, len(codes)):
        one = monitor.newest(codes[row - 39 : row + 1])
        for field in fields(one):
            assert getattr(one, field.name)[0] == getattr(whole, field.name)[row], (field.name, row)


def test_a_value_that_creeps_over_an_edge_by_steps_too_small_to_matter_is_seen(
    autoregressive, pair_reference, settings
):
    whole, rolling = frame_of(12, autoregressive), RollingHealth(pair_reference, settings)
    edge = pair_reference.features[0].edges[4]
    edges = PaddedEdges([pair_reference.features[0].edges])
    room = edges.room(whole["features"][:, :1], edges.codes(whole["features"][:, :1])).min()
    flipped = []
    for step in range(8):
        frame = part(whole, step, step + LENGTH)
        frame["features"][150 - step, 0] = edge - room * (1.0 - 0.3 * step)
        shared = {**frame, "trained_until_ns": TRAINED_UNTIL}
        assert_same(rolling.assess(**shared), assess(**shared, reference=pair_reference, settings=settings))
        # the columns show the largest of all series only
        assert np.array_equal(rolling._last.codes[:, :-1], bin_codes(frame["features"], pair_reference.features))
        flipped.append(frame["features"][150 - step, 0] >= edge)
    assert flipped == [False] * 4 + [True] * 4


@pytest.mark.parametrize("bound", ["high", "low"])
def test_a_scale_that_creeps_over_its_limit_is_seen(autoregressive, pair_reference, bound):
    feature = pair_reference.features[0]
    values = np.repeat(autoregressive(60, 1, 0.2, 3), 3, axis=1)
    dates, rows = np.arange(60) * HOUR_NS, np.array([59])
    taken = interquartile_ranges(values[:, 0].copy(), rows, 40)[0]
    limit = 4.0 * feature.iqr_high if bound == "high" else feature.iqr_low / 4.0
    remembered, exact = RememberedScales(pair_reference.features, 40), Scales(pair_reference.features, 40)
    verdicts = []
    for step in range(10):
        factor = limit / taken * (0.95 + 0.01 * step)
        frame = values * factor
        moves = np.abs(values * limit / taken * 0.01).max(axis=0)
        if step:
            remembered.moved(moves)
        assert np.array_equal(remembered.changed(frame, dates, rows), exact.changed(frame, dates, rows))
        verdicts.append(bool(exact.changed(frame, dates, rows)[0, 0]))
    assert len(set(verdicts)) == 2
