"""Other processes and other threads: what they record is noticed, and nothing recorded is lost to a SIGKILL."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tradai_lifecycle.states import OperatorAction, Reason
from tradai_lifecycle.store import Ledger, OperatorRecord, PredictionRecord, StateRecord

WRITER = Path(__file__).with_name("writer.py")
KILLS = 20


def all_operator_records(ledger: Ledger) -> dict[int, str]:
    with ledger._database.reading() as connection:
        found = connection.exec_driver_sql("SELECT sequence, note FROM operator_records").all()
    return {int(row.sequence): str(row.note) for row in found}


def test_a_command_of_another_process_is_noticed_by_the_marker(ledger: Ledger, store_path: Path) -> None:
    marker = ledger.change_marker()
    assert [ledger.change_marker() for _ in range(3)] == [marker] * 3
    ledger.operator()
    assert ledger.change_marker() == marker
    subprocess.run([sys.executable, WRITER, "once", store_path], check=True, stdout=subprocess.PIPE, timeout=60)
    assert ledger.change_marker() != marker
    assert [record.note for record in ledger.operator()] == ["from another process"]


def test_the_marker_also_notices_this_ledgers_own_writes(ledger: Ledger, noon: datetime) -> None:
    markers = [ledger.change_marker()]
    for _ in range(3):
        ledger.record_pin(pinned=True, version="1", at=noon, who="ann")
        markers.append(ledger.change_marker())
    assert len(set(markers)) == 4


def test_a_sigkill_loses_no_operators_record_that_was_reported(store_path: Path) -> None:
    reported: set[int] = set()
    with child_writers("loop", store_path) as killed_child:
        for kill in range(KILLS):
            reported |= {int(line) for line in killed_child(kill)}
            with closing(Ledger(store_path)) as ledger:
                ledger.open()
                kept = all_operator_records(ledger)
                assert reported <= kept.keys()
                assert ledger.operator()[0].sequence == max(kept)
                assert integrity(ledger) == "ok"
    assert len(reported) >= KILLS


def test_a_sigkill_leaves_a_batch_whole_or_absent(store_path: Path) -> None:
    reported: set[int] = set()
    with child_writers("batches", store_path) as killed_child:
        for kill in range(KILLS // 2):
            reported |= {int(line) for line in killed_child(kill, start=max(reported, default=-1) + 1)}
            with closing(Ledger(store_path)) as ledger:
                ledger.open()
                per_candle = Counter(state.candle for state in ledger.states(limit=None))
                assert set(per_candle.values()) == {20}
                assert len(per_candle) in {len(reported), len(reported) + 1}
                assert [record.candle for record in ledger.predictions("P7/USDT", limit=None)] == sorted(per_candle)
                newest = ledger.last_batch()
                assert newest is not None
                assert newest.candle == max(per_candle)
                # a batch that was kept but not reported is written again by the next child: first write wins
                reported |= set(range(len(per_candle)))


def test_threads_and_ledgers_write_at_the_same_time_and_nothing_is_lost(
    ledger: Ledger,
    store_path: Path,
    noon: datetime,
    make_state: Callable[..., StateRecord],
    make_prediction: Callable[..., PredictionRecord],
) -> None:
    second = Ledger(store_path)
    second.open()
    barrier = threading.Barrier(8)

    def write(worker: int) -> list[OperatorRecord]:
        used = (ledger, second)[worker % 2]
        barrier.wait()
        written = []
        for index in range(10):
            written.append(used.record_operator(action=OperatorAction.PAUSE, who=str(worker), note=str(index), at=noon))
            used.record_states([make_state(index=index)])  # the same row from all of them
            used.record_predictions([make_prediction(f"P{worker}/USDT", index)])
            assert used.operator()[0].sequence >= written[-1].sequence
        return written

    with ThreadPoolExecutor(8) as pool:
        written = [record for records in pool.map(write, range(8)) for record in records]
    second.close()
    assert {record.sequence for record in written} == all_operator_records(ledger).keys() == set(range(1, 81))
    assert len(ledger.states()) == 10
    assert all(len(ledger.predictions(f"P{worker}/USDT")) == 10 for worker in range(8))


def test_of_many_threads_one_opens_the_request_for_a_version(ledger: Ledger, noon: datetime) -> None:
    barrier = threading.Barrier(8)

    def ask(worker: int) -> object:
        barrier.wait()
        asked = {"at": noon, "pair": f"P{worker}", "candle": noon, "reasons": Reason.PSI_SIGNIFICANT, "detail": ""}
        return ledger.request_retraining(version="15", **asked)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert [answer for answer in answers if answer] == list(ledger.open_retraining_requests())
    assert len(ledger.open_retraining_requests()) == 1


def test_many_can_open_a_new_file_at_the_same_time(store_path: Path, noon: datetime) -> None:
    barrier = threading.Barrier(8)

    def open_and_write(worker: int) -> int:
        with closing(Ledger(store_path)) as ledger:
            barrier.wait()
            ledger.open()
            return ledger.record_operator(action=OperatorAction.PAUSE, who="", note="", at=noon).sequence

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(open_and_write, range(8))) == list(range(1, 9))


def test_closing_while_others_use_the_ledger_ends_them_with_the_one_error(ledger: Ledger, noon: datetime) -> None:
    started = threading.Event()
    outcome: list[str] = []

    def write() -> None:
        try:
            while True:
                ledger.record_pin(pinned=True, version="1", at=noon + timedelta(0), who="ann")
                started.set()
        except Exception as error:  # noqa: BLE001 - whatever it is, is what the test is about
            outcome.append(type(error).__name__)

    thread = threading.Thread(target=write)
    thread.start()
    started.wait(10)
    ledger.close()
    thread.join(10)
    assert outcome == ["StoreUnavailableError"]


def integrity(ledger: Ledger) -> str:
    with ledger._database.reading() as connection:
        return str(connection.exec_driver_sql("PRAGMA integrity_check").scalar_one())


@contextmanager
def child_writers(mode: str, path: Path) -> Iterator[Callable[..., list[str]]]:
    """Gives a call that starts a writer, kills it at a random moment, and returns what it had reported by then."""
    command = [sys.executable, str(WRITER), mode, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def killed_child(kill: int, start: int = 0) -> list[str]:
            stdin.write(f"{start}\n")
            pid = int(stdout.readline())
            reported = [stdout.readline().strip()]
            time.sleep(random.Random(kill).uniform(0.0, 0.03))  # the moment of the kill is the point of the test
            os.kill(pid, signal.SIGKILL)
            reported += iter(lambda: stdout.readline().strip(), "reaped")
            return reported

        yield killed_child
        stdin.close()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    # by name and not by number: a thread of an earlier test may end meanwhile
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
