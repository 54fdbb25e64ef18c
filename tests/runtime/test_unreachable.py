"""A registry that cannot be reached costs patience, never the bot: deadlines, back-off, one call at a time."""

import asyncio
import threading
import time
from random import Random

import pytest

from tests.model.hostile_servers import DRIP_BODY, DRIP_HEADERS, SILENT, hostile_server, refusing_address
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.states import CandidateOutcome


async def polled_in_time(stage, address):
    """One poll of an MLflow address, with a deadline of half a second."""
    source = MlflowSource(address, "btc", deadline_seconds=20.0)
    watcher = stage.make_watcher(source=source, poll_deadline_seconds=0.5)
    began = time.monotonic()
    try:
        poll = await watcher.poll_once()
        assert time.monotonic() - began < 2.0
    finally:
        source.close()
    return poll


@pytest.mark.parametrize("behaviour", [SILENT, DRIP_HEADERS, DRIP_BODY])
async def test_a_server_that_hangs_or_drips_is_unreachable_within_the_deadline(stage, behaviour):
    with hostile_server(behaviour) as address:
        poll = await polled_in_time(stage, address)
    assert (poll.reachable, poll.outcome) == (False, None)
    assert stage.faults == [("registry", False)]


async def test_a_port_that_refuses_is_unreachable(stage):
    poll = await polled_in_time(stage, refusing_address())
    assert "cannot be reached" in poll.detail


async def test_hung_calls_do_not_pile_up(stage):
    release, asked = threading.Event(), []

    def hang():
        asked.append(True)
        release.wait(30)

    stage.source.before = hang
    stage.publish()
    watcher = stage.make_watcher(poll_deadline_seconds=0.05)
    before = threading.active_count()
    details = [(await watcher.poll_once()).detail for _ in range(5)]
    assert threading.active_count() == before + 1
    assert len(asked) == 1
    assert details == ["no answer within 0.05 seconds", *["an earlier call still hangs"] * 4]
    release.set()
    for thread in threading.enumerate():
        if thread.name == "tradai-registry":
            thread.join(5)
    stage.reachable()
    watcher = stage.make_watcher()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.STAGED


async def test_an_outage_is_told_once_and_so_is_its_end(stage):
    watcher = stage.make_watcher()
    stage.publish()
    stage.unreachable()
    for _ in range(3):
        assert (await watcher.poll_once()).reachable is False
    assert watcher.last_success_at is None
    stage.reachable()
    stage.later(minutes=5)
    for _ in range(2):
        assert (await watcher.poll_once()).reachable
    assert stage.faults == [("registry", False), ("registry", True)]
    assert watcher.last_success_at == stage.now


async def test_unreachable_polls_double_the_delay_up_to_ten_minutes(stage):
    watcher = stage.make_watcher()
    stage.unreachable()
    delays = []
    for _ in range(6):
        delays.append(watcher.next_delay_seconds())
        await watcher.poll_once()
    for delay, expected in zip(delays, [60, 120, 240, 480, 600, 600], strict=True):
        assert 0.9 * expected <= delay <= 1.1 * expected
    stage.reachable()
    await watcher.poll_once()
    assert watcher.next_delay_seconds() <= 66


async def test_a_refused_version_does_not_slow_the_polls(stage):
    from tests.model.bundles import bundle

    watcher = stage.make_watcher()
    stage.publish(bundle(horizon_candles=1))
    for _ in range(4):
        await watcher.poll_once()
        assert 54 <= watcher.next_delay_seconds() <= 66


async def test_the_jitter_is_ten_percent_and_repeatable(stage):
    delays = [stage.make_watcher(random=Random(7)).next_delay_seconds() for _ in range(2)]
    assert delays[0] == delays[1]
    watcher = stage.make_watcher()
    spread = [watcher.next_delay_seconds() for _ in range(500)]
    assert 54 <= min(spread) < 55 < 65 < max(spread) <= 66


async def test_running_goes_on_after_an_error_and_says_so_once(stage):
    paused = []

    def break_down():
        raise KeyError("a bug")

    async def pause(seconds):
        paused.append(seconds)
        if len(paused) == 2:
            stage.reachable()
        if len(paused) == 4:
            raise asyncio.CancelledError

    stage.publish()
    stage.source.before = break_down
    watcher = stage.make_watcher(pause=pause)
    with pytest.raises(asyncio.CancelledError):
        await watcher.run()
    assert stage.faults == [("watcher", False), ("watcher", True)]
    assert stage.slot.staged.version == "1"
    assert all(54 <= seconds <= 66 for seconds in paused)


async def test_running_begins_with_the_last_good_model(stage):
    watcher = stage.make_watcher()
    stage.publish()
    await watcher.poll_once()
    stage.slot.adopt()
    await watcher.poll_once()
    stage.unreachable()

    async def pause(seconds):
        raise asyncio.CancelledError

    watcher = stage.make_watcher(pause=pause)
    with pytest.raises(asyncio.CancelledError):
        await watcher.run()
    assert stage.slot.staged.version == "1"


async def test_a_poll_can_be_called_for_at_once(stage):
    watcher = stage.make_watcher(config={"poll_interval_seconds": 86_400.0})
    await watcher.poll_now()
    await asyncio.wait_for(watcher._wait(86_400.0), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watcher._wait(86_400.0), 0.01)
