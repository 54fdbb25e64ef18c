"""A restart repeats nothing that was told and forgets no reminder: the ledger is the memory."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.notify.happenings import (
    ACTIVE,
    DRIFT,
    MIDNIGHT,
    NOON,
    PAUSED,
    acknowledged,
    at,
    blocked,
    changed,
    closed,
    commanded,
    cut,
    fault,
    position,
    recovered,
    resumed,
    settings,
)
from tests.store.bots import running_bot
from tradai_lifecycle.events import Event, ParityAlarm, RetrainingRequested
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.memory import LedgerMemory
from tradai_lifecycle.states import CommandName, Reason, Severity, TradingState
from tradai_lifecycle.store import Ledger
from tradai_lifecycle.store.records import BotRecord, PositionRecord, StateRecord

DAY = 24 * 60


def bot(minutes: float, positions: Sequence[PositionRecord] = ()) -> BotRecord:
    return running_bot(at(minutes), started_at=NOON - timedelta(days=1), positions=tuple(positions))


def state(pair: str, kind: TradingState = PAUSED, minutes: float = 0.0) -> StateRecord:
    return StateRecord(
        pair=pair,
        candle=at(minutes),
        version="v15",
        severity=Severity.SIGNIFICANT,
        state=kind,
        effective=kind,
        reasons=Reason.PSI_SIGNIFICANT if kind is PAUSED else Reason.NONE,
        stake_ratio=0.0,
        psi_max=0.4,
        significant_ratio=1.2,
        accuracy=math.nan,
        effective_predictions=0.0,
    )


class Bot:
    """A bot that tells and writes what happens, and can be started anew over its ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.memory = LedgerMemory(ledger)
        self.board = Board(settings(), positions=self.memory.positions)

    def happens(self, *events: Event, alive: float | None = None) -> list[str]:
        now = max(event.at for event in events)
        self.ledger.record_events(events)
        self.ledger.record_bot(bot((now - NOON).total_seconds() / 60 if alive is None else alive))
        return [notice.title for notice in self.board.take(events, now)]

    def wait(self, minutes: float) -> list[str]:
        self.ledger.record_bot(bot(minutes))
        return [notice.title for notice in self.board.tick(at(minutes))]

    def restarted(self, minutes: float) -> "Bot":
        again = Bot(self.ledger)
        again.memory.recall(again.board, at(minutes))
        return again


@pytest.fixture
def before(ledger: Ledger) -> Bot:
    return Bot(ledger)


def paused_in(ledger: Ledger, *pairs: str) -> None:
    ledger.record_states([state(pair) for pair in pairs])


def test_a_restart_tells_nothing_again(before: Bot) -> None:
    paused_in(before.ledger, "BTC/USDT", "ETH/USDT")
    before.happens(changed(), changed("ETH/USDT"), blocked(), fault("store", "disk full"), commanded())
    after = before.restarted(5)
    assert after.wait(5) == []
    assert after.happens(fault("store", "disk full", later=6)) == []
    assert after.happens(blocked(later=7)) == []


def test_a_reminder_comes_when_it_would_have_come_without_the_restart(before: Bot) -> None:
    paused_in(before.ledger, "BTC/USDT")
    before.happens(changed())
    before.wait(10 * 60)
    after = before.restarted(11 * 60)
    assert after.wait(DAY - 1)[-1:] == []
    assert after.wait(DAY) == ["Still paused: 1 pair"]


def test_a_reminder_that_fell_due_while_the_bot_was_off_comes_at_its_start_once(before: Bot) -> None:
    paused_in(before.ledger, "BTC/USDT")
    before.happens(changed())
    after = before.restarted(2 * DAY + 60)
    assert after.wait(2 * DAY + 60) == ["Still paused: 1 pair"]
    assert after.wait(2 * DAY + 90) == []
    assert after.wait(3 * DAY) == ["Still paused: 1 pair"]


def test_a_pause_of_long_ago_is_reminded_of_though_no_event_is_left_of_it(ledger: Ledger) -> None:
    paused_in(ledger, "BTC/USDT")
    ledger.record_bot(bot(0))
    after = Bot(ledger).restarted(10)
    assert after.wait(DAY + 10) == ["Still paused: 1 pair"]
    assert after.happens(resumed(later=DAY + 15)) == ["BTC/USDT resumed"]


