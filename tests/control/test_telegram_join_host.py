"""What joining freqtrade's bot relies on: its parts as they are probed, its list of people, its loop."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from telegram.ext import Application

from tests.control.telegram_room import ANNA, BOB, Room, open_room
from tradai_lifecycle.config import TelegramConfig
from tradai_lifecycle.control.telegram import open_telegram
from tradai_lifecycle.control.telegram.host import HostChangedError, HostTelegram, find_host
from tradai_lifecycle.control.telegram.join import JoinedTelegram, JoinPatience, open_joined
from tradai_lifecycle.control.telegram.names import joined_names
from tradai_lifecycle.control.telegram.outbox import Outgoing, TelegramAwayError
from tradai_lifecycle.control.telegram.people import people_of_joined_bot
from tradai_lifecycle.control.telegram.wire import ForeignWire
from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.states import Role

IMPATIENT = JoinPatience(up_seconds=0.1, look_every_seconds=0.01)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with open_room(tmp_path) as opened:
        yield opened


# what is probed


class Changed:
    """A host that lacks parts."""

    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


CLOSED_LOOP = asyncio.new_event_loop()
CLOSED_LOOP.close()


def module(**parts: Any) -> Changed:
    whole = {
        "name": "telegram",
        "_config": {"telegram": {"chat_id": str(ANNA)}},
        "_loop": CLOSED_LOOP,
        "_app": Application.builder().token("1:x").build(),
    }
    return Changed(**{name: part for name, part in {**whole, **parts}.items() if part is not None})


def provider_of(*modules: Any) -> Changed:
    return Changed(_DataProvider__rpc=Changed(registered_modules=list(modules)))


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        (Changed(), "DataProvider.__rpc"),
        (Changed(_DataProvider__rpc=Changed()), "RPCManager.registered_modules"),
        (provider_of(Changed(name="telegram")), "Telegram._config"),
        (provider_of(Changed(name="telegram", _config={})), "Telegram._config"),
    ],
)
def test_a_missing_part_of_freqtrade_is_named_once_with_what_to_do(
    room: Room, caplog: pytest.LogCaptureFixture, provider: Changed, missing: str
) -> None:
    with pytest.raises(HostChangedError, match=missing):
        find_host(provider)
    office = room.office()
    line = open_telegram(
        desk=office.desk,
        ledger=room.ledger,
        config=office.config,
        freqtrade_config={"telegram": {"enabled": True, "token": "1:x"}},
        data_provider=provider,
        on_event=room.events.append,
    )
    assert line is None
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert f"it has no {missing}" in warning
    assert "tradai_lifecycle.telegram.token" in warning


@pytest.mark.parametrize("part", ["_loop", "_app"])
def test_a_part_that_never_comes_up_is_named(room: Room, caplog: pytest.LogCaptureFixture, part: str) -> None:
    host = find_host(provider_of(module(**{part: None})))
    assert host is not None
    telegram = JoinedTelegram(None, host, room.office(), patience=IMPATIENT)
    telegram.post("goes nowhere")
    asyncio.run(telegram.run())
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert f"it has no Telegram.{part}" in warning
    telegram.close()


def test_a_bot_that_does_not_come_up_is_told(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    host = find_host(provider_of(module()))
    assert host is not None
    telegram = JoinedTelegram(None, host, room.office(), patience=IMPATIENT)
    asyncio.run(telegram.run())
    assert "it did not come up" in caplog.text


@pytest.mark.parametrize(
    "provider", [Changed(_DataProvider__rpc=None), provider_of(), provider_of(Changed(name="discord"))]
)
def test_where_freqtrades_telegram_is_off_there_is_nothing_to_join(provider: Changed) -> None:
    assert find_host(provider) is None


def test_only_free_names_are_taken() -> None:
    every = joined_names(()).every
    assert {"model", "model_help", "resume", "model_rollback"} <= every
    assert joined_names({"resume", "model_rollback"}).every == every - {"resume", "model_rollback"}
    without = joined_names({"model"})
    assert "model" not in without.every
    assert "/model_pause" in without.help_text(Role.APPROVER)


@pytest.mark.parametrize(
    "section", [{"chat_id": "@channel"}, {}, {"chat_id": "-7", "topic_id": "x"}], ids=["name", "none", "topic"]
)
def test_a_section_of_freqtrades_that_names_no_chat_is_told_and_stops_nothing(
    room: Room, caplog: pytest.LogCaptureFixture, section: dict[str, str]
) -> None:
    provider = provider_of(Changed(name="telegram", _config={"telegram": section}))
    assert open_joined(None, provider, room.office()) is None
    assert "is no number" in caplog.text
    with pytest.raises(ConfigurationError, match="is no number"):
        open_joined(TelegramConfig.model_validate({"chat_id": "@ours"}), provider, room.office())


async def test_handlers_that_cannot_be_added_are_told(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        bot, handlers = None, None
        add_handler = remove_handler = None

    host = find_host(provider_of(module(_app=Odd(), _loop=asyncio.get_running_loop())))
    assert host is not None
    await JoinedTelegram(None, host, room.office(), patience=IMPATIENT).run()
    assert "it has no place for handlers as it was" in caplog.text


# who is obeyed


@pytest.mark.parametrize(
    ("settings", "section", "obeyed"),
    [
        (None, {"chat_id": "42"}, {ANNA: Role.APPROVER, BOB: None}),
        (None, {"chat_id": "-7"}, {ANNA: Role.VIEWER, BOB: Role.VIEWER}),
        (None, {"chat_id": "-7", "authorized_users": ["43"]}, {ANNA: None, BOB: Role.APPROVER}),
        (None, {"chat_id": "-7", "authorized_users": []}, {ANNA: None, BOB: None}),
        ({"authorized_users": {"42": "operator"}}, {"chat_id": "-7"}, {ANNA: Role.OPERATOR, BOB: None}),
        (
            {"authorized_users": {"42": "operator"}},
            {"chat_id": "-7", "authorized_users": ["43"]},
            {ANNA: Role.OPERATOR, BOB: None},
        ),
    ],
)
def test_our_own_list_comes_before_freqtrades(
    settings: dict[str, Any] | None, section: dict[str, Any], obeyed: dict[int, Role | None]
) -> None:
    own = TelegramConfig.model_validate(settings) if settings is not None else None
    people = people_of_joined_bot(own, section)
    assert {user: people.role_of(int(section["chat_id"]), user) for user in obeyed} == obeyed
    assert all(people.role_of(1, user) is None for user in obeyed)


def test_the_topic_of_freqtrade_is_kept() -> None:
    people = people_of_joined_bot(None, {"chat_id": "-7", "topic_id": "5"})
    assert [people.listens_to(topic) for topic in (5, None, 6)] == [True, False, False]


# calls on another thread's loop


@pytest.mark.parametrize("running_for", ["hangs", "never", "closed"])
async def test_a_loop_that_does_not_answer_is_a_telegram_that_is_away(running_for: str) -> None:
    class Bot:
        async def send_message(self, *_: Any, **__: Any) -> Any:
            await asyncio.Event().wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    if running_for == "hangs":
        thread.start()
    elif running_for == "closed":
        loop.close()
    wire = ForeignWire(Bot(), loop, seconds=0.1)  # type: ignore[arg-type]
    try:
        with pytest.raises(TelegramAwayError, match="freqtrade's Telegram bot"):
            await wire.send(Outgoing(chat_id=1, text="hello"))
    finally:
        if running_for == "hangs":
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
        loop.close()


def test_a_host_is_named_by_its_parts() -> None:
    host = HostTelegram(module=Changed(_app=object(), _loop=None), section={})
    with pytest.raises(HostChangedError, match="add_handler"):
        _ = host.application
    assert host.is_up is False
