"""freqtrade's own trade databases, written by freqtrade's own models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

OPENED = datetime(2024, 5, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedTrade:
    """A trade to write: bought for `stake` at 100, sold at `close_rate` after `hours`; None: still open."""

    version: str | None = None
    enter_tag: str | None = None
    close_rate: float | None = 110.0
    stake: float = 100.0
    hours: float = 2.0
    pair: str = "BTC/USDT"
    currency: str = "USDT"


@contextmanager
def trade_book(file: Path) -> Iterator[Any]:
    """freqtrade's database at `file`, open for its models in this process; afterwards let go."""
    from freqtrade.persistence import Trade, init_db
    from freqtrade.persistence.custom_data import _CustomData

    init_db(f"sqlite:///{file}")
    try:
        yield Trade
    finally:
        for session in (Trade.session, _CustomData.session):
            session.remove()
        Trade.session.get_bind().dispose()


def write_trades(file: Path, trades: Sequence[BookedTrade]) -> Path:
    """Write `trades` into freqtrade's database at `file`, made where it is missing."""
    from tradai_lifecycle.strategy.trade_version import note_version

    with trade_book(file) as book:
        for wanted in trades:
            trade = book(
                exchange="binance",
                pair=wanted.pair,
                stake_currency=wanted.currency,
                stake_amount=wanted.stake,
                amount=wanted.stake / 100.0,
                open_rate=100.0,
                fee_open=0.0,
                fee_close=0.0,
                open_date=OPENED.replace(tzinfo=None),
                is_open=True,
                enter_tag=wanted.enter_tag,
                leverage=1.0,
                is_short=False,
            )
            trade.orders.append(_filled(wanted, "buy", 100.0, OPENED))
            book.session.add(trade)
            book.commit()
            if wanted.version is not None:
                note_version(trade, wanted.version)
            if wanted.close_rate is not None:
                closed = OPENED + timedelta(hours=wanted.hours)
                trade.orders.append(_filled(wanted, "sell", wanted.close_rate, closed))
                trade.close_date = closed.replace(tzinfo=None)
                trade.close(wanted.close_rate, show_msg=False)
            book.commit()
    return file


def _filled(wanted: BookedTrade, side: str, price: float, at: datetime) -> Any:
    from freqtrade.persistence import Order

    amount = wanted.stake / 100.0
    return Order(
        ft_order_side=side,
        ft_pair=wanted.pair,
        ft_is_open=False,
        ft_amount=amount,
        ft_price=price,
        order_id=f"{side}-{uuid4()}",
        status="closed",
        symbol=wanted.pair,
        order_type="market",
        side=side,
        price=price,
        average=price,
        amount=amount,
        filled=amount,
        remaining=0.0,
        cost=amount * price,
        order_date=at.replace(tzinfo=None),
        order_filled_date=at.replace(tzinfo=None),
    )
