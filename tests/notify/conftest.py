"""Endpoints and notices that the tests of the channels share."""

from collections.abc import Iterator

import pytest

from tests.notify.inbox import HttpInbox


@pytest.fixture
def inbox() -> Iterator[HttpInbox]:
    running = HttpInbox()
    yield running
    running.close()
