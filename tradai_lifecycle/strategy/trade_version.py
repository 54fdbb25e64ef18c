"""The model version on a trade, in freqtrade's custom data."""

from typing import Any

from freqtrade.persistence.custom_data import CustomDataWrapper, _CustomData
from freqtrade.util import dt_now

VERSION_KEY = "model_version"


def note_version(trade: Any, version: str) -> None:
    """Write `version` on a trade that does not bear one yet.

    In a backtest freqtrade looks through the data of every earlier trade before it writes, which takes longer with
    each one; there the entry is put down directly.
    """
    if CustomDataWrapper.use_db:
        trade.set_custom_data(VERSION_KEY, version)
        return
    entry = _CustomData(ft_trade_id=trade.id, cd_key=VERSION_KEY, cd_type="str", cd_value=version, created_at=dt_now())
    CustomDataWrapper.custom_data.append(entry)


__all__ = ["VERSION_KEY", "note_version"]
