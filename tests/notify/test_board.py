"""The board tells what matters when it matters, once; the rest waits for midnight."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.notify.happenings import (
    ACTIVE,
    DRIFT,
    MIDNIGHT,
    NOON,
    PAUSED,
    REDUCED,
    acknowledged,
    adopted,
    at,
    blocked,
    candidate,
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
from tradai_lifecycle.events import Event
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.notice import Notice, Priority
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Reason

HOUR = 60
DAY = 24 * HOUR


class Told:
    """A board with what it told, by time."""

    def __init__(self, **changes):
        self.positions = changes.pop("positions", [])
        config = {name: changes.pop(name) for name in tuple(changes) if name in ("fold_minutes", "reminder_hours")}
        self.board = Board(settings(**config), positions=lambda: self.positions, **changes)
        self.notices: list[Notice] = []

    def take(self, *events: Event, minute: float | None = None) -> list[str]:
        now = at(minute) if minute is not None else max((event.at for event in events), default=NOON)
        return self._told(self.board.take(events, now))

    def wait(self, minute: float) -> list[str]:
        return self._told(self.board.tick(at(minute)))

    def _told(self, notices: Sequence[Notice]) -> list[str]:
        self.notices += notices
        return [notice.title for notice in notices]

    @property
    def last(self) -> Notice:
        return self.notices[-1]


def digest(told: Told) -> list[str]:
    """The lines of the digest of the first midnight."""
    notices = [one for one in told.board.tick(MIDNIGHT) if one.priority is Priority.DIGEST]
    return [line for notice in notices for line in notice.text.splitlines()]


# pauses


def test_a_pause_is_told_at_once_with_its_reason_and_the_open_position() -> None:
    told = Told(positions=[position("BTC/USDT"), position("ETH/USDT")])
    assert told.take(changed()) == [f"BTC/USDT paused: {DRIFT}"]
    assert told.last.priority is Priority.NOW
    assert told.last.details == (
        "BTC/USDT: PSI 0.412, accuracy -, v15",
        "Open: BTC/USDT long, +1.23%, stake 100, entered by v14",
    )


def test_pairs_paused_in_one_batch_for_one_reason_are_one_notice() -> None:
    told = Told(positions=[position("ETH/USDT", profit=-0.02, version="none"), position("SOL/USDT", float("nan"))])
    titles = told.take(*(changed(pair) for pair in ("BTC/USDT", "ETH/USDT", "SOL/USDT")))
    assert titles == [f"3 pairs paused: BTC/USDT, ETH/USDT, SOL/USDT: {DRIFT}"]
    assert told.last.details[-2:] == (
        "Open: ETH/USDT long, -2.00%, stake 100, entered by an unknown version",
        "Open: SOL/USDT long, profit unknown, stake 100, entered by v14",
    )


def test_pairs_paused_for_different_reasons_are_told_apart() -> None:
    titles = Told().take(changed("BTC/USDT"), changed("ETH/USDT", reasons=Reason.NOT_FINITE))
    assert titles == [f"BTC/USDT paused: {DRIFT}", "ETH/USDT paused: features are NaN or infinite"]


def test_eighty_pairs_are_one_short_notice() -> None:
    told = Told()
    (title,) = told.take(*(changed(f"C{number:02}/USDT") for number in range(80)))
    assert title.startswith("80 pairs paused: C00/USDT, ")
    assert title.endswith(f"C09/USDT and 70 more: {DRIFT}")
    assert len(told.last.text) < 1_000


def test_without_a_position_the_notice_says_so_and_unknown_positions_are_not_called_none() -> None:
    told = Told()
    told.take(changed())
    assert told.last.details[-1] == "No open position."
    told.positions = None
    told.take(changed("ETH/USDT", reasons=Reason.NOT_FINITE))
    assert told.last.details[-1] == "Open positions are not known."


def test_a_pair_that_fails_and_is_paused_for_it_is_one_notice_with_the_error() -> None:
    told = Told()
    words = "the model failed to predict"
    pairs = ("BTC/USDT", "ETH/USDT")
    failed = [fault(pair, f"{words}: boom") for pair in pairs]
    paused = [changed(pair, reasons=Reason.MODEL_FAILED) for pair in pairs]
    assert told.take(*failed, *paused) == [f"2 pairs paused: BTC/USDT, ETH/USDT: {words}"]
    assert f"{words}: boom" in told.last.text


def test_a_failure_without_a_pause_is_told_by_itself() -> None:
    assert Told().take(fault("BTC/USDT", "the strategy's own code failed: boom")) == [
        "BTC/USDT failed: the strategy's own code failed: boom"
    ]


def test_further_pairs_of_the_same_reason_fold_until_the_window_ends() -> None:
    told = Told(fold_minutes=30)
    told.take(changed("BTC/USDT"))
    assert told.take(changed("ETH/USDT", later=5), changed("SOL/USDT", later=5)) == []
    assert told.wait(29) == []
    assert told.wait(30) == [f"2 pairs paused: ETH/USDT, SOL/USDT: {DRIFT}"]


def test_a_further_pair_with_an_open_position_is_told_at_once() -> None:
    told = Told(positions=[position("ETH/USDT")])
    told.take(changed("BTC/USDT"))
    assert told.take(changed("SOL/USDT", later=4), changed("ETH/USDT", later=5)) == [f"ETH/USDT paused: {DRIFT}"]


def test_a_folded_pause_that_ended_before_it_was_told_is_only_in_the_digest() -> None:
    told = Told()
    told.take(changed("BTC/USDT"))
    told.take(changed("ETH/USDT", later=5))
    assert told.take(resumed("ETH/USDT", later=10)) == []
    assert told.wait(30) == []
    assert digest(told) == [f"ETH/USDT paused: {DRIFT}", "ETH/USDT is active"]


def test_a_resumption_is_told_and_the_next_pause_at_once_for_a_person_believes_the_last_word() -> None:
    told = Told()
    told.take(changed())
    assert told.take(resumed(later=5)) == ["BTC/USDT resumed"]
    assert told.take(changed(later=10)) == [f"BTC/USDT paused: {DRIFT}"]


def test_who_was_never_told_as_paused_does_not_resume_for_a_person() -> None:
    told = Told()
    assert told.take(resumed("NEW/USDT")) == []
    assert digest(told) == ["NEW/USDT is active"]


def test_a_second_reduction_after_a_calm_time_is_told_again() -> None:
    told = Told()
    reduced = {"after": REDUCED, "reasons": Reason.PSI_MODERATE}
    assert told.take(changed(**reduced)) == ["BTC/USDT stake reduced: moderate drift of the features"]
    assert told.take(changed(before=REDUCED, after=ACTIVE, reasons=Reason.NONE, later=60)) == []
    assert told.take(changed(**reduced, later=5 * HOUR)) == ["BTC/USDT stake reduced: moderate drift of the features"]


def test_an_operators_pause_is_told_once_with_all_positions_though_it_is_answered_twice() -> None:
    told = Told(positions=[position("BTC/USDT"), position("ETH/USDT")])
    assert told.take(commanded(outcome=CommandOutcome.PENDING, note="news")) == ["All entries paused by anna: news"]
    assert len(told.last.details) == 2
    assert told.take(commanded(later=1, note="news")) == []
    assert told.take(commanded(CommandName.RESUME, later=9)) == ["Resumed by anna"]
    assert told.take(commanded(later=10)) == ["All entries paused by anna"]


def test_one_and_the_same_event_of_a_person_counts_once() -> None:
    told = Told()
    assert told.take(commanded(), commanded()) == ["All entries paused by anna"]
    assert told.take(commanded(), minute=5) == []
    assert told.wait(60) == []


def test_while_only_observing_a_pause_says_that_nothing_is_blocked() -> None:
    told = Told(observing=True)
    told.take(changed())
    assert told.last.details[-1] == "Observed only: no entry is blocked, no stake cut."


def test_a_pair_that_left_and_is_paused_again_later_is_told_again() -> None:
    watched = {"ETH/USDT"}
    told = Told(watched_pairs=lambda: watched)
    told.take(changed(), changed("ETH/USDT", reasons=Reason.NOT_FINITE))
    told.wait(DAY)
    assert told.take(changed(later=DAY + 60)) == [f"BTC/USDT paused: {DRIFT}"]


def test_a_failure_of_another_kind_is_told_beside_the_pause() -> None:
    titles = Told().take(fault("BTC/USDT", "the strategy's own code failed: boom"), changed())
    assert titles == ["BTC/USDT failed: the strategy's own code failed: boom", f"BTC/USDT paused: {DRIFT}"]


# evidence of a pause


def test_blocked_entries_of_a_told_pause_are_one_line_of_the_digest() -> None:
    told = Told()
    told.take(changed())
    for minute in range(1, 41):
        assert told.take(blocked(later=minute)) == []
    assert digest(told) == [f"40 \N{MULTIPLICATION SIGN} BTC/USDT blocked (entry): {DRIFT}"]


def test_cut_stakes_of_a_told_reduction_wait_and_those_that_nothing_explains_are_told() -> None:
    told = Told()
    told.take(changed(after=REDUCED, reasons=Reason.PSI_MODERATE))
    assert told.take(cut(later=1)) == []
    assert told.take(cut("ETH/USDT", later=1)) == ["ETH/USDT given a reduced stake: moderate drift of the features"]


def test_cut_stakes_after_an_operators_reduction_wait() -> None:
    told = Told()
    told.take(commanded(CommandName.REDUCE, arguments="0.5"))
    assert told.take(cut(reasons=Reason.OPERATOR_REDUCED, later=1)) == []


def test_cut_stakes_of_a_reduction_that_is_folded_away_wait_with_it() -> None:
    told = Told()
    told.take(changed(after=REDUCED, reasons=Reason.PSI_MODERATE))
    assert told.take(changed("ETH/USDT", after=REDUCED, reasons=Reason.PSI_MODERATE, later=1)) == []
    assert told.take(cut("ETH/USDT", later=2)) == []


def test_a_fault_that_was_told_explains_the_entries_it_blocks_until_it_ends() -> None:
    told = Told()
    told.take(fault("store", "disk full"))
    assert told.take(blocked(reasons=Reason.STORE_FAILED, later=1)) == []
    told.take(recovered("store", later=2))
    assert told.take(blocked(reasons=Reason.STORE_FAILED, later=3)) == [
        "All entries are blocked: the lifecycle's database cannot be used"
    ]


def test_what_has_no_end_of_its_own_is_told_again_after_a_day() -> None:
    told = Told(reminder_hours=24)
    reasons = Reason.BOT_PAUSE_SHARE
    assert len(told.take(blocked(reasons=reasons))) == 1
    assert told.take(blocked(reasons=reasons, later=DAY - 5)) == []
    assert told.take(blocked(reasons=reasons, later=DAY + 5)) == [
        "All entries are blocked: too many pairs drift significantly"
    ]


def test_the_bot_wide_pause_is_told_once_whichever_pairs_meet_it() -> None:
    told = Told()
    reasons = Reason.BOT_PAUSE_SHARE
    first = told.take(blocked(reasons=reasons), blocked("ETH/USDT", reasons=reasons | Reason.PSI_MODERATE))
    assert first == ["All entries are blocked: too many pairs drift significantly"]
    assert told.last.priority is Priority.NOW
    assert told.take(blocked("SOL/USDT", reasons=reasons, later=5)) == []


def test_a_reason_that_is_new_to_a_paused_pair_is_told_when_it_blocks_an_entry() -> None:
    told = Told()
    told.take(changed())
    both = Reason.PSI_SIGNIFICANT | Reason.NOT_FINITE
    assert told.take(blocked(reasons=both, later=5)) == [
        f"BTC/USDT blocked (entry): features are NaN or infinite; {DRIFT}"
    ]


# faults


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


# flapping


def flap(told: Told, times: int, *, every: float, start: float = 0.0) -> list[str]:
    titles = []
    for number in range(times):
        event = changed(later=start + number * every) if number % 2 == 0 else resumed(later=start + number * every)
        titles += told.take(event)
    return titles


def test_a_pair_that_flaps_is_told_once_as_flapping_and_once_when_it_has_settled() -> None:
    told = Told(fold_minutes=30)
    titles = flap(told, 20, every=5)
    paused, ended = f"BTC/USDT paused: {DRIFT}", "BTC/USDT resumed"
    assert titles == [paused, ended, paused, ended, f"BTC/USDT flaps, now paused: {DRIFT}"]
    assert told.wait(95 + 119) == []
    assert told.wait(95 + 120) == ["BTC/USDT has settled: active"]
    assert flap(told, 1, every=5, start=300) == [paused]


def test_a_pair_that_settles_as_paused_is_told_so_urgently_with_its_position() -> None:
    told = Told(positions=[position()])
    flap(told, 19, every=5)
    assert told.wait(90 + 120) == [f"BTC/USDT has settled: paused: {DRIFT}"]
    assert told.last.priority is Priority.NOW
    assert told.last.details[-1].startswith("Open: BTC/USDT")


def test_while_a_pair_flaps_a_new_urgent_trouble_of_it_is_told() -> None:
    told = Told()
    flap(told, 10, every=5)
    assert told.take(changed(reasons=Reason.NOT_FINITE, later=60)) == ["BTC/USDT paused: features are NaN or infinite"]


def test_changes_that_lie_far_apart_are_no_flapping() -> None:
    told = Told(fold_minutes=30)
    titles = flap(told, 8, every=120)
    assert titles == [f"BTC/USDT paused: {DRIFT}", "BTC/USDT resumed"] * 4


def test_flapping_is_told_though_the_change_that_shows_it_could_wait() -> None:
    told = Told()
    told.take(changed(after=REDUCED, reasons=Reason.PSI_MODERATE))
    states = (PAUSED, ACTIVE, REDUCED, ACTIVE)
    titles, before = [], REDUCED
    for number, after in enumerate(states, start=1):
        titles = told.take(changed(before=before, after=after, reasons=Reason.PSI_MODERATE, later=number))
        before = after
    assert titles == ["BTC/USDT flaps, now active: moderate drift of the features"]
    assert told.last.priority is Priority.TODAY


def test_a_part_that_flaps_is_told_once() -> None:
    told = Told()
    titles = []
    for number in range(20):
        event = fault("store", "disk full", later=number) if number % 2 == 0 else recovered("store", later=number)
        titles += told.take(event)
    assert len(titles) == 5
    assert titles[-1].startswith("Store flaps, now fails")
    assert told.wait(19 + 119) == []
    assert told.wait(19 + 120) == ["Store has settled: works"]


def test_what_flapped_away_is_counted_in_the_digest() -> None:
    told = Told()
    flap(told, 20, every=5)
    told.wait(300)
    lines = digest(told)
    assert lines == [
        "8 \N{MULTIPLICATION SIGN} BTC/USDT resumed",
        f"7 \N{MULTIPLICATION SIGN} BTC/USDT paused: {DRIFT}",
    ]


# reminders


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


@pytest.mark.parametrize("part", ["store", "session", "evidence", "watcher"])
def test_what_was_acknowledged_and_is_over_is_news_when_it_comes_again(part: str) -> None:
    told = Told()
    first = told.take(fault(part, "disk full", 0))
    assert len(first) == 1
    told.take(acknowledged(100, hours=720))
    assert told.take(fault(part, "disk full", 105)) == []
    assert len(told.take(recovered(part, 110))) == 1
    assert told.take(fault(part, "disk full", 600)) == first
