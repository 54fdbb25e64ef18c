"""What an operator says is kept with its event in one transaction, means what it says, and says what it leaves."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.control.control_room import BTC, DRIFTING, ETH, FAULTY, NOON, ControlRoom, bot, state
from tradai_lifecycle.control.incident import incident_opened_at, muted_until, open_incident
from tradai_lifecycle.control.standing import bound_of, stance_of
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.events import CommandAnswered, FaultReported, StateChanged
from tradai_lifecycle.states import (
    CommandName,
    CommandOutcome,
    OperatorAction,
    Reason,
    Severity,
    TradingState,
)
from tradai_lifecycle.store import event_rows
from tradai_lifecycle.store.records import BoundReasons, StoredEvent


def paused_event(room: ControlRoom, pair: str = BTC) -> StateChanged:
    return StateChanged(
        at=room.now,
        pair=pair,
        candle=NOON.isoformat(),
        before=TradingState.ACTIVE,
        after=TradingState.PAUSED,
        severity=Severity.SIGNIFICANT,
        reasons=Reason.PSI_SIGNIFICANT,
        version="v1",
        psi_max=0.31,
        accuracy=0.5,
    )


def test_a_pause_is_kept_with_who_why_and_what_came_of_it(room: ControlRoom) -> None:
    answer = room.run(CommandName.PAUSE, "exchange", "maintenance")

    (record,) = room.ledger.operator()
    assert (record.action, record.who, record.note) == (OperatorAction.PAUSE, "shell:anna", "exchange maintenance")
    (stored,) = room.ledger.events()
    assert stored.event == CommandAnswered(
        at=record.at,
        command=CommandName.PAUSE,
        arguments="",
        who="shell:anna",
        transport="shell",
        note="exchange maintenance",
        outcome=CommandOutcome.DONE,
        detail="no entries until a resume; exits run on",
    )
    assert text_of(answer) == (
        "pause done: no entries until a resume; exits run on\na running bot follows within one loop"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (CommandName.PAUSE, []),
        (CommandName.RESUME, []),
        (CommandName.REDUCE, ["0.5"]),
        (CommandName.RESET_DRIFT, []),
        (CommandName.RETRAIN, []),
        (CommandName.PIN, []),
        (CommandName.UNPIN, []),
        (CommandName.ACK, []),
    ],
)
def test_a_record_whose_event_cannot_be_written_is_not_kept_either(
    room: ControlRoom, name: CommandName, words: list[str]
) -> None:
    room.take_over("1", states=(state(),))
    room.refuse_events()
    before = room.everything()
    answer = room.run(name, *words)

    assert answer.outcome is CommandOutcome.FAILED
    assert "disk full" in text_of(answer)
    assert room.everything() == before


def test_a_reduce_cuts_and_a_reduce_to_one_lifts_it(room: ControlRoom) -> None:
    assert room.text(CommandName.REDUCE, "25%").startswith("reduce 0.25 done: stakes are cut to 25%")
    assert stance_of(room.ledger.operator()).reduce_ratio == 0.25
    assert room.text(CommandName.REDUCE, "1").startswith("reduce 1 done: the cut of stakes is lifted")
    assert stance_of(room.ledger.operator()).reduce_ratio is None


def test_a_resume_is_bound_to_what_holds_each_pair_back() -> None:
    healthy, drifting = state(ETH), state(BTC, **DRIFTING)

    assert bound_of([healthy]) == {}
    assert bound_of([healthy, drifting]) == {
        BTC: BoundReasons(reasons=Reason.PSI_SIGNIFICANT, severity=Severity.SIGNIFICANT),
    }


def test_a_resume_is_bound_to_the_share_of_drifting_pairs_only_where_that_holds_a_pair_back() -> None:
    shared = Reason.BOT_PAUSE_SHARE
    healthy = state(ETH, effective=TradingState.PAUSED, reasons=shared)
    drifting = state(BTC, **{**DRIFTING, "reasons": Reason.PSI_SIGNIFICANT | shared})

    assert bound_of([healthy, drifting]) == {
        ETH: BoundReasons(reasons=shared, severity=Severity.NONE),
        BTC: BoundReasons(reasons=Reason.PSI_SIGNIFICANT | shared, severity=Severity.SIGNIFICANT),
    }


def test_a_resume_names_what_it_trades_over_until_when_and_what_it_cannot_lift(room: ControlRoom) -> None:
    room.take_over("1", states=(state(**DRIFTING), state(ETH, **FAULTY)))
    room.ledger.record_bot(bot(freqtrade_state="paused"))
    room.run(CommandName.PAUSE)
    said = room.text(CommandName.RESUME).splitlines()

    assert said == [
        "resume done: entries go on, over present drift until 2026-03-02 12:03 UTC",
        "a running bot follows within one loop",
        "BTC/USDT trades over: significant drift of the features",
        "ETH/USDT stays paused: the model failed to predict",
        "freqtrade itself is paused; its own /start lifts that",
    ]
    (record,) = room.ledger.operator()
    assert (record.action, record.expires_at) == (OperatorAction.RESUME, room.now + timedelta(hours=24))


def test_an_ack_mutes_for_a_while_and_no_longer_than_its_incident(room: ControlRoom) -> None:
    room.ledger.record_events([paused_event(room)])
    room.run(CommandName.ACK, "2h")
    until = room.now + timedelta(hours=2)

    assert muted_until(room.ledger, room.now) == until
    assert muted_until(room.ledger, until) is None
    room.run(CommandName.RESOLVE, "mended")
    assert muted_until(room.ledger, room.now) is None


def test_without_a_span_an_ack_mutes_until_the_next_reminder(room: ControlRoom) -> None:
    room.settings = {"notices": {"reminder_hours": 6.0}}
    room.run(CommandName.ACK)
    assert muted_until(room.ledger, room.now) == room.now + timedelta(hours=6)


def test_an_incident_opens_once_and_is_closed_by_a_note(room: ControlRoom) -> None:
    assert room.text(CommandName.RESOLVE, "nothing") == (
        "resolve failed: no incident is open: nothing was paused and nothing failed since the last one"
    )
    room.take_over("1", states=(state(**DRIFTING),))
    opened = room.now
    room.ledger.record_events([paused_event(room)])
    room.run(CommandName.PAUSE)
    room.now += timedelta(hours=3)

    assert incident_opened_at(room.ledger) == opened
    assert room.text(CommandName.RESOLVE, "funding", "spike").splitlines() == [
        "resolve done: the incident of 2026-03-01 12:02 UTC is closed",
        "it lasted 3.0 h: 1 state changed, 1 commands",
        "still paused: BTC/USDT",
    ]
    assert incident_opened_at(room.ledger) is None
    assert room.run(CommandName.RESOLVE, "again").outcome is CommandOutcome.FAILED


@pytest.mark.parametrize("cause", ["pause", "fault", "drift"])
def test_a_pause_a_fault_and_a_paused_pair_each_open_an_incident(room: ControlRoom, cause: str) -> None:
    if cause == "pause":
        room.run(CommandName.PAUSE)
    elif cause == "fault":
        room.ledger.record_events([FaultReported(at=room.now, part="store", message="gone")])
    else:
        room.ledger.record_events([paused_event(room)])
    assert incident_opened_at(room.ledger) is not None


def test_what_mends_itself_and_what_is_only_reduced_opens_none(room: ControlRoom) -> None:
    room.run(CommandName.REDUCE, "0.5")
    room.ledger.record_events([FaultReported(at=room.now, part="store", message="works again", recovered=True)])
    assert incident_opened_at(room.ledger) is None


def test_a_new_model_is_asked_for_once(room: ControlRoom) -> None:
    assert room.text(CommandName.RETRAIN) == ("retrain failed: no model is in charge yet. Next: train the first one")
    room.take_over("1", states=(state(),))
    assert room.run(CommandName.RETRAIN, "old", "data").outcome is CommandOutcome.DONE
    (request,) = room.ledger.open_retraining_requests()
    assert (request.version, request.pair, request.detail) == ("v1", "all pairs", "asked for by shell:anna: old data")
    assert room.text(CommandName.RETRAIN).startswith("retrain failed: a request for a model in place of v1 is open")
    assert len(room.ledger.open_retraining_requests()) == 1


def test_a_reset_of_drift_names_the_newest_candle_and_leaves_pause_and_faults(room: ControlRoom) -> None:
    newest = NOON + timedelta(hours=1)
    room.take_over("1", states=(state(**DRIFTING), state(ETH, newest)))
    room.run(CommandName.PAUSE)
    assert room.run(CommandName.RESET_DRIFT, "new", "regime").outcome is CommandOutcome.DONE

    reset = room.ledger.drift_reset()
    assert reset is not None
    assert (reset.candle, reset.note) == (newest, "new regime")
    assert [record.action for record in room.ledger.operator()] == [OperatorAction.PAUSE]


def test_without_a_judged_candle_there_is_no_drift_to_reset(room: ControlRoom) -> None:
    assert room.run(CommandName.RESET_DRIFT).outcome is CommandOutcome.FAILED
    assert room.ledger.drift_reset() is None
    assert room.answers() == [(CommandName.RESET_DRIFT, "", CommandOutcome.FAILED)]


def test_what_happened_before_the_last_resolution_is_neither_read_nor_counted(
    room: ControlRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    reduced = replace(paused_event(room), after=TradingState.REDUCED)
    room.ledger.record_events([paused_event(room)] * 300)
    room.run(CommandName.RESOLVE, "mended")
    room.ledger.record_events([reduced] * 300 + [paused_event(room)] + [reduced] * 300)
    made = list[StoredEvent]()
    stored_event = event_rows.stored_event

    def counted(row: dict[str, Any]) -> StoredEvent:
        made.append(stored_event(row))
        return made[-1]

    monkeypatch.setattr(event_rows, "stored_event", counted)
    incident = open_incident(room.ledger)
    assert incident is not None
    assert incident.counts == {StateChanged.kind: 301}
    assert len(made) < 10
