"""A fault is told when it matters, in ever longer windows, and so is its end."""

from tests.notify.happenings import fault, recovered
from tests.notify.told_board import DAY, HOUR, Told, digest
from tradai_lifecycle.notify.notice import Priority


def test_an_unreachable_registry_is_told_after_an_hour_and_so_is_its_return() -> None:
    told = Told()
    assert told.take(fault()) == []
    assert told.wait(59) == []
    assert told.wait(60) == ["The model registry is unreachable: connection refused"]
    assert told.last.priority is Priority.TODAY
    assert told.wait(90) == []
    assert told.take(recovered(later=100)) == ["Registry works again"]
    assert told.last.text == "It lasted 100 minutes."


def test_a_registry_that_was_away_for_less_than_an_hour_is_a_line_of_the_digest() -> None:
    told = Told()
    told.take(fault())
    assert told.take(recovered(later=59)) == []
    assert told.wait(HOUR) == []
    assert digest(told) == ["Registry works again"]


def test_a_fault_that_is_reported_in_every_loop_is_told_in_ever_longer_windows() -> None:
    told = Told(fold_minutes=30, reminder_hours=24)
    minutes = [minute for minute in range(DAY) if told.take(fault("session", "boom", later=minute), minute=minute)]
    assert minutes == [0, 30, 90, 210, 450, 930]
    assert told.notices[1].text == "29 more times within 30 minutes"


def test_a_fault_that_ends_is_told_as_ended_and_the_next_one_at_once() -> None:
    told = Told()
    assert told.take(fault("store", "disk full")) == [
        "All entries are blocked, the lifecycle's database fails: disk full"
    ]
    assert told.take(recovered("store", later=2)) == ["Store works again"]
    assert told.take(fault("store", "disk full", later=4)) == [
        "All entries are blocked, the lifecycle's database fails: disk full"
    ]


def test_repeats_that_were_held_when_a_fault_ended_are_in_the_digest() -> None:
    told = Told()
    told.take(*(fault("store", "disk full", later=minute) for minute in range(3)))
    for minute in (3, 4):
        told.take(fault("store", "disk full", later=minute))
    told.take(recovered("store", later=5))
    assert digest(told) == ["All entries are blocked, the lifecycle's database fails: disk full"]
