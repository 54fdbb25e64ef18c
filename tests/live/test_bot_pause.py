"""A real bot tells that all its pairs are paused by the drift of some, though it tries no entry."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from tests.live.workshop import PAIRS, Workshop
from tradai_lifecycle.events import BotPauseChanged, EntryBlocked
from tradai_lifecycle.states import Reason

pytestmark = pytest.mark.host


def test_a_pause_of_all_pairs_is_told_where_no_entry_is_tried(workshop: Workshop) -> None:
    workshop.register()
    with workshop.bot(4_895, bot_pause_share=0.5) as bot:
        # freqtrade's own pause: it asks for no entry
        bot.bot.state = type(bot.bot.state).PAUSED
        session, gate = bot.strategy.lifecycle.supply, bot.strategy.lifecycle.gate
        for _ in bot.steps(260):
            if gate.bot_paused(datetime.now(UTC)):
                break
        bot.process()
        bot.process()
        session.flush_evidence()
        with closing(workshop.ledger()) as ledger:
            (stored,) = ledger.events(kind=BotPauseChanged.kind)
            assert ledger.events(kind=EntryBlocked.kind) == ()
            states = ledger.latest_states()
        event = stored.event
        assert isinstance(event, BotPauseChanged)
        assert (event.paused, event.pairs, event.share) == (True, len(PAIRS), 0.5)
        assert event.drifting >= 1
        assert any(Reason.BOT_PAUSE_SHARE in state.reasons for state in states.values())
