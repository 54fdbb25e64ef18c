"""A restarted bot begins with the version that was in charge, from the cache, which is believed where it is sound."""

from dataclasses import replace

import numpy as np
import pytest

from tests.model.bundles import EXPECTATIONS, ROWS, constant
from tests.runtime.conftest import assert_adopted
from tradai_lifecycle.states import CandidateOutcome, SwapOutcome


async def test_a_restarted_bot_begins_with_the_held_version(stage):
    watcher = stage.make_watcher()
    for _ in range(2):
        await assert_adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    stage.unreachable()
    watcher = stage.make_watcher(held_version="1")
    assert (await watcher.load_last_good()).version == "1"


async def test_a_restarted_bot_uses_the_cache_while_the_registry_is_down(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
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
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    await watcher.poll_once()
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    assert (await watcher.load_last_good()).version == "1"
    assert (await watcher.poll_once()).outcome is CandidateOutcome.AWAITING_CONFIRMATION
    stage.slot.adopt()
    assert stage.slot.current.version == "1"


async def test_a_cached_version_is_not_fetched_again(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, "1")
    assert stage.source.fetched == ["1"]


@pytest.mark.parametrize("name", ["model.skops", "bundle.json", "golden.npz", "profile.json"])
async def test_a_corrupt_cache_entry_is_ignored_and_fetched_again(stage, name):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    (stage.home / "cache" / "btc" / "1" / name).write_bytes(b"")
    watcher = stage.make_watcher()
    assert await watcher.load_last_good() is None
    await assert_adopted(stage, watcher, "1")
    assert stage.source.fetched == ["1", "1"]


@pytest.mark.parametrize("content", ["", "[]", '{"checked": 3}', '{"checked": {"1": 3}, "last_good": "1"}'])
async def test_a_corrupt_cache_index_is_an_empty_one(stage, content):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    (stage.home / "cache" / "btc" / "index.json").write_text(content)
    watcher = stage.make_watcher()
    assert await watcher.load_last_good() is None
    await assert_adopted(stage, watcher, "1")
    await watcher.poll_once()
    assert (await stage.make_watcher().load_last_good()).version == "1"


async def test_the_same_number_of_another_registry_is_not_taken_from_the_cache(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    stage.files_of("1").parent.rename(stage.home / "old registry")
    (stage.home / "made1").rename(stage.home / "old")
    stage.publish(replace(constant(5), version="1"))
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, "1")
    np.testing.assert_array_equal(stage.slot.current.predict(ROWS[:2]), 5.0)


async def test_a_cached_model_that_no_longer_fits_the_strategy_is_left_out(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    await watcher.poll_once()
    watcher = stage.make_watcher(expectations=replace(EXPECTATIONS, timeframe="4h"))
    assert await watcher.load_last_good() is None
    assert stage.slot.staged is None


async def test_the_cache_stays_small(stage):
    watcher = stage.make_watcher(config={"maximum_swaps_per_day": 99})
    for _ in range(9):
        await assert_adopted(stage, watcher, stage.publish())
    kept = {path.name for path in (stage.home / "cache" / "btc").iterdir() if path.is_dir()}
    assert {"9", "8"} <= kept
    assert len(kept) <= 6
