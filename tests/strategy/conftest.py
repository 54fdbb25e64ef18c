"""One market, one exchange and two trained versions for the whole folder; a directory of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strategy.premises import FUTURES_PAIRS, Premises, build_premises, copy_premises, market
from tradai_lifecycle.sandbox import SandboxExchange


@pytest.fixture(scope="session")
def market_exchange() -> Iterator[SandboxExchange]:
    """The exchange that serves the folder's market, spot and futures."""
    with SandboxExchange.from_frames({**market(), **market(FUTURES_PAIRS)}, "1h") as exchange:
        yield exchange


@pytest.fixture(scope="session")
def spot_premises(tmp_path_factory: pytest.TempPathFactory, market_exchange: SandboxExchange) -> Premises:
    """The directory every spot test starts from. Do not write into it."""
    return build_premises(tmp_path_factory.mktemp("spot"), market_exchange)


@pytest.fixture(scope="session")
def futures_premises(tmp_path_factory: pytest.TempPathFactory, market_exchange: SandboxExchange) -> Premises:
    """As `spot_premises`, with perpetual futures and regressors. Do not write into it."""
    return build_premises(tmp_path_factory.mktemp("futures"), market_exchange, pairs=FUTURES_PAIRS)


@pytest.fixture
def premises(tmp_path: Path, spot_premises: Premises) -> Premises:
    """A bot's directory of the test's own."""
    return copy_premises(spot_premises, tmp_path)
