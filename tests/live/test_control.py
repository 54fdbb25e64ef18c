"""What a real bot writes down is what the commands show: its figures, its refusals, its positions, its state."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import pytest

from tests.control.control_room import caller
from tests.live.workshop import PAIRS, START, Workshop
from tradai_lifecycle.config import LifecycleConfig, parse_config
from tradai_lifecycle.control.charts import accuracy_chart, drift_chart
from tradai_lifecycle.control.commands import Answer, Command, CommandDesk
from tradai_lifecycle.control.reports import AccuracyReport, BlockedReport, DriftReport, StatusReport
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason, Severity

pytestmark = pytest.mark.host


@contextmanager
def desk_of(workshop: Workshop) -> Iterator[CommandDesk]:
    with closing(workshop.ledger()) as ledger:
        yield CommandDesk(ledger=ledger, config=config_of(workshop), open_source=lambda: workshop.registry)


def ask(desk: CommandDesk, name: CommandName) -> Answer:
    answer = desk.run(Command(name=name), caller(), confirmed=True)
    assert answer.outcome is CommandOutcome.DONE, text_of(answer)
    return answer


def written(bot: SteppedBot) -> None:
    bot.process()
    bot.strategy.lifecycle.supply.flush_evidence()


def test_a_bot_that_drifts_into_a_pause_is_explained_with_its_own_figures(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_895) as bot:
        for _ in bot.steps(260):
            if bot.strategy.lifecycle.gate.decision(PAIRS[0], datetime.now(UTC)).severity is Severity.SIGNIFICANT:
                break
        written(bot)
        with desk_of(workshop) as desk:
            status = ask(desk, CommandName.STATUS).report
            assert isinstance(status, StatusReport)
            held, now = status.pairs[PAIRS[0]], datetime.now(UTC)
            decision = bot.strategy.lifecycle.gate.decision(PAIRS[0], now)
            assert (held.state, held.reasons, held.stake_ratio) == (decision.state, decision.reasons, 0.0)
            assert held.severity is Severity.SIGNIFICANT
            assert held.candle == bot.candle
            assert status.bot is not None
            assert (status.bot.timeframe, status.bot.freqtrade_state, status.version) == ("1h", "running", "v1")
            assert held.worst_series
            assert held.worst_series[0].ratio == pytest.approx(held.psi_over_limit)

            drift = ask(desk, CommandName.DRIFT).report
            assert isinstance(drift, DriftReport)
            assert set(drift.pairs) == set(PAIRS)
            accuracy = ask(desk, CommandName.ACCURACY).report
            assert isinstance(accuracy, AccuracyReport)
            figure = accuracy.pairs[PAIRS[0]]
            assert figure.lower <= figure.accuracy <= figure.upper
            assert "automatic state: paused: " in text_of(ask(desk, CommandName.WHY))
            assert "BTC/USDT paused (was " in text_of(ask(desk, CommandName.HISTORY))
        with closing(workshop.ledger()) as ledger:
            assert drift_chart(ledger, None) is not None
            assert accuracy_chart(ledger, config_of(workshop), PAIRS[0]) is not None


def test_entries_that_the_bot_refused_are_priced_at_its_newest_close(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        with desk_of(workshop) as desk:
            ask(desk, CommandName.PAUSE)
            for _ in bot.steps(40):
                pass
            written(bot)
            report = ask(desk, CommandName.BLOCKED).report
        assert isinstance(report, BlockedReport)
        assert report.entries
        assert report.unpriced == 0
        for entry in report.entries:
            close = float(workshop.market[entry.pair]["close"].iloc[bot_row(bot)])
            assert (entry.close, entry.reasons) == (pytest.approx(close), Reason.OPERATOR_PAUSED)
            assert entry.move == pytest.approx(close / entry.rate - 1.0)


def test_a_pause_of_freqtrade_itself_is_named_and_not_lifted_by_a_resume(workshop: Workshop) -> None:
    from freqtrade.enums import State

    workshop.register()
    with workshop.bot(4_500) as bot:
        bot.step()
        bot.bot.state = State.PAUSED
        bot.step()
        written(bot)
        with desk_of(workshop) as desk:
            said = text_of(ask(desk, CommandName.RESUME))
            assert "freqtrade itself is paused; its own /start lifts that" in said
            bot.step()
            assert bot.bot.state is State.PAUSED
            assert "! freqtrade itself is paused" in text_of(ask(desk, CommandName.STATUS))


def config_of(workshop: Workshop) -> LifecycleConfig:
    return parse_config(load_freqtrade_config([workshop.config_file]))


def bot_row(bot: SteppedBot) -> int:
    return round((bot.candle - START).total_seconds() / 3_600)
