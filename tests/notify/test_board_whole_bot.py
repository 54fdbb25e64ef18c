"""A pause of the whole bot and the end of a resume are told at once; what shows of them later is no news."""

import pytest

from tests.notify.happenings import NOON, acknowledged, at, blocked
from tests.notify.told_board import HOUR, Told, digest
from tradai_lifecycle.events import BotPauseChanged, ResumeExpired
from tradai_lifecycle.notify.notice import Priority, Tone
from tradai_lifecycle.states import Reason
from tradai_lifecycle.store.records import PositionRecord

POSITION = PositionRecord(
    pair="ETH/USDT", side="long", stake=100.0, profit_ratio=0.01, opened_at=NOON, version="v15"
)  # fmt: skip


def pause(*, later: float = 0.0, over: bool = False) -> BotPauseChanged:
    return BotPauseChanged(at=at(later), paused=not over, drifting=0 if over else 3, pairs=5, share=0.5)


def expired(*, paused_again: str, later: float = 0.0) -> ResumeExpired:
    return ResumeExpired(
        at=at(later),
        who="telegram:12345 anna",
        given_at=at(later - 24 * HOUR).isoformat(),
        expired_at=at(later).isoformat(),
        paused_again=paused_again,
    )


def test_a_pause_of_the_whole_bot_is_urgent_and_names_every_position() -> None:
    told = Told(positions=[POSITION])
    assert told.take(pause()) == ["All entries paused: 3 of 5 pairs drift significantly"]
    assert told.last.priority is Priority.NOW
    assert "ETH/USDT long" in told.last.text


def test_entries_blocked_by_a_pause_that_was_told_are_no_news_until_it_is_over() -> None:
    told = Told()
    told.take(pause())
    assert told.take(blocked(reasons=Reason.BOT_PAUSE_SHARE, later=5)) == []
    assert told.take(pause(later=60, over=True)) == ["The pause of all pairs is over: 0 of 5 pairs drift significantly"]
    assert (told.last.priority, told.last.tone) == (Priority.TODAY, Tone.GOOD)
    assert told.take(blocked(reasons=Reason.BOT_PAUSE_SHARE, later=65)) == [
        "All entries are blocked: too many pairs drift significantly"
    ]


def test_a_reminder_comes_while_the_whole_bot_is_paused() -> None:
    told = Told(reminder_hours=2)
    told.take(pause())
    assert told.wait(2 * HOUR) == ["Still paused: all entries"]
    assert told.last.text == "All entries for 2 hours: too many pairs drift significantly"
    told.take(pause(later=130, over=True))
    assert told.wait(4 * HOUR) == []


def test_an_acknowledgement_mutes_the_repeat_of_a_known_pause_and_no_new_one() -> None:
    told = Told()
    told.take(pause())
    told.take(acknowledged(later=1))
    assert told.take(pause(later=60)) == []
    # its end is told, and what comes after it was not acknowledged
    assert len(told.take(pause(later=90, over=True))) == 1
    assert told.take(pause(later=120)) == ["All entries paused: 3 of 5 pairs drift significantly"]


def test_a_pause_that_comes_and_goes_is_told_as_flapping_and_once_more_when_it_has_settled() -> None:
    told = Told(fold_minutes=10)
    titles = [title for minute in range(6) for title in told.take(pause(later=minute, over=bool(minute % 2)))]
    assert titles[-1] == "The whole bot flaps, now paused: 3 of 5 pairs drift significantly"
    assert len(titles) == 5
    assert told.wait(50) == ["The whole bot has settled: active"]
    assert told.last.tone is Tone.GOOD


@pytest.mark.parametrize(
    ("paused_again", "title", "priority"),
    [
        ("BTC/USDT", "BTC/USDT paused again: the resume by anna has expired", Priority.NOW),
        (
            "BTC/USDT, ETH/USDT",
            "2 pairs paused again: BTC/USDT, ETH/USDT: the resume by anna has expired",
            Priority.NOW,
        ),
        ("", "The resume by anna has expired: it held nothing open any more", Priority.TODAY),
    ],
)
def test_a_resume_that_runs_out_is_urgent_where_it_pauses_again(
    paused_again: str, title: str, priority: Priority
) -> None:
    told = Told()
    assert told.take(expired(paused_again=paused_again)) == [title]
    assert told.last.priority is priority


def test_an_acknowledgement_never_mutes_the_end_of_a_resume() -> None:
    told = Told()
    told.take(pause())
    told.take(acknowledged(later=1))
    assert len(told.take(expired(paused_again="BTC/USDT", later=60))) == 1
    assert not any("resume" in line for line in digest(told))
