"""From an event of any thread to every channel, at no cost to the bot."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.notify.happenings import NOON, blocked, changed, commanded, fault, settings
from tests.notify.inbox import HttpInbox
from tests.notify.test_freqtrade_channel import Sent
from tests.notify.test_redaction import TOKEN
from tradai_lifecycle.config import parse_config
from tradai_lifecycle.notify.apprise_channel import apprise_channels
from tradai_lifecycle.notify.assembly import NoticeService, notice_service
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.channels import Channel, ChannelFailedError
from tradai_lifecycle.notify.dispatcher import MOST_EVENTS, Dispatcher, DispatchTiming
from tradai_lifecycle.notify.freqtrade_channel import FreqtradeChannel
from tradai_lifecycle.notify.notice import Notice
from tradai_lifecycle.notify.outlet import OutletTiming
from tradai_lifecycle.notify.redaction import Redactor
from tradai_lifecycle.runtime import Runtime
from tradai_lifecycle.states import Reason
from tradai_lifecycle.store import Ledger

FAST = DispatchTiming(
    quiet=0.02,
    batch=0.5,
    tick=0.02,
    outlet=OutletTiming(deadline_seconds=0.5, first_pause_seconds=0.005, longest_pause_seconds=0.01),
)


class Memorising:
    """A channel that keeps titles; it may be told to fail, or to hang for good."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.titles: list[str] = []
        self.broken = False
        self.hangs = False

    async def send(self, notice: Notice) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            raise ChannelFailedError(self.name, "it is down")
        self.titles.append(notice.title)


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


@contextmanager
def running(dispatcher: Dispatcher) -> Iterator[Dispatcher]:
    """The dispatcher on the lifecycle's real background loop, closed as a session does it."""
    runtime = Runtime("tradai-test")
    runtime.add_task("notices", dispatcher.run)
    runtime.on_close("notices", dispatcher.close)
    runtime.start()
    try:
        yield dispatcher
    finally:
        runtime.close()


def dispatcher(*channels: Channel, board: Board | None = None, timing: DispatchTiming = FAST) -> Dispatcher:
    made = board if board is not None else Board(settings())
    return Dispatcher(made, channels, redact=Redactor([TOKEN]), clock=lambda: NOON, timing=timing)


def test_an_event_reaches_every_channel() -> None:
    one, other = Memorising("one"), Memorising("other")
    with running(dispatcher(one, other)) as telling:
        telling.post(changed())
        until(lambda: bool(one.titles and other.titles))
    assert one.titles == other.titles == ["BTC/USDT paused: significant drift of the features"]


def test_a_batch_that_comes_pair_by_pair_from_several_threads_is_one_notice() -> None:
    channel = Memorising("one")
    pairs = [f"C{number}/USDT" for number in range(8)]
    with running(dispatcher(channel, timing=DispatchTiming(quiet=0.3, batch=5.0, tick=0.02))) as telling:
        threads = [threading.Thread(target=telling.post, args=(changed(pair),)) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: bool(channel.titles))
    assert len(channel.titles) == 1
    assert channel.titles[0].startswith("8 pairs paused: ")


def test_events_that_never_pause_are_told_when_the_batch_has_its_length() -> None:
    channel = Memorising("one")
    with running(dispatcher(channel, timing=DispatchTiming(quiet=5.0, batch=0.2, tick=0.02))) as telling:
        telling.post(changed())
        deadline = time.monotonic() + 4.0
        while not channel.titles and time.monotonic() < deadline:
            telling.post(blocked())
            time.sleep(0.005)
    assert channel.titles


def test_events_before_the_start_are_not_lost() -> None:
    channel = Memorising("one")
    telling = dispatcher(channel)
    telling.post(changed())
    assert channel.titles == []
    with running(telling):
        until(lambda: bool(channel.titles))
    assert channel.titles == ["BTC/USDT paused: significant drift of the features"]


