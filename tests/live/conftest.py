"""One market, one exchange and one trained model for the whole suite; a folder of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosts import user_data
from tests.live.workshop import DEMO_STRATEGY, Workshop, build_workshop_market, train_demo_bundle
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.sandbox import SandboxExchange


@pytest.fixture(scope="session")
def workshop_exchange() -> Iterator[SandboxExchange]:
    """The exchange that serves the workshop's market."""
    with SandboxExchange.from_frames(build_workshop_market(), "1h") as exchange:
        yield exchange


@pytest.fixture(scope="session")
def demo_bundle(tmp_path_factory: pytest.TempPathFactory, workshop_exchange: SandboxExchange) -> ModelBundle:
    """A model of the demo strategy."""
    return train_demo_bundle(tmp_path_factory.mktemp("training"), build_workshop_market(), workshop_exchange)


@pytest.fixture
def workshop(tmp_path: Path, workshop_exchange: SandboxExchange, demo_bundle: ModelBundle) -> Workshop:
    """A bot's surroundings, not yet with a registered version."""
    user_data(tmp_path, DEMO_STRATEGY)
    return Workshop(root=tmp_path, market=build_workshop_market(), exchange=workshop_exchange, bundle=demo_bundle)
