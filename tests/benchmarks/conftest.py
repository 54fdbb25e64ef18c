"""What the tests of the benchmarks share: candles that are the same everywhere."""

from collections.abc import Iterator

import pytest

from benchmarks.drift.markets import candles, doubled_market, market
from benchmarks.latency_market import DATA_VARIABLE


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The sandbox's market, wherever real candles may lie."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    caches = (candles, market, doubled_market)
    for made in caches:
        made.cache_clear()
    yield
    for made in caches:
        made.cache_clear()
