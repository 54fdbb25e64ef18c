"""One market, one exchange and two trained versions for the whole folder; a directory of its own for each test."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.strategy.premises import (
    FUTURES_PAIRS,
    Premises,
    build_premises,
    copy_premises,
    market,
    offline_strategy,
)
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.sandbox import SandboxExchange
from tradai_lifecycle.store import Ledger
from tradai_lifecycle.strategy.columns import Frame, Judgement, JudgeSettings, judge_frame
from tradai_lifecycle.strategy.frame import build_frame


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


@pytest.fixture(scope="session")
def demo_strategy(tmp_path_factory: pytest.TempPathFactory, spot_premises: Premises) -> Any:
    """The demo strategy as a backtest has it, with its model. Do not change it."""
    premises = copy_premises(spot_premises, tmp_path_factory.mktemp("offline"))
    premises.configure()
    return offline_strategy(premises)


@pytest.fixture
def settings(demo_strategy: Any) -> JudgeSettings:
    """The settings that the demo strategy judges by."""
    found: JudgeSettings = demo_strategy.lifecycle.settings
    return found


@pytest.fixture
def bundle(demo_strategy: Any) -> ModelBundle:
    """The demo strategy's model."""
    found: ModelBundle = demo_strategy.lifecycle.supply.versions()[-1].bundle
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An open ledger of the test's own."""
    with closing(Ledger(tmp_path / "ledger.sqlite")) as opened:
        opened.open()
        yield opened


@pytest.fixture(scope="session")
def frames(demo_strategy: Any) -> Mapping[str, Frame]:
    """Per pair, the arrays of the whole history."""
    return {pair: build_frame(demo_strategy, candles.copy(), {"pair": pair})[1] for pair, candles in market().items()}


@pytest.fixture(scope="session")
def judged_history(demo_strategy: Any, frames: Mapping[str, Frame]) -> Mapping[str, Judgement]:
    """Per pair, the whole history as the production version judges it."""
    lifecycle = demo_strategy.lifecycle
    versions = lifecycle.supply.versions()
    return {pair: judge_frame(frame, versions, lifecycle.settings) for pair, frame in frames.items()}
