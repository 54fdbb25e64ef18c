"""What stands is reminded of once a day, and an acknowledgement silences what is known and nothing new."""

import pytest

from tests.notify.happenings import (
    DRIFT,
    REDUCED,
    acknowledged,
    blocked,
    candidate,
    changed,
    closed,
    commanded,
    fault,
    recovered,
    resumed,
)
from tests.notify.told_board import DAY, HOUR, Told, digest
from tradai_lifecycle.notify.notice import Priority
from tradai_lifecycle.states import CandidateOutcome, CommandName, Reason


def test_a_pause_is_reminded_of_every_day_until_it_ends() -> None:
    told = Told(reminder_hours=24)
    told.take(changed(), changed("ETH/USDT"))
    assert told.wait(DAY - 1)[-1:] == []
    assert told.wait(DAY) == ["Still paused: 2 pairs"]
    assert told.last.priority is Priority.TODAY
    assert told.last.text == f"BTC/USDT for 24 hours: {DRIFT}\nETH/USDT for 24 hours: {DRIFT}"
    told.take(resumed("BTC/USDT", later=DAY + 5))
    assert told.wait(2 * DAY)[-1] == "Still paused: 1 pair"
    told.take(resumed("ETH/USDT", later=2 * DAY + 5))
    assert not any("Still" in title for day in range(3, 6) for title in told.wait(day * DAY))


def test_an_operators_pause_is_reminded_of_with_who_and_why() -> None:
    told = Told()
    told.take(commanded(note="news"))
    assert told.wait(DAY) == ["Still paused: all entries"]
    assert told.last.text == "All entries for 24 hours, by anna: news"


def test_reminders_that_were_missed_are_one() -> None:
    told = Told()
    told.take(changed())
    told.wait(10 * HOUR)
    assert [title for title in told.wait(5 * DAY + 30) if "Still" in title] == ["Still paused: 1 pair"]
    assert told.wait(6 * DAY - 1) == []
    assert told.wait(6 * DAY) == ["Still paused: 1 pair"]


def test_a_pair_that_is_not_traded_any_more_is_not_reminded_of() -> None:
    watched = {"ETH/USDT"}
    told = Told(watched_pairs=lambda: watched)
    told.take(changed(), changed("ETH/USDT"))
    assert told.wait(DAY) == ["Still paused: 1 pair"]
    watched.clear()
    assert told.wait(2 * DAY) == []


def test_what_was_told_to_block_entries_is_not_told_daily_while_the_reminders_go_on() -> None:
    told = Told()
    told.take(changed())
    told.take(blocked(reasons=Reason.BOT_PAUSE_SHARE, later=5))
    titles = [
        title
        for minute in range(30, 5 * DAY, 30)
        for title in told.take(blocked(reasons=Reason.BOT_PAUSE_SHARE, later=minute), minute=minute)
    ]
    assert [title for title in titles if "Digest" not in title] == ["Still paused: 1 pair"] * 4


# acknowledgement


def test_an_acknowledgement_silences_what_is_wrong_and_reminds_at_its_end() -> None:
    told = Told()
    told.take(changed(), fault("session", "boom"))
    told.take(acknowledged(later=10, hours=8))
    for minute in range(40, 480, 10):
        assert told.take(fault("session", "boom", later=minute)) == []
    assert told.wait(10 + 8 * HOUR) == ["Still paused: 1 pair"]


def test_a_reminder_is_a_whole_period_after_the_acknowledgement() -> None:
    told = Told()
    told.take(changed())
    told.take(acknowledged(later=60, hours=24))
    assert told.wait(13 * HOUR) == ["Digest of 2026-03-01: 1 notice that could wait"]
    assert told.wait(DAY + 59) == []
    assert told.wait(DAY + 60) == ["Still paused: 1 pair"]
    assert told.wait(DAY + 61) == []


def test_what_waits_for_a_person_comes_through_an_acknowledged_refusal() -> None:
    told = Told()
    told.take(candidate(CandidateOutcome.WRONG_FEATURES))
    told.take(acknowledged(later=1))
    assert told.take(candidate(CandidateOutcome.INCOMPLETE, later=2)) == []
    assert len(told.take(candidate(CandidateOutcome.AWAITING_CONFIRMATION, later=3))) == 1


