"""What the sandbox exchange has on offer: pairs with their trading rules, and candles as Binance spells them."""

import math
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tradai_lifecycle.config import candle_seconds

_DAY_MS = 86_400_000
_FILE_NAME = re.compile(r"(?P<pair>.+)-(?P<timeframe>\d+[smhdwM])(?P<futures>-futures)?\.feather")


class CandleSeries:
    """One pair's candles of one timeframe: a frame with date (UTC, ascending), open, high, low, close and volume.

    Times are milliseconds since the epoch. Raises ValueError when dates are doubled or out of order.
    """

    def __init__(self, frame: pd.DataFrame, timeframe: str) -> None:
        self.interval = candle_seconds(timeframe) * 1_000
        dates = pd.DatetimeIndex(pd.to_datetime(frame["date"], utc=True)).tz_localize(None)
        self.opened: npt.NDArray[np.int64] = dates.to_numpy("datetime64[ms]").astype(np.int64)
        if np.any(np.diff(self.opened) <= 0):
            raise ValueError("candles must be ordered by date, each date once")
        self.numbers: npt.NDArray[np.float64] = frame[["open", "high", "low", "close", "volume"]].to_numpy(np.float64)

    @cached_property
    def rows(self) -> list[str]:
        """Each candle as an element of Binance's answer to klines, numbers spelled so that no bit is lost."""
        return [self._row(at, *values) for at, values in zip(self.opened.tolist(), self.numbers.tolist(), strict=True)]

    def _row(self, at: int, opening: float, high: float, low: float, close: float, volume: float) -> str:
        quoted = f'"{opening!r}","{high!r}","{low!r}","{close!r}","{volume!r}"'
        return f'[{at},{quoted},{at + self.interval - 1},"{volume * close!r}",100,"0","0","0"]'

    def known(self, now: int) -> int:
        """How many candles have opened by `now`."""
        return int(np.searchsorted(self.opened, now, side="right"))

    def price(self, now: int) -> float | None:
        """The open of the running candle, or the last close where none runs; None before the first candle."""
        last = self.known(now) - 1
        if last < 0:
            return None
        running = now < self.opened[last] + self.interval
        return float(self.numbers[last, 0 if running else 3])

    def klines(self, now: int, start: int | None, end: int | None, limit: int) -> str:
        """Binance's answer: on from `start`, else the last `limit` up to `end`; a running candle is only its open."""
        stop = self.known(min(now, end) if end is not None else now)
        first = int(np.searchsorted(self.opened, start)) if start is not None else max(0, stop - limit)
        chosen = self.rows[first : min(stop, first + limit)]
        last = first + len(chosen) - 1
        if chosen and now < self.opened[last] + self.interval:
            opening = float(self.numbers[last, 0])
            chosen[-1] = self._row(int(self.opened[last]), opening, opening, opening, opening, 0.0)
        return f"[{','.join(chosen)}]"

    def day(self, now: int) -> dict[str, str]:
        """Statistics of the finished candles of the last 24 hours, as the ticker spells them."""
        last = self.known(now)
        first = int(np.searchsorted(self.opened, now - _DAY_MS))
        if now < self.opened[last - 1] + self.interval:
            last -= 1  # the running candle has not traded yet
        untraded = np.array([[self.price(now) or 0.0] * 4 + [0.0]])
        span = self.numbers[first:last] if last > first else untraded
        volume, quote = float(span[:, 4].sum()), float((span[:, 3] * span[:, 4]).sum())
        return {
            "openPrice": repr(float(span[0, 0])),
            "highPrice": repr(float(span[:, 1].max())),
            "lowPrice": repr(float(span[:, 2].min())),
            "volume": repr(volume),
            "quoteVolume": repr(quote),
        }


class Listing:
    """One tradable pair: its symbol, its rules, and its candles by timeframe. "BTC/USDT:USDT" is a future."""

    def __init__(self, pair: str) -> None:
        self.pair = pair
        self.base, _, quote = pair.partition("/")
        self.quote = quote.partition(":")[0]
        self.kind = "futures" if ":" in pair else "spot"
        self.symbol = self.base + self.quote
        self.candles: dict[str, CandleSeries] = {}

    @property
    def finest(self) -> CandleSeries:
        """The candles of the shortest timeframe: what prices are taken from."""
        return min(self.candles.values(), key=lambda candles: candles.interval)

    def rules(self, minimum_notional: float) -> dict[str, Any]:
        """Its entry in exchangeInfo: a tick of a millionth of its price, a lot of about 0.1 to 1 of the quote."""
        magnitude = math.floor(math.log10(float(np.median(self.finest.numbers[:, 3]))))
        price_decimals, amount_decimals = max(0, 6 - magnitude), max(0, magnitude + 1)
        tick, lot = f"{10.0**-price_decimals:.{price_decimals}f}", f"{10.0**-amount_decimals:.{amount_decimals}f}"
        rules: dict[str, Any] = {
            "symbol": self.symbol,
            "pair": self.symbol,
            "status": "TRADING",
            "baseAsset": self.base,
            "quoteAsset": self.quote,
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "permissions": ["SPOT"],
            "isSpotTradingAllowed": self.kind == "spot",
            "orderTypes": ["LIMIT", "MARKET", "STOP_LOSS_LIMIT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "100000000", "tickSize": tick},
                {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "100000000", "stepSize": lot},
                {
                    "filterType": "NOTIONAL" if self.kind == "spot" else "MIN_NOTIONAL",
                    "minNotional": repr(minimum_notional),
                    "notional": repr(minimum_notional),
                },
            ],
        }
        if self.kind == "futures":
            precision = {"pricePrecision": price_decimals, "quantityPrecision": amount_decimals}
            perpetual = {"contractType": "PERPETUAL", "marginAsset": self.quote, "deliveryDate": 4133404800000}
            rules |= perpetual | precision
        return rules


def read_datadir(directory: Path) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """(pair, timeframe) and candles of each feather file in a freqtrade data directory, but for mark and funding."""
    for path in sorted([*directory.glob("*.feather"), *directory.glob("futures/*-futures.feather")]):
        parts = _FILE_NAME.fullmatch(path.name)
        if parts is None:
            continue
        base, quote, *settle = parts["pair"].split("_")
        pair = f"{base}/{quote}:{settle[0]}" if settle else f"{base}/{quote}"
        yield (pair, parts["timeframe"]), pd.read_feather(path)


__all__ = ["CandleSeries", "Listing", "read_datadir"]
