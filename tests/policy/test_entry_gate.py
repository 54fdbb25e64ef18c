"""What a pair may do: the stricter of automatic state and operator, resumable only within the terms of the resume."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradai_lifecycle.policy.entry_gate import (
    Decision,
    OperatorStance,
    ResumeBound,
    StakeDecision,
    Verdict,
    bot_is_paused,
    cut_stake,
    decide,
    resume_is_broken,
)
from tradai_lifecycle.states import FAULT_REASONS, Reason, Severity, TradingState

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
PAIR = "BTC/USDT"
ACTIVE = Verdict(state=TradingState.ACTIVE, severity=Severity.NONE, reasons=Reason.NONE, version="v3")
REDUCED = Verdict(state=TradingState.REDUCED, severity=Severity.MODERATE, reasons=Reason.PSI_MODERATE, version="v3")
PAUSED = Verdict(state=TradingState.PAUSED, severity=Severity.SIGNIFICANT, reasons=Reason.PSI_SIGNIFICANT, version="v3")


def decided(verdict: Verdict, stance: OperatorStance | None = None, **changes: object) -> Decision:
    arguments = {"pair": PAIR, "bot_paused": False, "reduced_stake_ratio": 0.5, "now": NOW, **changes}
    return decide(verdict, stance=stance or OperatorStance(), **arguments)


def resumed_over(reasons: Reason, severity: Severity = Severity.SIGNIFICANT, hours: float = 24.0) -> OperatorStance:
    return OperatorStance(
        resume_bounds={PAIR: ResumeBound(reasons=reasons, severity=severity)},
        resume_expires_at=NOW + timedelta(hours=hours),
    )


@pytest.mark.parametrize(
    ("verdict", "state", "ratio"),
    [(ACTIVE, TradingState.ACTIVE, 1.0), (REDUCED, TradingState.REDUCED, 0.5), (PAUSED, TradingState.PAUSED, 0.0)],
)
def test_without_an_operator_the_automatic_state_decides(verdict: Verdict, state: TradingState, ratio: float) -> None:
    decision = decided(verdict)

    assert (decision.state, decision.stake_ratio, decision.reasons) == (state, ratio, verdict.reasons)


def test_the_smaller_of_two_stake_cuts_counts() -> None:
    stance = OperatorStance(reduce_ratio=0.8)

    assert decided(REDUCED, stance).stake_ratio == 0.5
    assert decided(ACTIVE, stance).stake_ratio == 0.8
    assert decided(REDUCED, OperatorStance(reduce_ratio=0.2)).stake_ratio == 0.2


def test_a_bot_wide_pause_pauses_a_healthy_pair_and_says_so() -> None:
    decision = decided(ACTIVE, bot_paused=True)

    assert (decision.state, decision.reasons) == (TradingState.PAUSED, Reason.BOT_PAUSE_SHARE)


def test_a_resume_lifts_the_pause_it_was_given_for() -> None:
    assert decided(PAUSED, resumed_over(Reason.PSI_SIGNIFICANT)).state is TradingState.ACTIVE


def test_a_resume_covers_what_follows_from_its_reasons() -> None:
    stance = resumed_over(Reason.PSI_SIGNIFICANT)
    recovering = replace(REDUCED, severity=Severity.NONE, reasons=Reason.RECOVERING)

    assert decided(REDUCED, stance).state is TradingState.ACTIVE
    assert decided(recovering, stance).state is TradingState.ACTIVE


@pytest.mark.parametrize(
    "verdict",
    [
        replace(PAUSED, reasons=Reason.PSI_SIGNIFICANT | Reason.NOT_FINITE),
        replace(PAUSED, reasons=Reason.PSI_SIGNIFICANT | Reason.ACCURACY_BREACH),
    ],
)
def test_a_new_reason_ends_a_resume(verdict: Verdict) -> None:
    stance = resumed_over(Reason.PSI_SIGNIFICANT)

    assert decided(verdict, stance).state is TradingState.PAUSED
    assert resume_is_broken(verdict, stance.resume_bounds[PAIR])


@pytest.mark.parametrize(
    ("given", "left", "holds"),
    [
        (Reason.ACCURACY_BREACH, Reason.ACCURACY_FELL, True),
        (Reason.PSI_SIGNIFICANT, Reason.PSI_MODERATE, True),
        (Reason.ACCURACY_FELL, Reason.ACCURACY_BREACH, False),
    ],
)
def test_the_milder_form_of_a_reason_does_not_end_a_resume_and_the_stricter_one_does(
    given: Reason, left: Reason, holds: bool
) -> None:
    stance = resumed_over(given, Severity.MODERATE)

    assert resume_is_broken(replace(REDUCED, reasons=left), stance.resume_bounds[PAIR]) is not holds


def test_a_higher_severity_ends_a_resume() -> None:
    stance = resumed_over(Reason.PSI_MODERATE | Reason.PSI_SIGNIFICANT, Severity.MODERATE)

    assert decided(PAUSED, stance).state is TradingState.PAUSED
    assert resume_is_broken(PAUSED, stance.resume_bounds[PAIR])


def test_a_resume_expires_and_binds_its_own_pair_only() -> None:
    assert decided(PAUSED, resumed_over(Reason.PSI_SIGNIFICANT, hours=0.0)).state is TradingState.PAUSED
    assert decided(PAUSED, resumed_over(Reason.PSI_SIGNIFICANT), pair="ETH/USDT").state is TradingState.PAUSED


@pytest.mark.parametrize("fault", [flag for flag in Reason if flag in FAULT_REASONS])
def test_no_resume_lifts_a_fault_of_ours(fault: Reason) -> None:
    verdict = replace(PAUSED, severity=Severity.NONE, reasons=fault)

    assert decided(verdict, resumed_over(fault)).state is TradingState.PAUSED
    assert not resume_is_broken(verdict, ResumeBound(reasons=Reason.PSI_SIGNIFICANT, severity=Severity.NONE))


def test_a_cut_stake_below_the_minimum_is_no_stake() -> None:
    assert cut_stake(15.0, ratio=0.5, minimum=10.0) == StakeDecision(granted=0.0, below_minimum=True)
    assert cut_stake(20.0, ratio=0.5, minimum=10.0) == StakeDecision(granted=10.0, below_minimum=False)
    assert cut_stake(20.0, ratio=0.5, minimum=None) == StakeDecision(granted=10.0, below_minimum=False)
    # a full stake below the minimum is freqtrade's affair, not ours
    assert cut_stake(5.0, ratio=1.0, minimum=10.0) == StakeDecision(granted=5.0, below_minimum=False)


def test_the_share_of_pairs_counts_from_two_pairs_on() -> None:
    significant, calm = Severity.SIGNIFICANT, Severity.MODERATE

    assert not bot_is_paused({}, 0.5)
    assert not bot_is_paused({"A": significant}, 0.5)
    assert bot_is_paused({"A": significant, "B": calm}, 0.5)
    assert not bot_is_paused({"A": significant, "B": calm, "C": calm}, 0.5)
    assert bot_is_paused({"A": significant, "B": significant, "C": calm}, 0.5)


reasons = st.integers(0, sum(Reason)).map(Reason)
verdicts = st.builds(
    Verdict,
    state=st.sampled_from(TradingState),
    severity=st.sampled_from(Severity),
    reasons=reasons,
    version=st.just("v1"),
)
stances = st.builds(
    OperatorStance,
    paused=st.booleans(),
    reduce_ratio=st.none() | st.floats(0.01, 1.0),
    resume_bounds=st.dictionaries(
        st.sampled_from([PAIR, "ETH/USDT"]), st.builds(ResumeBound, reasons=reasons, severity=st.sampled_from(Severity))
    ),
    resume_expires_at=st.none() | st.floats(-48.0, 48.0).map(lambda hours: NOW + timedelta(hours=hours)),
)


@given(verdict=verdicts, stance=stances, bot_paused=st.booleans())
def test_paused_gets_no_stake_and_nothing_gets_more_than_it_asked_for(
    verdict: Verdict, stance: OperatorStance, bot_paused: bool
) -> None:
    decision = decided(verdict, stance, bot_paused=bot_paused)

    assert 0.0 <= decision.stake_ratio <= 1.0
    assert (decision.stake_ratio == 0.0) == (decision.state is TradingState.PAUSED)
    assert cut_stake(100.0, ratio=decision.stake_ratio, minimum=5.0).granted <= 100.0


@given(verdict=verdicts, stance=stances, bot_paused=st.booleans())
def test_only_an_operator_lifts_an_operators_pause(verdict: Verdict, stance: OperatorStance, bot_paused: bool) -> None:
    decision = decided(verdict, replace(stance, paused=True), bot_paused=bot_paused)

    assert decision.state is TradingState.PAUSED
    assert Reason.OPERATOR_PAUSED in decision.reasons


@given(verdict=verdicts, stance=stances, bot_paused=st.booleans())
def test_without_a_resume_nothing_softens_the_automatic_state(
    verdict: Verdict, stance: OperatorStance, bot_paused: bool
) -> None:
    unresumed = replace(stance, resume_bounds={})

    assert decided(verdict, unresumed, bot_paused=bot_paused).state >= verdict.state
