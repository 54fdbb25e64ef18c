"""Pauses and reductions are told at once, once, with what is open; what follows from them waits."""

from tests.notify.happenings import (
    ACTIVE,
    DRIFT,
    REDUCED,
    at,
    blocked,
    changed,
    commanded,
    cut,
    fault,
    position,
    recovered,
    resumed,
)
from tests.notify.told_board import DAY, HOUR, Told, digest
from tradai_lifecycle.notify.notice import Priority
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason


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
    assert told.take(commanded(later=1, note="news", begun_at=at(0).isoformat())) == []
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
