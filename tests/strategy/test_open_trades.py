"""The open trades are freqtrade's own, read from its own database."""

import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from freqtrade.persistence import Trade, init_db
from sqlalchemy import text

from tradai_lifecycle.store import PositionRecord
from tradai_lifecycle.strategy.open_trades import OpenTrades
from tradai_lifecycle.strategy.trade_version import note_version

OPENED = datetime(2024, 6, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _trades_database(tmp_path: Path) -> Iterator[None]:
    """freqtrade's database, empty, in a file of its own."""
    init_db(f"sqlite:///{tmp_path / 'trades.sqlite'}")
    yield
    engine = Trade.session.get_bind()
    Trade.session.remove()
    engine.dispose()


def opened(pair: str, *, is_short: bool = False, is_open: bool = True) -> Any:
    """A trade of 100 at price 50, with a fee of 0.1 %."""
    trade = Trade(
        pair=pair,
        base_currency=pair.split("/", maxsplit=1)[0],
        stake_currency="USDT",
        stake_amount=100.0,
        amount=2.0,
        amount_requested=2.0,
        open_rate=50.0,
        fee_open=0.001,
        fee_close=0.001,
        exchange="binance",
        is_open=is_open,
        open_date=OPENED.replace(tzinfo=None),
        leverage=1.0,
        is_short=is_short,
        trading_mode="spot",
    )
    trade.recalc_open_trade_value()
    Trade.session.add(trade)
    Trade.commit()
    return trade


def test_each_open_trade_is_shown_with_profit_and_version() -> None:
    note_version(opened("ETH/USDT"), "v7")
    note_version(opened("BTC/USDT:USDT", is_short=True), "v8")
    opened("XRP/USDT", is_open=False)
    opened("ADA/USDT")
    seen = OpenTrades().read({"ETH/USDT": 55.0, "BTC/USDT:USDT": 55.0, "XRP/USDT": 55.0})
    assert seen[:2] == (
        # 2 x 55 less 0.1 % against 100 and 0.1 %
        PositionRecord(
            pair="ETH/USDT", side="long", stake=100.0, profit_ratio=0.0978022, opened_at=OPENED, version="v7"
        ),
        PositionRecord(
            pair="BTC/USDT:USDT", side="short", stake=100.0, profit_ratio=-0.1022022, opened_at=OPENED, version="v8"
        ),
    )
    assert [(one.pair, math.isnan(one.profit_ratio), one.version) for one in seen[2:]] == [("ADA/USDT", True, "none")]


def test_a_version_that_is_written_later_is_seen_and_is_asked_for_once() -> None:
    trade, trades = opened("ETH/USDT"), OpenTrades()
    assert [one.version for one in trades.read({})] == ["none"]
    note_version(trade, "v7")
    assert [one.version for one in trades.read({})] == ["v7"]
    note_version(trade, "v9")  # never happens: the version that entered stays
    assert [one.version for one in trades.read({})] == ["v7"]


def test_a_failing_database_costs_the_positions_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    opened("ETH/USDT")
    trades = OpenTrades()
    assert len(trades.read({})) == 1
    for failures in (1, 2):
        Trade.session.execute(text("ALTER TABLE trades RENAME TO gone"))
        with caplog.at_level(logging.WARNING):
            assert [trades.read({}) for _ in range(3)] == [()] * 3
        told = [record.message for record in caplog.records if "could not be read" in record.message]
        assert len(told) == failures
        assert told[-1].endswith("no such table: trades")
        Trade.session.rollback()
        Trade.session.execute(text("ALTER TABLE gone RENAME TO trades"))
        assert len(trades.read({})) == 1
