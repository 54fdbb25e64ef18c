"""freqtrade's open trades as records: what a bot holds right now, and which model version entered it."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from freqtrade.persistence import Trade

from tradai_lifecycle.store.records import PositionRecord
from tradai_lifecycle.strategy.columns import NO_VERSION
from tradai_lifecycle.strategy.trade_version import VERSION_KEY

logger = logging.getLogger(__name__)


class OpenTrades:
    """Reads the open trades as freqtrade itself does. For the bot's thread: freqtrade's session belongs to it."""

    def __init__(self) -> None:
        self._versions: dict[int, str] = {}
        self._failed = False

    def read(self, closes: Mapping[str, float]) -> tuple[PositionRecord, ...]:
        """Every open trade, its profit against the pair's entry in `closes`, oldest first.

        Never raises: where freqtrade's database fails there are none, and that is logged once.
        """
        try:
            trades = sorted(Trade.get_open_trades(), key=lambda trade: int(trade.id))
            records = tuple(self._record(trade, closes.get(trade.pair, math.nan)) for trade in trades)
        except Exception as error:  # noqa: BLE001 - what is shown must not cost a trade
            if not self._failed:
                cause = str(error).partition("\n")[0] or type(error).__name__
                logger.warning("The open trades could not be read and are not shown until they can: %s", cause)
            self._failed = True
            return ()
        self._failed = False
        self._versions = {trade.id: self._versions[trade.id] for trade in trades if trade.id in self._versions}
        return records

    def _record(self, trade: Any, close: float) -> PositionRecord:
        return PositionRecord(
            pair=trade.pair,
            side="short" if trade.is_short else "long",
            stake=float(trade.stake_amount),
            profit_ratio=float(trade.calc_profit_ratio(close)) if math.isfinite(close) else math.nan,
            opened_at=trade.open_date_utc,
            version=self._entered_by(trade),
        )

    # it never changes once it is written, and asking for it is a query of its own
    def _entered_by(self, trade: Any) -> str:
        if trade.id not in self._versions:
            noted = trade.get_custom_data(VERSION_KEY)
            if noted is None:
                return NO_VERSION
            self._versions[trade.id] = str(noted)
        return self._versions[trade.id]


__all__ = ["OpenTrades"]
