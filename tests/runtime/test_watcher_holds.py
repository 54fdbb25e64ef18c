"""A pin, a held version, a person who must confirm and the limit of swaps decide over what is in production."""

import asyncio
from datetime import timedelta

import numpy as np

from tests.model.bundles import ROWS, constant
from tests.runtime.conftest import assert_adopted
from tradai_lifecycle.states import CandidateOutcome, SwapOutcome


async def test_a_pinned_slot_holds_and_the_candidate_is_not_even_fetched(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await stage.slot.pin()
    stage.publish()
    for _ in range(2):
        assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN
    assert stage.decisions[1:] == [("2", CandidateOutcome.HELD_BY_PIN)]
    assert stage.source.fetched == ["1"]
    await stage.slot.unpin()
    await assert_adopted(stage, watcher, "2")


async def test_the_poll_after_a_rollback_does_not_bring_the_bad_version_back(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await assert_adopted(stage, watcher, stage.publish())
    assert await stage.slot.rollback() is SwapOutcome.ROLLED_BACK
    assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN
    assert stage.slot.adopt() is SwapOutcome.NOTHING_STAGED
    assert stage.slot.current.version == "1"


async def test_a_held_version_is_followed_whatever_is_in_production(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm", "maximum_swaps_per_day": 0})
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.hold("2")
    await assert_adopted(stage, watcher, "2")
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.ALREADY_CURRENT
    await watcher.hold(None)
    assert (await watcher.poll_once()).version == "3"


async def test_the_way_back_to_the_previous_version_works_while_the_registry_is_down(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await assert_adopted(stage, watcher, stage.publish())
    first = stage.slot.previous
    stage.unreachable()
    await watcher.hold("1")
    await assert_adopted(stage, watcher, "1")
    assert stage.slot.current is first
    assert (await watcher.poll_once()).reachable is False


async def test_the_way_back_to_a_cached_version_works_while_the_registry_is_down(stage):
    watcher = stage.make_watcher()
    for _ in range(3):
        await assert_adopted(stage, watcher, stage.publish())
    stage.unreachable()
    await watcher.hold("1")
    await assert_adopted(stage, watcher, "1")
    assert stage.source.fetched == ["1", "2", "3"]
    np.testing.assert_array_equal(stage.slot.current.predict(ROWS[:2]), 1.0)


async def test_a_held_version_that_does_not_exist_is_refused(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await watcher.hold("9")
    assert (await watcher.poll_once()).outcome is CandidateOutcome.INCOMPLETE
    assert stage.slot.current.version == "1"


async def test_a_pin_set_during_the_checks_holds(stage):
    async def pin():
        await stage.slot.pin()

    loop = asyncio.get_running_loop()
    watcher = stage.make_watcher(
        probe=lambda *_args, **_keywords: asyncio.run_coroutine_threadsafe(pin(), loop).result(5)
    )
    await stage.slot.swap(constant(9))
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN
    assert stage.slot.staged is None


async def test_with_adoption_pinned_only_the_first_model_gets_in(stage):
    watcher = stage.make_watcher(config={"adoption": "pinned"})
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN


async def test_a_candidate_waits_for_confirmation_but_the_first_model_does_not(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    for _ in range(2):
        assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION
    assert stage.slot.staged is None
    assert watcher.awaiting_confirmation.version == "2"
    assert await watcher.confirm("v2") is SwapOutcome.STAGED
    assert stage.slot.adopt() is SwapOutcome.ADOPTED
    outcomes = [outcome for _, outcome in stage.decisions[1:]]
    assert outcomes == [CandidateOutcome.AWAITING_CONFIRMATION, CandidateOutcome.STAGED]
    assert stage.source.fetched == ["1", "2"]


async def test_a_confirmation_may_come_before_the_candidate_was_seen(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await assert_adopted(stage, watcher, stage.publish())
    assert await watcher.confirm("2") is SwapOutcome.NOTHING_STAGED
    await assert_adopted(stage, watcher, stage.publish())


async def test_confirming_a_candidate_that_was_taken_back_stages_nothing(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.poll_once()
    stage.source.promote("1")
    await watcher.poll_once()
    assert await watcher.confirm("2") is SwapOutcome.NOTHING_STAGED
    assert stage.slot.staged is None


async def test_a_confirmation_counts_for_one_adoption(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await assert_adopted(stage, watcher, stage.publish())
    await watcher.confirm("2")
    await assert_adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    assert await stage.slot.rollback() is SwapOutcome.ROLLED_BACK
    await stage.slot.unpin()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION


async def test_a_held_version_ends_a_confirmation_that_was_not_used(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await assert_adopted(stage, watcher, stage.publish())
    await watcher.confirm("2")
    await watcher.hold("1")
    stage.publish()
    await watcher.hold(None)
    assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION


async def test_more_swaps_than_allowed_in_a_day_wait(stage):
    watcher = stage.make_watcher(config={"maximum_swaps_per_day": 2})
    await assert_adopted(stage, watcher, stage.publish())
    stage.adoptions[:] = [stage.now - timedelta(hours=23), stage.now]
    stage.publish()
    for _ in range(2):
        assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_SWAP_LIMIT
    assert stage.decisions[1:] == [("2", CandidateOutcome.HELD_BY_SWAP_LIMIT)]
    stage.later(hours=2)
    await assert_adopted(stage, watcher, "2")


async def test_the_swap_limit_does_not_keep_a_restarted_bot_without_a_model(stage):
    watcher = stage.make_watcher(config={"maximum_swaps_per_day": 0})
    stage.adoptions[:] = [stage.now]
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_SWAP_LIMIT
    assert stage.decisions == [("1", CandidateOutcome.STAGED), ("2", CandidateOutcome.HELD_BY_SWAP_LIMIT)]
