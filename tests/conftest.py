"""Fixtures for every suite: a synthetic market, and a Binance on loopback that serves it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest

from tradai_lifecycle.sandbox import BASE, DRIFTED, SandboxExchange, build_market


@pytest.fixture(scope="session")
def sandbox_market() -> dict[str, pd.DataFrame]:
    """BTC/USDT and ETH/USDT, 4,000 candles of 1h from 2024-01-01: 2,800 of the base regime, then drift."""
    regimes = (BASE.lasting(2_800), DRIFTED)
    return build_market(7, ["BTC/USDT", "ETH/USDT"], "1h", datetime(2024, 1, 1, tzinfo=UTC), 4_000, regimes)


@pytest.fixture(scope="session")
def sandbox_exchange(sandbox_market: dict[str, pd.DataFrame]) -> Iterator[SandboxExchange]:
    """The running exchange over `sandbox_market`. Undo what you inject: the session shares it."""
    with SandboxExchange.from_frames(sandbox_market, "1h") as exchange:
        yield exchange
