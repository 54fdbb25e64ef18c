"""Drift, accuracy, blocked entries and history are shown with the figures that the bot wrote."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.control.control_room import BTC, ETH, NOON, ControlRoom, bot, series, state
from tests.test_events import KINDS, sample_events
from tradai_lifecycle.control import reports
from tradai_lifecycle.control.command import Answer, Command
from tradai_lifecycle.control.event_words import words_of
from tradai_lifecycle.control.reports import BlockedReport, DriftReport, HistoryReport, Report, Said
from tradai_lifecycle.control.words import LONGEST_TEXT, shortened, text_of, values_of
from tradai_lifecycle.events import EntryBlocked, Event, StakeReduced
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason

REPORTS = {one.__name__: getattr(reports, one.__name__) for one in Report.__subclasses__()}.values()
DRIFT, ACCURACY, BLOCKED, HISTORY = (
    CommandName.DRIFT, CommandName.ACCURACY, CommandName.BLOCKED, CommandName.HISTORY,
)  # fmt: skip


def refused(pair: str = BTC, *, rate: float | None, side: str = "long", minutes: int = 0) -> EntryBlocked:
    return EntryBlocked(
        at=NOON + timedelta(minutes=minutes),
        pair=pair,
        side=side,
        what="entry",
        reasons=Reason.PSI_SIGNIFICANT,
        observed_only=False,
        rate=rate,
    )


def cut(pair: str = BTC, *, rate: float | None, granted: float, side: str = "long") -> StakeReduced:
    return StakeReduced(
        at=NOON,
        pair=pair,
        side=side,
        proposed=100.0,
        granted=granted,
        reasons=Reason.PSI_MODERATE,
        observed_only=False,
        rate=rate,
    )


def blocked_report(room: ControlRoom, *words: str) -> BlockedReport:
    report = room.run(BLOCKED, *words).report
    assert isinstance(report, BlockedReport)
    return report


def test_series_are_shown_furthest_beyond_their_limit_first(room: ControlRoom) -> None:
    room.ledger.record_series([series(rsi=(0.1, 0.25), ema=(0.5, 0.25), atr=(9.0, 1.4), new=(math.nan, 0.3))])
    report = room.run(DRIFT).report
    assert isinstance(report, DriftReport)
    assert [(one.name, one.ratio, one.monitorable) for one in report.pairs[BTC].series][:3] == [
        ("%-atr", pytest.approx(9.0 / 1.4), False),
        ("%-ema", 2.0, True),
        ("%-rsi", 0.4, True),
    ]
    assert report.pairs[BTC].series[3].name == "%-new"
    assert room.text(DRIFT, "btc").splitlines() == [
        "BTC/USDT v1, 2026-03-01 12:00 UTC, PSI/limit:",
        "  ema 0.5/0.25 = 2",
        "  rsi 0.1/0.25 = 0.4",
        "  new -/0.3 = -",
        "  not watched at this window: atr 9/1.4",
    ]


def test_of_all_pairs_the_worst_series_are_shown_and_of_one_pair_every_series(room: ControlRoom) -> None:
    many = {f"f{number}": (0.01 * number, 0.3) for number in range(12)}
    room.ledger.record_series([series(**many), series(ETH, **many, training_windows=12.0)])  # type: ignore[arg-type]
    assert room.text(DRIFT).count("  f11 ") == 2
    assert "  7 more are below these" in room.text(DRIFT)
    assert "  f0 0/0.3 = 0" not in room.text(DRIFT)
    assert "  f0 0/0.3 = 0" in room.text(DRIFT, ETH)
    assert "only 12.0 training windows: limits are loose" in room.text(DRIFT, ETH)


def test_the_accuracy_is_shown_with_interval_effective_number_floor_and_verdict(room: ControlRoom) -> None:
    room.take_over(
        "1",
        states=(
            state(accuracy=0.45, accuracy_lower=0.4, accuracy_upper=0.5),
            state(ETH, effective_predictions=86.0),
            state("NEW/USDT", accuracy=math.nan),
        ),
    )
    assert room.text(ACCURACY).splitlines() == [
        "BTC/USDT v1: 0.450 [0.400, 0.500] of 132 effective, floor 0.52: below it",
        "ETH/USDT v1: 0.560 [0.500, 0.620] of 86 effective, floor 0.52: too few to judge, 100 needed",
        "NEW/USDT v1: nothing is scored yet",
    ]


@pytest.mark.parametrize(
    ("side", "rate", "move"),
    [("long", 80.0, 0.25), ("long", 125.0, -0.2), ("short", 80.0, -0.25), ("short", 125.0, 0.2)],
)
def test_a_refused_entry_is_marked_to_the_newest_close_by_its_side(
    room: ControlRoom, side: str, rate: float, move: float
) -> None:
    room.take_over("1", states=(state(close=100.0),))
    room.ledger.record_events([refused(rate=rate, side=side)])
    (entry,) = blocked_report(room).entries
    assert (entry.share, entry.move, math.isnan(entry.worth)) == (1.0, pytest.approx(move), True)


def test_a_cut_counts_with_the_part_that_was_cut(room: ControlRoom) -> None:
    room.take_over("1", states=(state(close=100.0),))
    room.ledger.record_bot(bot())
    room.ledger.record_events([cut(rate=80.0, granted=40.0), cut(rate=80.0, granted=0.0, side="short")])
    short, long = blocked_report(room).entries
    assert (long.share, long.move, long.worth) == (0.6, 0.25, 15.0)
    assert (short.share, short.move, short.worth) == (1.0, -0.25, -25.0)
    assert "2 cuts: the parts not traded would have made -10 USDT" in room.text(BLOCKED)


def test_what_cannot_be_priced_is_counted_and_not_guessed(room: ControlRoom) -> None:
    room.take_over("1", states=(state(close=100.0), state(ETH, close=math.nan)))
    room.ledger.record_events([refused(rate=None), refused(ETH, rate=5.0), refused("GONE/USDT", rate=5.0)])
    report = blocked_report(room)
    assert (report.entries, report.unpriced) == ((), 3)
    assert room.text(BLOCKED).splitlines() == [
        "refused and cut entries since 2026-02-22 12:03 UTC",
        "3 more cannot be priced: no rate or no newest close is known",
        "none that can be priced",
    ]


def test_entries_are_shown_newest_first_of_one_pair_and_as_far_back_as_asked(room: ControlRoom) -> None:
    room.take_over("1", states=(state(), state(ETH)))
    old = refused(rate=1.0, minutes=-60 * 24 * 8)
    room.ledger.record_events([old, refused(rate=2.0), refused(ETH, rate=3.0), refused(rate=4.0, minutes=5)])
    assert [entry.rate for entry in blocked_report(room).entries] == [4.0, 3.0, 2.0]
    assert [entry.rate for entry in blocked_report(room, "btc").entries] == [4.0, 2.0]
    assert [entry.rate for entry in blocked_report(room, "btc", "10d").entries] == [4.0, 2.0, 1.0]


def test_the_words_promise_no_more_than_a_mark_to_market(room: ControlRoom) -> None:
    room.take_over("1", states=(state(close=100.0),))
    room.ledger.record_events([refused(rate=80.0), refused(rate=125.0, minutes=60)])
    text = room.text(BLOCKED).splitlines()
    assert text[1] == "2 refusals: +2.50% each on average, 1 would be in profit now"
    assert text[-1].startswith("Marked to the newest close, without fees: no exit rule of the strategy was applied")


def test_history_is_newest_first_and_as_long_as_asked(room: ControlRoom) -> None:
    for note in ("one", "two", "three"):
        room.run(CommandName.PAUSE, note)
    report = room.run(HISTORY, "2").report
    assert isinstance(report, HistoryReport)
    assert [entry.text for entry in report.entries] == [
        f'shell:anna: pause "{note}": done, no entries until a resume; exits run on' for note in ("three", "two")
    ]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_event_has_words_and_survives_as_json(room: ControlRoom, kind: type[Event]) -> None:
    """Found and not listed: a new kind of event without words fails here."""
    events = [_dated(event) for event in sample_events(kind)]
    room.ledger.record_events(events)
    assert all(words_of(event).strip() for event in events)
    answer = room.run(HISTORY, "200")
    assert json.loads(json.dumps(values_of(answer), allow_nan=False))["entries"]
    assert len(text_of(answer)) <= LONGEST_TEXT


# The samples put any text into the fields that hold a date.
def _dated(event: Event) -> Event:
    dates = {field: NOON.isoformat() for field in ("until", "opened_at", "given_at") if hasattr(event, field)}
    return replace(event, **dates)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.__name__)
def test_every_report_has_a_text_and_json_values(report: type[Report], room: ControlRoom) -> None:
    room.register(promote=True)
    room.take_over("1", states=(state(),))
    room.ledger.record_series([series(rsi=(0.1, 0.3))])
    answers = [room.run(name) for name in CommandName if name.value not in ("promote", "reduce", "resolve")]
    (answer, *_) = [answer for answer in answers if isinstance(answer.report, report)]
    assert text_of(answer).strip()
    assert json.loads(json.dumps(values_of(answer), allow_nan=False))["command"] == answer.command.name.value


def test_a_long_text_is_cut_at_a_line_and_says_how_much_is_left_off() -> None:
    lines = tuple(f"line {number} " + "x" * 90 for number in range(100))
    answer = Answer(
        command=Command(name=CommandName.ACK), outcome=CommandOutcome.DONE, report=Said(detail="long", lines=lines)
    )
    text = text_of(answer)
    assert len(text) <= LONGEST_TEXT
    shown = text.splitlines()
    assert shown[-1] == f"... {101 - len(shown) + 1} more lines"
    assert shown[-2] in lines
    assert shortened("x" * 5_000) == "x" * (LONGEST_TEXT - 3) + "..."
    assert shortened("short") == "short"
