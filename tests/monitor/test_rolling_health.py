"""A pair's live frames one after another are judged as each frame alone is, to the last bit of what is asked for."""

import gc
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
from tradai_lifecycle.monitor.psi import PaddedEdges, WindowPsi, edge_codes
from tradai_lifecycle.monitor.rolling_codes import RememberedCodes
from tradai_lifecycle.monitor.scales import RememberedScales, Scales, _Brackets
from tradai_lifecycle.states import Reason, Thresholds

NAMES = tuple(field.name for field in fields(HealthColumns) if not field.name.endswith("_persistence"))
TRAINED_UNTIL = HOUR_NS * 400_100
LENGTH = 260
ASKED = EvidenceAsked(runs_from=50, drift_from=90, quality_from=150, accuracy_from=120)
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
    asked=st.sampled_from([EvidenceAsked(), ASKED, replace(ASKED, runs_from=90), replace(ASKED, drift_from=210)]),
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


def test_a_candle_leaves_nothing_to_the_garbage_collector(autoregressive, pair_reference, settings):
    """What is collected while a pair is judged is what others left."""
    whole, rolling = frame_of(8, autoregressive, drift=2.0), RollingHealth(pair_reference, settings)
    frames = [part(whole, start, start + LENGTH) for start in range(40)]
    for frame in frames[:2]:
        rolling.assess(**frame, trained_until_ns=TRAINED_UNTIL)
    gc.collect()
    gc.disable()
    try:
        for frame in frames[2:]:
            rolling.assess(**frame, trained_until_ns=TRAINED_UNTIL)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_value_that_crosses_an_edge_and_comes_back_changes_what_it_must(autoregressive, pair_reference, settings):
    whole, rolling = frame_of(8, autoregressive), RollingHealth(pair_reference, settings)
    edge = pair_reference.features[0].edges[4]
    for start, value in enumerate((edge, np.nextafter(edge, -np.inf), np.nan, edge, edge + 1e-9)):
        frame = part(whole, start, start + LENGTH)
        frame["features"][150 - start, 0] = value
        shared = {**frame, "trained_until_ns": TRAINED_UNTIL}
        assert_same(rolling.assess(**shared), assess(**shared, reference=pair_reference, settings=settings))


def test_runs_cannot_begin_after_the_row_that_they_lead_to():
    with pytest.raises(ValueError, match="runs of drift from row 8 begin after the drift from 7"):
        EvidenceAsked(runs_from=8, drift_from=7)


@pytest.mark.parametrize(
    ("ratio", "first"),
    [
        ([2.0, 2.0, 2.0, 0.9], 3),
        ([0.5, 2.0, np.nan, 1.0], 2),
        ([0.5, 0.9, 2.0, 1.0], 1),
        ([0.5, 1.0, 2.0, 1.0], 1),
        ([2.0, 2.0, 2.0], 3),
        ([], 3),
    ],
)
def test_drift_is_asked_for_from_the_row_before_its_run(ratio, first):
    """None is asked for before runs are, nor for the sake of a row that is not there."""
    assert EvidenceAsked(runs_from=1, drift_from=3).drift_rows_from(np.array(ratio)) == first


def seen_from(monkeypatch):
    """The first row that each frame's comparison with the last one begins at, and None where there is none."""
    noted, anew, goes_on = [], RememberedCodes.anew, RememberedCodes.next

    def noted_anew(self, features, judged, first):
        noted.append(None)
        return anew(self, features, judged, first)

    def noted_next(self, features, judged, gone, first):
        noted.append(first)
        return goes_on(self, features, judged, gone, first)

    monkeypatch.setattr(RememberedCodes, "anew", noted_anew)
    monkeypatch.setattr(RememberedCodes, "next", noted_next)
    return noted


