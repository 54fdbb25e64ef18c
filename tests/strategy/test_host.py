"""The host as it is: its version, its limits, and a real bot that is stepped through a pause."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freqtrade.enums import RunMode
from freqtrade.exceptions import ConfigurationError
from freqtrade.persistence import Trade
from freqtrade.resolvers import ExchangeResolver
from freqtrade.rpc import RPC, RPCException

from tests.strategy.premises import DRIFT_FROM, Premises, copy_premises, variant
from tradai_lifecycle import __version__
from tradai_lifecycle.errors import UnsupportedHostError
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.strategy.host import (
    OLDEST_FREQTRADE,
    available_startup_candles,
    require_supported_freqtrade,
    run_mode,
)

BTC, ETH = "BTC/USDT", "ETH/USDT"

#: Holds what it has, buys BTC at once, and leaves an order for ETH that never fills.
HOLDING = """
position_adjustment_enable = True
stoploss = -0.9
minimal_roi = {"0": 100.0}

def populate_entry_trend(self, dataframe, metadata):
    dataframe["enter_long"] = 1
    return dataframe

def populate_exit_trend(self, dataframe, metadata):
    return dataframe

def custom_entry_price(self, pair, trade, current_time, proposed_rate, entry_tag, side, **kwargs):
    return proposed_rate * (0.5 if pair == "ETH/USDT" else 1.01)
