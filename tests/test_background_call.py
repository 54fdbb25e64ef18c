"""A blocking call holds nothing up: it is waited for until its deadline, one at a time, and ends no loop."""

import asyncio
import threading

import pytest

from tradai_lifecycle.background_call import BackgroundCalls, CallOverdueError

PATIENCE_SECONDS = 10.0


def refuse() -> None:
    raise OSError("disk full")


def time_out() -> None:
    raise TimeoutError("its own")


def leave() -> None:
    raise SystemExit(3)


def cancel() -> None:
    raise asyncio.CancelledError


async def test_a_call_gives_its_result_from_a_daemon_thread_of_its_name_and_the_next_may_come_at_once() -> None:
    calls = BackgroundCalls("under-test")
    for _ in range(3):
        thread = await calls.run(threading.current_thread, deadline_seconds=PATIENCE_SECONDS)
        assert (thread.name, thread.daemon, calls.is_busy) == ("under-test", True, False)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (refuse, OSError, "^disk full$"),
        (time_out, TimeoutError, "^its own$"),
        (leave, RuntimeError, r"^it ended with SystemExit\(3\)$"),
        (cancel, RuntimeError, r"^it ended with CancelledError\(\)$"),
    ],
)
async def test_what_a_call_raises_reaches_who_waits_as_an_error_and_the_loop_goes_on(function, error, words) -> None:
    calls = BackgroundCalls("under-test")
    with pytest.raises(error, match=words):
        await calls.run(function, deadline_seconds=PATIENCE_SECONDS)
    assert await calls.run(lambda: 7, deadline_seconds=PATIENCE_SECONDS) == 7


async def test_while_a_call_hangs_others_are_refused_and_its_end_lets_them_in() -> None:
    calls, ended = BackgroundCalls("under-test", "message"), threading.Event()
    with pytest.raises(CallOverdueError, match=r"^no answer within 0\.05 seconds$"):
        await calls.run(lambda: ended.wait(PATIENCE_SECONDS), deadline_seconds=0.05)
    (hung,) = [thread for thread in threading.enumerate() if thread.name == "under-test"]
    with pytest.raises(CallOverdueError, match=r"^an earlier message still hangs$"):
        await calls.run(lambda: 7, deadline_seconds=PATIENCE_SECONDS)
    ended.set()
    await asyncio.to_thread(hung.join, PATIENCE_SECONDS)
    assert await calls.run(lambda: 7, deadline_seconds=PATIENCE_SECONDS) == 7


def test_a_loop_that_is_gone_when_a_call_ends_raises_nothing_on_its_thread() -> None:
    calls, ended = BackgroundCalls("under-test"), threading.Event()

    async def give_up() -> threading.Thread:
        with pytest.raises(CallOverdueError):
            await calls.run(lambda: ended.wait(PATIENCE_SECONDS), deadline_seconds=0.05)
        (hung,) = [thread for thread in threading.enumerate() if thread.name == "under-test"]
        return hung

    hung = asyncio.run(give_up())
    ended.set()
    hung.join(PATIENCE_SECONDS)
    assert (hung.is_alive(), calls.is_busy) == (False, False)
