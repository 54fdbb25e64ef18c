"""Readers of the slot see one whole bundle, and never wait; writers take turns."""

import asyncio
import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.model.bundles import FEATURES, ROWS, constant
from tradai_lifecycle.model import EmptySlotError, ModelSlot, SlotState
from tradai_lifecycle.states import SwapOutcome

ONE, TWO, THREE = constant(1), constant(2), constant(3)


async def test_a_staged_model_is_in_charge_only_after_adoption():
    slot = ModelSlot()
    await slot.swap(ONE)
    assert await slot.stage(TWO) is SwapOutcome.STAGED
    assert slot.state == SlotState(current=ONE, staged=TWO)
    assert slot.adopt() is SwapOutcome.ADOPTED
    assert slot.state == SlotState(current=TWO, previous=ONE)


async def test_adopting_nothing_changes_nothing():
    slot = ModelSlot()
    assert slot.adopt() is SwapOutcome.NOTHING_STAGED
    assert slot.state == SlotState()


async def test_a_newer_staged_model_takes_the_place_of_an_older_one():
    slot = ModelSlot()
    await slot.stage(ONE)
    await slot.stage(TWO)
    slot.adopt()
    assert slot.state == SlotState(current=TWO)


async def test_a_rollback_brings_the_previous_model_back_and_pins_it():
    slot = ModelSlot()
    await slot.swap(ONE)
    await slot.swap(TWO)
    await slot.stage(THREE)
    assert await slot.rollback() is SwapOutcome.ROLLED_BACK
    assert slot.state == SlotState(current=ONE, pinned=True)


async def test_a_second_rollback_does_not_bring_the_bad_model_back():
    slot = ModelSlot()
    await slot.swap(ONE)
    await slot.swap(TWO)
    await slot.rollback()
    assert await slot.rollback() is SwapOutcome.NO_PREVIOUS
    assert slot.current is ONE


async def test_a_pin_keeps_candidates_out_until_it_is_lifted():
    slot = ModelSlot()
    await slot.swap(ONE)
    await slot.stage(TWO)
    await slot.pin()
    assert slot.adopt() is SwapOutcome.PINNED
    assert await slot.stage(THREE) is SwapOutcome.PINNED
    assert await slot.swap(THREE) is SwapOutcome.PINNED
    await slot.unpin()
    assert slot.adopt() is SwapOutcome.ADOPTED
    assert slot.current is TWO


async def test_a_pinned_empty_slot_takes_its_first_model():
    slot = ModelSlot()
    await slot.pin()
    assert await slot.stage(ONE) is SwapOutcome.STAGED
    assert slot.adopt() is SwapOutcome.ADOPTED
    assert await slot.stage(TWO) is SwapOutcome.PINNED


async def test_unstaging_forgets_the_candidate():
    slot = ModelSlot()
    await slot.stage(ONE)
    await slot.unstage()
    assert slot.adopt() is SwapOutcome.NOTHING_STAGED


async def test_predicting_uses_the_model_in_charge():
    slot = ModelSlot()
    with pytest.raises(EmptySlotError):
        await slot.predict(ROWS)
    await slot.swap(TWO)
    np.testing.assert_array_equal(await slot.predict(ROWS[:5]), 2.0)


def test_no_reader_sees_a_torn_state_in_ten_thousand_swaps():
    """Each bundle predicts its own version: a mixture of two would show."""
    slot = ModelSlot()
    bundles = [constant(number) for number in range(1, 17)]
    asyncio.run(slot.swap(bundles[0]))
    rows = np.zeros((1, len(FEATURES)))
    readers = 8
    ready, done = threading.Barrier(readers + 1), threading.Event()
    reads, mismatches = [0] * readers, []

    def read(index):
        ready.wait()
        while not done.is_set() or reads[index] == 0:
            state = slot.state
            if state.current.predict(rows)[0] != float(state.current.version):
                mismatches.append(state)
            if state.previous is not None and int(state.current.version) != int(state.previous.version) % 16 + 1:
                mismatches.append(state)
            reads[index] += 1

    threads = [threading.Thread(target=read, args=(index,)) for index in range(readers)]
    for thread in threads:
        thread.start()

    async def swap_all():
        for number in range(1, 10_001):
            await slot.swap(bundles[number % 16])

    ready.wait()
    try:
        asyncio.run(swap_all())
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert mismatches == []
    assert all(reads)


def test_adopting_and_staging_from_two_threads_loses_nothing():
    """The bot's thread adopts while the loop's thread stages: every staged model is adopted or replaced, none twice."""
    slot = ModelSlot()
    bundles = [replace(ONE, version=str(number)) for number in range(2_000)]
    adopted, staged_all = [], threading.Event()

    def adopt():
        while not staged_all.is_set() or slot.staged is not None:
            if slot.adopt() is SwapOutcome.ADOPTED:
                adopted.append(slot.current)

    thread = threading.Thread(target=adopt)
    thread.start()

    async def stage_all():
        for made in bundles:
            assert await slot.stage(made) is SwapOutcome.STAGED

    try:
        asyncio.run(stage_all())
    finally:
        staged_all.set()
        thread.join()
    assert slot.state.staged is None
    assert slot.current is bundles[-1]
    versions = [int(made.version) for made in adopted]
    assert versions == sorted(set(versions))