def test_a_run_of_significant_drift_is_followed_to_where_it_began_and_no_further(
    autoregressive, pair_reference, settings, monkeypatch
):
    """A run comes to the row asked for and leaves it: nothing is judged anew for that, nor is more than it read."""
    whole, rolling = frame_of(23, autoregressive), RollingHealth(pair_reference, settings)
    whole["features"][200:300] += 4.0
    asked, seen = EvidenceAsked(runs_from=70, drift_from=150, quality_from=240), seen_from(monkeypatch)
    known = []
    for start in range(ROWS - LENGTH):
        shared = {**part(whole, start, start + LENGTH), "trained_until_ns": TRAINED_UNTIL, "asked": asked}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert_same(rolling.assess(**shared), alone, f"start {start}")
        known.append(int(np.flatnonzero(np.isfinite(alone.significant_ratio))[0]))
        beyond = alone.significant_ratio >= 1.0
        assert beyond[known[-1] + 1 : 151].all()
        assert known[-1] in {70, 150} or not beyond[known[-1]]
    assert {70, 150} < set(known)
    assert seen.count(None) == 1
    assert seen[1:] == [row - settings.index_memory for row in known[1:]]


def test_a_run_that_turns_out_longer_than_it_was_is_judged_anew(autoregressive, pair_reference, settings, monkeypatch):
    whole, rolling = frame_of(23, autoregressive), RollingHealth(pair_reference, settings)
    asked, seen = EvidenceAsked(runs_from=70, drift_from=150, quality_from=240), seen_from(monkeypatch)
    known = []
    for start in range(8):
        frame = part(whole, start, start + LENGTH)
        if start >= 4:
            # all the past is told otherwise
            frame["features"][20 - start : 200 - start] += 4.0
        shared = {**frame, "trained_until_ns": TRAINED_UNTIL, "asked": asked}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert_same(rolling.assess(**shared), alone, f"start {start}")
        known.append(int(np.flatnonzero(np.isfinite(alone.significant_ratio))[0]))
    assert known == [150] * 4 + [70] * 4
    # the fifth frame is gone on to before it is found not to do
    assert [first is None for first in seen] == [True, *[False] * 4, True, *[False] * 3]


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


@pytest.mark.parametrize("name", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_candle_that_stays_wrong_is_judged_as_alone(autoregressive, pair_reference, settings, name, value):
    """From the frame that it comes with to the last one that holds it: it is gone on from like any other."""
    whole, rolling = frame_of(14, autoregressive, drift=2.0), RollingHealth(pair_reference, settings)
    getattr(whole["candles"], name)[[LENGTH - 40, LENGTH + 5]] = value
    for start in range(60):
        shared = {**part(whole, start, start + LENGTH), "trained_until_ns": TRAINED_UNTIL}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert_same(rolling.assess(**shared), alone, f"start {start}")
    with np.errstate(invalid="ignore"):
        assert np.isfinite(alone.market_fast_ratio[-1]) or not np.isfinite(value)


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
        "asked": ASKED,
    }
    rolling.assess(**part(whole, 0, LENGTH), **shared)
    binned, ranges = [], []
    codes, few, interquartile = PaddedEdges.codes, PaddedEdges.of_few, interquartile_ranges

    def counted_codes(self, values, series=slice(None)):
        binned.append(values.size)
        return codes(self, values, series)

    def counted_few(self, values):
        binned.append(values.size)
        return few(self, values)

    def counted_ranges(values, rows, window):
        ranges.append(len(rows))
        return interquartile(values, rows, window)

    def refused(*arguments, **options):
        raise AssertionError("a whole frame was judged")

    monkeypatch.setattr(PaddedEdges, "codes", counted_codes)
    monkeypatch.setattr(PaddedEdges, "of_few", counted_few)
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


@given(seed=st.integers(0, 10_000), rows=st.integers(0, 8), counts=st.lists(st.integers(0, 9), min_size=1, max_size=5))
@examples(max_examples=100, deadline=None)
def test_few_rows_are_binned_as_any_with_as_much_room(seed, rows, counts):
    rng = np.random.default_rng(seed)
    edges = [np.unique(np.round(rng.normal(size=count), 1)).tolist() for count in counts]
    wild = [np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, *(edge for series in edges for edge in series)]
    values = np.where(rng.random((rows, len(edges))) < 0.5, rng.choice(wild, (rows, len(edges))), rng.normal())
    padded = PaddedEdges(edges)
    codes, room = padded.of_few(values)
    assert codes.dtype == np.uint8
    assert np.array_equal(codes, padded.codes(values))
    assert np.array_equal(room, padded.room(values, codes))


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
    remembered.forget(bin_codes(values, pair_reference.features))
    for frame in range(6):
        rows = np.arange(60 + 2 * frame, 200, 7)
        assert np.array_equal(remembered.changed(values, dates, rows), exact.changed(values, dates, rows))
        after = values + size * rng.normal(size=values.shape)
        if frame == 3:
            after[rng.integers(200), 0] = np.nan
        with np.errstate(invalid="ignore"):
            moves = np.abs(after - values).max(axis=0)
        remembered.moved(moves, bin_codes(after, pair_reference.features), None)
        values = after


