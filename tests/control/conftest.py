"""Fixtures for everything about commands."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.control.control_room import ControlRoom
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.store.ledger import Ledger


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    """A bot's ledger and registry, both empty."""
    with closing(Ledger(tmp_path / "tradai_lifecycle.sqlite")) as ledger:
        ledger.open()
        yield ControlRoom(
            root=tmp_path, ledger=ledger, registry=LocalDirectorySource(tmp_path / "registry", "demo"), settings={}
        )
