"""Telegram away, slow, refusing or taken by another: told once, waited for, and nothing else of the bot suffers."""

import asyncio
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from telegram.error import Conflict

from tests.control.telegram_room import (
    ANNA,
    QUICK,
    TOKEN,
    Clock,
    RecordingWire,
    Room,
    open_room,
    own_bot,
    running,
    wait_for,
)
from tradai_lifecycle.control.telegram.outbox import (
    LONGEST_TEXT,
    Button,
    Outbox,
    Outgoing,
    TelegramAwayError,
    parts_of,
)
from tradai_lifecycle.control.telegram.own import OwnTelegram, Troubles
from tradai_lifecycle.control.telegram.secrets import token_hidden
from tradai_lifecycle.sandbox.telegram_server import Outage, SandboxTelegram
from tradai_lifecycle.states import OperatorAction


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with open_room(tmp_path) as opened:
        yield opened


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the lifecycle has warned of."""
    ours = (record for record in caplog.records if record.name.startswith("tradai_lifecycle"))
    return [record.getMessage() for record in ours if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("kind", list(Outage))
def test_an_outage_is_told_once_and_over_when_it_is_over(
    room: Room, server: SandboxTelegram, caplog: pytest.LogCaptureFixture, kind: Outage
) -> None:
    caplog.set_level(logging.INFO, "tradai_lifecycle")
    with own_bot(room, server, patience=replace(QUICK, poll_seconds=1)) as telegram:
        with server.outage(kind):
            telegram.post("told later")
            server.wait_until(lambda: any("cannot be reached" in text for text in warned(caplog)), 30.0)
        wait_for(server, "told later")
        server.type(ANNA, ANNA, "/pause")
        wait_for(server, "no entries until a resume")
        server.wait_until(lambda: "commands can be given again" in caplog.text)
    assert len(warned(caplog)) == 1
    assert "secret" not in caplog.text


def test_a_bot_that_starts_without_telegram_obeys_once_it_is_there(room: Room, server: SandboxTelegram) -> None:
    section = {"token": TOKEN, "chat_id": str(ANNA), "base_url": server.url}
    office = room.office(section)
    assert office.config.telegram is not None
    telegram = OwnTelegram(office.config.telegram, {}, office, patience=QUICK)
    with server.outage(Outage.REFUSE), running(telegram.run, telegram.close):
        telegram.post("early")
    telegram = OwnTelegram(office.config.telegram, {}, office, patience=QUICK)
    with running(telegram.run, telegram.close):
        server.type(ANNA, ANNA, "/pause")
        wait_for(server, "no entries until a resume")
    assert room.actions == [OperatorAction.PAUSE]


def test_messages_queue_while_telegram_is_away_and_the_lost_ones_are_counted(
    room: Room, server: SandboxTelegram
) -> None:
    with own_bot(room, server) as telegram:
        with server.outage(Outage.ERROR):
            for number in range(230):
                telegram.post(f"notice {number}.")
        wait_for(server, "lost while Telegram could not be reached")
        wait_for(server, "notice 229.")
    texts = [message.text for message in server.sent]
    kept = [text for text in texts if text.startswith("notice")]
    lost = next(int(text.split()[0]) for text in texts if "lost while" in text)
    # one may have been on its way when the server came back; all others are the newest
    assert kept[1:] == [f"notice {number}." for number in range(231 - len(kept), 230)]
    assert len(kept) + lost == 230
    assert lost >= 29


def test_a_flood_answer_is_waited_out(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server) as telegram:
        server.flood(2, 1)
        telegram.post("patience")
        wait_for(server, "patience")
    assert server.asked.count("sendMessage") == 3


def test_a_second_program_with_the_same_token_is_told_of_once(
    room: Room, server: SandboxTelegram, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with open_room(tmp_path / "other") as other, own_bot(room, server), own_bot(other, server):
        server.wait_until(lambda: server.conflicts() >= 6, 30.0)
    told = [text for text in warned(caplog) if "another program polls with the same token" in text]
    assert len(told) == 2, "each of the two says it, once"
    assert "secret" not in caplog.text


def test_a_token_that_is_not_valid_is_told_once_and_not_named(
    room: Room, server: SandboxTelegram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    office = room.office({"token": "333:wrong-secret", "chat_id": str(ANNA), "base_url": server.url})
    assert office.config.telegram is not None
    telegram = OwnTelegram(office.config.telegram, {}, office, patience=QUICK)

    def asked() -> int:
        return sum("getMe" in record.getMessage() for record in caplog.records if record.name == "httpx")

    with running(telegram.run, telegram.close):
        server.wait_until(lambda: asked() >= 3, 20.0)
    assert ["the token of tradai_lifecycle.telegram is not valid" in text for text in warned(caplog)] == [True]
    assert "wrong-secret" not in caplog.text


@pytest.mark.parametrize(
    ("status", "description", "parameters", "told"),
    [
        (400, "Bad Request: chat not found", {}, "chat not found"),
        (403, "Forbidden: bot was blocked by the user", {}, "blocked by the user"),
        (400, "Bad Request: group chat was upgraded", {"migrate_to_chat_id": -100_7}, "set chat_id to -1007"),
    ],
)
def test_a_message_that_telegram_refuses_is_told_and_holds_up_no_other(
    room: Room,
    server: SandboxTelegram,
    caplog: pytest.LogCaptureFixture,
    status: int,
    description: str,
    parameters: dict[str, int],
    told: str,
) -> None:
    with own_bot(room, server) as telegram:
        server.refuse("sendMessage", status, description, 2, **parameters)
        for text in ("one", "two", "three"):
            telegram.post(text)
        wait_for(server, "three")
    assert [message.text for message in server.sent] == ["three"]
    assert [told.lower() in text.lower() for text in warned(caplog)] == [True]


def test_a_refused_command_list_does_not_stop_the_bot(room: Room, server: SandboxTelegram) -> None:
    server.refuse("setMyCommands", 400, "Bad Request: chat not found")
    with own_bot(room, server):
        server.type(ANNA, ANNA, "/pause")
        wait_for(server, "no entries until a resume")
        assert server.commands() == {}
    assert room.actions == [OperatorAction.PAUSE]


def test_what_is_in_hand_at_the_end_is_sent_once(room: Room, server: SandboxTelegram) -> None:
    with own_bot(room, server) as telegram:
        for number in range(20):
            telegram.post(f"last words {number}")
    assert [message.text for message in server.sent] == [f"last words {number}" for number in range(20)]


def test_closing_does_not_wait_for_a_telegram_that_hangs(room: Room, server: SandboxTelegram) -> None:
    office = room.office({"token": TOKEN, "chat_id": str(ANNA), "base_url": server.url})
    assert office.config.telegram is not None
    telegram = OwnTelegram(office.config.telegram, {}, office)
    with server.outage(Outage.HANG):
        with running(telegram.run, telegram.close):
            telegram.post("never")
            begun = time.monotonic()
        assert time.monotonic() - begun < 4.0
        telegram.close()


# the queue by itself


class Away(RecordingWire):
    """A wire that fails until it is told to work; waits for nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.works = asyncio.Event()
        self.tried = asyncio.Event()

    async def send(self, message: Outgoing) -> int:
        self.tried.set()
        if not self.works.is_set():
            raise TelegramAwayError("down", wait_seconds=0.01)
        return await super().send(message)