@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.05, 0.25, 1.0, 4.0, 20.0]), missing=st.integers(0, 25))
@examples(max_examples=80, deadline=None)
def test_a_range_lies_between_what_the_bins_of_its_window_tell(autoregressive, pair_reference, seed, scale, missing):
    rng, features = np.random.default_rng(seed), pair_reference.features
    values = scale * autoregressive(40, 3, float(rng.choice([0.2, 0.95])), seed) + rng.choice([0.0, 3.0])
    values[rng.permutation(40)[:missing], 0] = rng.choice([np.nan, np.inf])
    edges = np.array(features[2].edges)
    values[:, 2] = edges[np.searchsorted(edges, values[:, 2]).clip(0, len(edges) - 1)]
    least, most = _Brackets(features, 40).of(bin_codes(values, features))
    for series in range(3):
        (taken,) = interquartile_ranges(values[:, series].copy(), np.array([39]), 40)
        if np.isnan(taken):
            assert (least[series], most[series]) == (-np.inf, np.inf)
        else:
            assert least[series] <= taken <= most[series]


def test_the_bins_of_the_quartiles_are_those_of_the_values_themselves(pair_reference):
    edges = pair_reference.features[0].edges
    codes = np.repeat([2, 4, 7], [10, 20, 10])[:, None].astype(np.uint8)
    least, most = _Brackets(pair_reference.features[:1], 40).of(codes)
    # of 40 sorted values those at 10 and 30, counted from 0
    assert least[0] == edges[6] - edges[4]
    assert most[0] == edges[7] - edges[3]


@given(seed=st.integers(0, 10_000), edges=st.sampled_from([1, 9, 14]), missing=st.integers(0, 25))
@examples(max_examples=40, deadline=None)
def test_counts_of_more_series_tell_the_same_of_a_range(autoregressive, pair_reference, seed, edges, missing):
    """The drift monitor counts the prediction too, which may have fewer or more bins than any feature."""
    features = pair_reference.features
    prediction = replace(features[0], edges=tuple(np.linspace(-1.0, 1.0, edges)), counts=(1,) * (edges + 2))
    values = autoregressive(40, 4, 0.9, seed)
    values[:missing, 1] = np.nan
    codes = bin_codes(values, (*features, prediction))
    brackets = _Brackets(features, 40)
    expected = brackets.of(codes[:, :3])
    assert np.array_equal(brackets.of_counts(WindowPsi((*features, prediction)).counts(codes)), expected)


@pytest.mark.parametrize("factors", [np.geomspace(1.0, 60.0, 200), np.geomspace(1.0, 0.02, 200)])
@pytest.mark.parametrize("anew", [False, True])
def test_a_scale_that_the_bins_told_is_seen_when_it_leaves_its_limits(autoregressive, pair_reference, factors, anew):
    """Whether it gets there by steps or is there from the first."""
    values, features = np.repeat(autoregressive(60, 1, 0.2, 3), 3, axis=1), pair_reference.features
    dates, rows = np.arange(60) * HOUR_NS, np.array([59])
    remembered, exact = RememberedScales(features, 40), Scales(features, 40)
    remembered.forget(bin_codes(values * factors[0], features))
    verdicts, last = [], values * factors[0]
    for factor in factors:
        frame = values * factor
        codes = bin_codes(frame, features)
        if anew:
            remembered.forget(codes)
        else:
            remembered.moved(np.abs(frame - last).max(axis=0), codes, None)
        last = frame
        expected = exact.changed(frame, dates, rows)
        assert np.array_equal(remembered.changed(frame, dates, rows), expected), factor
        verdicts.append(bool(expected[0, 0]))
    assert len(set(verdicts)) == 2


