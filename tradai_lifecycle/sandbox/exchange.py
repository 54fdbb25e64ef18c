"""A Binance on loopback: the public REST protocol, spot and USDT futures, answered from candles.

freqtrade and ccxt talk to it as they talk to the real exchange, over real HTTP, so that backtests, downloads and dry
runs work without a network. Only candles opened by the served time are shown; the newest one is unfinished then.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import pandas as pd

from tradai_lifecycle.sandbox.candles import CandleSeries, Listing, read_datadir
from tradai_lifecycle.sandbox.loopback import LoopbackServer, json_response

if TYPE_CHECKING:
    from aiohttp import web

MAXIMUM_KLINES = 1_000
FUNDING_RATE = 0.0001
FUNDING_INTERVAL_MS = 8 * 3_600_000
HALF_SPREAD = 0.0001
_DAY_MS = 86_400_000
_BOOK_LEVELS = 20
_LEVEL_QUOTE = 100_000.0
_MARKETS = {"/api/v3": "spot", "/fapi/v1": "futures"}

Clock = Callable[[], datetime]


class _Refusal(Exception):  # noqa: N818 - an answer of the protocol, not a fault of ours
    # What Binance answers instead of data: an HTTP status and its own code.
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, json.dumps({"code": code, "msg": message})


class SandboxExchange:
    """Binance's public protocol on a free port of 127.0.0.1, served from candles.

    `candles` maps (pair, timeframe) to a frame with the columns date (UTC), open, high, low, close and volume; a pair
    named like "BTC/USDT:USDT" is a perpetual future. `clock` says what time it is for the exchange; by default it is
    the process's clock, which follows a travelled time. Depth and tickers are priced at the open of the running
    candle, with a spread of 2 basis points. Use it as a context manager, or call `start` and `close`.

    Raises ValueError for candles out of order.
    """

    def __init__(
        self,
        candles: Mapping[tuple[str, str], pd.DataFrame],
        *,
        clock: Clock | None = None,
        minimum_notional: float = 5.0,
    ) -> None:
        self.clock: Clock = clock or (lambda: datetime.now(UTC))
        self.minimum_notional = minimum_notional
        #: paths nobody here answers, in the order they were asked: a test may hold this to be empty
        self.unanswered: list[str] = []
        self._markets: dict[tuple[str, str], Listing] = {}
        for (pair, timeframe), frame in candles.items():
            market = Listing(pair)
            self._markets.setdefault((market.kind, market.symbol), market).candles[timeframe] = CandleSeries(
                frame, timeframe
            )
        self._refused: frozenset[str] = frozenset()
        self._frozen_at: datetime | None = None
        self._delay_seconds = 0.0
        self._answers = {
            f"{prefix}/{path}": partial(answer, kind)
            for prefix, kind in _MARKETS.items()
            for path, answer in self._answers_by_path().items()
        }
        self._server = LoopbackServer("sandbox exchange", self._respond)

    @classmethod
    def from_frames(cls, frames: Mapping[str, pd.DataFrame], timeframe: str, **options: Any) -> Self:
        """An exchange over one timeframe: `frames` maps each pair to its candles."""
        return cls({(pair, timeframe): frame for pair, frame in frames.items()}, **options)

    @classmethod
    def from_datadir(cls, directory: Path, **options: Any) -> Self:
        """An exchange over a freqtrade data directory of feather files, spot and futures candles alike."""
        found = dict(read_datadir(Path(directory)))
        if not found:
            raise FileNotFoundError(f"{directory} holds no feather files of candles, such as BTC_USDT-1h.feather")
        return cls(found, **options)

    @property
    def url(self) -> str:
        """Where the running server listens, such as http://127.0.0.1:40123. Raises RuntimeError before `start`."""
        return self._server.url

    @property
    def pairs(self) -> tuple[str, ...]:
        """The pairs it trades, by freqtrade's names."""
        return tuple(market.pair for market in self._markets.values())

    @property
    def now(self) -> datetime:
        """The time up to which candles are served: the clock's, or that of the freeze if it is earlier."""
        now = self.clock()
        return now if self._frozen_at is None else min(now, self._frozen_at)

    def refuse(self, *pairs: str) -> None:
        """Answer every request about these pairs, and only these, with "service unavailable". No pair: accept all."""
        self._refused = frozenset(pairs)

    def freeze_at(self, time: datetime | None) -> None:
        """Serve no candle and no price newer than `time`, while the exchange's clock runs on. None: thaw."""
        self._frozen_at = time

    def delay(self, seconds: float) -> None:
        """Let every answer wait this long."""
        self._delay_seconds = seconds

    def start(self) -> Self:
        """Listen. Does nothing when it already does."""
        self._server.start()
        return self

    def close(self) -> None:
        """Stop listening and join the thread. Idempotent."""
        self._server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _answers_by_path(self) -> dict[str, Callable[[str, Mapping[str, str]], str]]:
        return {
            "ping": lambda _kind, _query: "{}",
            "time": lambda _kind, _query: json.dumps({"serverTime": _milliseconds(self.clock())}),
            "exchangeInfo": self._exchange_info,
            "klines": self._klines,
            "markPriceKlines": self._klines,
            "depth": self._depth,
            "ticker/24hr": partial(self._tickers, self._day_ticker),
            "ticker/bookTicker": partial(self._tickers, self._book_ticker),
            "ticker/price": partial(self._tickers, self._price_ticker),
            "premiumIndex": partial(self._tickers, self._premium_index),
            "fundingRate": self._funding_rates,
            "fundingInfo": lambda _kind, _query: "[]",
        }

    async def _respond(self, request: "web.Request") -> "web.Response":
        answer = self._answers.get(request.path) if request.method in ("GET", "HEAD") else None
        if answer is None:
            self.unanswered.append(request.path)
            return json_response(json.dumps({"code": -1000, "msg": f"no such path: {request.path}"}), 404)
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        try:
            return json_response(answer(request.query))
        except _Refusal as refusal:
            return json_response(refusal.body, refusal.status)

    def _market(self, kind: str, symbol: str) -> Listing:
        market = self._markets.get((kind, symbol))
        if market is None:
            raise _Refusal(400, -1121, "Invalid symbol.")
        if market.pair in self._refused:
            raise _Refusal(503, -1001, "Service unavailable from the sandbox.")
        return market

    def _price(self, market: Listing) -> float:
        price = market.finest.price(_milliseconds(self.now))
        if price is None:
            raise _Refusal(503, -1001, f"{market.symbol} does not trade before its first candle.")
        return price

    def _exchange_info(self, kind: str, _query: Mapping[str, str]) -> str:
        rules = [market.rules(self.minimum_notional) for market in self._markets.values() if market.kind == kind]
        info = {"timezone": "UTC", "serverTime": _milliseconds(self.clock()), "rateLimits": [], "symbols": rules}
        return json.dumps(info)

    def _klines(self, kind: str, query: Mapping[str, str]) -> str:
        candles = self._market(kind, query.get("symbol", "")).candles.get(query.get("interval", ""))
        if candles is None:
            raise _Refusal(400, -1120, "Invalid interval.")
        start, end = (int(query[name]) if name in query else None for name in ("startTime", "endTime"))
        limit = min(int(query.get("limit", "500")), MAXIMUM_KLINES)
        return candles.klines(_milliseconds(self.now), start, end, limit)

    def _depth(self, kind: str, query: Mapping[str, str]) -> str:
        price = self._price(self._market(kind, query.get("symbol", "")))
        steps = [HALF_SPREAD * (1 + level) for level in range(min(int(query.get("limit", "100")), _BOOK_LEVELS))]
        size = f"{_LEVEL_QUOTE / price:.8f}"
        now = _milliseconds(self.clock())
        book = {
            "lastUpdateId": now,
            "E": now,
            "T": now,
            "bids": [[f"{price * (1 - step):.8f}", size] for step in steps],
            "asks": [[f"{price * (1 + step):.8f}", size] for step in steps],
        }
        return json.dumps(book)

    def _tickers(self, ticker: Callable[[Listing], dict[str, Any]], kind: str, query: Mapping[str, str]) -> str:
        if "symbol" in query:
            return json.dumps(ticker(self._market(kind, query["symbol"])))
        wanted = json.loads(query["symbols"]) if "symbols" in query else None
        chosen: Iterable[Listing] = (market for market in self._markets.values() if market.kind == kind)
        shown = (market for market in chosen if wanted is None or market.symbol in wanted)
        return json.dumps([ticker(market) for market in shown if market.pair not in self._refused])

    def _price_ticker(self, market: Listing) -> dict[str, Any]:
        return {"symbol": market.symbol, "price": repr(self._price(market)), "time": _milliseconds(self.clock())}

    def _book_ticker(self, market: Listing) -> dict[str, Any]:
        price = self._price(market)
        size = f"{_LEVEL_QUOTE / price:.8f}"
        bid, ask = f"{price * (1 - HALF_SPREAD):.8f}", f"{price * (1 + HALF_SPREAD):.8f}"
        return {"symbol": market.symbol, "bidPrice": bid, "bidQty": size, "askPrice": ask, "askQty": size}

    def _day_ticker(self, market: Listing) -> dict[str, Any]:
        price, now = self._price(market), _milliseconds(self.clock())
        day = market.finest.day(_milliseconds(self.now))
        change = price - float(day["openPrice"])
        return {
            **day,
            **self._book_ticker(market),
            "priceChange": repr(change),
            "priceChangePercent": repr(100 * change / price),
            "weightedAvgPrice": repr(price),
            "lastPrice": repr(price),
            "openTime": now - _DAY_MS,
            "closeTime": now,
            "count": 100,
        }

    def _premium_index(self, market: Listing) -> dict[str, Any]:
        price, now = repr(self._price(market)), _milliseconds(self.clock())
        return {
            "symbol": market.symbol,
            "markPrice": price,
            "indexPrice": price,
            "lastFundingRate": repr(FUNDING_RATE),
            "nextFundingTime": (now // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS,
            "time": now,
        }

    def _funding_rates(self, kind: str, query: Mapping[str, str]) -> str:
        market, now = self._market(kind, query.get("symbol", "")), _milliseconds(self.now)
        limit = min(int(query.get("limit", "100")), MAXIMUM_KLINES)
        end = min(now, int(query.get("endTime", now)))
        start = max(int(query.get("startTime", end - limit * FUNDING_INTERVAL_MS)), int(market.finest.opened[0]))
        times = range(-(-start // FUNDING_INTERVAL_MS) * FUNDING_INTERVAL_MS, end + 1, FUNDING_INTERVAL_MS)[:limit]
        rate = repr(FUNDING_RATE)
        return json.dumps([{"symbol": market.symbol, "fundingTime": time, "fundingRate": rate} for time in times])


def exchange_config(url: str, *, trading_mode: str = "spot", pairs: Iterable[str] = ()) -> dict[str, Any]:
    """The `exchange` section of a freqtrade configuration whose every look-up goes to the sandbox at `url`.

    Each address that ccxt knows for Binance is moved to `url` with its path kept, so that what the sandbox does not
    answer fails there, visibly, and never reaches the internet. `trading_mode` is "spot" or "futures".
    """
    from ccxt import binance  # noqa: PLC0415 - ccxt takes a second to import

    moved = {name: url + urlsplit(address).path for name, address in binance().urls["api"].items()}
    ccxt_config = {
        "urls": {"api": moved},
        "enableRateLimit": False,
        "options": {"fetchMarkets": {"types": ["linear" if trading_mode == "futures" else "spot"]}},
    }
    return {
        "name": "binance",
        "key": "",
        "secret": "",
        "enable_ws": False,
        "only_from_ccxt": True,
        "ccxt_config": ccxt_config,
        "pair_whitelist": list(pairs),
        "pair_blacklist": [],
    }


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000)


__all__ = ["SandboxExchange", "exchange_config"]
