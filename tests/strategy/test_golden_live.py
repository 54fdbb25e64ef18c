"""A real bot finds a fault of its feature code at its start, at a swap and as it runs, and none where there is none."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.store.bots import wait_for_bot
from tests.strategy.premises import TRAINED_CANDLES, Premises, candle_time, trained_bundle, variant
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.commands import Caller, CommandDesk
from tradai_lifecycle.control.phrases import clock
from tradai_lifecycle.control.syntax import parse_command
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.events import FaultReported, ModelAdopted, ParityAlarm, StateChanged
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.states import CommandName, Reason, Role, TradingState
from tradai_lifecycle.store.ledger import Ledger

pytestmark = pytest.mark.host

FIRST = TRAINED_CANDLES + 700
LAST = '        dataframe["%-body"] = (close - dataframe["open"]) / spread\n'
LAGGED = (LAST, f'{LAST}        dataframe["%-return_6"] = dataframe["%-return_6"].shift(1)\n')
#: The newest row shows half of what it will be.
REPAINTED = (LAST, f'{LAST}        dataframe.loc[dataframe.index[-1], "%-body"] /= 2.0\n')


def decided(bot: SteppedBot, pair: str = "BTC/USDT") -> tuple[TradingState, Reason]:
    decision = bot.strategy.lifecycle.gate.decision(pair, datetime.now(UTC))
    return decision.state, decision.reasons


def reached(bot: SteppedBot) -> None:
    bot.strategy.lifecycle.supply.flush_evidence()


@contextmanager
def ledger(premises: Premises) -> Iterator[Ledger]:
    with closing(Ledger(premises.user_data / "tradai_lifecycle.sqlite")) as opened:
        opened.open()
        yield opened


def told(premises: Premises, kind: type[Any]) -> list[Any]:
    with ledger(premises) as opened:
        return [stored.event for stored in reversed(opened.events(kind=kind.kind))]


def asked(premises: Premises, name: CommandName) -> str:
    with ledger(premises) as opened:
        desk = CommandDesk(
            ledger=opened,
            config=LifecycleConfig(model_name="demo"),
            open_source=lambda: premises.registry,
            clock=lambda: datetime.now(UTC),
        )
        answer: Answer = desk.run(
            parse_command(name, ()), Caller(who="shell:anna", transport="shell", role=Role.VIEWER), confirmed=True
        )
        return text_of(answer)


def wait_for_facts(premises: Premises, bot: SteppedBot) -> datetime:
    """When the bot was started, as it has written down itself after the newest batch."""
    with ledger(premises) as opened:
        return wait_for_bot(opened, lambda record: record.at == bot.now).started_at


def test_a_lag_in_one_feature_is_found_at_the_start_and_said_everywhere(premises: Premises) -> None:
    lagged = premises.add_strategy("Lagged", variant("Lagged", "", LAGGED))
    lagged.configure()
    with lagged.bot(FIRST) as bot:
        bot.process()
        assert decided(bot) == (TradingState.PAUSED, Reason.FEATURES_DIFFER)
        for _ in bot.steps(3):
            assert decided(bot) == (TradingState.PAUSED, Reason.FEATURES_DIFFER)
        reached(bot)

        (fault,) = told(lagged, FaultReported)
        assert fault.part == "features"
        assert "1 of 12 features: %-return_6 is lagged by 1 candle (64 of 64 rows, by up to " in fault.message
        assert {change.reasons for change in told(lagged, StateChanged)} == {Reason.FEATURES_DIFFER}
        assert f"! {fault.message}" in asked(lagged, CommandName.STATUS)
        why = asked(lagged, CommandName.WHY)
        assert "diagnosis: features, a bug: mend it, never train on it; no fault seen in data" in why
        assert "%-return_6 is lagged by 1 candle" in why
        with ledger(lagged) as opened:
            assert opened.open_retraining_requests() == ()


def test_why_says_that_a_fault_began_on_all_pairs_as_the_bot_was_started_with_other_code(premises: Premises) -> None:
    premises.configure()
    with premises.bot(FIRST) as bot:
        for _ in bot.steps(4):
            pass
        bot.process()
        reached(bot)
    lagged = premises.add_strategy("Lagged", variant("Lagged", "", LAGGED))
    lagged.configure()
    with lagged.bot(FIRST + 4) as bot:
        for _ in bot.steps(3):
            pass
        bot.process()
        reached(bot)
        started = wait_for_facts(lagged, bot)
        why = asked(lagged, CommandName.WHY)
    began = f"began {clock(candle_time(FIRST + 5))} (2 candles ago), as the bot was started at {clock(started)}, "
    assert why.count(f"   {began}4 candles after v1 was adopted: look at what was deployed\n") == 2
    common = "began on all 2 pairs at the same candle, give or take one: a common source (feed, exchange, deploy)"
    assert why.count(common) == 2


def test_a_swap_is_looked_at_anew_and_a_version_that_fits_lets_the_pairs_go(premises: Premises) -> None:
    lagged = premises.add_strategy("Lagged", variant("Lagged", "", LAGGED))
    bundle = trained_bundle(lagged, "LogisticRegression", {})
    lagged.configure()
    with lagged.bot(FIRST) as bot:
        bot.process()
        bot.step()
        assert decided(bot) == (TradingState.PAUSED, Reason.FEATURES_DIFFER)
        lagged.register(bundle)
        bot.strategy.lifecycle.supply.poll_registry()
        bot.step()
        bot.process()
        assert not decided(bot)[1] & Reason.FEATURES_DIFFER
        assert decided(bot)[0] is not TradingState.PAUSED

        lagged.registry.promote("1")
        bot.strategy.lifecycle.supply.poll_registry()
        bot.step()
        assert decided(bot) == (TradingState.PAUSED, Reason.FEATURES_DIFFER)
        reached(bot)
        assert [event.version for event in told(lagged, ModelAdopted)] == ["v1", "v3", "v1"]
        assert [event.recovered for event in told(lagged, FaultReported)] == [False, True, False]


def test_a_feature_that_repaints_holds_its_pair_until_it_stays(premises: Premises) -> None:
    name = "Repainting"
    repainting = premises.add_strategy(name, variant(name, "", REPAINTED))
    repainting.register(trained_bundle(repainting, "LogisticRegression", {}))
    repainting.configure()
    with repainting.bot(FIRST) as bot:
        held = [decided(bot)[1] & Reason.FEATURES_DIFFER for _ in bot.steps(5)]
        assert [bool(reason) for reason in held] == [False, False, True, True, True]
        assert decided(bot)[0] is TradingState.PAUSED
        reached(bot)
        faults = told(repainting, FaultReported)
        assert {fault.part for fault in faults} == set(premises.pairs)
        assert all(
            fault.message.startswith("the features are not computed as in training: changes after the fact, at ")
            and fault.message.endswith(" again: %-body")
            for fault in faults
        )
        assert "changes after the fact" in asked(repainting, CommandName.WHY)


def test_the_unchanged_strategy_raises_no_alarm_over_a_rehearsal(premises: Premises) -> None:
    premises.configure()
    with premises.bot(FIRST) as bot:
        for _ in bot.steps(60):
            for pair in premises.pairs:
                assert not decided(bot, pair)[1] & Reason.FEATURES_DIFFER
        reached(bot)
        assert told(premises, FaultReported) == []
        assert told(premises, ParityAlarm) == []
