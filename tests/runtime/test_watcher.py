"""The watcher brings the production version as far as the slot, says so once, and outlives what fails beside it."""

import asyncio

import numpy as np

from tests.model.bundles import ROWS
from tests.runtime.conftest import assert_adopted
from tradai_lifecycle.events import CandidateDecided
from tradai_lifecycle.runtime import Poll
from tradai_lifecycle.states import CandidateOutcome, SwapOutcome


async def test_the_production_version_is_checked_and_staged(stage):
    watcher = stage.make_watcher()
    version = stage.publish()
    poll = await watcher.poll_once()
    detail = "v1 passed every check"
    assert poll == Poll(at=stage.now, reachable=True, version="1", outcome=CandidateOutcome.STAGED, detail=detail)
    assert stage.events == [
        CandidateDecided(at=stage.now, version=version, outcome=CandidateOutcome.STAGED, detail=detail)
    ]
    assert stage.slot.current is None
    assert stage.slot.adopt() is SwapOutcome.ADOPTED
    np.testing.assert_array_equal(stage.slot.current.predict(ROWS[:2]), 1.0)
    assert (watcher.last_poll, watcher.last_success_at) == (poll, stage.now)


async def test_without_a_production_version_nothing_happens(stage):
    watcher = stage.make_watcher()
    assert await watcher.poll_once() == Poll(at=stage.now, reachable=True)
    assert stage.events == []


async def test_the_current_version_is_not_fetched_or_reported_again(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    stage.events.clear()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.ALREADY_CURRENT
    assert (stage.events, stage.source.fetched) == ([], ["1"])


async def test_an_older_version_in_production_is_a_candidate_like_any_other(stage):
    watcher = stage.make_watcher()
    stage.publish()
    await assert_adopted(stage, watcher, stage.publish())
    stage.source.promote("1")
    await assert_adopted(stage, watcher, "1")
    assert stage.decisions == [(version, CandidateOutcome.STAGED) for version in ("2", "1")]


async def test_each_staging_is_told_also_of_a_version_that_was_staged_before(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await assert_adopted(stage, watcher, stage.publish())
    stage.source.promote("1")
    await assert_adopted(stage, watcher, "1")
    assert stage.decisions == [(version, CandidateOutcome.STAGED) for version in ("1", "2", "1")]


async def test_a_candidate_that_was_taken_back_is_not_adopted(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.poll_once()
    assert stage.slot.staged.version == "2"
    stage.source.promote("1")
    await watcher.poll_once()
    assert stage.slot.adopt() is SwapOutcome.NOTHING_STAGED


async def test_polls_asked_for_at_the_same_time_take_turns(stage):
    watcher = stage.make_watcher()
    stage.publish()
    polls = await asyncio.gather(*(watcher.poll_once() for _ in range(5)))
    assert [poll.outcome for poll in polls] == [CandidateOutcome.STAGED] * 5
    assert stage.faults == []
    assert stage.source.fetched == ["1"]


async def test_a_listener_that_fails_does_not_stop_the_watcher(stage):
    heard = []

    def fail(event):
        heard.append(event.version)
        raise RuntimeError("no listener")

    watcher = stage.make_watcher(on_event=fail)
    for version in ("1", "2"):
        assert stage.publish() == version
        await assert_adopted(stage, watcher, version)
    assert heard == ["1", "2"]
