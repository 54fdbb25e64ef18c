"""What is written down is what was decided: by the whole batch, in the batch's own time, without loss."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.candles import candles_round
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.policy.entry_gate import OperatorStance
from tradai_lifecycle.states import BUG_REASONS, Reason, Severity, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.columns import Frame, Judgement, neutral_judgement
from tradai_lifecycle.strategy.evidence import EvidenceLog
from tradai_lifecycle.strategy.gate import Gate

HOUR_NS = 3_600 * 10**9
OPENED = datetime(2024, 5, 1, 12, tzinfo=UTC)
CLOSED = OPENED + timedelta(hours=1, seconds=5)
CONFIG = LifecycleConfig(model_name="demo")


def judged(pair: str, *, drifts: bool, retraining: bool = False) -> tuple[Frame, Judgement]:
    dates = np.array([int(OPENED.timestamp()) * 10**9])
    frame = Frame(
        pair=pair,
        dates_ns=dates,
        candles=candles_round(np.full(1, 101.5)),
        feature_names=("%-one",),
        features=np.ones((1, 1)),
        realised=np.full(1, np.nan),
    )
    plain = neutral_judgement(pair, dates, Reason.PSI_SIGNIFICANT if drifts else Reason.NONE)
    states = replace(
        plain.states,
        severity=np.full(1, Severity.SIGNIFICANT if drifts else Severity.NONE, dtype=np.int8),
        state=np.full(1, TradingState.PAUSED if drifts else TradingState.ACTIVE, dtype=np.int8),
        retraining=np.full(1, retraining),
    )
    bounds = {"accuracy_lower": np.full(1, 0.25), "accuracy_upper": np.full(1, 0.75)}
    return frame, replace(plain, states=states, versions=("v1",), **bounds)


@pytest.fixture
def gate() -> Gate:
    return Gate(CONFIG, candle_ns=HOUR_NS, sees_all_pairs=True, judged_ahead=False)


def note(log: EvidenceLog, gate: Gate, *batch: tuple[Frame, Judgement]) -> None:
    for frame, judgement in batch:
        gate.publish(judgement)
        log.judged(frame, judgement, CLOSED)


def written(log: EvidenceLog) -> None:
    log.settle()
    log.close_batch()
    log.flush()


def test_a_pair_is_recorded_with_the_decision_of_the_whole_batch(ledger: Ledger, gate: Gate) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    note(log, gate, judged("BTC/USDT", drifts=False), judged("ETH/USDT", drifts=True))
    log.settle()
    log.close_batch()
    log.flush()

    first = ledger.latest_states()["BTC/USDT"]
    assert (first.state, first.effective) == (TradingState.ACTIVE, TradingState.PAUSED)
    assert (first.reasons, first.stake_ratio) == (Reason.BOT_PAUSE_SHARE, 0.0)
    assert ledger.predictions("BTC/USDT")[0].effective is TradingState.PAUSED


def test_a_pair_is_recorded_with_its_close_and_the_bounds_of_its_accuracy(ledger: Ledger, gate: Gate) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    note(log, gate, judged("BTC/USDT", drifts=False))
    written(log)
    state = ledger.latest_states()["BTC/USDT"]
    assert (state.close, state.accuracy_lower, state.accuracy_upper) == (101.5, 0.25, 0.75)


def test_the_facts_are_written_after_the_batches_and_cost_none_of_them(ledger: Ledger, gate: Gate) -> None:
    recorded: list[list[str]] = []

    def facts() -> None:
        recorded.append(list(ledger.latest_states()))
        if len(recorded) == 1:
            raise StoreUnavailableError("ledger.sqlite", "it is the test's turn to fail")

    log = EvidenceLog(ledger, gate, CONFIG, write_facts=facts)
    note(log, gate, judged("BTC/USDT", drifts=False))
    with pytest.raises(StoreUnavailableError, match="the test's turn"):
        written(log)
    note(log, gate, judged("ETH/USDT", drifts=False))
    written(log)
    assert recorded == [["BTC/USDT"], ["BTC/USDT", "ETH/USDT"]]


@pytest.mark.parametrize("known", [None, *BUG_REASONS])
def test_a_bug_that_the_gate_knows_of_asks_for_no_retraining(ledger: Ledger, gate: Gate, known: Reason | None) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    if known is not None:
        gate.set_pair_fault("BTC/USDT", known, present=True)
    note(log, gate, judged("BTC/USDT", drifts=True, retraining=True))
    written(log)
    assert len(ledger.open_retraining_requests()) == (known is None)


def test_a_change_of_state_is_told_with_the_pairs_own_reasons(ledger: Ledger, gate: Gate) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    gate.set_stance(OperatorStance(paused=True))
    note(log, gate, judged("BTC/USDT", drifts=True))
    log.settle()
    log.close_batch()
    log.flush()

    assert [stored.event.reasons for stored in ledger.events(kind="state_changed")] == [Reason.PSI_SIGNIFICANT]
    assert ledger.latest_states()["BTC/USDT"].reasons == Reason.PSI_SIGNIFICANT | Reason.OPERATOR_PAUSED


def test_what_the_database_could_not_take_is_written_later(tmp_path: Path, gate: Gate) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    ledger = Ledger(blocked)
    log = EvidenceLog(ledger, gate, CONFIG)
    note(log, gate, judged("BTC/USDT", drifts=False))
    log.settle()
    assert log.close_batch()
    with pytest.raises(StoreUnavailableError):
        log.flush()

    blocked.rmdir()
    with closing(ledger):
        ledger.open()
        log.flush()
        assert list(ledger.latest_states()) == ["BTC/USDT"]
        assert not log.close_batch()


def test_a_request_about_a_version_that_was_just_replaced_is_not_written(ledger: Ledger, gate: Gate) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    note(log, gate, judged("BTC/USDT", drifts=True, retraining=True))
    log.withdraw_requests()
    log.settle()
    log.close_batch()
    log.flush()

    assert ledger.open_retraining_requests() == ()


def test_a_wanted_retraining_is_one_open_request(ledger: Ledger, gate: Gate) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    note(log, gate, judged("BTC/USDT", drifts=True, retraining=True), judged("ETH/USDT", drifts=True, retraining=True))
    log.settle()
    log.close_batch()
    log.flush()

    assert [(request.version, request.pair) for request in ledger.open_retraining_requests()] == [("v1", "BTC/USDT")]
    told = [stored.event for stored in ledger.events(kind="retraining_requested")]
    assert [(event.version, event.pair) for event in told] == [("v1", "BTC/USDT")]


def test_a_request_is_told_of_even_where_its_batch_could_not_be_written_with_it(ledger: Ledger, gate: Gate) -> None:
    log = EvidenceLog(ledger, gate, CONFIG)
    note(log, gate, judged("BTC/USDT", drifts=True, retraining=True))
    with closing(sqlite3.connect(ledger._database.path)) as connection:
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON states BEGIN SELECT RAISE(ABORT, 'not yet'); END")
        connection.commit()
        with pytest.raises(StoreUnavailableError, match="not yet"):
            written(log)
        assert len(ledger.open_retraining_requests()) == len(ledger.events(kind="retraining_requested")) == 1
        connection.execute("DROP TRIGGER refuse")
        connection.commit()
    written(log)
    assert list(ledger.latest_states()) == ["BTC/USDT"]
    assert len(ledger.open_retraining_requests()) == len(ledger.events(kind="retraining_requested")) == 1
