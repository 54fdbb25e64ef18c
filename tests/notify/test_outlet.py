"""A channel's queue: in order, patient with the channel, of use to the others, bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import pytest

from tests.notify.happenings import NOON
from tradai_lifecycle.notify.channels import ChannelFailedError
from tradai_lifecycle.notify.notice import Notice, Priority
from tradai_lifecycle.notify.outlet import (
    FAILURES_UNTIL_DEAD,
    MOST_WAITING,
    PASSED_BY,
    PATIENT_ATTEMPTS,
    Outlet,
    OutletTiming,
)
from tradai_lifecycle.notify.redaction import Redactor

FAST = OutletTiming(deadline_seconds=0.2, first_pause_seconds=0.001, longest_pause_seconds=0.002)


class Commanded:
    """A channel that fails or hangs as told, and signals each attempt."""

    name = "slack"

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.attempts = 0
        self.refused: set[str] = set()
        self.broken: Exception | None = None
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.attempted = asyncio.Condition()

    async def send(self, notice: Notice) -> None:
        async with self.attempted:
            self.attempts += 1
            self.attempted.notify_all()
        await self.let_go.wait()
        if self.broken is not None or notice.what in self.refused:
            raise self.broken or ChannelFailedError(self.name, "bad request token=abc")
        self.arrived.append("\n".join((notice.title, *notice.details)))

    async def tried(self, times: int) -> None:
        async with asyncio.timeout(10), self.attempted:
            await self.attempted.wait_for(lambda: self.attempts >= times)


class Post:
    """An outlet over a commanded channel, and what it asks the others to tell."""

    def __init__(self, timing: OutletTiming = FAST) -> None:
        self.channel = Commanded()
        self.others: list[str] = []
        self.now = NOON
        self.outlet = Outlet(
            self.channel,
            redact=Redactor(),
            tell_others=lambda name, notice: self.others.append(f"{name}: {notice.title}"),
            clock=lambda: self.now,
            timing=timing,
            random=Random(1),
        )

    async def emptied(self) -> None:
        async with asyncio.timeout(10):
            await self.outlet.emptied()


@asynccontextmanager
async def running(post: Post) -> AsyncIterator[Post]:
    task = asyncio.create_task(post.outlet.run())
    try:
        yield post
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def notice(what: str, priority: Priority = Priority.NOW) -> Notice:
    return Notice(at=NOON, priority=priority, key=what, what=what)


async def test_notices_arrive_in_order_over_failures() -> None:
    async with running(Post()) as post:
        post.channel.broken = OSError("no route")
        for number in range(5):
            post.outlet.offer(notice(f"number {number}"))
        await post.channel.tried(2)
        post.channel.broken = None
        await post.emptied()
    assert post.channel.arrived == [f"number {number}" for number in range(5)]


async def test_a_dead_channel_is_told_once_on_the_others_and_once_when_it_works() -> None:
    async with running(Post()) as post:
        post.channel.broken = ChannelFailedError("slack", "refused password=hunter2")
        post.outlet.offer(notice("one"))
        await post.channel.tried(FAILURES_UNTIL_DEAD + 6)
        assert post.others == ["slack: Notices do not reach slack: refused password=***"]
        post.channel.broken = None
        await post.emptied()
        assert post.others[1:] == ["slack: Notices reach slack again"]
        post.outlet.offer(notice("two"))
        await post.emptied()
    assert len(post.others) == 2


async def test_one_failure_is_nobodys_business() -> None:
    async with running(Post()) as post:
        post.channel.broken = OSError("reset")
        post.outlet.offer(notice("one"))
        await post.channel.tried(1)
        post.channel.broken = None
        await post.emptied()
    assert post.others == []


async def test_a_channel_that_hangs_past_its_deadline_has_failed() -> None:
    async with running(Post(OutletTiming(deadline_seconds=0.01, first_pause_seconds=0.001))) as post:
        post.channel.let_go.clear()
        post.outlet.offer(notice("one"))
        await post.channel.tried(FAILURES_UNTIL_DEAD + 1)
        post.channel.let_go.set()
        await post.emptied()
    assert post.others[0] == "slack: Notices do not reach slack: no answer within 0.01 seconds"
    assert post.channel.arrived == ["one"]


async def test_a_notice_that_the_channel_never_takes_lets_the_others_pass_and_is_given_up() -> None:
    async with running(Post()) as post:
        post.channel.refused.add("poison")
        for what in ("poison", "one", "two", "three"):
            post.outlet.offer(notice(what))
        await post.emptied()
    assert post.channel.arrived == ["one", "two", "three"]
    assert post.outlet.dropped == 1
    assert post.channel.attempts <= PASSED_BY * (2 * PATIENT_ATTEMPTS + 2)
    assert post.others == [
        "slack: Notices do not reach slack: bad request token=***",
        "slack: Notices reach slack again",
    ]


async def test_an_outage_however_long_loses_nothing_and_moves_at_most_one_notice() -> None:
    async with running(Post()) as post:
        post.channel.broken = OSError("no route")
        for number in range(5):
            post.outlet.offer(notice(f"number {number}"))
        await post.channel.tried(10 * PATIENT_ATTEMPTS)
        post.channel.broken = None
        await post.emptied()
    assert sorted(post.channel.arrived) == [f"number {number}" for number in range(5)]
    assert post.channel.arrived[2:] == [f"number {number}" for number in range(2, 5)]
    assert post.outlet.dropped == 0


async def test_of_too_many_the_oldest_that_can_wait_is_dropped_and_counted() -> None:
    post = Post()
    for what in ("first", "second"):
        post.outlet.offer(notice(what))
    post.outlet.offer(notice("digest", Priority.DIGEST))
    for number in range(MOST_WAITING - 2):
        post.outlet.offer(notice(f"number {number}"))
    assert (post.outlet.waiting, post.outlet.dropped) == (MOST_WAITING, 1)
    async with running(post):
        await post.emptied()
    assert post.channel.arrived == ["first", "second", *(f"number {number}" for number in range(MOST_WAITING - 2))]


async def test_of_too_many_urgent_ones_the_oldest_that_is_not_on_its_way_is_dropped() -> None:
    post = Post()
    for number in range(MOST_WAITING + 1):
        post.outlet.offer(notice(f"number {number}"))
    async with running(post):
        await post.emptied()
    assert post.channel.arrived[:2] == ["number 0", "number 2"]
    assert post.outlet.dropped == 1


async def test_what_arrives_late_says_of_when_it_is() -> None:
    post = Post()
    post.outlet.offer(notice("paused"))
    post.now = NOON + timedelta(minutes=6)
    async with running(post):
        await post.emptied()
    assert post.channel.arrived == ["paused\nThis is of 2026-03-01 12:00 UTC."]


@pytest.mark.parametrize("failures", [1, 2, 5, 20, 100])
def test_pauses_grow_to_the_longest_and_no_further(failures: int) -> None:
    post = Post(OutletTiming(first_pause_seconds=2.0, longest_pause_seconds=600.0))
    post.outlet._failures = failures
    pauses = [post.outlet._pause_seconds() for _ in range(50)]
    expected = min(2.0 * 2 ** (failures - 1), 600.0)
    assert all(0.9 * expected <= pause <= 1.1 * expected for pause in pauses)
    assert len(set(pauses)) > 1
