"""Fixtures for everything about commands."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.control.control_room import ControlRoom
from tests.control.telegram_room import HOST_TOKEN, TOKEN
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram
from tradai_lifecycle.store.ledger import Ledger


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ControlRoom]:
    """A bot's ledger and registry, both empty."""
    with closing(Ledger(tmp_path / "tradai_lifecycle.sqlite")) as ledger:
        ledger.open()
        yield ControlRoom(
            root=tmp_path, ledger=ledger, registry=LocalDirectorySource(tmp_path / "registry", "demo"), settings={}
        )


@pytest.fixture
def server() -> Iterator[SandboxTelegram]:
    """A Telegram on loopback that knows a bot of our own and freqtrade's."""
    with SandboxTelegram({TOKEN: "life_bot", HOST_TOKEN: "host_bot"}) as running_server:
        yield running_server
