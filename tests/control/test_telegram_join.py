"""Joining freqtrade's own Telegram bot: its real module and the real client library, before a loopback Telegram."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from freqtrade.data.dataprovider import DataProvider
from freqtrade.enums import RunMode, TradingMode
from freqtrade.persistence import init_db
from freqtrade.rpc import RPCManager
from freqtrade.rpc.telegram import Telegram as FreqtradeTelegram
from telegram.ext import Application, CommandHandler

from tests.control.telegram_room import ANNA, EVE, HOST_TOKEN, Room, open_room, running, wait_for
from tradai_lifecycle.config import TelegramConfig
from tradai_lifecycle.control.telegram.host import find_host
from tradai_lifecycle.control.telegram.join import HANDLER_GROUP, JoinedTelegram, JoinPatience
from tradai_lifecycle.events import StrangerIgnored
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram
from tradai_lifecycle.states import CommandName, OperatorAction

GROUP = -1_001
QUICK = JoinPatience(up_seconds=10.0, look_every_seconds=0.01, register_seconds=5.0)


class AsyncioUntilCleanedUp:
    """asyncio, whose sleep lasts until freqtrade's bot has been shut down, rather than ten seconds."""

    def __init__(self) -> None:
        self.cleaned_up = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, _seconds: float) -> None:
        await asyncio.to_thread(self.cleaned_up.wait)
        self.cleaned_up.clear()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxTelegram]:
    with SandboxTelegram({HOST_TOKEN: "host_bot"}) as running_server:

        def redirected(self: FreqtradeTelegram) -> Any:
            token = self._config["telegram"]["token"]
            return Application.builder().token(token).base_url(f"{running_server.url}/bot").build()

        # freqtrade has no setting for the address of Telegram's servers
        monkeypatch.setattr(FreqtradeTelegram, "_init_telegram_app", redirected)
        # it looks every ten seconds whether it is to end, and ends then, cleaned up or not
        waiting, clean_up = AsyncioUntilCleanedUp(), FreqtradeTelegram._cleanup_telegram

        async def cleaned_up(self: FreqtradeTelegram) -> None:
            await clean_up(self)
            waiting.cleaned_up.set()

        monkeypatch.setattr("freqtrade.rpc.telegram.asyncio", waiting)
        monkeypatch.setattr(FreqtradeTelegram, "_cleanup_telegram", cleaned_up)
        init_db("sqlite://")
        yield running_server


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with open_room(tmp_path) as opened:
        yield opened


@contextmanager
def freqtrade_telegram(**section: Any) -> Iterator[DataProvider]:
    """freqtrade's own RPC modules behind a data provider, as a bot makes them; only the bot itself is not there."""
    config = {
        "runmode": RunMode.DRY_RUN,
        "dry_run": True,
        "exchange": {"name": "binance", "pair_whitelist": []},
        "telegram": {"enabled": True, "token": HOST_TOKEN, "chat_id": str(ANNA), **section},
        "stake_currency": "USDT",
    }
    manager = RPCManager(SimpleNamespace(config=config, trading_mode=TradingMode.SPOT))
    try:
        yield DataProvider(config, None, rpc=manager)
    finally:
        manager.cleanup()


def module_of(provider: DataProvider) -> Any:
    host = find_host(provider)
    assert host is not None
    return host.module


@contextmanager
def joined(room: Room, server: SandboxTelegram, provider: DataProvider, **settings: Any) -> Iterator[JoinedTelegram]:
    host = find_host(provider)
    assert host is not None
    section = TelegramConfig.model_validate(settings) if settings else None
    telegram = JoinedTelegram(section, host, room.office(settings or None), patience=QUICK)
    with running(telegram.run, telegram.close):
        server.wait_until(lambda: server.is_polled() and bool(handlers(provider)))
        yield telegram


def handlers(provider: DataProvider) -> list[Any]:
    application = getattr(module_of(provider), "_app", None)
    return [] if application is None else list(application.handlers.get(HANDLER_GROUP, []))


def flush(server: SandboxTelegram) -> None:
    """Let freqtrade's bot handle everything typed before: it takes updates in their order."""
    before = len(server.sent)
    server.type(ANNA, ANNA, "/tg_info")
    server.wait_until(lambda: any("Freqtrade Bot Info" in message.text for message in server.sent[before:]))


@pytest.mark.parametrize(
    "text", ["/model pause 'why not'", "/model_pause why not", "/MODEL Pause why not", "/model@host_bot pause why not"]
)
def test_model_commands_are_obeyed_beside_freqtrades_own(room: Room, server: SandboxTelegram, text: str) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        server.type(ANNA, ANNA, text, name="anna")
        assert wait_for(server, "no entries until a resume").parse_mode is None
        flush(server)
    (record,) = room.ledger.operator()
    assert (record.action, record.who, record.note) == (OperatorAction.PAUSE, "telegram:42 anna", "why not")
    assert server.unanswered == []


def test_resume_is_free_and_ours(room: Room, server: SandboxTelegram) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        server.type(ANNA, ANNA, "/model pause")
        wait_for(server, "no entries until a resume")
        server.type(ANNA, ANNA, "/resume")
        wait_for(server, "resume done")
    assert room.actions == [OperatorAction.RESUME]