def test_a_dead_and_a_hanging_channel_cost_the_others_nothing_and_are_told_on_them() -> None:
    dead, hanging, well = Memorising("dead"), Memorising("hanging"), Memorising("well")
    dead.broken = hanging.hangs = True
    with running(dispatcher(dead, hanging, well)) as telling:
        telling.post(changed())
        until(lambda: len(well.titles) == 3)
        dead.broken = False
        until(lambda: "Notices reach dead again" in well.titles)
        until(lambda: bool(dead.titles))
    assert well.titles[0].startswith("BTC/USDT paused")
    assert "Notices do not reach dead: it is down" in well.titles
    assert "Notices do not reach hanging: no answer within 0.5 seconds" in well.titles
    assert well.titles.count("Notices do not reach dead: it is down") == 1
    assert "BTC/USDT paused: significant drift of the features" in dead.titles
    assert not any("dead" in title for title in dead.titles)


def test_posting_never_waits_and_never_raises_whatever_hangs() -> None:
    hanging = Memorising("hanging")
    hanging.hangs = True
    telling = dispatcher(hanging)
    with running(telling):
        begun = time.monotonic()
        for number in range(2_000):
            telling.post(fault(f"part {number}", "boom"))
        assert time.monotonic() - begun < 2.0
    telling.post(changed())
    telling.close()


def test_too_many_events_are_dropped_counted_and_told() -> None:
    channel = Memorising("one")
    telling = dispatcher(channel)
    for number in range(MOST_EVENTS + 7):
        telling.post(blocked(later=number))
    with running(telling):
        until(lambda: bool(channel.titles))
    assert channel.titles == ["Events were lost: 7 came faster than they could be told"]


def test_closing_tells_what_was_posted_last() -> None:
    channel = Memorising("one")
    with running(dispatcher(channel, timing=DispatchTiming(quiet=30.0, batch=60.0, tick=30.0))) as telling:
        until(lambda: telling._wake is not None)
        telling.post(changed())
    assert channel.titles == ["BTC/USDT paused: significant drift of the features"]


def test_what_was_posted_before_an_early_close_is_told() -> None:
    channel = Memorising("one")
    telling = dispatcher(channel)
    telling.post(changed())
    telling.close()
    asyncio.run(telling.run())
    assert channel.titles == ["BTC/USDT paused: significant drift of the features"]


def test_half_of_a_secret_that_stands_where_a_text_is_cut_is_not_told_either() -> None:
    channel = Memorising("one")
    with running(dispatcher(channel)) as telling:
        telling.post(fault("store", "x" * 285 + TOKEN))
        until(lambda: bool(channel.titles))
    assert TOKEN[:8] not in channel.titles[0]


def test_closing_takes_about_a_second_though_a_channel_hangs(caplog: pytest.LogCaptureFixture) -> None:
    hanging = Memorising("hanging")
    hanging.hangs = True
    runtime = Runtime("tradai-test")
    telling = dispatcher(hanging, timing=DispatchTiming(quiet=0.02, tick=0.02))
    runtime.add_task("notices", telling.run)
    runtime.start()
    telling.post(changed())
    until(lambda: any(outlet.waiting for outlet in telling._outlets))
    begun = time.monotonic()
    with caplog.at_level(logging.WARNING):
        telling.close()
        telling.close()
    assert time.monotonic() - begun < 1.5
    until(lambda: "Notices were not sent before the end: 1 for hanging" in caplog.text)
    runtime.close()


