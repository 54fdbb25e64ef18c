"""Detectors at equal false alarms: one scale for all, unscaled they are what they were, and pairs are compared."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks.drift.detectors import ours as unscaled_ours
from benchmarks.drift.detectors.rule_of_thumb import RuleOfThumb
from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.markets import Series
from benchmarks.drift.measuring import outcomes_of
from benchmarks.drift.outcomes import Outcome
from benchmarks.drift.scenes import Run
from benchmarks.drift.streams import Injected, NextCandles, RawCandles, Stream
from benchmarks.equal_alarms.detectors import BASE, OURS, SCALED
from benchmarks.equal_alarms.detectors.domain_classifier import DomainClassifier, NormalScores, _area
from benchmarks.equal_alarms.detectors.ours import RELATIONS_TOO
from benchmarks.equal_alarms.detectors.series_index import INDEX_ALONE, innovations
from benchmarks.equal_alarms.detectors.thumb import ScaledRuleOfThumb
from benchmarks.equal_alarms.figures import differences, of_paired_difference, place_for, scale_of
from benchmarks.equal_alarms.measuring import Curve, curves_as_values, curves_from, outcomes_over
from benchmarks.equal_alarms.plan import Part, full_plan, parts_of, quick_plan, scope_of
from benchmarks.equal_alarms.report import NAME, in_markdown, ship
from benchmarks.equal_alarms.results import EqualAlarms
from benchmarks.equal_alarms.scaling import FACTORS, UNSCALED, AtFactor, BareRatio, LatchedRatio, ScaledDetector
from benchmarks.marked import STATISTICS, markers
from tradai_lifecycle.monitor import limits
from tradai_lifecycle.states import Reason, Thresholds

pytestmark = pytest.mark.usefixtures("sandbox")

SERIES = Series(pair="BTC/USDT", timeframe="1h")
OTHER = Series(pair="ETH/USDT", timeframe="1h")
INJECTED = Injected(series=SERIES, trained=5_000, splits=1, runs_per_split=1)
FAULTS = ("five features +0.5 sd", "two features swapped", "volatility x2, in the candles")
NOW = datetime(2024, 5, 6, tzinfo=UTC)


def the_run(fault: str) -> Run:
    (run,) = INJECTED.runs(fault)
    return run


def alarm(detector: ScaledDetector, run: Run, factor: float = 1.0) -> np.ndarray:
    return AtFactor(scaled=detector, factor=factor).fit(run.scene).alarm(run.live, run.onset - 1)


def test_the_factors_ascend_and_one_of_them_is_one() -> None:
    assert FACTORS[UNSCALED] == 1.0
    assert list(FACTORS) == sorted(set(FACTORS))


@pytest.mark.parametrize("detector", OURS, ids=lambda detector: detector.name)
def test_unscaled_ours_is_what_the_package_raises(detector: ScaledDetector) -> None:
    alarmed = 0
    for fault in FAULTS:
        run = the_run(fault)
        states = unscaled_ours._states(run.scene, run.live, Thresholds.CALIBRATED)
        expected = (states.reasons & np.uint32(detector.reasons)) != 0  # type: ignore[attr-defined]
        assert np.array_equal(alarm(detector, run), expected)
        alarmed += int(expected.sum())
    assert alarmed


def test_a_broken_relation_is_among_ours_with_relations() -> None:
    run = the_run("two features swapped")
    states = unscaled_ours._states(run.scene, run.live, Thresholds.CALIBRATED)
    broken = (states.reasons & np.uint32(Reason.RELATION_BROKEN)) != 0
    assert broken.any()
    assert alarm(RELATIONS_TOO, run)[broken].all()
    assert not (alarm(RELATIONS_TOO, run, factor=FACTORS[-1])[broken]).any()


def test_the_index_alone_is_that_of_the_package_without_its_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIGNIFICANT_MARGIN", 1.0)
    run = the_run("volatility x2, in the features")
    states = unscaled_ours._states(run.scene, replace(run.live), Thresholds.CALIBRATED)
    expected = (states.reasons & np.uint32(Reason.PSI_SIGNIFICANT)) != 0
    assert expected.any()
    assert np.array_equal(alarm(INDEX_ALONE, run), expected)


def test_the_unscaled_rule_of_thumb_is_the_rule_of_thumb() -> None:
    run = the_run(NO_FAULT)
    expected = RuleOfThumb().fit(run.scene).alarm(run.live, 0)
    assert 0 < expected.sum() < len(expected)
    assert np.array_equal(alarm(ScaledRuleOfThumb(), run), expected)


@pytest.mark.parametrize("detector", SCALED, ids=lambda detector: detector.name)
def test_every_detector_answers_for_every_row_and_falls_silent_for_good(detector: ScaledDetector) -> None:
    run = the_run("feed frozen")
    evidence = detector.fit(run.scene).evidence(run.live, run.onset - 1)
    alarms = [evidence.alarm(factor) for factor in (*FACTORS, 1e6)]
    assert {(flags.shape, flags.dtype.type) for flags in alarms} == {((len(run.live),), np.bool_)}
    sounding = [bool(flags.any()) for flags in alarms]
    assert sounding[0]
    assert not sounding[-1]
    assert sounding == sorted(sounding, reverse=True)


@pytest.mark.parametrize("detector", SCALED, ids=lambda detector: detector.name)
def test_no_detector_looks_ahead(detector: ScaledDetector) -> None:
    run, watch = the_run("volatility x2, in the candles"), detector.fit(the_run(NO_FAULT).scene)
    known = run.live.at(slice(0, run.onset + 400))
    for factor in (FACTORS[0], 1.0):
        whole, part = (watch.evidence(rows, run.onset - 1).alarm(factor) for rows in (run.live, known))
        assert np.array_equal(whole[: len(known)], part)


def test_a_latched_ratio_holds_before_it_sounds_and_a_bare_one_does_not() -> None:
    ratio = np.array([np.nan, 2.0, 2.0, 2.0, 1.6, 1.0, 1.0, 1.0])
    assert BareRatio(ratio=ratio).alarm(1.8).tolist() == [False, True, True, True, *[False] * 4]
    latched = LatchedRatio(ratio=ratio, persistence=2, release=2, memory=9)
    assert latched.alarm(2.0).tolist() == [False, False, True, True, True, True, False, False]
    assert not latched.alarm(2.01).any()


def test_innovations_of_an_autoregression_are_its_noise_and_nan_where_a_lag_is() -> None:
    noise = np.random.default_rng(0).standard_normal(6_000)
    values = noise.copy()
    for row in range(3, len(values)):
        values[row] += 5.0 + 0.5 * values[row - 1] + 0.2 * values[row - 2] + 0.1 * values[row - 3]
    residuals = innovations(values[:5_000, None])(values[5_000:, None])[:, 0]
    assert np.isnan(residuals[:3]).all()
    assert np.abs(residuals[3:] - noise[5_003:]).max() < 0.3
    broken = values[5_000:].copy()
    broken[[100, 101]] = np.nan, np.inf
    unknown = np.isnan(innovations(values[:5_000, None])(broken[:, None])[:, 0])
    assert np.flatnonzero(unknown).tolist() == [0, 1, 2, 100, 101, 102, 103, 104]


def test_the_area_is_the_share_of_pairs_ties_by_half() -> None:
    assert _area(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0])) == pytest.approx((1.5 + 3.0) / 6.0)


def test_scores_are_normal_and_what_is_not_finite_scores_lowest() -> None:
    values = np.random.default_rng(0).exponential(size=(2_000, 2))
    scores = NormalScores.of(values).expanded(values)
    assert scores.shape == (2_000, 2 + 3)
    assert np.allclose([scores[:, :2].mean(), scores[:, :2].std()], [0.0, 1.0], atol=0.01)
    assert np.array_equal(scores[:, 3], scores[:, 0] * scores[:, 1])
    unknown = NormalScores.of(values).expanded(np.array([[np.nan, np.inf]]))
    assert (unknown[0, :2] < scores[:, :2].min(axis=0)).all()


def test_the_domain_classifier_judges_from_the_row_asked_for_and_sees_what_is_unlike_training() -> None:
    sound, doubled = the_run(NO_FAULT), the_run("volatility x2, in the candles")
    watch, from_row = DomainClassifier().fit(sound.scene), sound.onset - 1
    before, after = (watch.evidence(run.live, from_row).ratio for run in (sound, doubled))
    assert not before[:from_row].any()
    assert np.array_equal(before[from_row : from_row + 125], np.full(125, before[from_row]))
    assert after[from_row] == before[from_row]
    assert after[from_row + 500 :].min() > before.max()


def outcome(*, triggers: int = 0, already_on: bool = False, delay: int | None = None) -> Outcome:
    return Outcome(candles=1_000, triggers=triggers, alarmed=250 * triggers, already_on=already_on, delay=delay)


def curve(
    detector: ScaledDetector, stream: Stream, fault: str, *runs: Outcome, beyond: tuple[Outcome, ...] = ()
) -> Curve:
    """Each run with its outcome up to the unscaled limits, and that of `beyond`, else none at all, at wider ones."""
    pairs = zip(runs, beyond or (outcome(),) * len(runs), strict=True)
    outcomes = tuple(
        tuple(one if place <= UNSCALED else other for place in range(len(FACTORS))) for one, other in pairs
    )
    return Curve(part=Part(stream=stream, fault=fault), detector=detector, outcomes=outcomes)


NEXT = NextCandles(series=SERIES, trained=20_000, origins=1)
RAW, OTHER_RAW = (RawCandles(series=series, trained=20_000, onsets=2) for series in (SERIES, OTHER))


def test_the_factor_is_the_smallest_from_which_on_the_target_is_kept_over_all_series() -> None:
    own = curve(BASE, NEXT, NO_FAULT, outcome(triggers=2))
    other = curve(BASE, replace(NEXT, series=OTHER), NO_FAULT, outcome())
    faulty = curve(BASE, RAW, "volatility x2", outcome(triggers=9), beyond=(outcome(triggers=9),))
    assert place_for([own, other, faulty], 0.5) == UNSCALED + 1
    assert place_for([own, other, faulty], 1.0) == 0
    assert place_for([curve(BASE, NEXT, NO_FAULT, outcome(triggers=1), beyond=(outcome(triggers=2),))], 1.0) is None


def test_a_scale_says_what_the_own_limits_and_the_factor_give() -> None:
    own = [curve(BASE, NEXT, NO_FAULT, outcome(triggers=2), beyond=(outcome(triggers=1),))]
    scale = scale_of(own, UNSCALED + 1)
    assert (scale.own.rate, scale.factor, scale.scaled and scale.scaled.rate) == (2.0, FACTORS[UNSCALED + 1], 1.0)
    assert scale.by_series == {"BTC 1h": 1}
    assert scale_of(own, None) == replace(scale, factor=None, scaled=None, by_series={})


def test_pairs_count_where_both_were_quiet_and_the_difference_is_that_of_the_shares() -> None:
    def cells(detector: ScaledDetector, *runs: Outcome) -> list:
        return [curve(detector, RAW, "volume x3", *runs).at(UNSCALED)]

    first = cells(OURS[0], outcome(delay=10), outcome(delay=40), outcome(delay=5), outcome(delay=70))
    second = cells(BASE, outcome(), outcome(delay=100), outcome(already_on=True, delay=1), outcome(delay=1_501))
    (less,) = differences(first, second)
    assert (less.detector, less.base, less.series, less.runs) == (OURS[0].name, BASE.name, "BTC 1h", 3)
    assert less.share == pytest.approx(2 / 3)
    assert less.share_interval == of_paired_difference(2, 0, 3)
    assert (less.both_found, less.delay, less.delay_interval) == (1, -60, (-60.0, -60.0))


def test_the_paired_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    assert of_paired_difference(1, 7, 21) == pytest.approx((-0.5084, -0.0133), abs=1e-4)
    drawn = np.random.default_rng(0).multinomial(40, [0.25, 0.05, 0.7], size=4_000)
    ends = [of_paired_difference(first, second, 40) for first, second, _ in drawn.tolist()]
    assert 0.94 < np.mean([low <= 0.2 <= high for low, high in ends]) < 0.98


def test_a_part_kept_as_json_is_what_the_detectors_did() -> None:
    part = Part(stream=INJECTED, fault="volatility x2, in the candles")
    values = json.loads(json.dumps(curves_as_values(part, SCALED)))
    for one in curves_from(part, values, SCALED):
        for place in (0, UNSCALED, len(FACTORS) - 1):
            kept = one.at(place)
            assert kept.outcomes == outcomes_of(kept.cell.detector, INJECTED.runs(part.fault))[0]


def test_outcomes_end_with_the_first_factor_at_which_no_alarm_is_left() -> None:
    ratio = np.repeat([0.0, 2.0], [100, 900])
    outcomes = outcomes_over(BareRatio(ratio=ratio), 50)
    assert [one.delay for one in outcomes] == [51 if factor < 2.0 else None for factor in FACTORS if factor <= 2.0]


def test_parts_have_names_of_their_own_and_keys_that_tell_other_runs() -> None:
    whole, quick = list(parts_of(full_plan())), list(parts_of(quick_plan()))
    keys = {part.key for part in (*whole, *quick)}
    assert len(keys) == len(whole) + len(quick)
    assert {part.name for part in quick} <= {part.name for part in whole}
    assert "3 trainings of each" in scope_of(full_plan())


def the_results(*, target: float = 0.05) -> EqualAlarms:
    curves = []
    for detector, delay in ((BASE, 200), (OURS[0], 100)):
        for stream in (RAW, OTHER_RAW):
            runs = outcome(delay=delay), outcome(delay=delay if detector is OURS[0] else None)
            curves.append(curve(detector, stream, "volume x3", *runs, beyond=runs))
        curves.append(curve(detector, NEXT, NO_FAULT, outcome(triggers=1 if detector is BASE else 0)))
    loud = SCALED[1]
    curves.append(curve(loud, NEXT, NO_FAULT, outcome(triggers=4), beyond=(outcome(triggers=4),)))
    curves.append(curve(loud, RAW, "volume x3", outcome(), outcome()))
    return EqualAlarms.of(curves, scope="a few", target=target, now=NOW)


def test_tables_say_the_factor_what_was_found_and_how_ours_compare() -> None:
    text = "\n".join(in_markdown(the_results()))
    assert "Run: a few." in text
    assert (
        "| index of each series alone | 1.000 (0.025 to 5.572), 1 | 1.01 | 0.000 (0.000 to 3.689), 0 | BTC 1h 0 | 0 % |"
        in text
    )
    assert "| rule of thumb | 4.000 (1.090 to 10.242), 4 | none keeps it | - | - | - |" in text
    assert "| at most 0.25 | 0.000" in text
    assert "Faults in the raw candles, pooled" in text
    assert text.count("| volume x3 | 50 % ") == 3
    assert "| 100 % (51 to 100) of 4; 100 (100 to 100) | +50 (-26 to +93) of 4; -100 (-100 to -100) of 2 |" in text


def test_results_come_back_from_json_and_are_put_between_the_markers(tmp_path: Path) -> None:
    results = EqualAlarms.from_json(the_results().to_json())
    assert results.to_json() == the_results().to_json()
    document = tmp_path / "document.md"
    document.write_text("before\n" + "\n".join(markers(NAME)) + "\nafter\n")
    ship(results, document)
    assert "\n".join(in_markdown(results)) in document.read_text()
    assert document.read_text().startswith("before\n")


def test_the_document_has_a_place_for_the_tables() -> None:
    text = STATISTICS.read_text(encoding="utf-8")
    assert [text.count(marker) for marker in markers(NAME)] == [1, 1]
