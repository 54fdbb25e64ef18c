"""Ledgers and records that the tests of the store share."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.store import Ledger, PredictionRecord, StateRecord

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "user_data" / "lifecycle store #1?.sqlite"


@pytest.fixture
def ledger(store_path: Path) -> Iterator[Ledger]:
    opened = Ledger(store_path)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def make_state() -> Callable[..., StateRecord]:
    def make(pair: str = "BTC/USDT", index: int = 0, *, version: str = "15") -> StateRecord:
        return StateRecord(
            pair=pair,
            candle=NOON + timedelta(minutes=5 * index),
            version=version,
            severity=Severity.MODERATE,
            state=TradingState.REDUCED,
            effective=TradingState.PAUSED,
            reasons=Reason.PSI_MODERATE | Reason.OPERATOR_PAUSED | Reason.NO_REFERENCE,
            stake_ratio=0.0,
            psi_max=0.1 + 0.2,
            significant_ratio=math.inf,
            accuracy=math.nan,
            effective_predictions=12.5,
        )

    return make


@pytest.fixture
def make_prediction() -> Callable[..., PredictionRecord]:
    def make(pair: str = "BTC/USDT", index: int = 0, *, version: str = "15", features: int = 50) -> PredictionRecord:
        values = np.random.default_rng(index).normal(size=features)
        values[0] = np.nan
        return PredictionRecord(
            pair=pair,
            candle=NOON + timedelta(minutes=5 * index),
            version=version,
            features=values,
            prediction=0.1 + index,
            do_predict=1,
            effective=TradingState.ACTIVE,
        )

    return make
