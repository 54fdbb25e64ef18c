"""A running bot says what it holds, what it sees and what it waits for, from its own freqtrade."""

import math
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.live.workshop import PAIRS, Workshop
from tests.store.bots import wait_for_bot
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.states import OperatorAction, Reason
from tradai_lifecycle.store import BotRecord, Ledger
from tradai_lifecycle.strategy import bot_facts

pytestmark = pytest.mark.host


def test_every_batch_leaves_the_bots_facts_and_each_pairs_series(workshop: Workshop, demo_bundle: ModelBundle) -> None:
    from freqtrade.persistence import Trade

    workshop.register()
    with workshop.bot(4_500) as bot:
        started = datetime.now(UTC)
        for _ in bot.steps(60):
            if Trade.get_open_trades():
                break
        trade = Trade.get_open_trades()[0]
        bot.process()  # what a batch left is written when the next loop begins
        with closing(workshop.ledger()) as ledger:
            found = wait_for_bot(ledger, lambda record: record.positions != ())
            series, states = ledger.series(), ledger.latest_states()

        assert (found.started_at, found.at) == (started, bot.now)
        assert (found.timeframe, found.horizon_candles, found.window_candles) == ("1h", 6, 200)
        assert (found.freqtrade_state, found.dry_run, found.stake_currency) == ("running", True, "USDT")
        assert (found.registry_problem, found.awaiting) == ("", None)
        assert found.registry_seen_at is not None
        assert started <= found.registry_seen_at <= found.at
        held = next(position for position in found.positions if position.pair == trade.pair)
        close = float(bot.strategy.dp.get_analyzed_dataframe(trade.pair, "1h")[0]["close"].iloc[-1])
        assert (held.side, held.version, held.opened_at) == ("long", "v1", trade.open_date_utc)
        assert (held.stake, held.profit_ratio) == (trade.stake_amount, trade.calc_profit_ratio(close))
        assert held.profit_ratio != 0.0

        assert (set(series), set(states)) == (set(PAIRS), set(PAIRS))
        for pair in PAIRS:
            shown, state = series[pair], states[pair]
            reference = demo_bundle.profile.pair(pair)
            assert reference is not None
            assert (shown.candle, shown.version) == (bot.candle, "v1")
            assert shown.training_windows == reference.training_candles / 200
            assert [one.name for one in shown.series] == [*demo_bundle.feature_names, "prediction"]
            assert max(one.psi for one in shown.series) == state.psi_max
            frame = bot.strategy.dp.get_analyzed_dataframe(pair, "1h")[0]
            assert state.close == float(frame["close"].iloc[-1])
            assert state.accuracy_lower <= state.accuracy <= state.accuracy_upper or math.isnan(state.accuracy)


def test_freqtrades_own_state_is_told_without_a_candle(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from freqtrade.enums import State

    monkeypatch.setattr(bot_facts, "LOOK_SECONDS", 0.05)
    workshop.register()
    with workshop.bot(4_500) as bot, closing(workshop.ledger()) as ledger:
        for state in (State.STOPPED, State.PAUSED, State.RUNNING):
            bot.bot.state = state
            wait_for_bot(ledger, lambda record, word=str(state): record.freqtrade_state == word)
    assert "cannot be seen" not in caplog.text


def test_a_registry_that_is_gone_and_a_version_that_awaits_a_person_are_told(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_facts, "LOOK_SECONDS", 0.05)
    workshop.register()
    with workshop.bot(4_500, adoption="confirm") as bot, closing(workshop.ledger()) as ledger:
        bot.step()
        bot.step()
        workshop.register()
        supply = bot.strategy.lifecycle.supply
        supply.poll_registry()
        assert wait_for_bot(ledger, lambda record: record.awaiting is not None).awaiting == "v2"

        seen = bot.now
        registry, away = workshop.user_data / "registry", workshop.user_data / "away"
        registry.rename(away)
        registry.write_text("in the way", encoding="utf-8")
        bot.step()
        supply.poll_registry()
        found = wait_for_bot(ledger, lambda record: record.registry_problem != "")
        assert (found.registry_seen_at, found.awaiting) == (seen, "v2")
        registry.unlink()
        away.rename(registry)

        supply.poll_registry()
        wait_for_bot(ledger, lambda record: record.registry_problem == "" and record.registry_seen_at == bot.now)
        supply.runtime.submit(supply.watcher.confirm("2")).result(30)
        bot.step()
        assert bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC)).version == "v2"
        wait_for_bot(ledger, lambda record: record.awaiting is None)


def test_the_bots_own_thread_writes_no_facts(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    writers: set[int] = set()
    written = Ledger.record_bot

    def record_bot(ledger: Ledger, record: BotRecord) -> None:
        writers.add(threading.get_ident())
        written(ledger, record)

    monkeypatch.setattr(Ledger, "record_bot", record_bot)
    workshop.register()
    with workshop.bot(4_500) as bot, closing(workshop.ledger()) as ledger:
        for _ in bot.steps(3):
            pass
        wait_for_bot(ledger, lambda record: record.at == bot.now)
        assert writers
        assert threading.get_ident() not in writers


def drifts(bot: SteppedBot) -> bool:
    reasons = bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC)).reasons
    return Reason.PSI_SIGNIFICANT in reasons


def test_a_reset_of_drift_reaches_the_judgement_and_outlives_swaps_and_restarts(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_895) as bot, closing(workshop.ledger()) as ledger:
        for _ in bot.steps(260):
            if drifts(bot):
                break
        assert drifts(bot)
        supply = bot.strategy.lifecycle.supply
        assert supply.versions()[-1].drift_resets_ns == ()

        candle = bot.candle
        reset = {"action": OperatorAction.RESET_DRIFT, "who": "test", "note": "", "at": datetime.now(UTC)}
        ledger.record_operator(**reset, candle=candle)
        expected = (int(np.datetime64(candle.replace(tzinfo=None), "ns").astype(np.int64)),)
        bot.step()
        assert supply.versions()[-1].drift_resets_ns == expected
        assert not drifts(bot)

        workshop.register()
        supply.poll_registry()
        bot.step()
        assert supply.versions()[-1].bundle.label == "v2"
        assert supply.versions()[-1].drift_resets_ns == expected
        at = bot.now

    with workshop.bot(int((at - datetime(2024, 1, 1, tzinfo=UTC)).total_seconds() // 3_600)) as bot:
        bot.step()
        assert bot.strategy.lifecycle.supply.versions()[-1].drift_resets_ns == expected


def test_candles_that_stop_coming_are_told_once_and_so_is_their_return(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.process()
        session = bot.strategy.lifecycle.supply
        for hours in (0, 4, 5, 0):
            session.begin_loop(bot.now + timedelta(hours=hours))
        session.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            told = [stored.event for stored in reversed(ledger.events(kind="fault_reported"))]
    assert [(event.part, event.recovered) for event in told if event.part == "candles"] == [
        ("candles", False),
        ("candles", True),
    ]
    assert told[0].message == f"too old: {', '.join(sorted(PAIRS))}"
