"""The measurement of drift detection: what is counted, what is put into candles, and what is kept."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.drift import cells
from benchmarks.drift.cells import Measured, file_of, forget, store, stored
from benchmarks.drift.detectors import DETECTORS, peer
from benchmarks.drift.detectors.kolmogorov_smirnov import critical_distance, distance
from benchmarks.drift.detectors.peer import INSTALL, Peer
from benchmarks.drift.detectors.rule_of_thumb import RuleOfThumb
from benchmarks.drift.faults import FEATURE_FAULTS, NO_FAULT, RAW_FAULTS, VOLATILITY_IN_CANDLES
from benchmarks.drift.intervals import of_median, of_rate, of_share
from benchmarks.drift.markets import Series, candles
from benchmarks.drift.outcomes import Outcome, outcome_of
from benchmarks.drift.plan import cells_of, chosen, full_plan
from benchmarks.drift.quick import bounded_rows, quick_plan
from benchmarks.drift.rows import chained, moves
from benchmarks.drift.streams import Injected, NextCandles, NoDrift, RawCandles
from benchmarks.rows import Standing

pytestmark = pytest.mark.usefixtures("sandbox")

SERIES = Series(pair="BTC/USDT", timeframe="1h")


def alarm(*runs: tuple[bool, int]) -> np.ndarray:
    return np.concatenate([np.full(length, on) for on, length in runs])


def test_always_on_is_four_triggers_per_thousand_candles() -> None:
    assert outcome_of(alarm((True, 1_100)), 100) == Outcome(
        candles=1_000, triggers=4, alarmed=1_000, already_on=True, delay=1
    )


def test_a_delay_counts_from_the_onset_and_alarms_within_the_cool_down_are_one_trigger() -> None:
    flags = alarm((False, 100), (False, 9), (True, 1), (False, 100), (True, 1), (False, 200), (True, 1), (False, 688))
    assert outcome_of(flags, 100) == Outcome(candles=1_000, triggers=2, alarmed=3, already_on=False, delay=10)
    assert outcome_of(alarm((False, 50)), 10).delay is None


def test_intervals_are_those_of_the_literature() -> None:
    assert of_share(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert of_share(7, 10) == pytest.approx((0.3968, 0.8922), abs=1e-4)
    assert of_share(0, 0) == (0.0, 1.0)
    assert of_rate(0, 2.0) == pytest.approx((0.0, 3.6889 / 2), abs=1e-4)
    assert of_rate(10, 1.0) == pytest.approx((4.7954, 18.3904), abs=1e-4)
    assert of_median(range(1, 11)) == (2.0, 9.0)


def test_the_distance_and_its_limit_are_those_of_scipy() -> None:
    chance = np.random.default_rng(0)
    known = np.sort(np.round(chance.standard_normal(12_000), 1))
    for shift in (0.0, 0.05, 0.1, 0.3):
        column = np.round(chance.standard_normal(500) + shift, 1)
        expected = stats.ks_2samp(known, column, method="asymp")
        assert distance(known, column) == pytest.approx(expected.statistic)
        beyond = distance(known, column) > critical_distance(len(known), len(column), 0.01)
        assert beyond == (expected.pvalue < 0.01)


def test_prices_are_their_moves_chained() -> None:
    prices = candles(SERIES)[["open", "high", "low", "close"]].to_numpy()[:200]
    assert np.allclose(chained(moves(prices), prices[0, 0]), prices)


def test_a_block_without_drift_is_left_out_of_its_reference() -> None:
    for run in NoDrift(series=SERIES, trained=3_000, blocks=2, watched=500).runs(NO_FAULT):
        assert len(run.scene.reference) == 3_000
        assert not np.isin(run.live.dates_ns, run.scene.reference.dates_ns).any()
        assert (np.diff(run.live.dates_ns) == 3_600 * 10**9).all()
        assert len(run.live) - run.onset == 500


def test_next_candles_follow_the_training() -> None:
    (run,) = NextCandles(series=SERIES, trained=5_000, origins=1, longest=600).runs(NO_FAULT)
    assert run.live.dates_ns[run.onset] == run.scene.reference.dates_ns[-1] + 3_600 * 10**9
    assert len(run.live) - run.onset == 600


@pytest.mark.parametrize("fault", [*FEATURE_FAULTS, VOLATILITY_IN_CANDLES])
def test_a_fault_begins_at_the_onset_and_changes_nothing_before_it(fault: str) -> None:
    stream = Injected(series=SERIES, trained=5_000, splits=1, runs_per_split=1)
    (sound,), (faulty,) = stream.runs(NO_FAULT), stream.runs(fault)
    before, after = slice(0, sound.onset), slice(sound.onset, None)
    assert np.array_equal(sound.live.features[before], faulty.live.features[before])
    assert np.array_equal(sound.live.prices[before], faulty.live.prices[before])
    assert not np.array_equal(sound.live.features[after], faulty.live.features[after], equal_nan=True)
    unseen = ~np.isfinite(faulty.live.features).all(axis=1)
    assert np.array_equal(np.isnan(faulty.live.prediction), unseen)


@pytest.mark.parametrize("fault", RAW_FAULTS)
def test_a_fault_of_raw_candles_changes_the_features_after_the_onset_alone(fault: str) -> None:
    stream = RawCandles(series=SERIES, trained=5_000, onsets=1)
    (sound,), (faulty,) = stream.runs(NO_FAULT), stream.runs(fault)
    before, after = slice(0, sound.onset), slice(sound.onset, None)
    assert np.array_equal(sound.live.features[before], faulty.live.features[before])
    assert not np.allclose(sound.live.features[after], faulty.live.features[after])
    assert (faulty.live.high >= np.maximum(faulty.live.open, faulty.live.close) * (1 - 1e-9)).all()
    assert (faulty.live.low <= np.minimum(faulty.live.open, faulty.live.close) * (1 + 1e-9)).all()


def test_the_rule_of_thumb_is_on_from_the_first_full_window_that_has_shifted() -> None:
    (run,) = Injected(series=SERIES, trained=5_000, splits=1, runs_per_split=1).runs(NO_FAULT)
    live = replace(run.live, features=run.live.features + 10 * run.scene.reference.features.std(axis=0))
    flags = RuleOfThumb().fit(run.scene).alarm(live, 0)
    assert not flags[:499].any()
    assert flags[499:].all()


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_every_detector_answers_for_every_row(detector: peer.Peer) -> None:
    if detector.missing():
        assert INSTALL in str(detector.missing())
        return
    (run,) = Injected(series=SERIES, trained=5_000, splits=1, runs_per_split=1).runs("feed frozen")
    live = run.live.at(slice(0, run.onset + 100))
    flags = detector.fit(run.scene).alarm(live, run.onset - 1)
    assert flags.shape == (len(live),)
    assert flags.dtype == np.bool_


def test_a_peer_answers_from_a_process_of_its_own_and_says_why_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "mine" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (tmp_path / "serving.py").write_text((peer.SCRIPTS / "serving.py").read_text())
    (tmp_path / "above.py").write_text(
        "from serving import serve\n"
        "def learn(reference, window):\n"
        "    print('talkative')\n"
        "    highest = reference[:, 0].max()\n"
        "    return lambda live, from_row: live[:, 0] > highest\n"
        "serve(learn)\n"
    )
    (tmp_path / "broken.py").write_text("raise SystemExit('no such thing')\n")
    monkeypatch.setattr(peer, "ENVIRONMENTS", tmp_path)
    monkeypatch.setattr(peer, "SCRIPTS", tmp_path)
    (run,) = NextCandles(series=SERIES, trained=5_000, origins=1, longest=600).runs(NO_FAULT)
    above = Peer(name="above", about="-", script="above", environment="mine")
    live, highest = run.live.features[:, 0], run.scene.reference.features[:, 0].max()
    assert np.array_equal(above.fit(run.scene).alarm(run.live, 0), live > highest)
    held = replace(above, held_candles=3).fit(run.scene).alarm(run.live, 0)
    assert np.array_equal(held, np.convolve(live > highest, np.ones(3))[: len(live)] > 0)
    with pytest.raises(RuntimeError, match="no such thing"):
        replace(above, script="broken").fit(run.scene).alarm(run.live, 0)
    peer._worker.cache_clear()


def test_a_cell_is_kept_until_what_it_depends_on_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "FOLDER", tmp_path / "cells")
    cell = next(iter(quick_plan()))
    outcome = Outcome(candles=10, triggers=1, alarmed=2, already_on=False, delay=3)
    assert stored(cell) is None
    store(Measured(cell=cell, outcomes=(outcome,), seconds=1.0))
    assert stored(cell) == Measured(cell=cell, outcomes=(outcome,), seconds=1.0)
    assert stored(replace(cell, stream=replace(cell.stream, blocks=3))) is None  # type: ignore[type-var]
    forget([cell])
    assert stored(cell) is None


def test_every_cell_of_the_plan_has_a_file_and_a_name_of_its_own() -> None:
    plan = list(cells_of(full_plan()))
    assert len({file_of(cell) for cell in plan}) == len({cell.name for cell in plan}) == len(plan)
    some = chosen(plan, ["no drift", "btc 1h", "m = 5,000"])
    assert some
    assert {(cell.stream.kind, str(cell.stream.series), cell.stream.trained) for cell in some} == {
        ("no drift", "BTC 1h", 5_000)
    }


def test_the_quick_form_says_which_bound_is_broken() -> None:
    quiet = Outcome(candles=2_500, triggers=0, alarmed=0, already_on=False, delay=5)
    loud = replace(quiet, triggers=2, delay=30)

    def standings(outcome: Outcome) -> list[Standing]:
        measured = [Measured(cell=cell, outcomes=(outcome,), seconds=0.0) for cell in quick_plan()]
        return [row.standing for row in bounded_rows(measured)]

    assert standings(quiet) == [Standing.HELD] * 6
    assert standings(loud) == [Standing.MISSED] * 6
