"""What fails between two batches blocks entries and is told once, and people see it also while it lasts."""

from typing import Any

import pytest

from tests.strategy.premises import Premises
from tradai_lifecycle.events import FaultReported
from tradai_lifecycle.states import Reason, TradingState

pytestmark = pytest.mark.host
PAIR = "BTC/USDT"


def raises() -> Any:
    raise RuntimeError("broken on purpose")


def test_trouble_between_two_batches_is_told_once_written_down_and_ended(
    premises: Premises, monkeypatch: pytest.MonkeyPatch
) -> None:
    premises.configure()
    with premises.bot(3_900) as bot:
        bot.step()
        session = bot.strategy.lifecycle.supply
        with monkeypatch.context() as patch:
            patch.setattr(bot.strategy.dp, "current_whitelist", raises)
            bot.step()
            bot.process()
            # the next loop hands on what was decided in this one, by itself
            bot.step()
            assert bot.strategy.lifecycle.gate.decision(PAIR, bot.now).state is TradingState.PAUSED
            session.runtime.submit(session._flush()).result(30.0)
            written = session.ledger.latest_states()[PAIR]
            assert (written.effective, written.reasons) == (TradingState.PAUSED, Reason.GATE_FAILED)
        bot.step()
        assert bot.strategy.lifecycle.gate.decision(PAIR, bot.now).reasons is Reason.NONE
        session.flush_evidence()
        told = [stored.event for stored in reversed(session.ledger.events(kind=FaultReported.kind))]
        assert [(event.part, event.message, event.recovered) for event in told] == [
            ("session", "RuntimeError('broken on purpose')", False),
            ("session", "works again", True),
        ]
