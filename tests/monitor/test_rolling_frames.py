"""However frames follow each other, what is kept of the last one changes nothing of the next one's health."""

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.candles import rows_of
from tests.monitor.test_health import HOUR_NS, ROWS, frame_of
from tradai_lifecycle.monitor import EvidenceAsked, HealthColumns, RollingHealth, assess
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.rolling_codes import RememberedCodes
from tradai_lifecycle.monitor.rolling_drift import RememberedDrift
from tradai_lifecycle.states import Thresholds

NAMES = tuple(field.name for field in fields(HealthColumns) if not field.name.endswith("_persistence"))
SHOWN = Validated(accuracy=0.9, predictions=500, effective_predictions=200.0, candles=600)


def asked_of(rng, length):
    """Every row's evidence, or that from any rows on, some of them after the last."""
    if rng.random() < 0.4:
        return EvidenceAsked()
    runs_from, drift_from = sorted(rng.integers(0, length + 20, 2).tolist())
    quality_from, accuracy_from = rng.integers(0, length + 20, 2).tolist()
    return EvidenceAsked(
        runs_from=runs_from, drift_from=drift_from, quality_from=quality_from, accuracy_from=accuracy_from
    )


def altered(rng, frame, noise):
    """The frame with last bits of its own, and now and then another value, prediction or outcome."""
    rows, series = frame["features"].shape
    moves = noise * rng.normal(size=(rows, series)) * np.linspace(1.0, 0.0, rows)[:, None]
    altered = {**frame, "features": frame["features"] + moves * (rng.random(series) < 0.6)}
    if rng.random() < 0.1:
        value = rng.choice([np.nan, np.inf, -np.inf, 1e300])
        altered["features"][rng.integers(rows), rng.integers(series)] = value
    for name in ("prediction", "realised"):
        if rng.random() < 0.15:
            altered[name] = frame[name].copy()
            altered[name][rng.integers(rows)] *= -1.0
    return altered


def next_frame(rng, start, end, length):
    """Candles later: mostly of one length, at times longer, or shorter, or after a gap."""
    choice = rng.random()
    if choice < 0.7:
        start += int(rng.integers(0, 3))
        return start, start + length
    if choice < 0.85:
        return start, end + int(rng.integers(0, 9))
    start += int(rng.integers(0, 15))
    return start, max(start + length, end if choice < 0.93 else 0)


@pytest.mark.parametrize("thresholds", [Thresholds.CALIBRATED, Thresholds.DYNAMIC])
@pytest.mark.parametrize("seed", range(24))
def test_frames_of_any_lengths_and_faults_are_judged_as_each_alone(
    autoregressive, pair_reference, settings, seed, thresholds
):
    rng, settings = np.random.default_rng(seed), replace(settings, thresholds=thresholds)
    whole = frame_of(seed, autoregressive, drift=float(rng.choice([0.0, 0.7, 2.0])), faults=bool(rng.random() < 0.5))
    length, noise = int(rng.choice([45, 60, 120, 260])), float(rng.choice([0.0, 1e-12, 1e-4, 0.05, 0.3]))
    asked, rolling, start, end = asked_of(rng, length), RollingHealth(pair_reference, settings), 0, length
    validated = None
    while end <= ROWS and start < ROWS - 2 * length:
        frame = altered(rng, rows_of(whole, slice(start, end)), noise)
        # another version of the model may have shown something else
        validated = SHOWN if rng.random() < 0.1 else validated
        shared = {**frame, "trained_until_ns": HOUR_NS * 400_100, "asked": asked, "validated": validated}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        after = rolling.assess(**shared)
        for name in NAMES:
            assert np.array_equal(getattr(after, name), getattr(alone, name), equal_nan=True), (name, start, end)
        start, end = next_frame(rng, start, end, length)


def test_codes_are_kept_however_long_a_bot_runs(autoregressive):
    """Also when they are moved to the front of their store."""
    values, rng = autoregressive(900, 3, 0.9, 4), np.random.default_rng(4)
    kept, alone = RememberedCodes([[-1.0, 0.0, 1.0]] * 3), RememberedCodes([[-1.0, 0.0, 1.0]] * 3)
    kept.anew(values[:300, :2], values[:300, 2], 10)
    last = values[:300]
    for start in range(1, 600):
        frame = values[start : start + 300] * (1.0 + 1e-13 * start)
        frame[rng.integers(10, 299), rng.integers(3)] *= -1.0
        binned = kept.next(frame[:, :2], frame[:, 2], 1, 10)
        codes = alone.anew(frame[:, :2], frame[:, 2], 10)
        assert np.array_equal(binned.codes[10:], codes[10:])
        changed = codes[10:299] != alone.anew(last[:, :2], last[:, 2], 10)[11:]
        assert sorted(crossing.series for crossing in binned.crossings) == np.flatnonzero(changed.any(axis=0)).tolist()
        last = frame


def test_a_frame_too_short_for_any_scale_may_follow_one_that_has_some(autoregressive, pair_reference, settings):
    whole, rolling = frame_of(16, autoregressive), RollingHealth(pair_reference, settings)
    fixed = {"trained_until_ns": HOUR_NS * 400_100, "asked": EvidenceAsked(quality_from=50)}
    for number, rows in enumerate((slice(0, 120), slice(200, 245), slice(201, 246))):
        frame = rows_of(whole, rows)
        shared = {**frame, "features": frame["features"] * 2.0**number, **fixed}
        alone = assess(**shared, reference=pair_reference, settings=settings)
        assert np.array_equal(rolling.assess(**shared).quality, alone.quality)


def test_a_crossed_edge_is_told_with_the_codes_before_it(autoregressive):
    values = autoregressive(300, 3, 0.5, 5)
    kept = RememberedCodes([[0.0]] * 3)
    before = kept.anew(values[:, :2], values[:, 2], 0).copy()
    moved = values.copy()
    moved[[7, 150, 299], 1] *= -1.0
    moved[:, 0] *= 1.0 + 1e-12
    (crossing,) = kept.next(moved[:, :2], moved[:, 2], 0, 0).crossings
    assert crossing.series == 1
    assert crossing.rows.tolist() == [7, 150, 299]
    assert np.array_equal(crossing.before, before[:, 1])


def test_a_crossed_edge_asks_the_other_series_only_where_its_own_was_the_largest(
    autoregressive, pair_reference, settings, monkeypatch
):
    """The point of it: an index that was not the largest, or rose, is exchanged by itself."""
    asked_again = []
    exchange = RememberedDrift._exchange

    def noted(self, columns, codes, crossing, rows):
        largest = columns.psi_max.copy()
        lost = exchange(self, columns, codes, crossing, rows)
        before, _ = self._judged(crossing.before, crossing.series, rows)
        asked_again.append((lost.any(), lost[before < largest].any()))
        return lost

    monkeypatch.setattr(RememberedDrift, "_exchange", noted)
    whole, rng = frame_of(15, autoregressive), np.random.default_rng(15)
    rolling = RollingHealth(pair_reference, settings)
    fixed = {"trained_until_ns": HOUR_NS * 400_100}
    for start in range(40):
        frame = rows_of(whole, slice(start, start + 260))
        rolling.assess(**{**frame, "features": frame["features"] + 1e-3 * rng.normal(size=(260, 3))}, **fixed)
    again, beyond = (np.array(column) for column in zip(*asked_again, strict=True))
    assert len(again) > 20
    assert 0 < np.count_nonzero(again) < len(again)
    # limits differ between series, so the largest ratio need not be the largest index
    assert np.count_nonzero(beyond) < np.count_nonzero(again)
