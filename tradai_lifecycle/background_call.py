"""Blocking calls made off an event loop, at most one at a time, each with a deadline."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


class CallOverdueError(Exception):
    """A blocking call did not end in time, or an earlier one still has not: nothing new was started."""


class BackgroundCalls:
    """Runs blocking functions on a daemon thread of their own, never two at a time.

    A thread cannot be stopped from outside, so a call that hangs keeps its thread. While it does, further calls are
    refused: hung calls never pile up. The thread is a daemon, so that a hung call cannot keep the process from ending,
    as the loop's own executor would. `name` is the thread's, `what` says what one call is, where one is refused.
    """

    def __init__(self, name: str, what: str = "call") -> None:
        self._name = name
        self._what = what
        self._busy = False

    @property
    def is_busy(self) -> bool:
        """Whether a call has not ended yet, whether or not somebody still waits for it."""
        return self._busy

    async def run(self, function: Callable[[], Result], *, deadline_seconds: float) -> Result:
        """The result of `function`, or what it raised. Raises CallOverdueError when it cannot be had in time."""
        if self.is_busy:
            raise CallOverdueError(f"an earlier {self._what} still hangs")
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        thread = threading.Thread(target=self._answer, args=(function, answer), name=self._name, daemon=True)
        self._busy = True
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left
            self._busy = False
            raise
        try:
            return await asyncio.wait_for(answer, deadline_seconds)
        except TimeoutError:
            if answer.done() and not answer.cancelled():
                raise  # the function itself timed out
            raise CallOverdueError(f"no answer within {deadline_seconds:g} seconds") from None

    # The thread's work. It counts as ended before its answer is delivered, so that who gets it may call again at once.
    def _answer(self, function: Callable[[], Any], answer: "asyncio.Future[Any]") -> None:
        try:
            result, error = function(), None
        except BaseException as raised:  # noqa: BLE001 - handed to the waiting coroutine, whatever it is
            result, error = None, _as_error(raised)
        self._busy = False

        def settle() -> None:
            """On the loop: give whoever still waits the result, or raise there what was raised here."""
            if answer.done():  # nobody waits any more
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)

        try:
            answer.get_loop().call_soon_threadsafe(settle)
        except RuntimeError:  # the loop was closed meanwhile
            return


# A SystemExit would end the loop of the coroutine that waits, and a cancellation the coroutine.
def _as_error(raised: BaseException) -> Exception:
    return raised if isinstance(raised, Exception) else RuntimeError(f"it ended with {raised!r}")


__all__ = ["BackgroundCalls", "CallOverdueError"]
