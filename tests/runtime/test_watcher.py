"""The watcher brings the production version as far as it may go, says so once, and never lets a bad one in."""

import asyncio
import json
import os
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import FunctionTransformer

from tests.model.bundles import FEATURES, ROWS, TARGET, artefact, bundle, constant
from tradai_lifecycle.events import CandidateDecided
from tradai_lifecycle.model import GoldenSample, probe_in_subprocess
from tradai_lifecycle.monitor import ReferenceProfile
from tradai_lifecycle.runtime import Poll
from tradai_lifecycle.states import CandidateOutcome, SwapOutcome


async def adopted(stage, watcher, version):
    """Poll until `version` is in charge."""
    await watcher.poll_once()
    assert stage.slot.adopt() is SwapOutcome.ADOPTED
    assert stage.slot.current.version == version


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
    await adopted(stage, watcher, stage.publish())
    stage.events.clear()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.ALREADY_CURRENT
    assert (stage.events, stage.source.fetched) == ([], ["1"])


async def test_an_older_version_in_production_is_a_candidate_like_any_other(stage):
    watcher = stage.make_watcher()
    stage.publish()
    await adopted(stage, watcher, stage.publish())
    stage.source.promote("1")
    await adopted(stage, watcher, "1")
    assert stage.decisions == [(version, CandidateOutcome.STAGED) for version in ("2", "1")]


