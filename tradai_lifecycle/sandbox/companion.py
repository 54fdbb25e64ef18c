"""The bot without its lifecycle, rehearsed in a process of its own beside the one that has it."""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from tradai_lifecycle.errors import LifecycleError
from tradai_lifecycle.sandbox.rehearsal import Moment, Rehearsal, RehearsalPlan
from tradai_lifecycle.sandbox.timeline import RehearsalResult

_REPORT_EVERY = 10
_READY_SECONDS = 180.0


class CompanionFailedError(LifecycleError):
    """The rehearsal without the lifecycle ended by an error."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"The rehearsal without the lifecycle failed: {cause}. Next: run with --no-compare.")


class Companion:
    """A rehearsal in observe mode, with the model that is in production when it starts, in a second process.

    Use it as a context manager: leaving ends the process. `result` waits for its end.
    """

    def __init__(self, plan: RehearsalPlan) -> None:
        context = multiprocessing.get_context("spawn")
        self._messages, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_observe, args=(plan, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.candles = 0
        self._result: RehearsalResult | None = None

    def wait_until_running(self) -> None:
        """Return once its first candle is done: it has its model by then. Raises CompanionFailedError."""
        while not self.candles:
            self._take(timeout=_READY_SECONDS)

    def poll(self) -> int:
        """How many candles it has done, without waiting. Raises CompanionFailedError."""
        while self._result is None and self._messages.poll():
            self._take(timeout=0.0)
        return self.candles

    def result(self, on_progress: Callable[[int], None] = lambda _candles: None) -> RehearsalResult:
        """Wait for its end, saying how many candles are done. Raises CompanionFailedError."""
        while self._result is None:
            self._take(timeout=None)
            on_progress(self.candles)
        self._process.join()
        return self._result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.is_alive():
            self._process.terminate()
        self._process.join()
        self._messages.close()

    def _take(self, timeout: float | None) -> None:
        if not self._messages.poll(timeout):
            raise CompanionFailedError(f"it said nothing for {timeout:g} seconds")
        try:
            kind, content = self._messages.recv()
        except EOFError:
            raise CompanionFailedError("its process ended") from None
        if kind == "failed":
            raise CompanionFailedError(content)
        if kind == "done":
            self._result, self.candles = content, content.candles
        else:
            self.candles = content


def _observe(plan: RehearsalPlan, messages: "Connection[Any, Any]") -> None:
    def report(moment: Moment) -> None:
        if moment.number == 1 or moment.number % _REPORT_EVERY == 0:
            messages.send(("candles", moment.number))

    # the other process may no longer wait for it, or be ended together with it by Ctrl-C
    with suppress(BrokenPipeError, KeyboardInterrupt):
        try:
            message: tuple[str, Any] = ("done", Rehearsal(plan).run(report))
        except Exception as error:
            if isinstance(error, BrokenPipeError):
                raise
            message = ("failed", str(error) or repr(error))
        messages.send(message)


__all__ = ["Companion", "CompanionFailedError"]