def test_freqtrades_commands_stay_freqtrades(room: Room, server: SandboxTelegram) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        application = module_of(provider)._app
        theirs = {
            name
            for handler in application.handlers[0]
            if isinstance(handler, CommandHandler)
            for name in handler.commands
        }
        ours = {
            name for handler in handlers(provider) if isinstance(handler, CommandHandler) for name in handler.commands
        }
        assert {"status", "start", "stop", "pause", "reload_config"} <= theirs
        assert {"model", "resume", "model_status", "model_reset_drift"} <= ours
        assert not theirs & ours
        flush(server)
        server.type(ANNA, ANNA, "/help")
        wait_for(server, "reload_config")
    assert not any("The model's commands" in message.text for message in server.sent)
    assert room.ledger.operator() == ()


@pytest.mark.parametrize("text", ["/model", "/model help", "/model_help"])
def test_help_names_the_commands_as_they_are_typed_here(room: Room, server: SandboxTelegram, text: str) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        server.type(ANNA, ANNA, text)
        shown = wait_for(server, "You are approver").text
    assert all(f"/model {name.value}" in shown for name in CommandName)


def test_a_misspelt_subcommand_is_answered_with_the_nearest(room: Room, server: SandboxTelegram) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        server.type(ANNA, ANNA, "/model stauts")
        hint = wait_for(server, "Did you mean /model status?")
        assert (hint.chat_id, hint.parse_mode) == (ANNA, None)
    assert room.answered == []


def test_a_dangerous_command_asks_back_over_freqtrades_bot(room: Room, server: SandboxTelegram) -> None:
    room.judge(drifts=True)
    with freqtrade_telegram() as provider, joined(room, server, provider):
        server.type(ANNA, ANNA, "/model resume")
        question = wait_for(server, "Trade on over significant drift")
        server.press(question.message_id, "Confirm", ANNA)
        wait_for(server, "resume done")
    assert room.actions == [OperatorAction.RESUME]


def test_edited_messages_are_not_commands(room: Room, server: SandboxTelegram) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        server.type(ANNA, ANNA, "/model pause", edited=True)
        server.post_in_channel(ANNA, "/model pause")
        flush(server)
        server.type(ANNA, ANNA, "/model help")
        wait_for(server, "You are approver")
    assert room.ledger.operator() == ()


def test_freqtrades_authorized_users_are_obeyed_and_nobody_else(room: Room, server: SandboxTelegram) -> None:
    section = {"chat_id": str(GROUP), "authorized_users": [str(ANNA)]}
    with freqtrade_telegram(**section) as provider, joined(room, server, provider):
        server.type(GROUP, EVE, "/model pause", name="eve")
        server.type(EVE, EVE, "/model pause")
        server.type(GROUP, ANNA, "/model reduce 50%")
        wait_for(server, "50%")
        assert {message.chat_id for message in server.sent} == {GROUP}
    assert room.actions == [OperatorAction.REDUCE]
    assert [event.who for event in room.events if isinstance(event, StrangerIgnored)] == ["telegram:666 eve"]


def test_notices_go_to_freqtrades_chat_and_topic(room: Room, server: SandboxTelegram) -> None:
    section = {"chat_id": str(GROUP), "topic_id": "7", "authorized_users": [str(ANNA)]}
    with freqtrade_telegram(**section) as provider, joined(room, server, provider) as telegram:
        telegram.post("one_two *")
        notice = wait_for(server, "one_two *")
    assert (notice.chat_id, notice.topic_id, notice.parse_mode) == (GROUP, 7, None)


def test_after_closing_nothing_is_answered_and_no_handler_is_left(room: Room, server: SandboxTelegram) -> None:
    with freqtrade_telegram() as provider:
        with joined(room, server, provider):
            pass
        server.wait_until(lambda: not handlers(provider))
        server.type(ANNA, ANNA, "/model pause")
        flush(server)
    assert room.ledger.operator() == ()
    assert not any("until a resume" in message.text for message in server.sent)


def test_a_second_session_takes_the_handlers_over_so_that_nothing_is_answered_twice(
    room: Room, server: SandboxTelegram
) -> None:
    with freqtrade_telegram() as provider, joined(room, server, provider):
        old = handlers(provider)
        with joined(room, server, provider):
            server.wait_until(lambda: handlers(provider) != old)
            server.type(ANNA, ANNA, "/model pause")
            wait_for(server, "no entries until a resume")
            flush(server)
            assert len(handlers(provider)) == 2
    assert sum("until a resume" in message.text for message in server.sent) == 1
    assert len(room.answered) == 1


def test_a_reloaded_bot_is_joined_anew(room: Room, server: SandboxTelegram) -> None:
    for number in (1, 2):
        with freqtrade_telegram() as provider, joined(room, server, provider):
            server.type(ANNA, ANNA, f"/model reduce {number}0%")
            wait_for(server, f"cut to {number}0%")
            flush(server)
    assert sum("stakes are cut" in message.text for message in server.sent) == 2


def test_closing_while_freqtrade_ends_raises_nothing(room: Room, server: SandboxTelegram) -> None:
    with freqtrade_telegram() as provider:
        host = find_host(provider)
        assert host is not None
        telegram = JoinedTelegram(None, host, room.office(), patience=QUICK)
        with running(telegram.run, telegram.close):
            server.wait_until(lambda: server.is_polled() and bool(handlers(provider)))
            thread = module_of(provider)._thread
            manager = provider._DataProvider__rpc  # type: ignore[attr-defined]
            manager.cleanup()
            telegram.post("too late")
        telegram.close()
    assert not thread.is_alive()
