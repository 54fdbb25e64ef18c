"""A database that cannot be used blocks entries, says so, lets exits run, and heals without a restart."""

import logging
from contextlib import closing
from datetime import UTC, datetime

import pytest

from tests.live.workshop import Workshop
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.states import Reason, TradingState

pytestmark = pytest.mark.host


def decision(bot: SteppedBot):
    return bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC))


def test_an_unusable_database_blocks_entries_until_it_is_back(workshop: Workshop) -> None:
    workshop.register()
    store, away = workshop.user_data / "tradai_lifecycle.sqlite", workshop.user_data / "away"
    with workshop.bot(4_500) as bot:
        bot.step()
        assert decision(bot).state is TradingState.ACTIVE
        away.mkdir()
        for file in workshop.user_data.glob("tradai_lifecycle.sqlite*"):
            file.rename(away / file.name)
        store.mkdir()

        bot.process()
        assert (decision(bot).state, decision(bot).reasons) == (TradingState.PAUSED, Reason.STORE_FAILED)
        for _ in bot.steps(2):
            assert decision(bot).reasons == Reason.STORE_FAILED

        store.rmdir()
        for file in away.iterdir():
            file.rename(workshop.user_data / file.name)
        for _ in range(2):
            bot.process()
        assert decision(bot).state is TradingState.ACTIVE
        bot.strategy.lifecycle.supply.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            # the candles that were decided while it was away are there too
            assert len(ledger.states(pair="BTC/USDT")) == 3


def test_exits_run_while_the_database_is_away(workshop: Workshop) -> None:
    from freqtrade.persistence import Trade

    workshop.register()
    with workshop.bot(4_500) as bot:
        for _ in bot.steps(60):
            if Trade.get_open_trades():
                break
        opened = Trade.get_open_trades()
        assert opened
        for file in workshop.user_data.glob("tradai_lifecycle.sqlite*"):
            file.unlink()
        (workshop.user_data / "tradai_lifecycle.sqlite").mkdir()
        for _ in bot.steps(60):
            if not Trade.get_open_trades():
                break

        assert Trade.get_open_trades() == []
        assert decision(bot).reasons & Reason.STORE_FAILED


def test_a_lost_database_is_not_silently_made_anew(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        workshop.tradai("pause")
        bot.process()
        for file in workshop.user_data.glob("tradai_lifecycle.sqlite*"):
            file.unlink()
        for _ in bot.steps(3):
            pass

        assert decision(bot).state is TradingState.PAUSED
        assert not (workshop.user_data / "tradai_lifecycle.sqlite").exists()


def test_a_candle_that_the_exchange_revised_is_a_parity_alarm(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        supply = bot.strategy.lifecycle.supply
        logged = supply._parity._logged["BTC/USDT"][0]
        logged.features[0] += 0.01
        with caplog.at_level(logging.INFO):
            bot.step()
        supply.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            alarms = [stored.event for stored in ledger.events(kind="parity_alarm")]
        assert [(alarm.pair, alarm.version) for alarm in alarms] == [("BTC/USDT", "v1")]


def test_steady_candles_raise_no_parity_alarm(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        for _ in bot.steps(25):
            pass
        bot.strategy.lifecycle.supply.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            assert ledger.events(kind="parity_alarm") == ()
            assert len(ledger.predictions("BTC/USDT")) == 25
