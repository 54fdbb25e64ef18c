"""What operators said reaches the gate, and the end of a resume holds from the moment it is seen, written or not."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.store.locks import locked_elsewhere
from tests.strategy.fakes import NEWEST, NOW, PAIR, judgement
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.policy.entry_gate import OperatorStance
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store import BoundReasons, Ledger
from tradai_lifecycle.strategy.desk import OperatorDesk
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.session import LOOP_PATIENCE_SECONDS

CONFIG = LifecycleConfig(model_name="demo")
DRIFT = BoundReasons(reasons=Reason.PSI_SIGNIFICANT, severity=Severity.SIGNIFICANT)
LESS = BoundReasons(reasons=Reason.FROZEN_FEED, severity=Severity.SIGNIFICANT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with closing(Ledger(path)) as opened:
        opened.open()
        yield opened


@pytest.fixture
def gate() -> Gate:
    """A gate that knows significant drift of PAIR."""
    made = Gate(CONFIG, candle_ns=3_600 * 10**9, sees_all_pairs=True, judged_ahead=False)
    made.publish(judgement(TradingState.PAUSED, severity=Severity.SIGNIFICANT, reasons=Reason.PSI_SIGNIFICANT))
    return made


def resume(ledger: Ledger, bound: BoundReasons) -> None:
    ledger.record_operator(
        action=OperatorAction.RESUME,
        who="ann",
        note="",
        at=NOW,
        bound={PAIR: bound},
        expires_at=NOW + timedelta(hours=24),
    )


def actions(ledger: Ledger) -> list[OperatorAction]:
    return [record.action for record in ledger.operator()]


def state(gate: Gate) -> TradingState:
    return gate.decision(PAIR, NOW).state


def loop(desk: OperatorDesk, ledger: Ledger) -> None:
    """What a bot's loop asks of the desk."""
    with ledger.patience(LOOP_PATIENCE_SECONDS):
        desk.refresh()
        desk.end_broken_resume(NOW)


def test_a_resume_that_covers_what_is_there_stands(ledger: Ledger, gate: Gate) -> None:
    resume(ledger, DRIFT)
    loop(OperatorDesk(ledger, gate), ledger)
    assert (state(gate), actions(ledger)) == (TradingState.ACTIVE, [OperatorAction.RESUME])


def test_the_end_of_a_resume_holds_while_it_cannot_be_written_and_is_written_once_it_can(
    ledger: Ledger, gate: Gate, path: Path
) -> None:
    resume(ledger, LESS)
    desk = OperatorDesk(ledger, gate)
    with locked_elsewhere(path):
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="locked"):
                loop(desk, ledger)
            # a call that waits as others do takes 2 seconds
            assert time.monotonic() - began < LOOP_PATIENCE_SECONDS + 1.0
            # with the drift gone, the gate alone would let the pair trade again
            assert gate.view.stance.resume_bounds == {}
        assert actions(ledger) == [OperatorAction.RESUME]

    loop(desk, ledger)
    loop(desk, ledger)
    assert actions(ledger) == [OperatorAction.RESUME, OperatorAction.END_RESUME]
    assert ledger.operator()[-1].bound == {PAIR: LESS}
    restarted = Gate(CONFIG, candle_ns=3_600 * 10**9, sees_all_pairs=True, judged_ahead=False)
    OperatorDesk(ledger, restarted).refresh()
    assert restarted.view.stance.resume_bounds == {}


def ended_but_not_written(ledger: Ledger, gate: Gate, path: Path) -> OperatorDesk:
    """A desk whose end of a resume could not be written, with the database free again."""
    resume(ledger, LESS)
    desk = OperatorDesk(ledger, gate)
    with locked_elsewhere(path), pytest.raises(StoreUnavailableError):
        loop(desk, ledger)
    return desk


def test_another_word_does_not_revive_a_resume_whose_end_is_not_written_yet(
    ledger: Ledger, gate: Gate, path: Path
) -> None:
    desk = ended_but_not_written(ledger, gate, path)
    ledger.record_operator(action=OperatorAction.REDUCE, who="bob", note="", at=NOW, ratio=0.5)
    desk.refresh()
    assert (gate.view.stance.resume_bounds, gate.view.stance.reduce_ratio) == ({}, 0.5)
    desk.end_broken_resume(NOW)
    assert actions(ledger) == [OperatorAction.RESUME, OperatorAction.REDUCE, OperatorAction.END_RESUME]


def test_a_newer_resume_is_not_ended_by_the_unwritten_end_of_an_older_one(
    ledger: Ledger, gate: Gate, path: Path
) -> None:
    desk = ended_but_not_written(ledger, gate, path)
    resume(ledger, DRIFT)
    loop(desk, ledger)
    assert (state(gate), actions(ledger)) == (TradingState.ACTIVE, [OperatorAction.RESUME])


def test_a_pause_over_an_unwritten_end_leaves_nothing_to_write(ledger: Ledger, gate: Gate, path: Path) -> None:
    desk = ended_but_not_written(ledger, gate, path)
    ledger.record_operator(action=OperatorAction.PAUSE, who="bob", note="", at=NOW)
    loop(desk, ledger)
    assert (gate.view.stance, actions(ledger)) == (OperatorStance(paused=True), [OperatorAction.PAUSE])


def test_resets_of_drift_are_known_in_the_order_of_their_candles(ledger: Ledger, gate: Gate) -> None:
    def reset(candle: datetime) -> None:
        ledger.record_operator(action=OperatorAction.RESET_DRIFT, who="ann", note="", at=NOW, candle=candle)

    desk = OperatorDesk(ledger, gate)
    desk.refresh()
    assert (desk.drift_resets, desk.drift_reset) == ((), None)
    stance = gate.view.stance
    for hours in (0, -5, 0):
        reset(NEWEST + timedelta(hours=hours))
    desk.refresh()
    assert desk.drift_resets == (NEWEST - timedelta(hours=5), NEWEST)
    assert (desk.drift_reset, gate.view.stance) == (NEWEST, stance)