async def test_each_staging_is_told_also_of_a_version_that_was_staged_before(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await adopted(stage, watcher, stage.publish())
    stage.source.promote("1")
    await adopted(stage, watcher, "1")
    assert stage.decisions == [(version, CandidateOutcome.STAGED) for version in ("1", "2", "1")]


async def test_a_candidate_that_was_taken_back_is_not_adopted(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.poll_once()
    assert stage.slot.staged.version == "2"
    stage.source.promote("1")
    await watcher.poll_once()
    assert stage.slot.adopt() is SwapOutcome.NOTHING_STAGED


def swapped_features():
    return bundle(feature_names=(FEATURES[1], FEATURES[0], FEATURES[2]))


def other_golden_sample():
    return bundle(golden=GoldenSample(features=ROWS[:8], predictions=np.full(8, 0.25)))


REFUSED = {
    CandidateOutcome.WRONG_FEATURES: swapped_features,
    CandidateOutcome.WRONG_HORIZON: lambda: bundle(horizon_candles=6),
    CandidateOutcome.WRONG_TIMEFRAME: lambda: bundle(timeframe="5m"),
    CandidateOutcome.WRONG_WINDOW: lambda: bundle(
        profile=ReferenceProfile(window_candles=500, feature_names=FEATURES, pairs=())
    ),
    CandidateOutcome.GOLDEN_SAMPLE_DIFFERS: other_golden_sample,
}


@pytest.mark.parametrize("outcome", REFUSED, ids=lambda outcome: outcome.value)
async def test_a_refused_version_leaves_the_current_one_and_is_told_once(stage, outcome):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    stage.publish(REFUSED[outcome]())
    for _ in range(3):
        assert (await watcher.poll_once()).outcome is outcome
        stage.later(days=30)
    assert stage.decisions[1:] == [("2", outcome)]
    assert stage.source.fetched == ["1", "2"]
    assert (stage.slot.current.version, stage.slot.staged) == ("1", None)


def truncate(stage):
    model = stage.files_of("2") / "model.skops"
    model.write_bytes(model.read_bytes()[:200])


def remove_a_file(stage):
    (stage.files_of("2") / "profile.json").unlink()


def bring_code(stage):
    (stage.files_of("2") / "code").mkdir()


def drop_the_digest(stage):
    path = stage.home / "registry" / "btc" / "registry.json"
    state = json.loads(path.read_text())
    del state["versions"]["2"]["tags"]["tradai.digest"]
    path.write_text(json.dumps(state))


DAMAGED = [
    (truncate, CandidateOutcome.DIGEST_MISMATCH),
    (remove_a_file, CandidateOutcome.INCOMPLETE),
    (bring_code, CandidateOutcome.UNREADABLE),
    (drop_the_digest, CandidateOutcome.INCOMPLETE),
]


@pytest.mark.parametrize(("damage", "outcome"), DAMAGED, ids=lambda case: getattr(case, "__name__", str(case)))
async def test_a_damaged_version_is_refused_and_leaves_no_files(stage, damage, outcome):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    damage(stage)
    assert (await watcher.poll_once()).outcome is outcome
    assert stage.slot.staged is None
    assert sorted(path.name for path in (stage.home / "cache" / "btc").iterdir() if path.is_dir()) == ["1"]


async def test_a_damaged_version_is_tried_again_later_and_taken_once_repaired(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    sound = (stage.files_of("2") / "model.skops").read_bytes()
    truncate(stage)
    for minutes in (0, 5, 6, 15, 6):  # tried at 0, 11 and 32 minutes: the wait doubles
        stage.later(minutes=minutes)
        assert (await watcher.poll_once()).outcome is CandidateOutcome.DIGEST_MISMATCH
    assert stage.source.fetched == ["1", "2", "2", "2"]
    (stage.files_of("2") / "model.skops").write_bytes(sound)
    stage.later(hours=7)
    await adopted(stage, watcher, "2")
    assert stage.decisions[1:] == [("2", CandidateOutcome.DIGEST_MISMATCH), ("2", CandidateOutcome.STAGED)]


async def test_a_function_of_the_operating_system_is_never_loaded(stage):
    def overwritten(directory):
        (directory / "model.skops").write_bytes(skops.io.dumps(FunctionTransformer(func=os.system)))
        return directory

    watcher = stage.make_watcher()
    directory = overwritten(artefact(stage.home / "made"))
    stage.source.promote(stage.source.register(directory, metrics={}, parameters={}, tags={}))
    poll = await watcher.poll_once()
    assert poll.outcome is CandidateOutcome.UNTRUSTED_TYPE
    assert stage.slot.staged is None


async def test_a_model_that_crashes_its_interpreter_is_refused(stage):
    crafted = HistGradientBoostingRegressor(max_iter=1).fit(ROWS, TARGET)
    golden = bundle(crafted).golden
    nodes = crafted._predictors[0][0].nodes
    nodes["left"][0] = nodes["right"][0] = 2**31
    watcher = stage.make_watcher(probe=probe_in_subprocess)
    stage.publish(bundle(crafted, golden=golden))
    poll = await watcher.poll_once()
    assert poll.outcome is CandidateOutcome.UNREADABLE
    assert "signal 11" in poll.detail


async def test_an_operator_can_have_a_refused_version_tried_again(stage):
    watcher = stage.make_watcher()
    stage.publish(bundle(horizon_candles=6))
    await watcher.poll_once()
    watcher.forget_refusal("v1")
    await watcher.poll_once()
    assert stage.source.fetched == ["1", "1"]


async def test_the_entry_rate_is_compared_with_the_model_in_charge(stage):
    rates = {"1": 0.01, "2": 0.5}
    watcher = stage.make_watcher(entry_rate=lambda made: rates[made.version])
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.ENTRY_RATE_OUT_OF_BAND


async def test_a_pinned_slot_holds_and_the_candidate_is_not_even_fetched(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await stage.slot.pin()
    stage.publish()
    for _ in range(2):
        assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN
    assert stage.decisions[1:] == [("2", CandidateOutcome.HELD_BY_PIN)]
    assert stage.source.fetched == ["1"]
    await stage.slot.unpin()
    await adopted(stage, watcher, "2")


async def test_the_poll_after_a_rollback_does_not_bring_the_bad_version_back(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await adopted(stage, watcher, stage.publish())
    assert await stage.slot.rollback() is SwapOutcome.ROLLED_BACK
    assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN
    assert stage.slot.adopt() is SwapOutcome.NOTHING_STAGED
    assert stage.slot.current.version == "1"


async def test_a_held_version_is_followed_whatever_is_in_production(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm", "maximum_swaps_per_day": 0})
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.hold("2")
    await adopted(stage, watcher, "2")
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.ALREADY_CURRENT
    await watcher.hold(None)
    assert (await watcher.poll_once()).version == "3"


async def test_the_way_back_to_the_previous_version_works_while_the_registry_is_down(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await adopted(stage, watcher, stage.publish())
    first = stage.slot.previous
    stage.unreachable()
    await watcher.hold("1")
    await adopted(stage, watcher, "1")
    assert stage.slot.current is first
    assert (await watcher.poll_once()).reachable is False


async def test_the_way_back_to_a_cached_version_works_while_the_registry_is_down(stage):
    watcher = stage.make_watcher()
    for _ in range(3):
        await adopted(stage, watcher, stage.publish())
    stage.unreachable()
    await watcher.hold("1")
    await adopted(stage, watcher, "1")


async def test_a_restarted_bot_begins_with_the_held_version(stage):
    watcher = stage.make_watcher()
    for _ in range(2):
        await adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    stage.unreachable()
    watcher = stage.make_watcher(held_version="1")
    assert (await watcher.load_last_good()).version == "1"


async def test_a_held_version_that_does_not_exist_is_refused(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await watcher.hold("9")
    assert (await watcher.poll_once()).outcome is CandidateOutcome.INCOMPLETE
    assert stage.slot.current.version == "1"


async def test_polls_asked_for_at_the_same_time_take_turns(stage):
    watcher = stage.make_watcher()
    stage.publish()
    polls = await asyncio.gather(*(watcher.poll_once() for _ in range(5)))
    assert [poll.outcome for poll in polls] == [CandidateOutcome.STAGED] * 5
    assert stage.faults == []
    assert stage.source.fetched == ["1"]


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
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_PIN


async def test_a_candidate_waits_for_confirmation_but_the_first_model_does_not(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await adopted(stage, watcher, stage.publish())
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
    await adopted(stage, watcher, stage.publish())
    assert await watcher.confirm("2") is SwapOutcome.NOTHING_STAGED
    await adopted(stage, watcher, stage.publish())


async def test_confirming_a_candidate_that_was_taken_back_stages_nothing(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.poll_once()
    stage.source.promote("1")
    await watcher.poll_once()
    assert await watcher.confirm("2") is SwapOutcome.NOTHING_STAGED
    assert stage.slot.staged is None


async def test_more_swaps_than_allowed_in_a_day_wait(stage):
    watcher = stage.make_watcher(config={"maximum_swaps_per_day": 2})
    await adopted(stage, watcher, stage.publish())
    stage.adoptions[:] = [stage.now - timedelta(hours=23), stage.now]
    stage.publish()
    for _ in range(2):
        assert (await watcher.poll_once()).outcome is CandidateOutcome.HELD_BY_SWAP_LIMIT
    assert stage.decisions[1:] == [("2", CandidateOutcome.HELD_BY_SWAP_LIMIT)]
    stage.later(hours=2)
    await adopted(stage, watcher, "2")


async def test_the_swap_limit_does_not_keep_a_restarted_bot_without_a_model(stage):
    watcher = stage.make_watcher(config={"maximum_swaps_per_day": 0})
    stage.adoptions[:] = [stage.now]
    await adopted(stage, watcher, stage.publish())


async def test_a_listener_that_fails_does_not_stop_the_watcher(stage):
    def fail(event):
        raise RuntimeError("no listener")

    watcher = stage.make_watcher(on_event=fail)
    await adopted(stage, watcher, stage.publish())


async def test_a_restarted_bot_uses_the_cache_while_the_registry_is_down(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    stage.unreachable()
    watcher = stage.make_watcher()
    loaded = await watcher.load_last_good()
    assert loaded.version == "1"
    assert (await watcher.poll_once()).reachable is False
    assert stage.slot.adopt() is SwapOutcome.ADOPTED
    np.testing.assert_array_equal(stage.slot.current.predict(ROWS[:2]), 1.0)


async def test_a_restarted_bot_begins_with_the_version_in_charge_not_with_one_that_only_waited(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.poll_once()
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    assert (await watcher.load_last_good()).version == "1"
    assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION
    stage.slot.adopt()
    assert stage.slot.current.version == "1"


async def test_a_cached_version_is_not_fetched_again(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    watcher = stage.make_watcher()
    await adopted(stage, watcher, "1")
    assert stage.source.fetched == ["1"]


@pytest.mark.parametrize("name", ["model.skops", "bundle.json", "golden.npz", "profile.json"])
async def test_a_corrupt_cache_entry_is_ignored_and_fetched_again(stage, name):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    (stage.home / "cache" / "btc" / "1" / name).write_bytes(b"")
    watcher = stage.make_watcher()
    assert await watcher.load_last_good() is None
    await adopted(stage, watcher, "1")
    assert stage.source.fetched == ["1", "1"]


@pytest.mark.parametrize("content", ["", "[]", '{"checked": 3}', '{"checked": {"1": 3}, "last_good": "1"}'])
async def test_a_corrupt_cache_index_is_an_empty_one(stage, content):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    (stage.home / "cache" / "btc" / "index.json").write_text(content)
    watcher = stage.make_watcher()
    assert await watcher.load_last_good() is None
    await adopted(stage, watcher, "1")
    await watcher.poll_once()
    assert (await stage.make_watcher().load_last_good()).version == "1"


async def test_the_same_number_of_another_registry_is_not_taken_from_the_cache(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    stage.files_of("1").parent.rename(stage.home / "old registry")
    (stage.home / "made1").rename(stage.home / "old")
    stage.publish(replace(constant(5), version="1"))
    watcher = stage.make_watcher()
    await adopted(stage, watcher, "1")
    np.testing.assert_array_equal(stage.slot.current.predict(ROWS[:2]), 5.0)


async def test_a_cached_model_that_no_longer_fits_the_strategy_is_left_out(stage):
    watcher = stage.make_watcher()
    await adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    from tests.model.bundles import EXPECTATIONS

    watcher = stage.make_watcher(expectations=replace(EXPECTATIONS, timeframe="4h"))
    assert await watcher.load_last_good() is None
    assert stage.slot.staged is None


async def test_the_cache_stays_small(stage):
    watcher = stage.make_watcher(config={"maximum_swaps_per_day": 99})
    for _ in range(9):
        await adopted(stage, watcher, stage.publish())
    kept = {path.name for path in (stage.home / "cache" / "btc").iterdir() if path.is_dir()}
    assert {"9", "8"} <= kept
    assert len(kept) <= 6


async def test_a_confirmation_counts_for_one_adoption(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await adopted(stage, watcher, stage.publish())
    await watcher.confirm("2")
    await adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    assert await stage.slot.rollback() is SwapOutcome.ROLLED_BACK
    await stage.slot.unpin()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION


async def test_a_held_version_ends_a_confirmation_that_was_not_used(stage):
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    await adopted(stage, watcher, stage.publish())
    await watcher.confirm("2")
    await watcher.hold("1")
    stage.publish()
    await watcher.hold(None)
    assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION
