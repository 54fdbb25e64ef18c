"""A thread that may not wait is not kept waiting, by another process or by a thread of its own; the others wait on."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from tests.store.locks import locked_elsewhere, release
from tests.store.test_migration import write_version_one
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store import Ledger, OperatorRecord

PATIENCE = 0.25
#: What a busy machine may add; a call that waits as others do takes 2 seconds.
SLACK = 1.0


def pause(ledger: Ledger, at: datetime) -> OperatorRecord:
    return ledger.record_operator(action=OperatorAction.PAUSE, who="ann", note="", at=at)


@contextmanager
def bounded() -> Iterator[None]:
    """The block takes the patience at most, and shows that it waited at all."""
    before = time.monotonic()
    yield
    assert PATIENCE * 0.8 < time.monotonic() - before < PATIENCE + SLACK


def test_all_calls_of_a_block_together_wait_no_longer_than_its_patience(
    ledger: Ledger, store_path: Path, noon: datetime
) -> None:
    written = pause(ledger, noon)
    with locked_elsewhere(store_path), bounded(), ledger.patience(PATIENCE):
        for _ in range(5):
            with pytest.raises(StoreUnavailableError, match="locked"):
                pause(ledger, noon)
            # readers do not wait for writers, not even when no patience is left
            assert ledger.operator() == (written,)
            assert ledger.change_marker()
    assert pause(ledger, noon).sequence == 2


def test_a_thread_of_ones_own_that_waits_for_the_lock_is_not_waited_for(
    ledger: Ledger, store_path: Path, noon: datetime
) -> None:
    with ThreadPoolExecutor(1) as pool, locked_elsewhere(store_path) as other:
        patient = pool.submit(pause, ledger, noon)
        while not ledger._database._write_lock.locked():
            assert not patient.done()
        with bounded(), ledger.patience(PATIENCE), pytest.raises(StoreUnavailableError, match="another thread"):
            pause(ledger, noon)
        release(other)
        # its own patience was not touched by that of the other thread
        assert patient.result(30).sequence == 1


def test_a_patience_ends_with_its_block(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    with ledger.patience(0.0):
        assert pause(ledger, noon).sequence == 1
    with locked_elsewhere(store_path) as other:
        timer = threading.Timer(PATIENCE, release, (other,))
        timer.start()
        assert pause(ledger, noon).sequence == 2
        timer.join()


def test_a_block_within_another_has_no_more_patience_than_that(
    ledger: Ledger, store_path: Path, noon: datetime
) -> None:
    with locked_elsewhere(store_path), bounded(), ledger.patience(PATIENCE):
        for _ in range(2):
            with ledger.patience(60.0), pytest.raises(StoreUnavailableError, match="locked"):
                pause(ledger, noon)


def test_a_file_that_must_be_brought_up_to_date_first_is_not_waited_for_either(
    store_path: Path, noon: datetime
) -> None:
    write_version_one(store_path)
    with closing(Ledger(store_path)) as ledger:
        with locked_elsewhere(store_path), bounded(), ledger.patience(PATIENCE):
            for call in (ledger.open, ledger.operator, ledger.change_marker):
                with pytest.raises(StoreUnavailableError, match="locked"):
                    call()
        assert [record.action for record in ledger.operator()] == [OperatorAction.PAUSE]