def test_a_pair_that_resumed_without_an_event_is_not_reminded_of(before: Bot) -> None:
    before.happens(changed())
    before.ledger.record_states([state("BTC/USDT", ACTIVE)])
    assert before.restarted(5).wait(DAY + 60)[-1:] == []


def test_the_digest_of_a_day_is_told_once_whether_the_bot_was_restarted_before_it_or_after(before: Bot) -> None:
    before.happens(blocked(), commanded(CommandName.PIN, arguments="v3"))
    middle = before.restarted(60)
    assert middle.wait(12 * 60) == ["Digest of 2026-03-01: 2 notices that could wait"]
    assert middle.restarted(12 * 60 + 30).wait(12 * 60 + 30) == []


def test_a_digest_that_fell_due_while_the_bot_was_off_comes_at_its_start(before: Bot) -> None:
    before.happens(blocked())
    assert before.restarted(20 * 60).wait(20 * 60) == ["Digest of 2026-03-01: 1 notice that could wait"]


def test_what_people_did_while_the_bot_was_off_is_told_at_its_start(before: Bot) -> None:
    before.happens(changed())
    before.ledger.record_events([commanded(later=60, note="news", who="shell:anna")])
    after = before.restarted(120)
    events = after.memory.news()
    assert [event.at for event in events] == [at(60)]
    assert [notice.title for notice in after.board.take(events, at(120))] == ["All entries paused by anna: news"]
    assert after.memory.news() == ()


def test_what_people_did_while_the_bot_ran_is_not_told_again(before: Bot) -> None:
    before.happens(commanded(note="news"))
    after = before.restarted(5)
    assert after.board.take(after.memory.news(), at(5)) == ()


def test_an_acknowledgement_lasts_over_a_restart_and_so_does_its_end(before: Bot) -> None:
    paused_in(before.ledger, "BTC/USDT")
    before.happens(changed(), fault("session", "boom"))
    before.happens(acknowledged(later=10, hours=8))
    after = before.restarted(60)
    assert after.happens(fault("session", "boom", later=100)) == []
    assert after.wait(10 + 8 * 60) == ["Still paused: 1 pair"]


def test_a_closed_incident_stays_closed(before: Bot) -> None:
    before.happens(fault("session", "boom"), acknowledged(later=1), closed(later=2))
    assert before.restarted(5).happens(fault("session", "boom", later=6)) == []
    assert before.restarted(20).happens(fault("session", "boom", later=40)) != []


def test_an_operators_pause_of_long_ago_is_reminded_of(before: Bot) -> None:
    before.happens(commanded(note="news"))
    before.happens(*(blocked(later=minute) for minute in range(10, 6_000, 10)))
    before.wait(10 * DAY)
    after = before.restarted(10 * DAY + 10)
    assert after.wait(11 * DAY)[-1:] == ["Still paused: all entries"]


def test_an_unreachable_registry_is_told_an_hour_after_it_began_not_after_the_restart(before: Bot) -> None:
    before.happens(fault(later=0))
    after = before.restarted(40)
    assert after.happens(fault(later=41)) == []
    assert after.wait(59) == []
    assert after.wait(60) == ["The model registry is unreachable: connection refused"]


def test_a_registry_that_came_back_while_the_bot_was_off_is_not_told(before: Bot) -> None:
    before.happens(fault(later=0))
    after = before.restarted(40)
    assert after.wait(300) == []
    assert after.happens(fault(later=400)) == []
    assert after.wait(459) == []
    assert after.wait(460) == ["The model registry is unreachable: connection refused"]


def test_an_outage_that_was_told_is_told_as_over(before: Bot) -> None:
    before.happens(fault(later=0))
    assert before.wait(61) == ["The model registry is unreachable: connection refused"]
    after = before.restarted(70)
    assert after.happens(fault(later=71)) == []
    assert after.happens(recovered(later=80)) == ["Registry works again"]


def test_folding_goes_on_over_a_restart(before: Bot) -> None:
    before.happens(changed("BTC/USDT"))
    before.happens(changed("ETH/USDT", later=10))
    after = before.restarted(15)
    assert after.wait(29) == []
    assert after.wait(30) == [f"ETH/USDT paused: {DRIFT}"]


