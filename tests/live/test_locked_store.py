"""A database that another process keeps locked costs the bot's thread a moment per loop, and never a safe decision."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.live.workshop import Workshop
from tests.store.locks import locked_elsewhere
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store.records import BoundReasons
from tradai_lifecycle.strategy.session import LOOP_PATIENCE_SECONDS

pytestmark = pytest.mark.host
#: What a busy machine may add; a call that waits as others do takes 2 seconds.
SLACK = 1.0


def decision(bot: SteppedBot) -> Any:
    return bot.strategy.lifecycle.gate.decision("BTC/USDT", datetime.now(UTC))


def clocked(bot: SteppedBot) -> list[float]:
    """How long each of the bot's loops spends between two batches, from now on."""
    supply, spent = bot.strategy.lifecycle.supply, list[float]()
    begin_loop = supply.begin_loop

    def timed(now: datetime) -> None:
        began = time.monotonic()
        begin_loop(now)
        spent.append(time.monotonic() - began)

    supply.begin_loop = timed
    return spent


def test_an_adoption_that_cannot_be_written_is_not_done_and_does_not_keep_the_bot_waiting(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        workshop.register()
        supply = bot.strategy.lifecycle.supply
        supply.poll_registry()
        assert supply.slot.staged.label == "v2"
        spent = clocked(bot)
        with locked_elsewhere(workshop.user_data / "tradai_lifecycle.sqlite"):
            for _ in bot.steps(3):
                assert (decision(bot).version, decision(bot).reasons) == ("v1", Reason.STORE_FAILED)
            assert max(spent) < LOOP_PATIENCE_SECONDS + SLACK
            assert min(spent) > 0.8 * LOOP_PATIENCE_SECONDS
        bot.step()
        assert (decision(bot).version, decision(bot).state) == ("v2", TradingState.ACTIVE)
        supply.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            assert [adoption.version for adoption in ledger.adoptions()] == ["v1", "v2"]
            assert ledger.adoptions()[-1].adopted_candle == bot.candle
            # what was decided meanwhile is there too
            assert len(ledger.states(pair="BTC/USDT")) == 5


def test_the_end_of_a_resume_holds_at_once_and_is_written_when_it_can_be(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_895) as bot, closing(workshop.ledger()) as ledger:
        for _ in bot.steps(260):
            if decision(bot).severity is Severity.SIGNIFICANT:
                break
        paused = decision(bot)
        assert (paused.severity, paused.state) == (Severity.SIGNIFICANT, TradingState.PAUSED)
        now = datetime.now(UTC)
        ledger.record_operator(
            action=OperatorAction.RESUME,
            who="test",
            note="",
            at=now,
            bound={"BTC/USDT": BoundReasons(reasons=Reason.FROZEN_FEED, severity=paused.severity)},
            expires_at=now + timedelta(hours=24),
        )
        spent = clocked(bot)
        with locked_elsewhere(workshop.user_data / "tradai_lifecycle.sqlite"):
            for _ in range(3):
                bot.process()
                assert bot.strategy.lifecycle.gate.view.stance.resume_bounds == {}
                assert decision(bot).state is TradingState.PAUSED
            assert max(spent) < LOOP_PATIENCE_SECONDS + SLACK
        assert [record.action for record in ledger.operator()] == [OperatorAction.RESUME]
        bot.process()
        assert [record.action for record in ledger.operator()] == [OperatorAction.RESUME, OperatorAction.END_RESUME]
        assert not decision(bot).reasons & Reason.STORE_FAILED
