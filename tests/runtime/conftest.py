"""A watcher over a real folder of versions, with a clock, a probe and a registry that tests command."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.model.bundles import EXPECTATIONS, artefact, constant
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import RegistryUnreachableError
from tradai_lifecycle.events import CandidateDecided, FaultReported
from tradai_lifecycle.model import ModelSlot
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.runtime import Watcher
from tradai_lifecycle.states import SwapOutcome


class CommandedSource(LocalDirectorySource):
    """A folder registry that counts fetches, and runs `before` ahead of each question."""

    def __init__(self, directory, name):
        super().__init__(directory, name)
        self.before: Callable[[], None] = lambda: None
        self.fetched: list[str] = []

    def production_version(self):
        self.before()
        return super().production_version()

    def fetch(self, version, destination):
        self.fetched.append(version)
        return super().fetch(version, destination)


class Stage:
    """Everything round one watcher; `make_watcher` begins anew over the same folders, as a restarted bot does."""

    def __init__(self, home):
        self.home = home
        self.source = CommandedSource(home / "registry", "btc")
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.events: list[Any] = []
        self.adoptions: list[datetime] = []
        self.slot = ModelSlot()

    def make_watcher(self, **changes):
        config = {"model_name": "btc", "poll_interval_seconds": 60.0, **changes.pop("config", {})}
        self.slot = ModelSlot()
        return Watcher(
            **{
                "source": self.source,
                "slot": self.slot,
                "config": LifecycleConfig(**config),
                "expectations": EXPECTATIONS,
                "cache_directory": self.home / "cache",
                "on_event": self.events.append,
                "adoption_times": lambda: self.adoptions,
                "clock": lambda: self.now,
                "random": Random(1),
                "probe": lambda *_args, **_keywords: None,
                **changes,
            }
        )

    def publish(self, made=None, *, version=None):
        """Register a bundle, promote it, and return its version."""
        count = len(self.source.versions()) + 1
        directory = artefact(self.home / f"made{count}", made or constant(count))
        version = self.source.register(directory, metrics={}, parameters={}, tags={})
        self.source.promote(version)
        return version

    def files_of(self, version):
        """The directory of a version inside the registry."""
        return self.home / "registry" / "btc" / version

    def later(self, **amount):
        self.now += timedelta(**amount)

    def unreachable(self):
        def refuse():
            raise RegistryUnreachableError("directory:test", "it is down")

        self.source.before = refuse

    def reachable(self):
        self.source.before = lambda: None

    @property
    def decisions(self):
        return [(event.version, event.outcome) for event in self.events if isinstance(event, CandidateDecided)]

    @property
    def faults(self):
        return [(event.part, event.recovered) for event in self.events if isinstance(event, FaultReported)]


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


async def assert_adopted(stage, watcher, version):
    """Poll once: `version` is staged by it, and is in charge once the bot adopts."""
    await watcher.poll_once()
    assert stage.slot.adopt() is SwapOutcome.ADOPTED
    assert stage.slot.current.version == version
