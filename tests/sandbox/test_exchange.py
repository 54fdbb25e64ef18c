"""The sandbox exchange answers as Binance does, shows nothing of the future, and fails on request."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ccxt
import pandas as pd
import pytest
import requests

from tradai_lifecycle.sandbox import SandboxExchange, build_market, exchange_config, write_datadir

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAIRS = ["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT"]


class Clock:
    def __init__(self) -> None:
        self.now = START + 100 * HOUR + timedelta(seconds=5)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def market() -> dict[str, pd.DataFrame]:
    return build_market(1, PAIRS, "1h", START, 3_000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(market: dict[str, pd.DataFrame], clock: Clock) -> Iterator[SandboxExchange]:
    with SandboxExchange.from_frames(market, "1h", clock=clock) as running:
        yield running


def get(exchange: SandboxExchange, path: str, **query: Any) -> Any:
    return requests.get(f"{exchange.url}{path}", params=query, timeout=10).json()


def klines(exchange: SandboxExchange, **query: Any) -> Any:
    return get(exchange, "/api/v3/klines", symbol="BTCUSDT", interval="1h", **query)


def milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000)


def test_candles_come_back_to_the_last_bit(exchange: SandboxExchange, market: dict[str, pd.DataFrame]) -> None:
    served = klines(exchange, limit=51)[:-1]
    candles = market["BTC/USDT"].iloc[50:100]
    assert [row[0] for row in served] == [milliseconds(date) for date in candles["date"]]
    numbers = [[float(text) for text in row[1:6]] for row in served]
    assert numbers == candles[["open", "high", "low", "close", "volume"]].to_numpy().tolist()


def test_the_running_candle_shows_nothing_but_its_open(
    exchange: SandboxExchange, market: dict[str, pd.DataFrame]
) -> None:
    running = klines(exchange)[-1]
    opening = float(market["BTC/USDT"]["open"].iloc[100])
    assert [float(text) for text in running[1:6]] == [opening] * 4 + [0.0]
    assert running[0] == milliseconds(START + 100 * HOUR)


def test_no_candle_after_the_clock_is_served(exchange: SandboxExchange, clock: Clock) -> None:
    assert klines(exchange, startTime=milliseconds(START + 101 * HOUR)) == []
    clock.now += HOUR
    assert len(klines(exchange, startTime=milliseconds(START + 101 * HOUR))) == 1


def test_the_last_candle_is_whole_once_its_data_end(exchange: SandboxExchange, clock: Clock) -> None:
    clock.now = START + 3_000 * HOUR
    assert float(klines(exchange)[-1][5]) > 0


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({}, 0, 100),
        ({"limit": 10}, 91, 100),
        ({"startTime": 20, "limit": 5}, 20, 24),
        ({"endTime": 30, "limit": 5}, 26, 30),
        ({"startTime": 20, "endTime": 22}, 20, 22),
        ({"startTime": -50, "limit": 2}, 0, 1),
    ],
)
def test_limit_start_and_end_mean_what_binance_means(
    exchange: SandboxExchange, query: dict[str, int], first: int, last: int
) -> None:
    asked = {name: hour if name == "limit" else milliseconds(START + hour * HOUR) for name, hour in query.items()}
    opened = [row[0] for row in klines(exchange, **asked)]
    assert (opened[0], opened[-1]) == (milliseconds(START + first * HOUR), milliseconds(START + last * HOUR))


def test_an_answer_holds_at_most_a_thousand_candles(exchange: SandboxExchange, clock: Clock) -> None:
    clock.now = START + 2_900 * HOUR
    assert len(klines(exchange, limit=5_000)) == 1_000


def test_prices_are_the_open_of_the_running_candle_with_a_small_spread(
    exchange: SandboxExchange, market: dict[str, pd.DataFrame]
) -> None:
    opening = float(market["BTC/USDT"]["open"].iloc[100])
    assert float(get(exchange, "/api/v3/ticker/price", symbol="BTCUSDT")["price"]) == opening
    book = get(exchange, "/api/v3/depth", symbol="BTCUSDT", limit=5)
    bid, ask = float(book["bids"][0][0]), float(book["asks"][0][0])
    assert bid < opening < ask
    assert (ask - bid) / opening == pytest.approx(0.0002, rel=1e-3)
    assert len(book["bids"]) == 5


def test_the_day_ticker_sums_the_finished_candles_of_a_day(
    exchange: SandboxExchange, market: dict[str, pd.DataFrame]
) -> None:
    ticker = get(exchange, "/api/v3/ticker/24hr", symbol="BTCUSDT")
    day = market["BTC/USDT"].iloc[77:100]
    assert float(ticker["highPrice"]) == day["high"].max()
    assert float(ticker["volume"]) == pytest.approx(day["volume"].sum())


def test_the_day_ticker_is_empty_while_the_first_candle_runs(exchange: SandboxExchange, clock: Clock) -> None:
    clock.now = START + timedelta(seconds=5)
    ticker = get(exchange, "/api/v3/ticker/24hr", symbol="BTCUSDT")
    assert (float(ticker["volume"]), float(ticker["highPrice"])) == (0.0, float(ticker["lastPrice"]))


def test_nothing_trades_before_the_first_candle(exchange: SandboxExchange, clock: Clock) -> None:
    clock.now = START - HOUR
    assert klines(exchange) == []
    assert get(exchange, "/api/v3/ticker/price", symbol="BTCUSDT")["code"] == -1001


def test_a_refused_pair_is_unavailable_and_the_others_are_not(exchange: SandboxExchange) -> None:
    exchange.refuse("BTC/USDT")
    assert klines(exchange)["code"] == -1001
    assert len(get(exchange, "/api/v3/klines", symbol="ETHUSDT", interval="1h")) == 101
    assert [ticker["symbol"] for ticker in get(exchange, "/api/v3/ticker/price")] == ["ETHUSDT"]
    exchange.refuse()
    assert len(klines(exchange)) == 101


def test_a_frozen_feed_stands_still_while_the_clock_runs(exchange: SandboxExchange, clock: Clock) -> None:
    exchange.freeze_at(clock.now)
    before = klines(exchange)
    clock.now += 5 * HOUR
    assert klines(exchange) == before
    assert get(exchange, "/api/v3/time")["serverTime"] == milliseconds(clock.now)
    exchange.freeze_at(None)
    assert len(klines(exchange)) == len(before) + 5


def test_a_delay_holds_answers_back(exchange: SandboxExchange) -> None:
    exchange.delay(30)
    with pytest.raises(requests.Timeout):
        requests.get(f"{exchange.url}/api/v3/ping", timeout=0.05)


def test_what_nobody_answers_is_refused_and_remembered(exchange: SandboxExchange) -> None:
    assert requests.get(f"{exchange.url}/sapi/v1/account", timeout=10).status_code == 404
    assert exchange.unanswered == ["/sapi/v1/account"]


@pytest.mark.parametrize(("symbol", "interval", "code"), [("DOGEUSDT", "1h", -1121), ("BTCUSDT", "5m", -1120)])
def test_unknown_symbols_and_intervals_have_binances_codes(
    exchange: SandboxExchange, symbol: str, interval: str, code: int
) -> None:
    assert get(exchange, "/api/v3/klines", symbol=symbol, interval=interval)["code"] == code


@pytest.mark.parametrize(("mode", "pair"), [("spot", "BTC/USDT"), ("futures", "BTC/USDT:USDT")])
def test_ccxt_understands_every_answer(exchange: SandboxExchange, mode: str, pair: str) -> None:
    settings = exchange_config(exchange.url, trading_mode=mode)["ccxt_config"]
    settings["options"]["defaultType"] = "swap" if mode == "futures" else "spot"
    client = ccxt.binance(settings)
    market = client.load_markets()[pair]
    assert market["limits"]["cost"]["min"] == 5.0
    assert market["precision"]["price"] <= 0.01
    assert client.fetch_time() == milliseconds(exchange.clock())
    assert len(client.fetch_ohlcv(pair, "1h", limit=50)) == 50
    assert client.fetch_order_book(pair, 5)["asks"][0][0] > client.fetch_ticker(pair)["last"]
    assert set(client.fetch_tickers()) == {name for name in PAIRS if (":" in name) == (mode == "futures")}
    assert client.fetch_bids_asks()[pair]["bid"] > 0
    if mode == "futures":
        assert client.fetch_funding_rate(pair)["fundingRate"] == 0.0001
        assert len(client.fetch_funding_rate_history(pair, since=milliseconds(START))) == 13
        assert len(client.fetch_ohlcv(pair, "1h", params={"price": "mark"})) == 101
    assert exchange.unanswered == []


def test_every_address_of_ccxt_is_moved_to_loopback(exchange: SandboxExchange) -> None:
    moved = exchange_config(exchange.url)["ccxt_config"]["urls"]["api"]
    assert set(moved) == set(ccxt.binance().urls["api"])
    assert all(address.startswith(exchange.url) for address in moved.values())


def test_the_minimum_notional_is_a_setting(market: dict[str, pd.DataFrame], clock: Clock) -> None:
    with SandboxExchange.from_frames(market, "1h", clock=clock, minimum_notional=20.0) as exchange:
        client = ccxt.binance(exchange_config(exchange.url)["ccxt_config"])
        assert client.load_markets()["ETH/USDT"]["limits"]["cost"]["min"] == 20.0


@pytest.mark.parametrize("mode", ["spot", "futures"])
def test_a_data_directory_is_served_like_the_frames_it_was_written_from(
    tmp_path: Path, market: dict[str, pd.DataFrame], clock: Clock, mode: str
) -> None:
    frames = {pair: frame for pair, frame in market.items() if (":" in pair) == (mode == "futures")}
    write_datadir(frames, tmp_path, "1h", mode)
    path = "/api/v3/klines" if mode == "spot" else "/fapi/v1/klines"
    with (
        SandboxExchange.from_datadir(tmp_path, clock=clock) as stored,
        SandboxExchange.from_frames(frames, "1h", clock=clock) as given,
    ):
        assert stored.pairs == tuple(frames)
        query = {"symbol": "BTCUSDT", "interval": "1h"}
        assert get(stored, path, **query) == get(given, path, **query)


def test_an_empty_data_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="feather"):
        SandboxExchange.from_datadir(tmp_path)


def test_candles_out_of_order_are_refused(market: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(ValueError, match="ordered"):
        SandboxExchange.from_frames({"BTC/USDT": market["BTC/USDT"].iloc[::-1]}, "1h")


def test_closing_twice_is_closing_once(market: dict[str, pd.DataFrame]) -> None:
    exchange = SandboxExchange.from_frames(market, "1h").start()
    exchange.close()
    exchange.close()
    with pytest.raises(RuntimeError, match="not running"):
        _ = exchange.url
