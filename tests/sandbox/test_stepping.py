"""A real bot can be stepped faster than the clock, trades, reaches nothing outside, and leaves nothing behind."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.hosts import plain_strategy_source, user_data, write_config
from tradai_lifecycle.sandbox import SandboxExchange, SteppedBot, build_market, load_freqtrade_config

START = datetime(2024, 2, 15, 0, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.host


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every address other than loopback that this process tried to reach."""
    tried: list[Any] = []
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def watched_connect(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not address[0].startswith("127."):
            tried.append(address)
        connect(self, address)

    def watched_lookup(host: Any, *rest: Any, **options: Any) -> Any:
        if host is not None and not str(host).startswith(("127.", "localhost")):
            tried.append(host)
        return lookup(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", watched_connect)
    monkeypatch.setattr(socket, "getaddrinfo", watched_lookup)
    return tried


@pytest.fixture
def config_file(tmp_path: Path, sandbox_exchange: SandboxExchange, sandbox_market: dict[str, pd.DataFrame]) -> Path:
    root = user_data(tmp_path, plain_strategy_source())
    return write_config(tmp_path / "config.json", sandbox_exchange.url, sandbox_market, user_data_dir=str(root))


@pytest.fixture
def bot(config_file: Path) -> Iterator[SteppedBot]:
    with SteppedBot(load_freqtrade_config([config_file]), START) as stepped:
        yield stepped


def trades() -> list[Any]:
    from freqtrade.persistence import Trade

    return list(Trade.get_trades([]).all())


def test_a_stepped_bot_opens_and_closes_trades_and_stays_on_loopback(
    outside: list[Any], bot: SteppedBot, sandbox_exchange: SandboxExchange, sandbox_market: dict[str, pd.DataFrame]
) -> None:
    bot.startup()
    stepped = list(bot.steps(40))

    assert stepped == [START.replace(second=0) + hour * HOUR for hour in range(40)]
    closed = [trade for trade in trades() if not trade.is_open]
    assert closed
    first = closed[0]
    candles = sandbox_market[first.pair].set_index("date")
    entered = first.open_date_utc
    assert entered.second == 5
    assert entered < first.close_date_utc <= bot.now
    assert first.open_rate == pytest.approx(candles["open"][entered.replace(second=0)], rel=2e-4)
    assert sandbox_exchange.unanswered == []
    assert outside == []


def test_a_futures_bot_goes_long_and_short(outside: list[Any], tmp_path: Path) -> None:
    pairs = ["BTC/USDT:USDT", "ETH/USDT:USDT"]
    frames = build_market(3, pairs, "1h", datetime(2024, 1, 1, tzinfo=UTC), 1_500)
    root = user_data(tmp_path, plain_strategy_source(can_short=True))
    with SandboxExchange.from_frames(frames, "1h") as exchange:
        file = write_config(tmp_path / "c.json", exchange.url, pairs, trading_mode="futures", user_data_dir=str(root))
        with SteppedBot(load_freqtrade_config([file]), START) as bot:
            bot.startup()
            assert len(list(bot.steps(30))) == 30
            assert {trade.is_short for trade in trades()} == {True, False}
        assert exchange.unanswered == []
    assert outside == []


def test_each_step_shows_the_strategy_one_candle_more(bot: SteppedBot, sandbox_market: dict[str, pd.DataFrame]) -> None:
    bot.startup()
    for candle in bot.steps(2):
        for pair, frame in sandbox_market.items():
            analysed = bot.strategy.dp.get_analyzed_dataframe(pair, "1h")[0]
            assert analysed["date"].iloc[-1] == candle == bot.candle
            expected = frame[frame["date"] <= candle].tail(len(analysed))
            assert analysed["close"].tolist() == expected["close"].tolist()


def test_a_refused_pair_keeps_its_old_candles_while_the_other_goes_on(
    bot: SteppedBot, sandbox_exchange: SandboxExchange
) -> None:
    bot.startup()
    before = bot.step()
    sandbox_exchange.refuse("BTC/USDT")
    try:
        after = bot.step()
    finally:
        sandbox_exchange.refuse()
    newest = {pair: bot.strategy.dp.get_pair_dataframe(pair)["date"].iloc[-1] for pair in ("BTC/USDT", "ETH/USDT")}
    assert newest == {"BTC/USDT": before, "ETH/USDT": after}


def test_closing_returns_to_the_real_time_and_ends_every_thread_and_connection(config_file: Path) -> None:
    from freqtrade.persistence import Trade

    real, threads = datetime.now(UTC), set(threading.enumerate())
    with SteppedBot(load_freqtrade_config([config_file]), START) as bot:
        bot.startup()
        bot.step()
        connections = Trade.session.get_bind().pool
        assert bot.now == START.replace(second=5) + HOUR
    bot.close()
    assert datetime.now(UTC) - real < timedelta(minutes=5)
    assert set(threading.enumerate()) == threads
    assert bot.bot.exchange.loop.is_closed()
    assert Trade.session.get_bind().pool is not connections


def test_a_second_bot_starts_without_the_first_ones_trades(config_file: Path) -> None:
    counts = []
    for _ in range(2):
        with SteppedBot(load_freqtrade_config([config_file]), START) as bot:
            bot.startup()
            counts.append([len(trades()), *(len(trades()) for _ in bot.steps(8))])
    assert counts[0] == counts[1]
    assert counts[0][0] == 0
    assert counts[0][-1] > 0


def test_a_bot_that_cannot_be_built_leaves_the_real_time(config_file: Path) -> None:
    from freqtrade.exceptions import OperationalException

    real = datetime.now(UTC)
    config = load_freqtrade_config([config_file], {"strategy": "NoSuchStrategy"})
    with pytest.raises(OperationalException, match="NoSuchStrategy"):
        SteppedBot(config, START)
    assert timedelta() <= datetime.now(UTC) - real < timedelta(minutes=5)


def test_time_cannot_go_back(bot: SteppedBot) -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        bot.move_to(START - HOUR)


def test_the_start_must_be_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        SteppedBot({}, datetime(2024, 1, 1))  # noqa: DTZ001 - what is refused


def test_a_configuration_is_a_silent_dry_run_in_memory_whatever_the_files_say(
    tmp_path: Path, sandbox_exchange: SandboxExchange
) -> None:
    root = user_data(tmp_path, plain_strategy_source())
    telegram = {"enabled": True, "token": "1:a", "chat_id": "1"}
    file = write_config(
        tmp_path / "live.json",
        sandbox_exchange.url,
        ["BTC/USDT"],
        user_data_dir=str(root),
        dry_run=False,
        db_url="sqlite:///live.sqlite",
        telegram=telegram,
    )
    config = load_freqtrade_config([file])
    assert (config["dry_run"], config["db_url"]) == (True, "sqlite://")
    assert config["telegram"]["enabled"] is False
    assert config["user_data_dir"] == root
    assert config["runmode"].value == "dry_run"


def test_overrides_win_over_files_and_may_ask_for_what_is_off(config_file: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'trades.sqlite'}"
    config = load_freqtrade_config(
        [config_file], {"db_url": database, "max_open_trades": 1, "webhook": {"enabled": True}}
    )
    assert config["db_url"] == database
    assert config["max_open_trades"] == 1
    assert config["webhook"]["enabled"] is True
    assert config["stake_amount"] == 100
