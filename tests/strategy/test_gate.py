"""The gate reads the newest closed candle, holds back what it does not know, and never raises."""

from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest

from tests.strategy.fakes import HOUR_NS, NEWEST, NOW, PAIR, judgement
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.policy.entry_gate import Decision, OperatorStance, bot_is_paused
from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.strategy.gate import Gate

ACTIVE, REDUCED, PAUSED = TradingState.ACTIVE, TradingState.REDUCED, TradingState.PAUSED
OTHER = "ETH/USDT"


def gate(*, sees_all_pairs: bool = True, judged_ahead: bool = False, **section: Any) -> Gate:
    config = LifecycleConfig(model_name="demo", **section)
    return Gate(config, candle_ns=HOUR_NS, sees_all_pairs=sees_all_pairs, judged_ahead=judged_ahead)


def test_a_decision_carries_everything_that_is_known() -> None:
    asked = gate(reduced_stake_ratio=0.4)
    asked.publish(judgement(REDUCED, severity=Severity.MODERATE, reasons=Reason.PSI_MODERATE, version="v3"))
    assert asked.decision(PAIR, NOW) == Decision(
        state=REDUCED, severity=Severity.MODERATE, reasons=Reason.PSI_MODERATE, stake_ratio=0.4, version="v3"
    )


@pytest.mark.parametrize(
    ("minutes", "state"), [(0, PAUSED), (1, PAUSED), (59, PAUSED), (60, REDUCED), (119, REDUCED), (120, ACTIVE)]
)
def test_inside_a_candle_the_newest_closed_one_decides(minutes: int, state: TradingState) -> None:
    asked = gate(judged_ahead=True)
    asked.publish(judgement(ACTIVE, PAUSED, REDUCED, ACTIVE))
    third_opens = NEWEST - timedelta(hours=1)
    assert asked.decision(PAIR, third_opens + timedelta(minutes=minutes)).state is state


@pytest.mark.parametrize("back", [timedelta(0), timedelta(milliseconds=1), timedelta(hours=1), timedelta(days=30)])
def test_a_live_clock_that_is_set_back_does_not_bring_back_what_was_decided_before(back: timedelta) -> None:
    asked = gate()
    asked.publish(judgement(ACTIVE, ACTIVE, PAUSED, severity=Severity.SIGNIFICANT))
    assert asked.decision(PAIR, NOW - back).state is PAUSED
    assert asked.severities(NOW - back) == {PAIR: Severity.SIGNIFICANT}


def test_before_the_first_candle_has_closed_nothing_is_known() -> None:
    asked = gate(judged_ahead=True)
    asked.publish(judgement(ACTIVE))
    early = asked.decision(PAIR, NEWEST + timedelta(minutes=59))
    assert (early.state, early.reasons) == (PAUSED, Reason.NOT_ANALYSED)


@pytest.mark.parametrize(
    ("age", "state", "reasons"),
    [
        (timedelta(hours=2, minutes=5), ACTIVE, Reason.NONE),
        (timedelta(hours=2, minutes=5, seconds=1), PAUSED, Reason.STALE_FEED),
    ],
)
def test_a_feed_older_than_freqtrades_own_allowance_holds_the_pair(
    age: timedelta, state: TradingState, reasons: Reason
) -> None:
    asked = gate()
    asked.publish(judgement(ACTIVE))
    decided = asked.decision(PAIR, NEWEST + age)
    assert (decided.state, decided.reasons) == (state, reasons)


def test_a_fault_holds_every_pair_until_it_is_cleared() -> None:
    asked = gate()
    asked.publish(judgement(ACTIVE))
    asked.set_fault(Reason.STORE_FAILED, present=True)
    asked.set_fault(Reason.GATE_FAILED, present=True)
    asked.set_fault(Reason.GATE_FAILED, present=False)
    assert (asked.decision(PAIR, NOW).state, asked.decision(PAIR, NOW).reasons) == (PAUSED, Reason.STORE_FAILED)
    asked.set_fault(Reason.STORE_FAILED, present=False)
    assert (asked.decision(PAIR, NOW).state, asked.decision(PAIR, NOW).reasons) == (ACTIVE, Reason.NONE)


def test_a_mark_holds_its_pair_alone_until_the_pairs_next_judgement() -> None:
    asked = gate()
    for pair in (PAIR, OTHER):
        asked.publish(judgement(ACTIVE, pair=pair))
    asked.mark_pair(PAIR, Reason.STRATEGY_FAILED)
    assert [asked.decision(pair, NOW).state for pair in (PAIR, OTHER)] == [PAUSED, ACTIVE]
    asked.publish(judgement(ACTIVE, pair=OTHER))
    assert asked.decision(PAIR, NOW).reasons is Reason.STRATEGY_FAILED
    asked.publish(judgement(ACTIVE))
    assert asked.decision(PAIR, NOW).state is ACTIVE


