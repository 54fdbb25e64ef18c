"""The state policy is causal, forgets what it may forget, and never lets go too early."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy.evidence import POLICY, column, decided, health, states
from tradai_lifecycle.monitor.health import HealthColumns
from tradai_lifecycle.policy.trading_state import (
    AdoptionPoint,
    StateColumns,
    policy_memory_candles,
    shift_policy_memory_candles,
)
from tradai_lifecycle.states import AccuracyVerdict, Reason, Severity, SignificantRule, TradingState


def test_quiet_evidence_is_active_on_every_warm_row() -> None:
    columns = decided(health(6), warm_from=2)

    assert states(columns) == ["paused", "paused", "active", "active", "active", "active"]
    assert columns.reasons.tolist() == [Reason.WARMING_UP, Reason.WARMING_UP, 0, 0, 0, 0]


def test_moderate_drift_reduces_once_it_has_held_and_not_before() -> None:
    columns = decided(health(8, moderate_ratio=column(8, (2, 8, 1.0))))

    assert states(columns) == ["active"] * 4 + ["reduced"] * 4
    assert columns.severity.tolist() == [Severity.NONE] * 4 + [Severity.MODERATE] * 4


def test_drift_that_does_not_hold_changes_nothing() -> None:
    ratio = np.tile([1.2, 1.2, 0.9], 6)

    assert states(decided(health(18, moderate_ratio=ratio))) == ["active"] * 18


def test_a_latch_holds_inside_the_hysteresis_band_and_lets_go_below_it() -> None:
    ratio = column(20, (0, 4, 1.1), (4, 10, 0.8), (10, 20, 0.5))

    assert states(decided(health(20, moderate_ratio=ratio))) == ["active"] * 2 + ["reduced"] * 10 + ["active"] * 8


def test_a_latch_without_any_event_in_its_memory_lets_go() -> None:
    ratio = column(40, (0, 4, 1.1), (4, 40, 0.8))
    last_event = 3

    reduced = [row for row, state in enumerate(states(decided(health(40, moderate_ratio=ratio)))) if state == "reduced"]

    assert reduced == list(range(2, last_event + POLICY.latch_memory))


def test_significant_drift_pauses_and_recovery_is_reduced_for_its_rows() -> None:
    ratio = column(30, (0, 10, 1.1))
    columns = decided(health(30, significant_ratio=ratio, moderate_ratio=ratio))
    released = 10 + POLICY.release_persistence - 1

    assert states(columns) == (
        ["active"] * 2
        + ["reduced"] * 2
        + ["paused"] * (released - 4)
        + ["reduced"] * POLICY.recovery
        + ["active"] * (30 - released - POLICY.recovery)
    )
    assert Reason(int(columns.reasons[released])) == Reason.RECOVERING


def test_a_quality_fault_pauses_at_once_and_never_asks_for_retraining() -> None:
    quality = np.zeros(6, dtype=np.uint32)
    quality[3] = Reason.NOT_FINITE
    columns = decided(
        health(
            6,
            quality=quality,
            moderate_ratio=np.full(6, 2.0),
            significant_ratio=np.full(6, 0.0),
            retraining_rule=np.ones(6, dtype=np.bool_),
        )
    )

    assert states(columns)[3] == "paused"
    assert columns.severity[3] == Severity.SIGNIFICANT
    assert columns.retraining.tolist() == [False, False, True, False, True, True]


def test_a_broken_accuracy_reduces_asks_for_retraining_and_is_held() -> None:
    verdict = np.full(10, AccuracyVerdict.HEALTHY, dtype=np.int8)
    verdict[2] = AccuracyVerdict.BREACHED
    columns = decided(health(10, accuracy_verdict=verdict))

    assert states(columns) == ["active"] * 2 + ["reduced"] * POLICY.recovery + ["active"] * 4
    assert columns.retraining.tolist() == [False] * 2 + [True] * POLICY.recovery + [False] * 4


def test_a_fall_of_the_accuracy_reduces_once_it_has_held_and_asks_for_nothing() -> None:
    verdict = np.full(14, AccuracyVerdict.HEALTHY, dtype=np.int8)
    verdict[[1, 4, 5]] = AccuracyVerdict.FELL
    columns = decided(health(14, accuracy_verdict=verdict))

    assert states(columns) == ["active"] * 5 + ["reduced"] * POLICY.recovery + ["active"] * 5
    assert {Reason(int(reasons)) for reasons in columns.reasons[5:9]} == {Reason.ACCURACY_FELL}
    assert columns.severity[5:9].tolist() == [Severity.MODERATE] * 4
    assert not columns.retraining.any()


def test_a_breach_says_more_than_a_fall_and_is_followed_by_it_without_a_gap() -> None:
    verdict = np.full(20, AccuracyVerdict.FELL, dtype=np.int8)
    verdict[6:8] = AccuracyVerdict.BREACHED
    columns = decided(health(20, accuracy_verdict=verdict))
    reasons = [Reason(int(row)) for row in columns.reasons]

    assert reasons[1:6] == [Reason.ACCURACY_FELL] * 5
    assert reasons[6 : 7 + POLICY.recovery] == [Reason.ACCURACY_BREACH] * 5
    assert reasons[7 + POLICY.recovery :] == [Reason.ACCURACY_FELL] * 9


def test_a_fall_corroborates_no_drift() -> None:
    drift = {"significant_ratio": np.full(9, 1.5), "moderate_ratio": np.full(9, 1.5), "significant_share": np.zeros(9)}
    fell = np.full(9, AccuracyVerdict.FELL, dtype=np.int8)
    columns = decided(health(9, accuracy_verdict=fell, **drift), significant_rule=SignificantRule.CORROBORATED)

    assert states(columns)[-1] == "reduced"


def test_too_little_data_for_accuracy_is_neither_a_breach_nor_a_reason() -> None:
    verdict = np.full(5, AccuracyVerdict.INSUFFICIENT_DATA, dtype=np.int8)

    assert decided(health(5, accuracy_verdict=verdict)).reasons.tolist() == [0] * 5


@pytest.mark.parametrize(
    ("share", "verdict", "expected"),
    [
        (0.0, AccuracyVerdict.HEALTHY, "reduced"),
        (0.25, AccuracyVerdict.HEALTHY, "paused"),
        (0.0, AccuracyVerdict.BREACHED, "paused"),
    ],
)
def test_corroborated_drift_pauses_only_with_other_evidence_beside_it(
    share: float, verdict: AccuracyVerdict, expected: str
) -> None:
    columns = decided(
        health(
            9,
            significant_ratio=np.full(9, 1.5),
            moderate_ratio=np.full(9, 1.5),
            significant_share=np.full(9, share),
            accuracy_verdict=np.full(9, verdict, dtype=np.int8),
        ),
        significant_rule=SignificantRule.CORROBORATED,
    )

    assert states(columns)[-1] == expected


def test_a_swap_out_of_a_pause_is_reduced_then_active_and_grace_mutes_retraining_only() -> None:
    verdict = np.full(30, AccuracyVerdict.HEALTHY, dtype=np.int8)
    verdict[20:] = AccuracyVerdict.BREACHED
    paused_before = decided(health(30, accuracy_verdict=verdict), adoption=AdoptionPoint(row=10, was_paused=True))
    active_before = decided(health(30, accuracy_verdict=verdict), adoption=AdoptionPoint(row=10, was_paused=False))

    assert states(paused_before)[8:16] == [
        "active",
        "active",
        "reduced",
        "reduced",
        "reduced",
        "reduced",
        "active",
        "active",
    ]
    assert states(active_before)[8:16] == ["active"] * 8
    assert states(paused_before)[20:] == ["reduced"] * 10
    assert paused_before.retraining.tolist() == [False] * 22 + [True] * 8


def test_a_swap_does_not_soften_faults_of_the_data() -> None:
    quality = np.full(6, Reason.FROZEN_FEED, dtype=np.uint32)

    assert states(decided(health(6, quality=quality), adoption=AdoptionPoint(row=2, was_paused=True))) == ["paused"] * 6


def test_an_adoption_before_the_frame_still_counts_its_rows() -> None:
    columns = decided(health(6), adoption=AdoptionPoint(row=-2, was_paused=True))

    assert states(columns) == ["reduced", "reduced", "active", "active", "active", "active"]


def test_after_a_reset_drift_must_hold_anew_and_the_pause_ends_in_reduced() -> None:
    held_for = POLICY.significant_persistence
    drifting = health(40, significant_ratio=column(40, (0, 40, 1.0)), moderate_ratio=column(40, (0, 40, 1.0)))
    after = states(decided(drifting, drift_resets=[20]))
    assert after[:20] == states(decided(drifting))[:20]
    # reduced after the pause, then on moderate drift that has held anew, then paused again
    assert after[20 : 20 + held_for - 1] == ["reduced"] * (held_for - 1)
    assert after[20 + held_for - 1 :] == ["paused"] * (20 - held_for + 1)
    over = replace(drifting, **{name: column(40, (0, 20, 1.0)) for name in ("significant_ratio", "moderate_ratio")})
    assert states(decided(over))[20] == "paused"
    assert states(decided(over, drift_resets=[20]))[20:] == ["reduced"] * POLICY.recovery + ["active"] * (
        20 - POLICY.recovery
    )


def test_a_reset_forgets_no_breach_of_accuracy_and_no_fault_of_the_data() -> None:
    breached = np.full(40, AccuracyVerdict.HEALTHY, dtype=np.int8)
    breached[18:20] = AccuracyVerdict.BREACHED
    broken = health(40, accuracy_verdict=breached)
    assert states(decided(broken, drift_resets=[20])) == states(decided(broken))
    assert states(decided(broken))[20] == "reduced"
    faulty = np.zeros(40, dtype=np.uint32)
    faulty[15:25] = np.uint32(Reason.NOT_FINITE)
    columns = decided(health(40, quality=faulty), drift_resets=[20])
    assert states(columns)[20] == "paused"
    assert np.array_equal(columns.state, decided(health(40, quality=faulty)).state)


def cut(evidence: HealthColumns, rows: slice) -> HealthColumns:
    columns = {field.name: getattr(evidence, field.name) for field in fields(evidence)}
    return replace(evidence, **{name: value[rows] for name, value in columns.items() if isinstance(value, np.ndarray)})


element = st.sampled_from([0.0, 0.5, 0.74, 0.75, 0.9, 0.99, 1.0, 1.3, float("nan")])
SHIFT_RATIOS = ("market_ratio", "market_fast_ratio", "relation_fast_ratio")
ratios = st.lists(st.tuples(st.integers(1, 9), element), min_size=1, max_size=30).map(
    lambda spans: np.concatenate([np.full(length, value) for length, value in spans])
)


@st.composite
def evidences(draw: st.DrawFn) -> HealthColumns:
    rows = draw(st.integers(60, 140))
    # runs, not single rows: persistence would otherwise never be met
    spans = draw(st.lists(st.tuples(st.integers(1, 9), element, element), min_size=20, max_size=40))
    moderate = np.concatenate([np.full(length, first) for length, first, _ in spans] + [np.zeros(rows)])[:rows]
    significant = np.concatenate([np.full(length, second) for length, _, second in spans] + [np.zeros(rows)])[:rows]
    shifts = {name: np.resize(draw(ratios), rows) for name in SHIFT_RATIOS}
    faults = np.zeros(rows, dtype=np.uint32)
    faults[draw(st.lists(st.integers(0, rows - 1), max_size=3))] = Reason.NOT_FINITE
    verdict = np.full(rows, AccuracyVerdict.HEALTHY, dtype=np.int8)
    for start in draw(st.lists(st.integers(0, rows - 1), max_size=3)):
        verdict[start : start + 6] = AccuracyVerdict.FELL
    for said in (AccuracyVerdict.FELL, AccuracyVerdict.BREACHED):
        verdict[draw(st.lists(st.integers(0, rows - 1), max_size=5))] = said
    return health(
        rows,
        moderate_ratio=moderate,
        significant_ratio=significant,
        significant_share=np.resize(draw(ratios), rows),
        retraining_rule=moderate > 0.9,
        quality=faults,
        accuracy_verdict=verdict,
        **shifts,
    )


RESETS = st.lists(st.integers(0, 140), max_size=3).map(sorted)


@settings(max_examples=200, deadline=None)
@given(evidence=evidences(), keep=st.integers(1, 140), rule=st.sampled_from(list(SignificantRule)), resets=RESETS)
def test_appending_candles_or_a_later_reset_changes_nothing_before(
    evidence: HealthColumns, keep: int, rule: SignificantRule, resets: list[int]
) -> None:
    known = [reset for reset in resets if reset < keep]
    whole, shorter = (
        decided(evidence, significant_rule=rule, drift_resets=resets),
        decided(cut(evidence, slice(0, keep)), significant_rule=rule, drift_resets=known),
    )

    for field in fields(StateColumns):
        assert np.array_equal(getattr(whole, field.name)[:keep], getattr(shorter, field.name))


@settings(max_examples=200, deadline=None)
@given(evidence=evidences(), start=st.integers(1, 100), rule=st.sampled_from(list(SignificantRule)), resets=RESETS)
def test_a_frame_that_starts_later_decides_alike_once_its_memory_is_filled(
    evidence: HealthColumns, start: int, rule: SignificantRule, resets: list[int]
) -> None:
    memory = max(policy_memory_candles(POLICY), shift_policy_memory_candles(POLICY))
    later_resets = [max(reset - start, 0) for reset in resets]
    whole, later = (
        decided(evidence, significant_rule=rule, drift_resets=resets),
        decided(cut(evidence, slice(start, None)), significant_rule=rule, drift_resets=later_resets),
    )

    for field in fields(StateColumns):
        assert np.array_equal(getattr(whole, field.name)[start + memory :], getattr(later, field.name)[memory:])


def test_the_declared_memory_is_really_needed() -> None:
    # a pause set by the last `on` event and remembered by latch and recovery: one row less and it is forgotten
    rows = policy_memory_candles(POLICY) + 1
    ratio = column(rows, (0, POLICY.significant_persistence, 1.0), (POLICY.significant_persistence, rows, 0.8))
    whole = decided(health(rows, significant_ratio=ratio))
    shorter = decided(health(rows - 1, significant_ratio=ratio[1:]))

    assert states(whole)[-1] == "reduced"
    assert states(shorter)[-1] == "active"


@settings(max_examples=200, deadline=None)
@given(evidence=evidences(), warm_from=st.integers(0, 60))
def test_paused_is_exactly_significant_or_not_warm_and_every_held_row_says_why(
    evidence: HealthColumns, warm_from: int
) -> None:
    columns = decided(evidence, warm_from=warm_from)
    rows = np.arange(len(columns.state))

    paused = (columns.severity == Severity.SIGNIFICANT) | (rows < warm_from)
    assert np.array_equal(columns.state == TradingState.PAUSED, paused)
    assert np.array_equal(columns.state != TradingState.ACTIVE, columns.reasons != 0)