def test_an_event_that_cannot_be_told_is_reported_once_and_costs_no_other_its_notice() -> None:
    channel = Memorising("one")

    class Moody(Board):
        def take(self, events, now):
            if any(event.at == NOON and event.kind == "fault_reported" for event in events):
                raise ZeroDivisionError(f"with {TOKEN}")
            return super().take(events, now)

    with running(dispatcher(channel, board=Moody(settings()))) as telling:
        telling.post(fault("store", "disk full"))
        telling.post(changed())
        until(lambda: len(channel.titles) == 2)
        telling.post(fault("store", "disk full"))
        telling.post(changed("ETH/USDT", reasons=Reason.NOT_FINITE))
        until(lambda: len(channel.titles) == 3)
    assert channel.titles == [
        "Notices fail, see the log: ZeroDivisionError: with ***",
        "BTC/USDT paused: significant drift of the features",
        "ETH/USDT paused: features are NaN or infinite",
    ]


def test_a_secret_in_an_event_reaches_neither_a_channel_nor_the_log(
    inbox: HttpInbox, caplog: pytest.LogCaptureFixture
) -> None:
    redact = Redactor([TOKEN])
    urls = [f"json://{inbox.address}/{TOKEN}"]
    freqtrade = FreqtradeChannel()
    channels: tuple[Channel, ...] = (freqtrade, *apprise_channels(urls, sender="btc", redact=redact))
    sent = Sent()
    with caplog.at_level(logging.DEBUG), running(dispatcher(*channels)) as telling:
        telling.post(fault("store", f"GET https://api/bot{TOKEN}/x and {TOKEN}"))
        until(lambda: bool(inbox.posted))

        def drained() -> bool:
            freqtrade.drain(sent)
            return bool(sent.messages)

        until(drained)
    assert "All entries are blocked" in inbox.posted[0]["message"]
    assert TOKEN not in f"{inbox.posted} {sent.messages} {caplog.text}"
    assert "All entries are blocked" in caplog.text
    assert '"POST /' in caplog.text


def service(ledger: Ledger, inbox: HttpInbox) -> NoticeService:
    section = {"model_name": "btc", "notices": {"apprise_urls": [f"json://{inbox.address}/hook"]}}
    return notice_service(
        parse_config({"tradai_lifecycle": section}), ledger=ledger, host_config={}, accuracy_of=lambda _version: 0.567
    )


def test_what_a_person_does_in_another_process_is_told_from_the_ledger(ledger: Ledger, inbox: HttpInbox) -> None:
    made = service(ledger, inbox)
    made.dispatcher._timing = FAST
    with running(made.dispatcher) as telling:
        until(lambda: telling._wake is not None)
        until(lambda: made.dispatcher._memory._read_until is not None)
        ledger.record_events([commanded(who="shell:anna", note="news")])
        until(lambda: bool(inbox.posted))
    assert inbox.posted[0]["title"] == "btc: All entries paused by anna: news"
    assert inbox.posted[0]["message"] == "Open positions are not known."
    assert made.freqtrade is not None
    sent = Sent()
    made.freqtrade.drain(sent)
    assert sent.messages == ["\N{LARGE RED CIRCLE} All entries paused by anna: news\nOpen positions are not known."]


def test_channels_that_are_switched_off_are_not_there(ledger: Ledger) -> None:
    async def send(_text: str) -> None:
        """Takes anything."""

    def names(**notices: bool) -> list[str]:
        config = parse_config({"tradai_lifecycle": {"model_name": "btc", "notices": notices}})
        made = notice_service(config, ledger=ledger, host_config={}, send_telegram=send)
        return [channel.name for channel in made.dispatcher._channels]

    assert names() == ["freqtrade", "telegram"]
    assert names(freqtrade=False) == ["telegram"]
    assert names(telegram=False) == ["freqtrade"]


def test_a_ledger_that_cannot_be_read_stops_no_notice(tmp_path: Path, inbox: HttpInbox) -> None:
    broken = tmp_path / "no.sqlite"
    broken.write_text("this is no database", encoding="utf-8")
    made = service(Ledger(broken), inbox)
    made.dispatcher._timing = FAST
    with running(made.dispatcher) as telling:
        telling.post(changed())
        until(lambda: bool(inbox.posted))
    assert inbox.posted[0]["title"].startswith("btc: BTC/USDT paused")