def test_a_lasting_fault_holds_its_pair_alone_whatever_it_is_judged() -> None:
    asked = gate()
    asked.set_pair_fault(PAIR, Reason.FEATURES_DIFFER, present=True)
    for pair in (PAIR, OTHER):
        asked.publish(judgement(ACTIVE, pair=pair))
    assert [asked.decision(pair, NOW).state for pair in (PAIR, OTHER)] == [PAUSED, ACTIVE]
    assert asked.decision(PAIR, NOW).reasons is Reason.FEATURES_DIFFER
    asked.set_pair_fault(PAIR, Reason.FEATURES_DIFFER, present=False)
    assert asked.decision(PAIR, NOW).state is ACTIVE


def published(asked: Gate, *severities: Severity) -> list[str]:
    pairs = [f"P{number}/USDT" for number in range(len(severities))]
    for pair, severity in zip(pairs, severities, strict=True):
        state = PAUSED if severity is Severity.SIGNIFICANT else ACTIVE
        asked.publish(judgement(state, pair=pair, severity=severity))
    return pairs


@pytest.mark.parametrize(("drifting", "paused"), [(1, False), (2, True), (3, True)])
def test_a_share_of_drifting_pairs_pauses_all(drifting: int, paused: bool) -> None:
    asked = gate(bot_pause_share=0.5)
    *_, healthy = published(asked, *[Severity.SIGNIFICANT] * drifting, *[Severity.NONE] * (4 - drifting))
    decided = asked.decision(healthy, NOW)
    assert (decided.state, decided.reasons) == ((PAUSED, Reason.BOT_PAUSE_SHARE) if paused else (ACTIVE, Reason.NONE))
    assert asked.bot_paused(NOW) is paused


def test_pairs_whose_feed_is_old_do_not_count_towards_the_share() -> None:
    asked = gate(bot_pause_share=0.5)
    _, healthy = published(asked, Severity.NONE, Severity.NONE)
    asked.publish(judgement(PAUSED, pair="OLD/USDT", severity=Severity.SIGNIFICANT, newest=NEWEST - timedelta(hours=9)))
    asked.publish(judgement(PAUSED, pair="NEW/USDT", severity=Severity.SIGNIFICANT))
    assert asked.decision(healthy, NOW).state is ACTIVE


def test_the_share_is_that_of_the_newest_judgements_and_of_the_moment() -> None:
    """It is asked once for all pairs of a loop, and yet never an old answer is given."""
    asked = gate(bot_pause_share=0.5)
    healthy, other, *_ = published(asked, Severity.NONE, Severity.NONE, Severity.SIGNIFICANT)
    assert [asked.bot_paused(NOW), asked.bot_paused(NOW)] == [False, False]
    asked.publish(judgement(PAUSED, pair=other, severity=Severity.SIGNIFICANT))
    assert asked.decision(healthy, NOW).reasons == Reason.BOT_PAUSE_SHARE
    # by then all candles are too old to count
    assert not asked.bot_paused(NOW + timedelta(hours=9))
    assert asked.bot_paused(NOW)


def test_pairs_are_counted_once_for_all_of_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, counted = gate(bot_pause_share=0.5), []
    pairs = published(asked, *[Severity.NONE] * 50)

    def noted(severities: dict[str, Severity], share: float) -> bool:
        counted.append(len(severities))
        return bot_is_paused(severities, share)

    monkeypatch.setattr("tradai_lifecycle.strategy.gate.bot_is_paused", noted)
    assert all(asked.decision(pair, NOW).state is ACTIVE for pair in pairs)
    assert counted == [50]


def test_an_analysis_of_one_pair_knows_no_share() -> None:
    asked = gate(sees_all_pairs=False)
    *_, healthy = published(asked, Severity.SIGNIFICANT, Severity.SIGNIFICANT, Severity.NONE)
    assert asked.decision(healthy, NOW).state is ACTIVE


def test_the_operator_is_part_of_the_decision() -> None:
    asked = gate()
    asked.publish(judgement(ACTIVE))
    asked.set_stance(OperatorStance(paused=True))
    assert (asked.decision(PAIR, NOW).state, asked.decision(PAIR, NOW).reasons) == (PAUSED, Reason.OPERATOR_PAUSED)
    asked.set_stance(OperatorStance(reduce_ratio=0.3))
    assert (asked.decision(PAIR, NOW).state, asked.decision(PAIR, NOW).stake_ratio) == (REDUCED, 0.3)


def test_an_error_of_ours_is_a_pause_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, heard = gate(), []
    asked.publish(judgement(ACTIVE))
    asked.on_failure = heard.append
    problem = RuntimeError("broken on purpose")

    def raises(*_: Any) -> None:
        raise problem

    monkeypatch.setattr(asked, "_row_at", raises)
    decided = asked.decision(PAIR, NOW)
    assert (decided.state, decided.reasons, decided.stake_ratio) == (PAUSED, Reason.GATE_FAILED, 0.0)
    assert heard == [problem]


def test_a_view_once_read_never_changes() -> None:
    asked = gate()
    asked.publish(judgement(ACTIVE))
    before = asked.view
    rows = before.rows[PAIR]
    asked.publish(judgement(PAUSED))
    asked.mark_pair(PAIR, Reason.STRATEGY_FAILED)
    assert before.rows == {PAIR: rows}
    assert before.pair_faults == {}
    with pytest.raises(FrozenInstanceError):
        before.faults = Reason.GATE_FAILED  # type: ignore[misc]
