"""Dangerous commands ask back: one button, by the one who asked, once, within a minute; pending ones tell their end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.control.telegram_room import ANNA, BOB, Room, open_room, own_bot, wait_for
from tradai_lifecycle.control.command import Answer, Caller, Command
from tradai_lifecycle.control.commands import CommandDesk
from tradai_lifecycle.control.telegram.confirm import MOST_PENDING, Asker, Confirmations, Press
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram
from tradai_lifecycle.sandbox.telegram_updates import SentMessage
from tradai_lifecycle.states import CommandName, OperatorAction, Role

GROUP = -1_001
BOTH = {"chat_id": str(GROUP), "authorized_users": {str(ANNA): "approver", str(BOB): "approver"}}
QUESTION = "Trade on over significant drift"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with open_room(tmp_path) as opened:
        opened.register(2)
        opened.adopt("v1")
        opened.adopt("v2", previous="v1")
        opened.judge("BTC/USDT", drifts=True)
        yield opened


def ask(
    server: SandboxTelegram, text: str = "/resume", asks: str = QUESTION, topic_id: int | None = None
) -> SentMessage:
    """Type a dangerous command as Anna and wait for the question."""
    server.type(GROUP, ANNA, text, name="anna", topic_id=topic_id)
    return server.wait_for(lambda message: asks in message.text and bool(message.buttons))


def answer_to(server: SandboxTelegram, number: int) -> str:
    server.wait_until(lambda: len(server.answers) == number)
    return server.answers[-1].text


def test_nothing_happens_until_the_asker_confirms_and_then_it_happens_once(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        assert "significant drift of the features" in question.text
        assert room.ledger.operator() == ()
        server.press(question.message_id, "Confirm", ANNA, name="anna")
        wait_for(server, "resume done")
        closed = wait_for(server, "confirmed by telegram:42 anna")
    assert (closed.message_id, closed.buttons) == (question.message_id, ())
    assert room.actions == [OperatorAction.RESUME]
    assert room.answered == [("resume", "done", "telegram:42 anna")]


def test_a_button_pressed_by_somebody_else_changes_nothing(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        for number, button in enumerate(("Confirm", "Cancel"), start=1):
            server.press(question.message_id, button, BOB)
            assert answer_to(server, number) == "Only who asked can answer."
        assert all(answer.alert for answer in server.answers)
        assert server.sent[-1] == question
        server.press(question.message_id, "Confirm", ANNA)
        wait_for(server, "resume done")


def test_a_button_pressed_twice_runs_once(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        data = question.buttons[0].data
        shown = {"message_id": question.message_id, "date": 1, "chat": {"id": GROUP, "type": "supergroup"}}
        for _ in range(2):
            server.press_data(shown, data, ANNA)
        wait_for(server, "resume done")
        server.wait_until(lambda: len(server.answers) == 2)
    assert sorted(answer.text for answer in server.answers) == ["Confirmed.", "This question is no longer open."]
    assert [outcome for _, outcome, _ in room.answered] == ["done"]


def test_a_cancelled_command_is_not_run(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        server.press(question.message_id, "Cancel", ANNA)
        assert wait_for(server, "cancelled, nothing was done").buttons == ()
    assert room.ledger.operator() == ()
    assert room.answered == []


def test_a_question_expires_after_a_minute_and_says_so(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        room.clock.ahead += timedelta(seconds=61)
        assert wait_for(server, "expired, nothing was done").message_id == question.message_id
        shown = {"message_id": question.message_id, "date": 1, "chat": {"id": GROUP, "type": "supergroup"}}
        server.press_data(shown, question.buttons[0].data, ANNA)
        assert answer_to(server, 1) == "This question is no longer open."
    assert room.ledger.operator() == ()


def test_what_would_be_resumed_over_is_asked_anew_where_it_changed(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        room.judge("ETH/USDT", drifts=True)
        server.press(question.message_id, "Confirm", ANNA)
        again = server.wait_for(lambda message: "ETH/USDT" in message.text and bool(message.buttons))
        assert wait_for(server, "has changed since it was asked").message_id == question.message_id
        assert room.ledger.operator() == ()
        server.press(again.message_id, "Confirm", ANNA)
        wait_for(server, "resume done")
    (record,) = room.ledger.operator()
    assert set(record.bound) == {"BTC/USDT", "ETH/USDT"}


def test_the_confirmed_command_is_the_one_that_was_typed(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server, "/resume I know 'what I do'")
        server.press(question.message_id, "Confirm", ANNA)
        wait_for(server, "resume done")
    assert room.ledger.operator()[0].note == "I know what I do"


def test_forged_data_are_no_answer(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server)
        token = question.buttons[0].data.rpartition(":")[2]
        shown = {"message_id": question.message_id, "date": 1, "chat": {"id": GROUP, "type": "supergroup"}}
        elsewhere = {**shown, "message_id": question.message_id + 5}
        for message, data in (
            (shown, f"tradai:yes:{token[:-1]}"),
            (shown, f"tradai:maybe:{token}"),
            (shown, f"other:yes:{token}"),
            (elsewhere, f"tradai:yes:{token}"),
        ):
            server.press_data(message, data, ANNA)
        server.wait_until(lambda: len(server.answers) == 4)
        assert {answer.text for answer in server.answers} == {"This question is no longer open."}
        server.press_data({**shown, "chat": {"id": ANNA, "type": "private"}}, question.buttons[0].data, ANNA)
        server.press(question.message_id, "Confirm", ANNA)
        wait_for(server, "resume done")
    assert [outcome for _, outcome, _ in room.answered] == ["done"]


def test_a_pending_answer_is_followed_to_its_end(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server, "/rollback 1", "Go back to v1?")
        server.press(question.message_id, "Confirm", ANNA)
        wait_for(server, "rollback v1 pending")
        room.adopt("v1", previous="v2")
        now = room.clock()
        room.ledger.record_batch(version="v1", candle=now, at=now)
        wait_for(server, "was predicted by v1")
        assert room.wait_until_answered(2) == [("rollback", "pending"), ("rollback", "done")]
    assert sum("was predicted by v1" in message.text for message in server.sent) == 1


def test_an_end_that_comes_after_a_reload_is_told_where_the_command_was_typed(
    room: Room, server: SandboxTelegram
) -> None:
    with own_bot(room, server, **BOTH):
        question = ask(server, "/rollback 1", "Go back to v1?", topic_id=9)
        server.press(question.message_id, "Confirm", ANNA)
        pending = wait_for(server, "rollback v1 pending")
    room.clock.ahead += timedelta(days=3)
    room.adopt("v1", previous="v2")
    room.ledger.record_batch(version="v1", candle=room.clock(), at=room.clock())
    with own_bot(room, server, **BOTH):
        done = wait_for(server, "was predicted by v1")
        assert room.wait_until_answered(2) == [("rollback", "pending"), ("rollback", "done")]
    assert (done.topic_id, done.reply_to) == (pending.topic_id, pending.reply_to) == (9, pending.reply_to)
    assert pending.reply_to is not None


@contextmanager
def registry_that_hangs() -> Iterator[threading.Event]:
    """`versions` takes until the block ends; gives what is set once it has begun."""
    begun, go_on = threading.Event(), threading.Event()
    run = CommandDesk.run

    def slow(self: CommandDesk, command: Command, caller: Caller, *, confirmed_question: str | None = None) -> Answer:
        if command.name is CommandName.VERSIONS:
            begun.set()
            go_on.wait(30.0)
        return run(self, command, caller, confirmed_question=confirmed_question)

    with patch.object(CommandDesk, "run", slow):
        try:
            yield begun
        finally:
            go_on.set()


def test_a_registry_that_hangs_does_not_hold_up_a_pause(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, **BOTH):
        with registry_that_hangs() as begun:
            server.type(GROUP, ANNA, "/versions")
            assert begun.wait(10.0)
            server.type(GROUP, ANNA, "/pause")
            paused = wait_for(server, "no entries until a resume")
            assert room.actions == [OperatorAction.PAUSE]
        listed = wait_for(server, "v1")
    assert server.sent == [paused, listed]


def test_only_so_many_commands_wait_at_once_but_a_pause_always_goes_through(
    room: Room, server: SandboxTelegram
) -> None:
    users = {str(user): "viewer" for user in range(1, 41)} | {"99": "operator"}
    with own_bot(room, server, chat_id=str(GROUP), authorized_users=users):
        with registry_that_hangs() as begun:
            for user in range(1, 41):
                server.type(GROUP, user, "/versions")
            assert begun.wait(10.0)
            wait_for(server, "32 commands are still at work")
            server.type(GROUP, 99, "/pause")
            wait_for(server, "no entries until a resume")
        server.wait_until(lambda: len(server.sent) == 41)
    assert sum("still at work" in message.text for message in server.sent) == 8


# the table of what waits


def asker(user: int = ANNA) -> Asker:
    caller = Caller(who=f"telegram:{user}", transport="telegram", role=Role.APPROVER)
    return Asker(user_id=user, caller=caller, chat_id=GROUP)


def test_at_most_so_many_wait_and_the_oldest_gives_way(room: Room) -> None:
    table, command, now = Confirmations(), Command(name=CommandName.RETRAIN), room.clock()
    first, nobody = table.ask(command, asker(), "sure?", now)
    assert nobody is None
    given_way = [table.ask(command, asker(), "sure?", now)[1] for _ in range(MOST_PENDING)]
    assert (len(table), given_way[-1]) == (MOST_PENDING, first)
    yes = first.buttons[0].data
    assert table.press(yes, user_id=ANNA, chat_id=GROUP, message_id=1, now=now) == (Press.UNKNOWN, None)


def test_tokens_are_random_and_fit_into_a_button(room: Room) -> None:
    table, now = Confirmations(), room.clock()
    made = [table.ask(Command(name=CommandName.RETRAIN), asker(), "sure?", now)[0] for _ in range(1_000)]
    assert len({pending.token for pending in made}) == 1_000
    assert all(len(button.data.encode()) <= 64 for pending in made for button in pending.buttons)


def test_a_late_press_finds_it_expired_even_before_the_table_is_swept(room: Room) -> None:
    table, now = Confirmations(), room.clock()
    pending, _ = table.ask(Command(name=CommandName.RETRAIN), asker(), "sure?", now)
    late = now + timedelta(seconds=60)
    found = table.press(pending.buttons[0].data, user_id=ANNA, chat_id=GROUP, message_id=1, now=late)
    assert found == (Press.EXPIRED, pending)
    assert table.expire(late) == []
