"""The place that holds the model in charge: readers take one reference and never wait, writers take turns."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.errors import RetryableError
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.states import SwapOutcome


class EmptySlotError(RetryableError):
    """A prediction was asked for before any model was in charge."""

    def __init__(self) -> None:
        super().__init__("No model is in charge yet. Entries wait; the registry is asked again at the next poll.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotState:
    """Everything a slot holds at one moment."""

    current: ModelBundle | None = None
    previous: ModelBundle | None = None
    staged: ModelBundle | None = None
    pinned: bool = False

    @property
    def held(self) -> bool:
        """Whether the pin keeps the current model in place. An empty slot has nothing to keep."""
        return self.pinned and self.current is not None


class ModelSlot:
    """Holds the current, previous and staged bundle as one immutable `SlotState` behind one reference.

    Reading takes that reference: no lock, no wait, and never a mixture of two states. Writing replaces it by a new
    one. The asynchronous writers (stage, swap, rollback, pin) take turns by an `asyncio.Lock` and belong to one event
    loop. `adopt` is called by the bot's own thread, which must not wait for that loop: it and they meet only in
    `_exchange`, where a plain lock is held for the few nanoseconds of one replacement.
    """

    def __init__(self) -> None:
        self._state = SlotState()
        self._exchange_lock = threading.Lock()
        self._writers = asyncio.Lock()

    @property
    def state(self) -> SlotState:
        """Current, previous, staged and pin of one and the same moment."""
        return self._state

    @property
    def current(self) -> ModelBundle | None:
        """The model in charge. Take it once per batch: the next read may give another."""
        return self._state.current

    @property
    def previous(self) -> ModelBundle | None:
        """The model before the current one, kept in memory for an instant rollback."""
        return self._state.previous

    @property
    def staged(self) -> ModelBundle | None:
        """The checked model that the next `adopt` puts in charge."""
        return self._state.staged

    @property
    def pinned(self) -> bool:
        """Whether an operator or a rollback holds the current model in place."""
        return self._state.pinned

    def adopt(self) -> SwapOutcome:
        """Put the staged model in charge and keep the one before it. For the bot's thread, between two batches.

        ADOPTED, NOTHING_STAGED, or PINNED: then the staged model stays staged until the pin is lifted.
        """

        def taken(state: SlotState) -> tuple[SlotState, SwapOutcome]:
            """The staged model in charge; the same state where there is none or a pin holds."""
            if state.staged is None:
                return state, SwapOutcome.NOTHING_STAGED
            if state.held:
                return state, SwapOutcome.PINNED
            return _in_charge(state, state.staged), SwapOutcome.ADOPTED

        return self._exchange(taken)

    async def stage(self, bundle: ModelBundle) -> SwapOutcome:
        """Let `bundle` wait for the next `adopt`, in place of what waited before. STAGED, or PINNED: not staged."""

        def waiting(state: SlotState) -> tuple[SlotState, SwapOutcome]:
            """`bundle` staged in place of any other; the same state where a pin holds."""
            if state.held:
                return state, SwapOutcome.PINNED
            return replace(state, staged=bundle), SwapOutcome.STAGED

        return await self._write(waiting)

    async def unstage(self) -> SwapOutcome:
        """Forget the staged model; NOTHING_STAGED in any case."""
        return await self._write(lambda state: (replace(state, staged=None), SwapOutcome.NOTHING_STAGED))

    async def swap(self, bundle: ModelBundle) -> SwapOutcome:
        """Put `bundle` in charge at once, also amid a batch. ADOPTED, or PINNED: nothing changed."""

        def swapped(state: SlotState) -> tuple[SlotState, SwapOutcome]:
            """`bundle` in charge; the same state where a pin holds."""
            if state.held:
                return state, SwapOutcome.PINNED
            return _in_charge(state, bundle), SwapOutcome.ADOPTED

        return await self._write(swapped)

    async def rollback(self) -> SwapOutcome:
        """Put the previous model back in charge at once and pin it. ROLLED_BACK, or NO_PREVIOUS: nothing changed.

        The model rolled back from is dropped, so that a second call cannot bring it back, and so is a staged one.
        The pin keeps the next poll from bringing it back; an existing pin does not stop a rollback.
        """

        def restored(state: SlotState) -> tuple[SlotState, SwapOutcome]:
            """The previous model alone, pinned; the same state where there is none."""
            if state.previous is None:
                return state, SwapOutcome.NO_PREVIOUS
            return SlotState(current=state.previous, pinned=True), SwapOutcome.ROLLED_BACK

        return await self._write(restored)

    async def pin(self) -> None:
        """Hold the current model in place. While the slot is empty, the first model still gets in."""
        await self._write(lambda state: (replace(state, pinned=True), SwapOutcome.PINNED))

    async def unpin(self) -> None:
        """Let candidates in again; a staged model is adopted between the next two batches."""
        await self._write(lambda state: (replace(state, pinned=False), SwapOutcome.NOTHING_STAGED))

    async def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of `features` by the model that is current now, whatever is swapped meanwhile.

        Computed in a worker thread, so the loop goes on. Raises EmptySlotError, and what `ModelBundle.predict` raises.
        """
        bundle = self.current
        if bundle is None:
            raise EmptySlotError
        return await asyncio.to_thread(bundle.predict, features)

    async def _write(self, change: Callable[[SlotState], tuple[SlotState, SwapOutcome]]) -> SwapOutcome:
        async with self._writers:
            return self._exchange(change)

    def _exchange(self, change: Callable[[SlotState], tuple[SlotState, SwapOutcome]]) -> SwapOutcome:
        with self._exchange_lock:
            self._state, outcome = change(self._state)
        return outcome


def _in_charge(state: SlotState, bundle: ModelBundle) -> SlotState:
    return replace(state, current=bundle, previous=state.current, staged=None)


__all__ = ["EmptySlotError", "ModelSlot", "SlotState"]
