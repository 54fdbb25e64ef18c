"""What an operator says reaches a running bot within one loop, survives a restart, and is lifted by nobody else."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.live.workshop import Workshop
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store.records import BoundReasons

pytestmark = pytest.mark.host


def decision(bot: SteppedBot, pair: str = "BTC/USDT"):
    return bot.strategy.lifecycle.gate.decision(pair, datetime.now(UTC))


def entries(bot: SteppedBot) -> int:
    from freqtrade.persistence import Trade

    return len(Trade.get_trades([]).all())


def test_pause_reduce_and_resume_typed_elsewhere_are_obeyed_in_the_next_loop(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        for _ in bot.steps(3):
            pass
        assert decision(bot).state is TradingState.ACTIVE

        workshop.tradai("pause", "--note", "news")
        bot.process()
        assert decision(bot).state is TradingState.PAUSED
        assert decision(bot).reasons == Reason.OPERATOR_PAUSED
        before = entries(bot)
        for _ in bot.steps(40):
            assert decision(bot).state is TradingState.PAUSED
        assert entries(bot) == before

        workshop.tradai("resume")
        workshop.tradai("reduce", "0.3")
        bot.process()
        assert (decision(bot).state, decision(bot).stake_ratio) == (TradingState.REDUCED, 0.3)
        for _ in bot.steps(60):
            if entries(bot) > before:
                break
        from freqtrade.persistence import Trade

        newest = Trade.get_trades([]).all()[-1]
        assert newest.stake_amount == pytest.approx(30.0, rel=0.05)

        workshop.tradai("reduce", "1")
        bot.process()
        assert decision(bot).state is TradingState.ACTIVE


def test_an_operators_pause_survives_a_restart_and_a_swap(workshop: Workshop, demo_bundle: ModelBundle) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        workshop.tradai("pause")
        bot.process()
        assert decision(bot).state is TradingState.PAUSED
    workshop.register(replace(demo_bundle, metrics={"note": 2.0}))

    with workshop.bot(4_502) as bot:
        # the first loop after the restart is already paused: nothing slips through before it
        assert decision(bot).reasons & Reason.OPERATOR_PAUSED
        bot.step()
        bot.strategy.lifecycle.supply.poll_registry()
        bot.step()
        assert decision(bot).version == "v2"
        assert decision(bot).reasons == Reason.OPERATOR_PAUSED
        assert entries(bot) == 0


def test_a_resume_lifts_what_it_was_given_for_and_ends_with_its_terms(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_895) as bot:
        paused = paused_by_drift(bot)
        given_at = datetime.now(UTC)
        resume(workshop, bot, reasons=paused.reasons, severity=paused.severity, hours=3)
        assert decision(bot).state is TradingState.ACTIVE

        bot.move_to(given_at + timedelta(hours=3, seconds=1))
        assert decision(bot).state is TradingState.PAUSED


def test_a_resume_ends_for_good_when_a_new_reason_appears(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_895) as bot:
        paused = paused_by_drift(bot)
        resume(workshop, bot, reasons=Reason.FROZEN_FEED, severity=paused.severity, hours=24)
        bot.process()

        assert decision(bot).state is TradingState.PAUSED
        with closing(workshop.ledger()) as ledger:
            assert [record.action for record in ledger.operator()] == [OperatorAction.RESUME, OperatorAction.END_RESUME]


def paused_by_drift(bot: SteppedBot):
    for _ in bot.steps(260):
        if decision(bot).severity is Severity.SIGNIFICANT:
            break
    paused = decision(bot)
    assert (paused.severity, paused.state) == (Severity.SIGNIFICANT, TradingState.PAUSED)
    return paused


def resume(workshop: Workshop, bot: SteppedBot, *, reasons: Reason, severity: Severity, hours: int) -> None:
    now = datetime.now(UTC)
    with closing(workshop.ledger()) as ledger:
        ledger.record_operator(
            action=OperatorAction.RESUME,
            who="test",
            note="",
            at=now,
            bound={"BTC/USDT": BoundReasons(reasons=reasons, severity=severity)},
            expires_at=now + timedelta(hours=hours),
        )
    bot.process()