def test_limits_within_what_the_bins_tell_leave_the_range_to_be_taken(autoregressive, pair_reference):
    feature, values = pair_reference.features[0], autoregressive(40, 1, 0.2, 3)
    dates, rows = np.arange(40) * HOUR_NS, np.array([39])
    (taken,) = interquartile_ranges(values[:, 0].copy(), rows, 40)
    (least,), (most,) = _Brackets([feature], 40).of(bin_codes(values, [feature]))
    verdicts = set()
    for limit in np.linspace(0.9 * least, 1.1 * most, 60):
        for low, high in ((0.0, limit / 4.0), (4.0 * limit, 4.0 * limit + 10.0 * most)):
            limited = [replace(feature, iqr_low=low, iqr_high=high)]
            remembered = RememberedScales(limited, 40)
            remembered.forget(bin_codes(values, limited))
            (changed,) = remembered.changed(values, dates, rows)[0]
            assert changed == (taken > limit if low == 0.0 else taken < limit)
            verdicts.add((low == 0.0, bool(changed)))
    assert len(verdicts) == 4


def test_a_range_that_the_bins_told_is_taken_once_its_quartiles_may_have_moved_too_far(autoregressive, pair_reference):
    """Here they move apart by all that the values move."""
    feature, values = pair_reference.features[0], autoregressive(40, 1, 0.2, 3)
    dates, rows = np.arange(40) * HOUR_NS, np.array([39])
    _, (most,) = _Brackets([feature], 40).of(bin_codes(values, [feature]))
    limited = [replace(feature, iqr_low=0.0, iqr_high=1.2 * most / 4.0)]
    remembered, exact, step = RememberedScales(limited, 40), Scales(limited, 40), most / 100.0
    verdicts = set()
    for number in range(100):
        frame = values + number * step * np.sign(values)
        codes = bin_codes(frame, limited)
        if number:
            remembered.moved(np.array([1.0001 * step]), codes, None)
        else:
            remembered.forget(codes)
        expected = exact.changed(frame, dates, rows)
        assert np.array_equal(remembered.changed(frame, dates, rows), expected), number
        verdicts.add(bool(expected[0, 0]))
    assert len(verdicts) == 2


def test_a_range_is_not_taken_where_its_bins_tell_enough(autoregressive, pair_reference, monkeypatch):
    """The point of it: a new candle at which scales are compared hardly ever asks for a sort of its window."""
    values, features = autoregressive(200, 3, 0.2, 7), pair_reference.features
    remembered, exact = RememberedScales(features, 40), Scales(features, 40)
    remembered.forget(bin_codes(values, features))
    dates, rows, taken = np.arange(200) * HOUR_NS, np.arange(60, 200, 7), []
    expected = exact.changed(values, dates, rows)

    def noted(*arguments):
        taken.append(len(arguments[1]))
        return interquartile_ranges(*arguments)

    monkeypatch.setattr("tradai_lifecycle.monitor.scales.interquartile_ranges", noted)
    assert np.array_equal(remembered.changed(values, dates, rows), expected)
    assert sum(taken) < expected.size / 3


def test_a_range_of_nothing_that_may_be_as_narrow_is_not_taken_with_each_move(pair_reference, monkeypatch):
    """A feature that is mostly 0, as a pattern is: its range is at its lower limit, below which there is none."""
    features = [replace(pair_reference.features[0], iqr_low=0.0, iqr_high=0.01)]
    values, dates, rows = np.zeros((60, 1)), np.arange(60) * HOUR_NS, np.array([59])
    values[::10] = 1.0
    remembered, taken = RememberedScales(features, 40), []
    remembered.forget(bin_codes(values, features))

    def noted(*arguments):
        taken.append(len(arguments[1]))
        return interquartile_ranges(*arguments)

    monkeypatch.setattr("tradai_lifecycle.monitor.scales.interquartile_ranges", noted)
    for _ in range(5):
        assert not remembered.changed(values, dates, rows).any()
        remembered.moved(np.array([1e-12]), bin_codes(values, features), None)
    assert sum(taken) == 1


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
        codes = bin_codes(frame, pair_reference.features)
        if step:
            remembered.moved(moves, codes, None)
        else:
            remembered.forget(codes)
        assert np.array_equal(remembered.changed(frame, dates, rows), exact.changed(frame, dates, rows))
        verdicts.append(bool(exact.changed(frame, dates, rows)[0, 0]))
    assert len(set(verdicts)) == 2
