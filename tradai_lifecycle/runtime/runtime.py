"""One background thread with one event loop: everything of the lifecycle that runs beside the bot's own thread."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

#: How long `close` waits for the thread; and, within that, how long tasks may take to end after being cancelled.
CLOSE_SECONDS = 5.0
TASK_END_SECONDS = 3.0

Result = TypeVar("Result")
Task = Callable[[], Coroutine[Any, Any, None]]


class RuntimeNotRunningError(RuntimeError):
    """Work was submitted before `start` or after `close`."""


class Runtime:
    """Owns the lifecycle's thread and loop, the tasks on it, and their end. For live and dry-run bots only.

    Register with `add_task` and `on_close` before `start`. The thread is a daemon: should a task block the loop and not
    let go, `close` says so and the process can still end.
    """

    def __init__(self, name: str = "tradai-lifecycle") -> None:
        self._name = name
        self._tasks: list[tuple[str, Task]] = []
        self._closers: list[tuple[str, Callable[[], None]]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether work can be submitted."""
        return self._loop is not None and not self._closed

    def add_task(self, name: str, task: Task) -> None:
        """Run the coroutine that `task` makes from `start` to `close`. Should it fail, that is logged, once."""
        self._tasks.append((name, task))

    def on_close(self, name: str, closer: Callable[[], None]) -> None:
        """Call `closer` in `close`, last registered first, before the loop ends. It should be quick."""
        self._closers.append((name, closer))

    def start(self) -> None:
        """Start thread and tasks; returns once work can be submitted. A second call does nothing.

        Raises RuntimeNotRunningError after `close`: a closed runtime stays closed.
        """
        with self._lock:
            if self._closed:
                raise RuntimeNotRunningError(f"{self._name} was closed and cannot be started again")
            if self._thread is not None:
                return
            started = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(started,), name=self._name, daemon=True)
            self._thread.start()
        started.wait()

    def submit(self, work: Coroutine[Any, Any, Result]) -> "concurrent.futures.Future[Result]":
        """Run a coroutine on the loop and return its future; `close` cancels it.

        Before `start` and after `close` the future holds RuntimeNotRunningError, and the coroutine is not run.
        """
        with self._lock:
            if self._loop is not None and not self._closed:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        refused: concurrent.futures.Future[Result] = concurrent.futures.Future()
        refused.set_exception(RuntimeNotRunningError(f"{self._name} is not running"))
        return refused

    def close(self) -> None:
        """Cancel everything, call the closers, and end the thread, within about five seconds. Idempotent, never raises.

        Not to be called from the loop's own thread.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread, loop, stop = self._thread, self._loop, self._stop
        for name, closer in reversed(self._closers):
            _close_quietly(name, closer)
        if thread is None or loop is None or stop is None:
            return
        try:
            loop.call_soon_threadsafe(stop.set)
        except RuntimeError:  # the loop ended by itself
            logger.debug("%s had ended before it was closed", self._name)
        thread.join(CLOSE_SECONDS)
        if thread.is_alive():
            logger.warning("%s did not end within %g seconds: a task blocks its loop", self._name, CLOSE_SECONDS)

    def _run(self, started: threading.Event) -> None:
        try:
            asyncio.run(self._serve(started))
        except Exception:
            logger.exception("%s ended by an error", self._name)
        finally:
            started.set()

    async def _serve(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(_supervised(name, task), name=name) for name, task in self._tasks]
        started.set()
        await self._stop.wait()
        del tasks
        unfinished = asyncio.all_tasks() - {asyncio.current_task()}
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=TASK_END_SECONDS)


async def _supervised(name: str, task: Task) -> None:
    try:
        await task()
    except Exception:
        logger.exception("The lifecycle's task %r ended by an error", name)


def _close_quietly(name: str, closer: Callable[[], None]) -> None:
    try:
        closer()
    except Exception:
        logger.exception("Closing %s failed", name)


__all__ = ["Runtime", "RuntimeNotRunningError"]
