"""Bots for the commands: those of the other suites, one to be examined, and one to be taken apart."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.doctor_scene import Scene
from tests.cli.stopped_bot import configured, ledger_of
from tests.cli.trade_books import BookedTrade, write_trades
from tests.live.conftest import demo_bundle, workshop, workshop_exchange  # noqa: F401 - fixtures
from tests.model.bundles import artefact
from tests.strategy.conftest import market_exchange, premises, spot_premises  # noqa: F401 - fixtures
from tests.strategy.premises import Premises
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.runtime.model_cache import CachedVersion, ModelCache


@pytest.fixture
def scene(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:  # noqa: F811
    """A bot with a model in production, in which nothing is wrong yet."""
    premises.configure()
    with ExitStack() as servers:
        yield Scene(premises=premises, patch=monkeypatch, servers=servers)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A stopped bot with two noted trades, a ledger, a cached model, a registry and a rehearsal."""
    write_trades(tmp_path / "trades.sqlite", [BookedTrade(version="v1"), BookedTrade(version="v2"), BookedTrade()])
    ledger_of(tmp_path / "tradai_lifecycle.sqlite")
    registry = LocalDirectorySource(tmp_path / "registry", "demo")
    files = artefact(tmp_path / "artefact")
    version = registry.register(files, metrics={}, parameters={}, tags={})
    digest = registry.describe(version).digest or ""
    cache = ModelCache(tmp_path / "tradai_models", "demo")
    registry.fetch(version, cache.arrival(version))
    cache.add(CachedVersion(version=version, digest=digest, run_id=None), cache.arrival(version))
    ledger_of(tmp_path / "rehearsals" / "first" / "tradai_lifecycle.sqlite")
    configured(tmp_path)
    return tmp_path
