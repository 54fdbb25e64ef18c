"""Endpoints and notices that the tests of the channels share."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.notify.inbox import HttpInbox
from tradai_lifecycle.store import Ledger


@pytest.fixture
def inbox() -> Iterator[HttpInbox]:
    running = HttpInbox()
    yield running
    running.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """A bot's database, empty."""
    with closing(Ledger(tmp_path / "lifecycle.sqlite")) as opened:
        opened.open()
        yield opened
