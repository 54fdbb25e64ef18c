"""The board tells what matters when it matters, once; the rest waits for midnight."""

from datetime import datetime, timedelta

import pytest

from tests.notify.happenings import DRIFT, MIDNIGHT, PAUSED, adopted, blocked, changed, commanded, fault, resumed
from tests.notify.told_board import DAY, HOUR, Told
from tradai_lifecycle.events import Event
from tradai_lifecycle.notify.notice import Priority
from tradai_lifecycle.states import CommandName, CommandOutcome

# models


def test_a_new_model_is_told_with_its_accuracy() -> None:
    told = Told(accuracy_of=lambda version: {"v16": 0.567}[version])
    assert told.take(adopted()) == ["Model updated: v15 \N{RIGHTWARDS ARROW} v16, accuracy 0.567"]
    assert told.last.priority is Priority.TODAY


def test_a_rollback_that_nobody_asked_for_is_urgent() -> None:
    told = Told()
    assert told.take(adopted("v15", "v16")) == [
        "Model rolled back: v16 \N{RIGHTWARDS ARROW} v15: automatically, nobody here asked for it"
    ]
    assert told.last.priority is Priority.NOW


@pytest.mark.parametrize(
    ("order", "urgent"),
    [
        (commanded(CommandName.ROLLBACK), False),
        (commanded(CommandName.ROLLBACK, CommandOutcome.PENDING), False),
        (commanded(CommandName.ROLLBACK, CommandOutcome.FAILED), True),
        (commanded(CommandName.PIN, arguments="v15"), False),
        (commanded(CommandName.PROMOTE, arguments="v16"), True),
        (commanded(CommandName.UNPIN), False),
        (commanded(CommandName.STATUS), True),
    ],
    ids=["rollback", "pending rollback", "failed rollback", "pin", "promoted another", "unpin", "only looked"],
)
def test_a_rollback_that_a_person_asked_for_is_not(order: Event, urgent: bool) -> None:
    told = Told()
    told.take(order)
    told.take(adopted("v15", "v16", later=5))
    assert (told.last.priority is Priority.NOW) is urgent


def test_an_order_of_last_week_explains_no_rollback() -> None:
    told = Told()
    told.take(commanded(CommandName.ROLLBACK))
    told.take(adopted("v15", "v16", later=7 * DAY))
    assert told.last.priority is Priority.NOW


# the digest


def test_what_can_wait_is_told_at_midnight_utc_and_only_once() -> None:
    told = Told()
    told.take(blocked(), blocked("ETH/USDT"), commanded(CommandName.PIN, arguments="v3"))
    assert told.wait(12 * HOUR - 1) == []
    assert told.wait(12 * HOUR) == ["Digest of 2026-03-01: 3 notices that could wait"]
    assert told.last.at == MIDNIGHT
    assert told.last.text == (
        f"2 \N{MULTIPLICATION SIGN} 2 pairs blocked (entry): BTC/USDT, ETH/USDT: {DRIFT}\nv3 pinned by anna"
    )
    assert told.wait(40 * HOUR) == []


def test_a_day_without_anything_has_no_digest() -> None:
    assert Told().wait(5 * DAY) == []


def test_midnight_is_that_of_utc_whatever_zone_the_clock_is_in() -> None:
    told = Told()
    told.take(blocked())
    zone = datetime.fromisoformat("2026-03-02T05:00:00+05:30")  # 23:30 UTC
    assert told.board.tick(zone) == ()
    assert len(told.board.tick(zone + timedelta(minutes=31))) == 1


# the clock


def test_a_clock_that_goes_back_tells_nothing_twice() -> None:
    told = Told()
    told.take(changed(later=60))
    assert told.take(changed(later=0), minute=0) == []
    assert told.wait(DAY + HOUR)[-1:] == ["Still paused: 1 pair"]


def test_what_fell_due_is_told_before_what_is_new() -> None:
    told = Told()
    told.take(changed())
    told.take(changed("ETH/USDT", later=1))
    titles = told.take(fault("store", "disk full", later=45))
    assert [title.split()[0] for title in titles] == ["ETH/USDT", "All"]


def test_the_same_pair_twice_in_one_batch_ends_with_its_last_word() -> None:
    told = Told()
    told.take(changed(later=-5))
    titles = told.take(resumed(), changed(), resumed(), minute=0)
    assert titles[-1] == "BTC/USDT resumed"


def test_a_pause_before_and_after_a_restart_of_the_pair_is_one() -> None:
    told = Told()
    told.take(changed())
    assert told.take(changed(before=PAUSED, after=PAUSED, later=5)) == []