def test_a_second_pause_by_a_person_comes_through_an_acknowledgement() -> None:
    told = Told()
    told.take(commanded())
    told.take(acknowledged(later=1))
    told.take(commanded(CommandName.RESUME, later=2))
    assert told.take(commanded(later=3)) == ["All entries paused by anna"]


def test_a_muted_time_still_has_its_reminders() -> None:
    told = Told(reminder_hours=24)
    told.take(changed())
    told.take(acknowledged(later=60, hours=72))
    assert told.wait(60 + DAY)[-1:] == ["Still paused: 1 pair"]
    assert told.last.text.endswith("Acknowledged by anna until 2026-03-04 13:00 UTC")


def test_an_acknowledgement_without_a_pause_is_reminded_of_too() -> None:
    told = Told()
    told.take(fault("session", "boom"))
    told.take(acknowledged(later=1, hours=72))
    assert told.wait(1 + DAY)[-1:] == ["Still acknowledged, but nothing is paused"]
    told.wait(3 * DAY + 1)
    assert told.wait(10 * DAY) == []


def test_a_new_kind_of_urgent_trouble_comes_through_an_acknowledgement() -> None:
    told = Told()
    told.take(changed())
    told.take(acknowledged(later=1))
    assert told.take(fault("store", "disk full", later=2)) == [
        "All entries are blocked, the lifecycle's database fails: disk full"
    ]
    assert told.take(changed("ETH/USDT", reasons=Reason.NOT_FINITE, later=3)) == [
        "ETH/USDT paused: features are NaN or infinite"
    ]


def test_a_pause_of_another_pair_comes_through_and_its_reduction_does_not() -> None:
    told = Told(fold_minutes=0)
    told.take(changed())
    told.take(acknowledged(later=1))
    assert told.take(changed("ETH/USDT", after=REDUCED, reasons=Reason.PSI_MODERATE, later=40)) == []
    assert told.take(changed("ETH/USDT", before=REDUCED, later=50)) == [f"ETH/USDT paused: {DRIFT}"]


def test_good_news_comes_through_and_then_the_same_trouble_is_news() -> None:
    told = Told()
    told.take(changed())
    told.take(acknowledged(later=1))
    assert told.take(resumed(later=10)) == ["BTC/USDT resumed"]
    assert told.take(changed(later=20)) == [f"BTC/USDT paused: {DRIFT}"]


def test_what_was_muted_is_in_the_digest() -> None:
    told = Told()
    told.take(fault("session", "boom"))
    told.take(acknowledged(later=1))
    for minute in (40, 41, 42):
        told.take(fault("session", "boom", later=minute))
    assert (
        "3 \N{MULTIPLICATION SIGN} All entries are blocked, the lifecycle failed between two batches: boom"
        in digest(told)
    )


def test_an_acknowledgement_with_an_unreadable_end_lasts_until_the_next_reminder() -> None:
    told = Told()
    told.take(changed())
    event = acknowledged(later=1)
    told.take(type(event)(at=event.at, who=event.who, until="tomorrow"))
    assert told.wait(1 + DAY)[-1:] == ["Still paused: 1 pair"]


def test_a_closed_incident_ends_the_mute_and_the_folds() -> None:
    told = Told()
    told.take(fault("session", "boom"))
    told.take(acknowledged(later=1))
    told.take(closed(later=2))
    assert told.take(fault("session", "boom", later=3)) == [
        "All entries are blocked, the lifecycle failed between two batches: boom"
    ]


@pytest.mark.parametrize("part", ["store", "session", "evidence", "watcher"])
def test_what_was_acknowledged_and_is_over_is_news_when_it_comes_again(part: str) -> None:
    told = Told()
    first = told.take(fault(part, "disk full", 0))
    assert len(first) == 1
    told.take(acknowledged(100, hours=720))
    assert told.take(fault(part, "disk full", 105)) == []
    assert len(told.take(recovered(part, 110))) == 1
    assert told.take(fault(part, "disk full", 600)) == first