async def test_the_oldest_messages_give_way_and_their_number_is_told() -> None:
    outbox, wire = Outbox(limit=3), Away()
    sending = asyncio.create_task(outbox.run(wire))
    outbox.put(Outgoing(chat_id=1, text="0"))
    await wire.tried.wait()
    for number in range(1, 8):
        outbox.put(Outgoing(chat_id=1, text=str(number)))
    assert len(outbox) <= 3
    wire.works.set()
    await asyncio.wait_for(outbox.emptied(), 5.0)
    sending.cancel()
    texts = [message.text for message in wire.sent]
    assert [text for text in texts if len(text) == 1] == ["5", "6", "7"]
    assert [text for text in texts if len(text) > 1] == [
        "5 older messages were lost while Telegram could not be reached."
    ]


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, "line of words\n" * 900, "\U0001f600" * 5_000, "a\ud800b\x00c", "", "  \n", "\n" * 5_000 + "end"],
)
def test_any_text_is_cut_into_parts_that_telegram_takes(text: str) -> None:
    parts = parts_of(Outgoing(chat_id=1, text=text, buttons=(Button(label="a", data="b"),)))
    for part in parts:
        assert 1 <= len(part.text.encode("utf-16-le")) // 2 <= LONGEST_TEXT
        assert part.text.strip()
    assert [bool(part.buttons) for part in parts] == [False] * (len(parts) - 1) + [True]
    if len(text) == 10_000:
        assert "".join(part.text for part in parts) == text


def test_a_text_beyond_all_parts_says_that_it_is_cut() -> None:
    parts = parts_of(Outgoing(chat_id=1, text="x" * 100_000))
    assert len(parts) == 10
    assert parts[-1].text.endswith("(and more)")


# the token


def test_a_token_is_taken_out_of_messages_arguments_and_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("httpx", "telegram.ext.Updater", "httpcore.connection"):
        logging.getLogger(name)
    caplog.set_level(logging.DEBUG)
    with token_hidden("1:very-secret") as hiding:
        logging.getLogger("httpx").info("HTTP Request: POST %s", "http://x/bot1:very-secret/getMe")
        logging.getLogger("httpcore.connection").debug("1%3Avery-secret")
        error = ValueError("The token `1:very-secret` was rejected")
        logging.getLogger("telegram.ext.Updater").error("Failed", exc_info=error)
        assert hiding.without_token("1:very-secret") == "1:(token)"
        logging.getLogger("httpx").info("nothing to hide in %s", "this")
    assert "very-secret" not in caplog.text
    assert "ValueError: The token `1:(token)` was rejected" in caplog.text
    assert caplog.records[-1].args == ("this",)
    logging.getLogger("httpx").info("afterwards 1:very-secret")
    assert "very-secret" in caplog.text, "the filter is gone with the bot"


def test_a_conflict_is_over_when_there_was_none_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    troubles = Troubles(clock, timedelta(minutes=10))
    for _ in range(3):
        troubles.failed(Conflict("two"), str)
        troubles.worked()
    assert len(warned(caplog)) == 1
    clock.ahead += timedelta(minutes=10)
    troubles.worked()
    troubles.failed(Conflict("two"), str)
    assert len(warned(caplog)) == 2
