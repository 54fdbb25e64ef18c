"""Nobody does more than their role allows, and nothing dangerous happens that was not confirmed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.control.control_room import BTC, DRIFTING, ETH, ControlRoom, bot, caller, state
from tradai_lifecycle.control.commands import Command
from tradai_lifecycle.control.syntax import ROLE_NEEDED, VIEWING
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Reason, Role

WORDS = {CommandName.REDUCE: ["0.5"], CommandName.PROMOTE: ["1"], CommandName.RESOLVE: ["mended"]}
#: In the drifting room below: what each command takes.
NEEDED = {**ROLE_NEEDED, CommandName.RESUME: Role.APPROVER}
DANGEROUS = {
    CommandName.PROMOTE: "Put v2 into production? In charge is v1, since 2026-03-01 12:01 UTC.",
    CommandName.ROLLBACK: "Go back to v2? In charge is v1, since 2026-03-01 12:01 UTC.",
    CommandName.PIN: "Hold v2? In charge is v1, since 2026-03-01 12:01 UTC.",
    CommandName.ADOPT: "Let in v2? In charge is v1, since 2026-03-01 12:01 UTC.",
    CommandName.RESUME: ("Trade on over significant drift for 24 hours? BTC/USDT: significant drift of the features."),
    CommandName.RETRAIN: "Ask for a new model? In charge is v1, since 2026-03-01 12:01 UTC.",
    CommandName.RESET_DRIFT: (
        "Forget the drift up to now? It must hold again for 125 candles to reduce a pair, 250 to pause it. "
        "Held by it now: BTC/USDT."
    ),
}
DANGEROUS_WORDS = {
    name: ["2"] for name in (CommandName.PROMOTE, CommandName.ROLLBACK, CommandName.PIN, CommandName.ADOPT)
}


@pytest.fixture
def drifting(room: ControlRoom) -> ControlRoom:
    """v1 in charge of a drifting BTC/USDT and a healthy ETH/USDT; v2 is registered and waits for a person."""
    room.register(promote=True)
    room.register()
    room.take_over("1", states=(state(**DRIFTING), state(ETH)))
    room.ledger.record_bot(bot(awaiting="v2", at=room.now))
    return room


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", CommandName)
def test_every_command_is_denied_to_who_may_not_and_the_denial_is_written_down(
    drifting: ControlRoom, name: CommandName, role: Role
) -> None:
    before = drifting.everything()
    answer = drifting.run(name, *WORDS.get(name, []), role=role)

    if role >= NEEDED[name]:
        assert answer.outcome is not CommandOutcome.DENIED
        return
    assert answer.outcome is CommandOutcome.DENIED
    needed = NEEDED[name] if role >= ROLE_NEEDED[name] else ROLE_NEEDED[name]
    assert text_of(answer).endswith(f"denied: it needs the role {needed.label}; shell:anna is {role.label}")
    assert [outcome for _, _, outcome in drifting.answers()] == [CommandOutcome.DENIED]
    after = drifting.everything()
    changed = {table for table in before if before[table] != after[table]}
    assert changed <= {"events", "sqlite_sequence"}


@pytest.mark.parametrize("name", sorted(VIEWING))
def test_a_command_that_only_shows_leaves_no_trace(drifting: ControlRoom, name: CommandName) -> None:
    before = drifting.everything()
    assert drifting.run(name, role=Role.VIEWER).outcome is CommandOutcome.DONE
    assert drifting.everything() == before


def test_an_operator_resumes_where_nothing_drifts_significantly(room: ControlRoom) -> None:
    room.take_over("1", states=(state(), state(ETH)))
    room.run(CommandName.PAUSE, role=Role.OPERATOR)

    assert room.run(CommandName.RESUME, role=Role.OPERATOR, confirmed=False).outcome is CommandOutcome.DONE


@pytest.mark.parametrize("name", [CommandName.PIN, CommandName.ROLLBACK])
def test_an_operator_goes_back_to_what_was_in_charge_but_lets_nothing_new_in(
    room: ControlRoom, name: CommandName
) -> None:
    for _ in range(3):
        room.register()
    room.take_over("1")
    room.take_over("2")

    assert room.run(name, "3", role=Role.OPERATOR).outcome is CommandOutcome.DENIED
    assert room.run(name, "1", role=Role.OPERATOR).outcome is CommandOutcome.PENDING


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_dangerous_command_asks_first_and_changes_nothing_until_it_is_confirmed(
    drifting: ControlRoom, name: CommandName
) -> None:
    before, production = drifting.everything(), drifting.registry.production_version()
    answer = drifting.run(name, *DANGEROUS_WORDS.get(name, []), confirmed=False)

    assert (answer.outcome, text_of(answer)) == (CommandOutcome.UNCONFIRMED, DANGEROUS[name])
    assert drifting.desk.question(answer.command) == DANGEROUS[name]
    assert (drifting.everything(), drifting.registry.production_version()) == (before, production)
    assert drifting.run(name, *DANGEROUS_WORDS.get(name, [])).outcome in (CommandOutcome.DONE, CommandOutcome.PENDING)


@pytest.mark.parametrize("name", sorted(set(CommandName) - set(DANGEROUS)))
def test_no_other_command_asks(drifting: ControlRoom, name: CommandName) -> None:
    version = "1" if name is CommandName.PIN else None
    assert drifting.desk.question(Command(name=name, version=version)) is None


def test_to_pin_what_is_in_charge_asks_nothing(drifting: ControlRoom) -> None:
    assert drifting.run(CommandName.PIN, "1", confirmed=False).outcome is CommandOutcome.DONE
    assert drifting.run(CommandName.PIN, confirmed=False).outcome is CommandOutcome.DONE


def test_drift_that_came_after_the_question_is_asked_about_anew(room: ControlRoom) -> None:
    room.take_over("1", states=(state(),))
    command = Command(name=CommandName.RESUME)
    assert room.desk.question(command) is None

    later = state(candle=room.now, **{**DRIFTING, "reasons": Reason.PSI_SIGNIFICANT})
    room.ledger.record_states([later])
    assert room.obey(command, confirmed=False).outcome is CommandOutcome.UNCONFIRMED


def test_where_the_database_is_gone_a_question_is_asked_and_the_answer_is_failed(drifting: ControlRoom) -> None:
    drifting.ledger.close()
    command = Command(name=CommandName.ROLLBACK)

    question = drifting.desk.question(command)
    assert question is not None
    assert question.startswith("What rollback would do cannot be said: The lifecycle's database")
    answer = drifting.obey(command)
    assert answer.outcome is CommandOutcome.FAILED
    assert "cannot be used" in text_of(answer)


def test_a_denial_that_cannot_be_written_down_is_still_a_denial(drifting: ControlRoom) -> None:
    drifting.refuse_events()
    answer = drifting.run(CommandName.PAUSE, role=Role.VIEWER)

    assert answer.outcome is CommandOutcome.DENIED
    assert "it could not be written down" in text_of(answer)
    assert drifting.ledger.operator() == ()


def test_a_command_that_makes_no_sense_is_failed_and_not_raised(room: ControlRoom) -> None:
    answer = room.obey(Command(name=CommandName.REDUCE, ratio=7.0))
    assert answer.outcome is CommandOutcome.FAILED
    assert "RATIO must be above 0 and at most 1, not 7" in text_of(answer)
    assert room.answers() == []


def test_two_people_are_told_apart_in_the_record(room: ControlRoom) -> None:
    room.run(CommandName.PAUSE, who="anna", role=Role.OPERATOR)
    stranger = replace(caller(Role.VIEWER, "eve"), who="telegram:7 eve", transport="telegram")
    room.desk.run(Command(name=CommandName.RESUME), stranger)

    told = [one.event for one in reversed(room.ledger.events(kind="command_answered"))]
    assert [(event.who, event.transport) for event in told] == [  # type: ignore[attr-defined]
        ("shell:anna", "shell"),
        ("telegram:7 eve", "telegram"),
    ]
    assert BTC not in room.ledger.latest_states()


@pytest.mark.parametrize("name", [CommandName.ADOPT, CommandName.ROLLBACK])
def test_what_was_confirmed_is_what_is_run(room: ControlRoom, name: CommandName) -> None:
    """The version that a command without one means changes between the question and the yes: it is asked again."""
    for _ in range(4):
        room.register()
    room.take_over("1")
    room.take_over("2")
    room.decide("3", CandidateOutcome.AWAITING_CONFIRMATION)
    command = Command(name=name)
    question = room.desk.question(command)
    room.take_over("3")
    room.decide("4", CandidateOutcome.AWAITING_CONFIRMATION)
    before = room.everything()

    answer = room.desk.run(command, caller(), confirmed_question=question)
    assert (answer.outcome, text_of(answer)) == (CommandOutcome.UNCONFIRMED, room.desk.question(command))
    assert room.everything() == before
    meant = room.desk.run(command, caller(), confirmed_question=text_of(answer)).follow
    assert meant is not None
    assert meant.version == {CommandName.ADOPT: "4", CommandName.ROLLBACK: "2"}[name]


def test_a_resume_that_was_confirmed_does_not_cover_a_pair_that_drifts_since(room: ControlRoom) -> None:
    room.take_over("1", states=(state(**DRIFTING), state(ETH)))
    question = room.desk.question(Command(name=CommandName.RESUME))
    room.ledger.record_states([state(ETH, candle=room.now, **DRIFTING)])

    answer = room.desk.run(Command(name=CommandName.RESUME), caller(), confirmed_question=question)
    assert answer.outcome is CommandOutcome.UNCONFIRMED
    assert ETH in text_of(answer)
    assert room.ledger.operator() == ()


def test_what_needs_no_question_any_more_is_run_with_the_yes_to_the_former_one(room: ControlRoom) -> None:
    room.take_over("1", states=(state(**DRIFTING),))
    question = room.desk.question(Command(name=CommandName.RESUME))
    room.ledger.record_states([state(candle=room.now)])
    answer = room.desk.run(Command(name=CommandName.RESUME), caller(), confirmed_question=question)
    assert answer.outcome is CommandOutcome.DONE


def test_a_pair_that_left_the_whitelist_asks_nothing_and_binds_nothing(room: ControlRoom) -> None:
    gone = state(ETH, candle=room.now - timedelta(days=30), **DRIFTING)
    room.take_over("1", states=(state(), gone))
    room.ledger.record_bot(bot())

    assert room.run(CommandName.RESUME, role=Role.OPERATOR, confirmed=False).outcome is CommandOutcome.DONE
    (record,) = room.ledger.operator()
    assert record.bound == {}