"""


def refusal(version: str) -> str | None:
    """What is said of a version of freqtrade; None where it is accepted."""
    try:
        require_supported_freqtrade(version)
    except UnsupportedHostError as refused:
        return str(refused)
    return None


@pytest.mark.parametrize("version", [OLDEST_FREQTRADE, "2026.10", "2027.1", "2026.9-dev-abc", "develop-1a2b", "docker"])
def test_supported_and_unnumbered_hosts_are_accepted(version: str) -> None:
    assert refusal(version) is None


@pytest.mark.parametrize("version", ["2026.2", "2025.12", "2025.12.1", "2026.2-dev"])
def test_an_older_host_is_refused_with_the_command_that_helps(version: str) -> None:
    assert refusal(version) == (
        f"freqtrade {version} is installed, but tradai-lifecycle needs 2026.3 or newer. "
        "Next: pip install --upgrade 'freqtrade>=2026.3'."
    )


@pytest.mark.parametrize("trading_mode", ["spot", "futures"])
def test_the_startup_limit_is_the_one_freqtrade_will_check(
    trading_mode: str, spot_premises: Premises, futures_premises: Premises, tmp_path: Path
) -> None:
    premises = copy_premises(spot_premises if trading_mode == "spot" else futures_premises, tmp_path)
    config = load_freqtrade_config([premises.configure()])
    exchange = ExchangeResolver.load_exchange(config, validate=False)
    try:
        available = available_startup_candles(config, "1h")
        assert available is not None
        exchange.validate_required_startup_candles(available, "1h")
        with pytest.raises(ConfigurationError, match="This strategy requires"):
            exchange.validate_required_startup_candles(available + 1, "1h")
    finally:
        exchange.close()


@pytest.mark.parametrize(("name", "candles"), [("binance", 4_999), ("kraken", 719), ("no such exchange", None)])
def test_an_exchange_gives_five_pages_of_candles_or_one(name: str, candles: int | None) -> None:
    assert available_startup_candles({"exchange": {"name": name}}, "1h") == candles


def test_a_configuration_without_a_run_mode_is_none_of_the_trading_ones() -> None:
    assert run_mode({}) is RunMode.OTHER


def open_pairs() -> dict[str, bool]:
    """Pairs of open trades, and whether each has an order that is not filled."""
    return {trade.pair: bool(trade.has_open_orders) for trade in Trade.get_open_trades()}


def state(bot: SteppedBot, pair: str) -> str:
    label: str = bot.strategy.lifecycle.gate.decision(pair, bot.now).state.label
    return label


def step_until_paused(bot: SteppedBot, pair: str) -> None:
    for _ in bot.steps(60):
        if state(bot, pair) == "paused":
            return
        assert open_pairs() == {BTC: False, ETH: True}
    pytest.fail(f"{pair} was not paused")


def force(bot: SteppedBot, pair: str) -> Trade | None:
    # older freqtrade names a simulated order by the second
    bot.move_to(bot.now + timedelta(seconds=1))
    trade: Trade | None = RPC(bot.bot)._rpc_force_entry(pair, None)
    return trade


@pytest.mark.host
def test_a_bot_trades_with_its_model_and_a_pause_stops_entries_only(
    premises: Premises, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    premises = premises.add_strategy("Holding", variant("Holding", HOLDING))
    premises.configure(
        {"tag_model_version": True},
        order_types={"entry": "limit", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False},
        unfilledtimeout={"entry": 100_000, "exit": 100_000, "unit": "minutes"},
        custom_price_max_distance_ratio=0.9,
        force_entry_enable=True,
    )
    with premises.bot(DRIFT_FROM - 2) as bot:
        bot.step()
        # a dry run looks at its open orders at the next iteration
        bot.process()
        assert bot.strategy.version() == f"tradai-lifecycle {__version__}, demo v1"
        assert open_pairs() == {BTC: False, ETH: True}
        bought = Trade.get_trades([Trade.pair == BTC]).one()
        assert (bought.get_custom_data("model_version"), bought.enter_tag) == ("v1", "|v1")
        increased = force(bot, BTC)
        assert increased is not None
        bot.process()
        assert increased.nr_of_successful_entries == 2

        step_until_paused(bot, ETH)
        assert open_pairs() == {BTC: False}
        assert "The pending entry order of ETH/USDT is cancelled: its pair is paused." in caplog.text
        reasons = "; ".join(bot.strategy.lifecycle.gate.decision(ETH, bot.now).reasons.words)
        with pytest.raises(RPCException) as refused:
            force(bot, ETH)
        assert str(refused.value) == f"ETH/USDT is paused by tradai-lifecycle: {reasons}"
        while state(bot, BTC) != "paused":
            bot.step()
        with pytest.raises(RPCException, match="BTC/USDT is paused by tradai-lifecycle: "):
            force(bot, BTC)
        bot.step()
        assert open_pairs() == {BTC: False}
        assert bought.nr_of_successful_entries == 2

        # the way out is never closed
        RPC(bot.bot)._rpc_force_exit(str(bought.id))
        bot.process()
        assert open_pairs() == {}
        assert state(bot, BTC) == "paused"


@pytest.mark.host
def test_a_forced_entry_goes_ahead_while_paused_where_that_is_allowed(premises: Premises) -> None:
    premises = premises.add_strategy("Holding", variant("Holding", HOLDING))
    premises.configure({"block_force_entry": False}, force_entry_enable=True)
    with premises.bot(DRIFT_FROM + 100) as bot:
        bot.step()
        assert {pair: state(bot, pair) for pair in (BTC, ETH)} == {BTC: "paused", ETH: "paused"}
        assert open_pairs() == {}
        forced = force(bot, BTC)
        assert forced is not None
        assert forced.stake_amount == pytest.approx(100.0, rel=0.05)
        assert force(bot, BTC) is not None
        bot.process()
        assert forced.nr_of_successful_entries == 2


@pytest.mark.host
def test_a_feed_that_stops_holds_its_pair_and_then_lets_it_go(premises: Premises, market_exchange: Any) -> None:
    premises.configure()
    with premises.bot(3_900) as bot:
        bot.step()
        assert state(bot, BTC) != "paused"
        market_exchange.freeze_at(bot.now)
        try:
            for _ in bot.steps(3):
                pass
            assert state(bot, BTC) == "paused"
        finally:
            market_exchange.freeze_at(None)
        bot.step()
        assert state(bot, BTC) != "paused"
