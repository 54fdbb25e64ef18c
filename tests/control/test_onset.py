"""When it began is the first candle of the present run of the diagnosis, told with what else began then."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.control.control_room import BTC, ETH, NOON, ControlRoom, bot, state
from tradai_lifecycle.control.onset import run_of
from tradai_lifecycle.control.past import READ_CANDLES, READ_FIRST_CANDLES
from tradai_lifecycle.control.reports import WhyReport
from tradai_lifecycle.states import CommandName, Reason
from tradai_lifecycle.store.ledger import Ledger

CALM, MODERATE, SIGNIFICANT = Reason.NONE, Reason.PSI_MODERATE, Reason.PSI_SIGNIFICANT
FAULT = Reason.MODEL_FAILED
LONG_AGO = NOON - timedelta(days=400)
COMMON = "a common source (feed, exchange, deploy), not one market"


def hours_ago(hours: int) -> datetime:
    return NOON - timedelta(hours=hours)


def record(room: ControlRoom, pair: str, reasons: Sequence[Reason | None]) -> None:
    """One candle per hour up to NOON, oldest first; None where the bot wrote nothing."""
    rows = zip(range(len(reasons) - 1, -1, -1), reasons, strict=True)
    room.ledger.record_states([state(pair, hours_ago(hours), reasons=held) for hours, held in rows if held is not None])


def run_bot(room: ControlRoom, started_at: datetime = LONG_AGO) -> None:
    room.ledger.record_bot(bot(started_at=started_at, window_candles=200))


def adopt(room: ControlRoom, version: str, candle: datetime) -> None:
    room.ledger.record_adoption(
        version=version, previous_version=None, adopted_candle=candle, adopted_at=candle, state_before={}
    )


def began(room: ControlRoom, pair: str = BTC) -> list[str]:
    """What `why` says of the onset of a pair, as its details hold it for every transport."""
    report = room.run(CommandName.WHY, pair).report
    assert isinstance(report, WhyReport)
    (severity,) = [step for step in report.pairs[pair] if step.link == "severity"]
    return [detail for detail in severity.details if detail.startswith("began ")]


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ([CALM, SIGNIFICANT, SIGNIFICANT], "began 2026-03-01 11:00 UTC (1 candle ago)"),
        ([CALM, CALM, SIGNIFICANT], "began 2026-03-01 12:00 UTC (at this candle)"),
        # the milder form of the same, and another of the same diagnosis, belong to one run
        ([CALM, Reason.ACCURACY_FELL, MODERATE, SIGNIFICANT], "began 2026-03-01 10:00 UTC (2 candles ago)"),
        # an earlier run has ended
        ([CALM, SIGNIFICANT, CALM, SIGNIFICANT], "began 2026-03-01 12:00 UTC (at this candle)"),
        # a candle that could not be judged, or was not, ends no run
        ([CALM, SIGNIFICANT, FAULT, None, SIGNIFICANT], "began 2026-03-01 09:00 UTC (3 candles ago)"),
        # what was not judged just before a run may have belonged to it
        ([CALM, FAULT, SIGNIFICANT], "began 2026-03-01 12:00 UTC or before (at this candle)"),
        ([CALM, None, SIGNIFICANT], "began 2026-03-01 12:00 UTC or before (at this candle)"),
        ([SIGNIFICANT, SIGNIFICANT], "began 2026-03-01 11:00 UTC or before (1 candle ago)"),
    ],
)
def test_it_began_with_the_first_candle_of_the_present_run(
    room: ControlRoom, reasons: list[Reason | None], said: str
) -> None:
    run_bot(room)
    record(room, BTC, reasons)
    assert began(room) == [said]
    assert f"   {said}" in room.text(CommandName.WHY, "btc").splitlines()


@pytest.mark.parametrize(
    "bug", [Reason.NOT_FINITE, Reason.FEATURES_DIFFER, Reason.SCALE_CHANGED, Reason.RELATION_BROKEN]
)
def test_the_onset_of_a_bug_is_its_own_not_that_of_a_drift_before_it(room: ControlRoom, bug: Reason) -> None:
    run_bot(room)
    record(room, BTC, [CALM, MODERATE, MODERATE, MODERATE | bug, MODERATE | bug])
    assert began(room) == ["began 2026-03-01 11:00 UTC (1 candle ago)"]


def test_nothing_began_where_nothing_holds(room: ControlRoom) -> None:
    run_bot(room)
    record(room, BTC, [SIGNIFICANT, SIGNIFICANT, CALM])
    assert began(room) == []


@pytest.mark.parametrize(
    ("adopted_hours_ago", "reasons", "said"),
    [
        (2, [CALM] * 3 + [SIGNIFICANT] * 3, "(2 candles ago), with the first candle that v2 judged: look at what was"),
        (3, [CALM] * 3 + [SIGNIFICANT] * 3, "(2 candles ago), 1 candle after v2 was adopted: look at what was"),
        (202, [CALM] * 210 + [SIGNIFICANT] * 3, "(2 candles ago), 200 candles after v2 was adopted: look at what was"),
        # more than a window later
        (203, [CALM] * 210 + [SIGNIFICANT] * 3, "(2 candles ago)"),
        # adopted since: it did not begin with that
        (1, [CALM] * 3 + [SIGNIFICANT] * 3, "(2 candles ago)"),
        # the very first candle
        (2, [SIGNIFICANT] * 3, "or before (2 candles ago), with the first candle that v2 judged: look at what was"),
        # it may have begun before the adoption
        (4, [CALM, None, None, None, SIGNIFICANT, SIGNIFICANT, SIGNIFICANT], "or before (2 candles ago)"),
        # it did not begin before the adoption
        (
            4,
            [CALM, CALM, None, None, SIGNIFICANT, SIGNIFICANT, SIGNIFICANT],
            "or before (2 candles ago), 2 candles after",
        ),
    ],
)
def test_what_began_within_a_window_after_an_adoption_points_to_it(
    room: ControlRoom, adopted_hours_ago: int, reasons: list[Reason | None], said: str
) -> None:
    run_bot(room)
    adopt(room, "v1", LONG_AGO)
    adopt(room, "v2", hours_ago(adopted_hours_ago))
    record(room, BTC, reasons)
    (line,) = began(room)
    assert line.startswith(f"began 2026-03-01 10:00 UTC {said}")
    assert ("look at what was deployed" in line) == ("after" in said or "judged" in said)


@pytest.mark.parametrize(
    ("after_noon_hours", "points_there"),
    # the candle of 12:00 is the first after a start before 13:00, and the newest closed one at a start before 14:00
    [(-1.0, False), (-0.1, False), (0.0, True), (0.9, True), (1.9, True), (2.0, False), (3.0, False)],
)
def test_what_began_with_the_bots_start_points_to_that(
    room: ControlRoom, after_noon_hours: float, points_there: bool
) -> None:
    started = NOON + timedelta(hours=after_noon_hours)
    run_bot(room, started)
    record(room, BTC, [CALM, CALM, SIGNIFICANT])
    said = "began 2026-03-01 12:00 UTC (at this candle)"
    beside = f", as the bot was started at {started:%Y-%m-%d %H:%M} UTC: look at what was deployed"
    assert began(room) == [said + beside if points_there else said]


def test_a_first_candle_ever_says_nothing_of_the_bots_start(room: ControlRoom) -> None:
    run_bot(room, NOON + timedelta(minutes=30))
    record(room, BTC, [SIGNIFICANT])
    assert began(room) == ["began 2026-03-01 12:00 UTC or before (at this candle)"]


def test_a_start_and_an_adoption_are_both_named(room: ControlRoom) -> None:
    run_bot(room, NOON + timedelta(minutes=30))
    adopt(room, "v2", hours_ago(3))
    record(room, BTC, [CALM, CALM, CALM, CALM, SIGNIFICANT])
    (line,) = began(room)
    start, adoption = "as the bot was started at 2026-03-01 12:30 UTC", "3 candles after v2 was adopted"
    assert line == f"began 2026-03-01 12:00 UTC (at this candle), {start}, {adoption}: look at what was deployed"


@pytest.mark.parametrize(
    ("pairs", "began_hours_ago", "said"),
    [
        (2, [3, 3], f"began on all 2 pairs at the same candle, give or take one: {COMMON}"),
        (2, [3, 4], f"began on all 2 pairs at the same candle, give or take one: {COMMON}"),
        (2, [3, 5], None),
        (2, [3], None),
        (1, [3], None),
        (5, [3, 3, 2, 4], f"began on 4 of 5 pairs at the same candle, give or take one: {COMMON}"),
        (5, [3, 3, 3], None),
        (5, [3, 3, 3, 5, 7], None),
    ],
)
def test_what_began_on_nearly_all_pairs_at_one_candle_has_a_common_source(
    room: ControlRoom, pairs: int, began_hours_ago: list[int], said: str | None
) -> None:
    run_bot(room)
    names = [BTC, ETH, "ADA/USDT", "SOL/USDT", "XRP/USDT"][:pairs]
    onsets = [*began_hours_ago, *[-1] * (pairs - len(began_hours_ago))]
    for name, onset in zip(names, onsets, strict=True):
        record(room, name, [CALM] * (9 - onset) + [SIGNIFICANT] * (onset + 1))
    assert began(room) == ["began 2026-03-01 09:00 UTC (3 candles ago)", *([said] if said else [])]


def test_pairs_that_share_no_diagnosis_did_not_begin_together(room: ControlRoom) -> None:
    run_bot(room)
    record(room, BTC, [CALM, SIGNIFICANT])
    record(room, ETH, [CALM, Reason.NOT_FINITE])
    assert len(began(room, BTC)) == len(began(room, ETH)) == 1


def test_the_first_candle_after_a_gap_is_no_common_source(room: ControlRoom) -> None:
    run_bot(room)
    for pair in (BTC, ETH):
        record(room, pair, [CALM, None, None, SIGNIFICANT])
    assert began(room) == ["began 2026-03-01 12:00 UTC or before (at this candle)"]


def test_a_pair_that_is_no_longer_watched_does_not_count(room: ControlRoom) -> None:
    run_bot(room)
    for pair in (BTC, ETH):
        record(room, pair, [CALM, SIGNIFICANT, SIGNIFICANT])
    for gone in ("ADA/USDT", "SOL/USDT"):
        room.ledger.record_states([state(gone, hours_ago(50))])
    assert began(room)[1] == f"began on all 2 pairs at the same candle, give or take one: {COMMON}"


def test_without_the_length_of_a_candle_only_the_candle_is_told(room: ControlRoom) -> None:
    adopt(room, "v2", NOON)
    record(room, BTC, [SIGNIFICANT])
    assert began(room) == ["began 2026-03-01 12:00 UTC or before"]


def test_a_run_longer_than_what_is_read_may_be_older(room: ControlRoom) -> None:
    run_bot(room)
    record(room, BTC, [CALM] + [MODERATE] * (READ_CANDLES - 1))
    first = f"{hours_ago(READ_CANDLES - 2):%Y-%m-%d %H:%M} UTC"
    assert began(room) == [f"began {first} ({READ_CANDLES - 2} candles ago)"]
    room.ledger.record_states([state(BTC, NOON + timedelta(hours=1), reasons=MODERATE)])
    assert began(room) == [f"began {first} or before ({READ_CANDLES - 1} candles ago)"]


def test_pairs_that_began_together_long_ago_are_found(room: ControlRoom) -> None:
    run_bot(room)
    for pair in (BTC, ETH):
        record(room, pair, [CALM] + [MODERATE] * (READ_FIRST_CANDLES + 5))
    assert began(room)[1] == f"began on all 2 pairs at the same candle, give or take one: {COMMON}"


def test_what_all_pairs_share_is_read_once_for_all_of_them(room: ControlRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        original = getattr(Ledger, name)

        def reading(self: Ledger, *args: Any, **kwargs: Any) -> Any:
            read.append(name)
            return original(self, *args, **kwargs)

        return reading

    def reads(pairs: int) -> int:
        for at in range(pairs):
            record(room, f"P{at}/USDT", [CALM] * 3 + [SIGNIFICANT] * 3)
        read.clear()
        room.run(CommandName.WHY)
        return len(read)

    run_bot(room)
    monkeypatch.setattr(Ledger, "series", counted("series"))
    monkeypatch.setattr("tradai_lifecycle.control.past.run_of", lambda *given: read.append("run") or run_of(*given))
    of_two, of_four = reads(2), reads(4)
    assert of_four - of_two == 2
