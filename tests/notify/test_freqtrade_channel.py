"""freqtrade's own messages: from the main thread, past its cache, and never lost to a single underscore."""

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import Bot
from telegram.constants import ParseMode

from tests.notify.test_channels import CHAT, TOKEN, notice
from tradai_lifecycle.notify.channels import ChannelFailedError
from tradai_lifecycle.notify.freqtrade_channel import MOST_PER_LOOP, MOST_WAITING, FreqtradeChannel, escaped
from tradai_lifecycle.sandbox.telegram_markup import text_fault
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram


class Sent:
    """Takes messages as freqtrade's data provider does, with the thread they came from."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.threads: list[int] = []

    def __call__(self, message: str, *, always_send: bool) -> None:
        assert always_send
        self.messages.append(message)
        self.threads.append(threading.get_ident())


async def test_messages_are_handed_over_only_by_the_thread_that_drains() -> None:
    channel, sent = FreqtradeChannel(), Sent()
    await asyncio.to_thread(asyncio.run, channel.send(notice()))
    assert sent.messages == []
    assert channel.drain(sent) == 1
    assert sent.threads == [threading.get_ident()]


async def test_a_loop_hands_over_a_few_and_the_next_one_the_rest() -> None:
    channel, sent = FreqtradeChannel(), Sent()
    for number in range(MOST_PER_LOOP + 3):
        await channel.send(notice(f"number {number}"))
    assert (channel.drain(sent), channel.drain(sent), channel.drain(sent)) == (MOST_PER_LOOP, 3, 0)


async def test_a_bot_that_hangs_is_a_dead_channel_with_a_bounded_queue() -> None:
    channel = FreqtradeChannel()
    for _ in range(MOST_WAITING):
        await channel.send(notice())
    for _ in range(3):
        with pytest.raises(ChannelFailedError, match="50 notices wait for the bot's main thread"):
            await channel.send(notice())


async def test_an_error_of_freqtrade_costs_the_bot_nothing_and_the_rest_is_kept() -> None:
    channel, sent = FreqtradeChannel(), Sent()
    await channel.send(notice("first"))
    await channel.send(notice("second"))

    def broken(message: str, *, always_send: bool) -> None:
        raise RuntimeError("rpc is gone")

    assert channel.drain(broken) == 0
    assert channel.drain(sent) == 1
    assert "second" in sent.messages[0]


@given(text=st.text(alphabet="ab_*`[]()\\\n ", min_size=1, max_size=60).filter(str.strip))
@settings(max_examples=300, deadline=None)
def test_no_text_is_refused_by_legacy_markdown(text: str) -> None:
    assert text_fault(escaped(text), "Markdown") is None


def test_without_the_escape_a_feature_name_would_be_refused() -> None:
    assert text_fault("feature %-rsi_14 is stuck", "Markdown") is not None


async def test_a_notice_goes_through_freqtrades_own_queue_to_telegram_as_it_was_written() -> None:
    from freqtrade.data.dataprovider import DataProvider
    from freqtrade.enums import RunMode
    from freqtrade.rpc.rpc_manager import RPCManager

    messages: list[dict[str, Any]] = []

    class Module:
        name = "telegram"
        _config = {"telegram": {"allow_custom_messages": True}}  # noqa: RUF012

        def send_msg(self, message: dict[str, Any]) -> None:
            messages.append(message)

    provider = DataProvider({"runmode": RunMode.DRY_RUN, "timeframe": "1h"}, None)
    manager = RPCManager.__new__(RPCManager)
    manager.registered_modules = [Module()]
    channel = FreqtradeChannel()
    words = "feature %-rsi_14 *stuck* [now"
    await channel.send(notice(words))
    channel.drain(provider.send_msg)
    manager.process_msg_queue(provider._msg_queue)
    with SandboxTelegram({TOKEN: "host_bot"}) as server:
        async with Bot(TOKEN, base_url=f"{server.url}/bot") as bot:
            for message in messages:
                await bot.send_message(CHAT, message["msg"], parse_mode=ParseMode.MARKDOWN)
        (arrived,) = server.sent
    assert words in arrived.text.replace("\\", "")
