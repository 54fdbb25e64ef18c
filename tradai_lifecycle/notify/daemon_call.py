"""A blocking call that cannot hold anything up: on a daemon thread, with a deadline, one at a time."""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class DaemonCallOverdueError(Exception):
    """The call did not end in time, or an earlier one still has not: nothing new was started."""


class DaemonCall(Generic[Result]):
    """Runs `function` off the event loop. A call that hangs keeps its thread; until it ends, others are refused.

    The loop's own executor would wait for a hung call when the process ends; a daemon thread is left behind.
    """

    def __init__(self, name: str, deadline_seconds: float) -> None:
        self._name = name
        self._deadline_seconds = deadline_seconds
        self._busy = threading.Event()

    async def run(self, function: Callable[[], Result]) -> Result:
        """The result of `function`, or what it raised. Raises DaemonCallOverdueError."""
        if self._busy.is_set():
            raise DaemonCallOverdueError("an earlier message still hangs")
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._busy.set()
        thread = threading.Thread(target=self._call, args=(function, answer), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread left
            self._busy.clear()
            raise
        done, _ = await asyncio.wait({answer}, timeout=self._deadline_seconds)
        if not done:
            answer.cancel()
            raise DaemonCallOverdueError(f"no answer within {self._deadline_seconds:g} seconds")
        return answer.result()

    def _call(self, function: Callable[[], Result], answer: "asyncio.Future[Result]") -> None:
        def settle(result: Result | None, error: Exception | None) -> None:
            if answer.done():  # nobody waits any more
                return
            if error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type] # without an error it is the result

        result, failed = None, None
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - handed to the waiting coroutine, whatever it is
            failed = error
        self._busy.clear()
        try:
            answer.get_loop().call_soon_threadsafe(settle, result, failed)
        except RuntimeError:  # the loop was closed meanwhile
            return


__all__ = ["DaemonCall", "DaemonCallOverdueError"]
