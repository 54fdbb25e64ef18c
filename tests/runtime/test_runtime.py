"""One thread, one loop: it starts once, and nothing outlives `close`."""

import asyncio
import logging
import threading
import time

import pytest

from tests.model.hostile_servers import DRIP_HEADERS, hostile_server
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.runtime import Runtime, RuntimeNotRunningError
from tradai_lifecycle.runtime import runtime as runtime_module


@pytest.fixture
def runtime():
    made = Runtime("test-runtime")
    yield made
    made.close()
    assert "test-runtime" not in {thread.name for thread in threading.enumerate()}


async def answer():
    return threading.current_thread().name


def test_submitted_work_runs_on_the_one_thread(runtime):
    runtime.start()
    runtime.start()
    assert runtime.is_running
    assert {runtime.submit(answer()).result(5) for _ in range(3)} == {"test-runtime"}


def test_a_task_runs_until_close_cancels_it(runtime):
    started, ended = threading.Event(), threading.Event()

    async def work():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    runtime.add_task("work", work)
    runtime.start()
    assert started.wait(5)
    runtime.close()
    assert ended.is_set()
    assert not runtime.is_running


def test_closing_again_or_without_a_start_does_nothing():
    runtime = Runtime()
    runtime.close()
    runtime.close()
    with pytest.raises(RuntimeNotRunningError):
        runtime.start()


@pytest.mark.parametrize("closed", [False, True], ids=["before start", "after close"])
def test_work_that_cannot_run_is_refused_through_its_future(runtime, closed):
    if closed:
        runtime.start()
        runtime.close()
    future = runtime.submit(answer())
    assert isinstance(future.exception(0), RuntimeNotRunningError)


def test_pending_work_is_cancelled_by_close(runtime):
    runtime.start()
    future = runtime.submit(asyncio.Event().wait())
    runtime.close()
    assert future.cancelled()


def test_closers_run_once_last_first_and_an_error_in_one_stops_no_other(runtime, caplog):
    closed = []

    def fail():
        raise RuntimeError("stuck")

    runtime.on_close("one", lambda: closed.append("one"))
    runtime.on_close("two", fail)
    runtime.on_close("three", lambda: closed.append("three"))
    runtime.start()
    runtime.close()
    runtime.close()
    assert closed == ["three", "one"]
    assert "Closing two failed" in caplog.text


def test_a_task_that_fails_is_logged_and_the_loop_goes_on(runtime, caplog):
    failed = threading.Event()

    async def fail():
        failed.set()
        raise ValueError("broken")

    runtime.add_task("fragile", fail)
    runtime.start()
    assert failed.wait(5)
    assert runtime.submit(answer()).result(5) == "test-runtime"
    assert "'fragile' ended by an error" in caplog.text


def test_close_does_not_wait_for_ever_for_a_task_that_blocks_the_loop(monkeypatch, caplog):
    monkeypatch.setattr(runtime_module, "CLOSE_SECONDS", 0.2)
    runtime, release, blocking = Runtime("blocked-runtime"), threading.Event(), threading.Event()

    async def block():
        blocking.set()
        release.wait(30)

    runtime.add_task("block", block)
    runtime.start()
    assert blocking.wait(5)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        runtime.close()
    assert time.monotonic() - began < 2.0
    assert "a task blocks its loop" in caplog.text
    release.set()
    next(thread for thread in threading.enumerate() if thread.name == "blocked-runtime").join(5)


def test_a_task_that_ignores_its_cancellation_does_not_keep_close(monkeypatch):
    monkeypatch.setattr(runtime_module, "CLOSE_SECONDS", 0.3)
    monkeypatch.setattr(runtime_module, "TASK_END_SECONDS", 0.1)
    runtime, release, started = Runtime("stubborn-runtime"), threading.Event(), threading.Event()

    async def ignore():
        started.set()
        while not release.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    runtime.add_task("ignore", ignore)
    runtime.start()
    assert started.wait(5)
    began = time.monotonic()
    runtime.close()
    assert time.monotonic() - began < 2.0
    release.set()
    for thread in threading.enumerate():
        if thread.name == "stubborn-runtime":
            thread.join(5)


def test_nothing_outlives_close_even_when_the_registry_hangs(stage, runtime):
    with hostile_server(DRIP_HEADERS) as address:
        source = MlflowSource(address, "btc", deadline_seconds=60.0)
        watcher = stage.make_watcher(source=source, poll_deadline_seconds=60.0)
        runtime.add_task("watcher", watcher.run)
        runtime.on_close("registry", source.close)
        runtime.start()
        asked = time.monotonic() + 5
        while not watcher._registry_calls.is_busy and time.monotonic() < asked:
            runtime.submit(answer()).result(5)
        hung = next(thread for thread in threading.enumerate() if thread.name == "tradai-registry")
        began = time.monotonic()
        runtime.close()
        assert time.monotonic() - began < 5.0
        hung.join(5)
        assert not hung.is_alive()
