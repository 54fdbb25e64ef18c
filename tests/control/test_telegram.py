"""A bot of our own, by the real client library before a loopback Telegram: who is obeyed, and what is answered."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.control.telegram_room import ANNA, BOB, EVE, HOST_TOKEN, TOKEN, Room, open_room, own_bot, running, wait_for
from tradai_lifecycle.control.syntax import DESCRIPTION
from tradai_lifecycle.control.telegram import open_telegram
from tradai_lifecycle.control.telegram.names import typed_name
from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.events import StrangerIgnored
from tradai_lifecycle.sandbox.telegram_server import Outage, SandboxTelegram
from tradai_lifecycle.states import CommandName, OperatorAction

GROUP = -1_001
NOBODY_ELSE = {"authorized_users": {str(ANNA): "approver"}}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with open_room(tmp_path) as opened:
        yield opened


# commands


def test_a_pause_typed_in_telegram_is_recorded_with_who_and_why(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/pause 'bad news' tonight", name="anna")
        answer = wait_for(server, "no entries until a resume")
    (record,) = room.ledger.operator()
    assert (record.action, record.who, record.note) == (
        OperatorAction.PAUSE,
        "telegram:42 anna",
        "bad news tonight",
    )
    assert room.answered == [("pause", "done", "telegram:42 anna")]
    assert (answer.chat_id, answer.parse_mode) == (ANNA, None)


@pytest.mark.parametrize("name", list(CommandName))
def test_every_command_is_answered_under_its_own_name(room: Room, server: SandboxTelegram, name: CommandName) -> None:
    room.register()
    room.judge()
    with own_bot(room, server):
        number = server.type(ANNA, ANNA, f"/{typed_name(name)}")
        answer = server.wait_for(lambda message: message.reply_to == number)
    assert answer.text.strip()
    assert "is no command" not in answer.text


def test_the_command_list_is_set_for_the_chat(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        assert server.commands() == {typed_name(name): DESCRIPTION[name] for name in CommandName}
    assert server.unanswered == []


@pytest.mark.parametrize("text", ["/help", "/start", "/HELP", "/help@life_bot"])
def test_help_lists_what_the_person_may_do(room: Room, server: SandboxTelegram, text: str) -> None:
    with own_bot(room, server, chat_id=str(GROUP), authorized_users={str(ANNA): "approver", str(BOB): "viewer"}):
        server.type(GROUP, ANNA, text)
        assert "/reset_drift" in wait_for(server, "You are approver").text
        server.type(GROUP, BOB, text)
        viewers = wait_for(server, "You are viewer").text
    assert "/status" in viewers
    assert "/pause" not in viewers


def test_a_misspelt_command_is_answered_with_the_nearest_one(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/pasue")
        wait_for(server, "Did you mean /pause?")
        server.type(ANNA, ANNA, "/reduce lots")
        assert "Usage: reduce RATIO" in wait_for(server, "'lots' is no RATIO").text
    assert room.answered == []


def test_names_that_would_break_markdown_are_sent_as_they_are(room: Room, server: SandboxTelegram) -> None:
    room.judge("A_B*[`/USDT", drifts=True)
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/why A_B*[`/USDT", name="_*[`")
        assert wait_for(server, "A_B*[`/USDT").parse_mode is None


def test_a_chart_is_sent_beside_drift_and_accuracy(room: Room, server: SandboxTelegram) -> None:
    for minutes in (180, 120, 60, 0):
        room.judge(minutes_ago=minutes)
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/drift")
        server.wait_until(lambda: any(message.photo for message in server.sent))
        server.type(ANNA, ANNA, "/accuracy BTC/USDT")
        server.wait_until(lambda: sum(message.photo is not None for message in server.sent) == 2)
    assert all(message.photo.startswith(b"\x89PNG") for message in server.sent if message.photo is not None)


def test_a_chart_that_cannot_be_drawn_costs_the_chart_alone(
    room: Room, server: SandboxTelegram, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room.judge()
    monkeypatch.setattr("tradai_lifecycle.control.charts.drift_chart", None)
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/drift")
        wait_for(server, "no series was measured")
        server.wait_until(lambda: "could not be drawn" in caplog.text)
    assert len(server.sent) == 1


def test_a_stored_failure_is_answered_and_the_bot_goes_on(room: Room, server: SandboxTelegram, tmp_path: Path) -> None:
    with own_bot(room, server):
        with sqlite3.connect(tmp_path / "lifecycle.sqlite") as connection:
            connection.execute("drop table operator_records")
        server.type(ANNA, ANNA, "/pause")
        failed = wait_for(server, "pause failed")
        server.type(ANNA, ANNA, "/help")
        helped = wait_for(server, "You are approver")
    assert server.sent == [failed, helped]
    assert "no such table: operator_records" in failed.text


# who is obeyed


def test_the_owner_of_a_private_chat_needs_no_list(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/reduce 50%")
        assert wait_for(server, "50%").chat_id == ANNA
    assert room.actions == [OperatorAction.REDUCE]


def test_strangers_get_nothing_and_are_told_of_once_an_hour(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        for user in (EVE, EVE + 1, EVE + 2):
            server.type(user, user, "/pause", name="eve")
        server.type(ANNA, EVE, "/pause")
        server.type(ANNA, ANNA, "/help")
        wait_for(server, "You are approver")
        assert [message.chat_id for message in server.sent] == [ANNA]
        assert [(event.who, event.messages) for event in told(room)] == [(f"telegram:{EVE} eve", 1)]
        room.clock.ahead += timedelta(hours=1)
        server.wait_until(lambda: len(told(room)) == 2)
    assert told(room)[1].messages == 3
    assert room.ledger.operator() == ()


def told(room: Room) -> list[StrangerIgnored]:
    return [event for event in room.events if isinstance(event, StrangerIgnored)]


def test_a_group_without_a_list_may_look_and_not_touch(
    room: Room, server: SandboxTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    with own_bot(room, server, chat_id=str(GROUP)):
        server.type(GROUP, BOB, "/status")
        server.type(GROUP, BOB, "/pause")
        wait_for(server, "needs the role operator")
    assert room.ledger.operator() == ()
    assert [outcome for _, outcome, _ in room.answered] == ["denied"]
    warnings = [record.getMessage() for record in caplog.records if "nobody is named" in record.getMessage()]
    assert len(warnings) == 1


def test_roles_decide_who_may_what(room: Room, server: SandboxTelegram) -> None:
    room.register()
    users = {str(ANNA): "approver", str(BOB): "operator", "44": "viewer"}
    with own_bot(room, server, chat_id=str(GROUP), authorized_users=users):
        server.type(GROUP, 44, "/pause", name="vera")
        wait_for(server, "telegram:44 vera is viewer")
        server.type(GROUP, BOB, "/promote 1", name="bob")
        wait_for(server, "telegram:43 bob is operator")
        server.type(GROUP, BOB, "/pause")
        wait_for(server, "no entries until a resume")
        server.type(GROUP, EVE, "/resume")
        server.type(GROUP, ANNA, "/promote 1")
        wait_for(server, "Put v1 into production?")
    assert room.actions == [OperatorAction.PAUSE]


def test_only_the_configured_topic_is_listened_to_and_answered_in(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, chat_id=str(GROUP), topic_id=7, **NOBODY_ELSE):
        server.type(GROUP, ANNA, "/pause")
        server.type(GROUP, ANNA, "/pause", topic_id=8)
        server.type(GROUP, ANNA, "/status", topic_id=7)
        server.wait_until(lambda: bool(server.sent))
    assert [message.topic_id for message in server.sent] == [7]
    assert room.ledger.operator() == ()


def test_channels_anonymous_administrators_bots_and_second_hand_commands_are_nobody(
    room: Room, server: SandboxTelegram
) -> None:
    chat = {"id": GROUP, "type": "supergroup", "title": "g"}
    anna = {"id": ANNA, "is_bot": False, "first_name": "anna"}
    command = {
        "message_id": 1,
        "date": int(room.clock().timestamp()),
        "chat": chat,
        "text": "/pause",
        "entities": [{"type": "bot_command", "offset": 0, "length": 6}],
    }
    with own_bot(room, server, chat_id=str(GROUP), **NOBODY_ELSE):
        server.post_in_channel(GROUP, "/pause")
        server.push({"message": command})
        server.push({"message": {**command, "from": anna, "sender_chat": chat}})
        server.push({"message": {**command, "from": {**anna, "is_bot": True}}})
        origin = {"type": "user", "date": 1, "sender_user": anna}
        server.push({"message": {**command, "from": anna, "forward_origin": origin}})
        server.push({"message": {**command, "from": anna, "via_bot": {**anna, "is_bot": True}}})
        server.type(GROUP, ANNA, "/pause", edited=True)
        server.type(GROUP, ANNA, "/help")
        wait_for(server, "You are approver")
    assert room.ledger.operator() == ()
    assert len(server.sent) == 1


def test_commands_for_other_bots_of_the_group_are_left_alone(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, chat_id=str(GROUP), **NOBODY_ELSE):
        server.type(GROUP, ANNA, "/pause@other_bot")
        server.type(GROUP, ANNA, "/weather")
        server.type(GROUP, ANNA, "hello all")
        server.type(GROUP, ANNA, "/help@life_bot")
        wait_for(server, "You are approver")
    assert room.ledger.operator() == ()
    assert len(server.sent) == 1


# what is odd


def test_too_many_commands_are_told_once_and_then_ignored_but_for_a_pause(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        for _ in range(30):
            server.type(ANNA, ANNA, "/help")
        wait_for(server, "More than 20 commands in a minute")
        server.type(ANNA, ANNA, "/pause")
        wait_for(server, "no entries until a resume")
        server.type(ANNA, ANNA, "/reduce 0.5")
        server.type(ANNA, ANNA, "/pause again")
        server.wait_until(lambda: sum("pause done" in sent.text for sent in server.sent) == 2)
        room.clock.ahead += timedelta(minutes=1)
        server.type(ANNA, ANNA, "/ack 2h")
        wait_for(server, "ack 2h done")
    assert room.actions == [OperatorAction.PAUSE]
    texts = [message.text for message in server.sent]
    assert sum("You are approver" in text for text in texts) == 20
    assert sum("More than 20" in text for text in texts) == 1


def test_a_command_longer_than_a_message_is_not_run(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/pause " + "x" * 5_000)
        wait_for(server, "longer than 4096 characters")
    assert room.ledger.operator() == ()


def test_an_old_command_is_not_run_but_a_pause_is(room: Room, server: SandboxTelegram) -> None:
    server.type(ANNA, ANNA, "/reduce 50%")
    server.type(ANNA, ANNA, "/pause")
    room.clock.ahead += timedelta(minutes=10)
    with own_bot(room, server):
        wait_for(server, "not read until now, so it was not run")
        wait_for(server, "no entries until a resume")
    assert room.actions == [OperatorAction.PAUSE]


def test_an_update_that_cannot_be_read_is_skipped_alone(room: Room, server: SandboxTelegram) -> None:
    # waiting before the first poll, and then together in a later one
    type_around_an_unreadable_update(server, "/reduce 50%", "/pause first")
    with own_bot(room, server):
        wait_for(server, "pause done")
        wait_for(server, "reduce 0.5 done")
        with server.outage(Outage.ERROR):
            type_around_an_unreadable_update(server, "/reduce 40%", "/pause again")
        server.wait_until(lambda: sum("pause done" in message.text for message in server.sent) == 2)
        wait_for(server, "reduce 0.4 done")
        server.wait_until(lambda: server.is_polled(TOKEN))
    assert len(server.sent) == 4
    assert [record.note for record in room.ledger.operator() if record.action is OperatorAction.PAUSE] == ["again"]


def type_around_an_unreadable_update(server: SandboxTelegram, before: str, after: str) -> None:
    server.type(ANNA, ANNA, before)
    server.push({"message": {"message_id": "?"}})
    server.type(ANNA, ANNA, after)


def test_notices_go_to_the_chat_from_any_thread_in_order_and_in_parts(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server, chat_id=str(GROUP), topic_id=7, **NOBODY_ELSE) as telegram:
        telegram.post("one_two *")
        telegram.post("line\n" * 1_500)
        telegram.post("last")
        wait_for(server, "last")
    assert [message.topic_id for message in server.sent] == [7] * 4
    assert "".join(message.text for message in server.sent[1:3]) == "line\n" * 1_500


def test_a_notice_before_the_start_is_sent_after_it(room: Room, server: SandboxTelegram) -> None:
    office = room.office({"token": TOKEN, "chat_id": str(ANNA), "base_url": server.url})
    telegram = open_telegram(
        desk=office.desk,
        ledger=room.ledger,
        config=office.config,
        freqtrade_config={},
        data_provider=None,
        on_event=room.events.append,
    )
    assert telegram is not None
    telegram.post("early")
    assert server.sent == []
    with running(telegram.run, telegram.close):
        wait_for(server, "early")
    assert [(message.chat_id, message.text) for message in server.sent] == [(ANNA, "early")]


# what is refused at the start


@pytest.mark.parametrize(
    ("settings", "host", "problem"),
    [
        ({"token": HOST_TOKEN, "chat_id": "1"}, {"token": HOST_TOKEN}, "is the token of freqtrade's own bot"),
        ({"token": TOKEN, "chat_id": "@channel"}, {"token": HOST_TOKEN}, "is no number"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused_without_naming_the_token(
    room: Room, settings: dict[str, str], host: dict[str, str], problem: str
) -> None:
    office = room.office(settings)
    with pytest.raises(ConfigurationError, match=problem) as refused:
        open_telegram(
            desk=office.desk,
            ledger=room.ledger,
            config=office.config,
            freqtrade_config={"telegram": {"enabled": True, **host}},
            data_provider=None,
            on_event=room.events.append,
        )
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("host", [{}, {"telegram": {"enabled": False, "token": "x"}}])
def test_without_any_telegram_there_is_no_line(room: Room, host: dict[str, object]) -> None:
    office = room.office()
    line = open_telegram(
        desk=office.desk,
        ledger=room.ledger,
        config=office.config,
        freqtrade_config=host,
        data_provider=None,
        on_event=room.events.append,
    )
    assert line is None


def test_the_token_is_in_no_log_line(room: Room, server: SandboxTelegram, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/status")
        server.wait_until(lambda: bool(server.sent))
    urls = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert any("(token)" in url for url in urls), "the client logs its URLs, so the test can fail"
    assert "own-secret" not in caplog.text
