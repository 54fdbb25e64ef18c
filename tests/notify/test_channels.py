"""Every channel keeps one contract: a person gets the whole notice, or the caller gets one kind of error."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from tests.notify.happenings import NOON
from tests.notify.inbox import HttpInbox
from tradai_lifecycle.notify.apprise_channel import apprise_channels
from tradai_lifecycle.notify.channels import LONGEST_TEXT, Channel, ChannelFailedError, TextChannel
from tradai_lifecycle.notify.freqtrade_channel import MOST_PER_LOOP, MOST_WAITING, FreqtradeChannel
from tradai_lifecycle.notify.notice import Notice, Priority
from tradai_lifecycle.notify.redaction import Redactor
from tradai_lifecycle.sandbox.telegram_server import Outage, SandboxTelegram

TOKEN, CHAT = "1234567890:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr", 42


@dataclass(slots=True, kw_only=True)
class Line:
    """A channel with the other end of its line: what arrived, how it is cut and mended, what must not be shown."""

    channel: Channel
    arrived: Callable[[], list[str]]
    cut: Callable[[], Any]
    mend: Callable[[], Any]
    secret: str


@asynccontextmanager
async def telegram_line() -> AsyncIterator[Line]:
    with SandboxTelegram({TOKEN: "life_bot"}) as server:
        request = HTTPXRequest(read_timeout=2.0, connect_timeout=2.0)
        async with Bot(TOKEN, base_url=f"{server.url}/bot", request=request) as bot:

            async def send(text: str) -> None:
                await bot.send_message(CHAT, text)

            outages = [server.outage(Outage.ERROR)]
            yield Line(
                channel=TextChannel("telegram", send),
                arrived=lambda: [message.text for message in server.sent],
                cut=outages[0].__enter__,
                mend=lambda: outages[0].__exit__(None, None, None),
                secret=TOKEN,
            )


@asynccontextmanager
async def freqtrade_line() -> AsyncIterator[Line]:
    from freqtrade.data.dataprovider import DataProvider
    from freqtrade.enums import RunMode

    provider = DataProvider({"runmode": RunMode.DRY_RUN, "timeframe": "1h"}, None)
    channel = FreqtradeChannel()
    cut: list[bool] = []

    def arrived() -> list[str]:
        while not cut and channel.drain(provider.send_msg):
            continue
        return [message.replace("\\", "") for message in provider._msg_queue]

    async def fill() -> None:
        arrived()
        cut.append(True)
        for _ in range(MOST_WAITING):
            await channel.send(notice("filler"))

    def mend() -> None:
        cut.clear()
        arrived()
        provider._msg_queue.clear()

    yield Line(channel=channel, arrived=arrived, cut=fill, mend=mend, secret="no secret")


@asynccontextmanager
async def apprise_line() -> AsyncIterator[Line]:
    inbox = HttpInbox()
    url = f"json://anna:hunter22secret@{inbox.address}/hook/T0K3NT0K3NT0K3N1"
    (channel,) = apprise_channels([url], sender="btc", redact=Redactor(), deadline_seconds=5.0)

    def set_status(status: int) -> None:
        inbox.status = status

    try:
        yield Line(
            channel=channel,
            arrived=lambda: [f"{post['title']}\n{post['message']}" for post in inbox.posted],
            cut=lambda: set_status(500),
            mend=lambda: set_status(200),
            secret="hunter22secret",
        )
    finally:
        inbox.close()


@pytest.fixture(params=[telegram_line, freqtrade_line, apprise_line], ids=["telegram", "freqtrade", "apprise"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    async with request.param() as made:
        yield made


def notice(what: str = "BTC/USDT paused", *details: str) -> Notice:
    return Notice(at=NOON, priority=Priority.NOW, key=what, what=what, details=details)


async def done(answer: Any) -> None:
    if asyncio.iscoroutine(answer):
        await answer


async def test_a_notice_arrives_with_its_title_and_every_line(line: Line) -> None:
    await line.channel.send(notice("paused", "Open: BTC/USDT", "PSI 0.412"))
    (text,) = line.arrived()
    assert "paused" in text
    assert "Open: BTC/USDT\nPSI 0.412" in text


async def test_notices_arrive_in_their_order(line: Line) -> None:
    for number in range(MOST_PER_LOOP + 2):
        await line.channel.send(notice(f"number {number};"))
    assert [f"number {number};" in text for number, text in enumerate(line.arrived())] == [True] * (MOST_PER_LOOP + 2)


async def test_the_same_notice_twice_arrives_twice(line: Line) -> None:
    await line.channel.send(notice())
    await line.channel.send(notice())
    assert len(line.arrived()) == 2


async def test_marks_of_markdown_and_html_arrive_as_they_are(line: Line) -> None:
    odd = "feature_a *b* [c](d) `e <b> & _ ```"
    await line.channel.send(notice("odd", odd))
    (text,) = line.arrived()
    assert odd in text


async def test_a_notice_of_any_length_arrives_and_says_that_it_was_cut(line: Line) -> None:
    await line.channel.send(notice("long", *(f"line {number} " + "x" * 90 for number in range(100))))
    (text,) = line.arrived()
    assert len(text) <= LONGEST_TEXT + 200
    assert text.endswith("(cut short)")


async def test_a_dead_line_raises_one_kind_of_error_that_shows_no_secret_and_works_again(line: Line) -> None:
    await done(line.cut())
    with pytest.raises(ChannelFailedError) as caught:
        await line.channel.send(notice("lost"))
    assert line.channel.name in str(caught.value)
    assert line.secret not in f"{caught.value} {caught.value!r} {line.channel!r} {line.channel.name}"
    line.mend()
    await line.channel.send(notice("found"))
    assert ["found" in text for text in line.arrived()] == [True]


async def test_sending_leaves_the_loop_to_others(line: Line) -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    for number in range(3):
        await line.channel.send(notice(f"number {number}"))
        await asyncio.sleep(0)
    beating.cancel()
    assert beats >= 3