def test_events_of_the_new_process_are_not_taken_for_old_ones(before: Bot) -> None:
    before.happens(changed())
    new = changed("ETH/USDT", reasons=Reason.NOT_FINITE, later=61)
    before.ledger.record_events([new])
    assert before.restarted(60).happens(new) == ["ETH/USDT paused: features are NaN or infinite"]


def test_the_facts_of_the_new_process_say_nothing_of_how_long_the_old_one_lived(before: Bot) -> None:
    before.happens(blocked())
    before.ledger.record_events([commanded(later=30)])
    before.ledger.record_bot(replace(bot(60), started_at=at(60)))
    assert [event.at for event in before.restarted(60).memory.news()] == [at(30)]


def test_an_alarm_dated_by_an_old_candle_does_not_turn_time_back(before: Bot) -> None:
    alarm = ParityAlarm(
        at=at(-600), pair="BTC/USDT", candle=at(-600).isoformat(), version="v15", logged=0.1, recomputed=0.2
    )
    paused_in(before.ledger, "BTC/USDT")
    before.happens(changed(), alarm, cut(later=1))
    assert before.restarted(5).wait(DAY)[-1:] == ["Still paused: 1 pair"]


def test_an_empty_ledger_is_no_memory(ledger: Ledger) -> None:
    after = Bot(ledger).restarted(5)
    assert after.wait(5) == []
    assert after.memory.news() == ()
    ledger.record_events([commanded(later=6)])
    assert len(after.memory.news()) == 1


def test_a_command_that_is_written_long_after_its_date_is_not_missed(before: Bot) -> None:
    before.happens(changed())
    memory = before.restarted(5).memory
    before.ledger.record_events([commanded(later=30)])
    assert len(memory.news()) == 1
    before.ledger.record_events([commanded(CommandName.ROLLBACK, later=10, arguments="v3")])
    assert [event.at for event in memory.news()] == [at(10)]


def test_a_retraining_request_is_told_when_the_ledger_has_kept_it(before: Bot) -> None:
    request = RetrainingRequested(
        at=at(1),
        pair="BTC/USDT",
        candle=at(0).isoformat(),
        version="v15",
        reasons=Reason.PSI_SIGNIFICANT,
        detail="largest PSI 0.300",
    )
    before.happens(changed())
    memory = before.restarted(2).memory
    for _ in range(2):
        before.ledger.request_retraining(
            at=request.at,
            pair=request.pair,
            candle=at(0),
            version=request.version,
            reasons=request.reasons,
            detail=request.detail,
            event=request,
        )
    events = memory.news()
    assert events == (request,)
    titles = [notice.title for notice in before.board.take([*events, request], at(3))]
    assert titles == [f"Retraining requested, v15 is to be replaced: {DRIFT}"]


def test_positions_and_watched_pairs_are_the_bots_own(before: Bot) -> None:
    memory = before.memory
    assert (memory.positions(), memory.watched_pairs()) == (None, None)
    before.ledger.record_bot(bot(0, [position()]))
    before.ledger.record_states([state("OLD/USDT", minutes=-600), state("BTC/USDT")])
    # the candle of a batch is that of the pair judged last, which may be the one that gets no candles any more
    before.ledger.record_batch(version="v15", candle=at(-600), at=at(61))
    assert memory.positions() == (position(),)
    assert memory.watched_pairs() == before.ledger.watched_states().keys() == {"BTC/USDT"}


def test_a_ledger_that_cannot_be_read_says_nothing_instead_of_failing(tmp_path: Path) -> None:
    path = tmp_path / "no.sqlite"
    path.write_text("this is no database", encoding="utf-8")
    memory = LedgerMemory(Ledger(path))
    assert (memory.positions(), memory.watched_pairs()) == (None, None)


def test_midnight_between_two_lives_is_told_by_one_of_them(before: Bot) -> None:
    told: list[datetime] = []
    bots, minute = before, 0.0
    while minute < 3 * DAY:
        bots.happens(blocked(later=minute))
        told += [notice.at for notice in bots.board.tick(at(minute))]
        minute += 170
        bots = bots.restarted(minute)
        told += [notice.at for notice in bots.board.tick(at(minute))]
        bots.ledger.record_bot(bot(minute))
    assert told == [MIDNIGHT, MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=2)]
