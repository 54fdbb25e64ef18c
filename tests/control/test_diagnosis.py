"""A bug is looked for before drift, and what was found in the features is said for as long as it holds."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from itertools import combinations
from operator import or_

import pytest

from tests.control.control_room import BTC, ETH, NOON, ControlRoom, bot, series, state
from tradai_lifecycle.control.diagnosis import DIAGNOSES
from tradai_lifecycle.control.reports import WhyReport
from tradai_lifecycle.events import FEATURES_PART, FaultReported
from tradai_lifecycle.monitor.shift_health import MARKET, RELATION
from tradai_lifecycle.states import BUG_REASONS, DRIFT_REASONS, FAULT_REASONS, CommandName, Reason
from tradai_lifecycle.store.records import ShiftRecord, StateRecord

FOUND = f"{Reason.FEATURES_DIFFER.words[0]}: %-rsi is lagged by 1 candle"
BUG = ", a bug: mend it, never train on it"
BEGAN = "began 2026-03-01 12:00 UTC or before"
MOVED = "the market itself has moved"
PIPELINE = (
    "the model's features have moved, the market's own series have not since {since} UTC: "
    "rule out the pipeline (feature code, data source) first"
)
#: With a window of 200 candles of an hour.
A_WINDOW_BEFORE = NOON - timedelta(hours=202)


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (Reason.NOT_FINITE | Reason.SCALE_CHANGED | Reason.PSI_SIGNIFICANT, (f"diagnosis: data{BUG}",)),
        (Reason.STALE_FEED | Reason.FEATURES_DIFFER, (f"diagnosis: data{BUG}",)),
        (Reason.SCHEMA_MISMATCH, (f"diagnosis: data{BUG}",)),
        (
            Reason.FEATURES_DIFFER | Reason.SCALE_CHANGED,
            (f"diagnosis: features{BUG}; no fault seen in data", FOUND),
        ),
        (Reason.SCALE_CHANGED | Reason.PSI_MODERATE, (f"diagnosis: scale{BUG}; no fault seen in data, features",)),
        (
            Reason.RELATION_BROKEN | Reason.PSI_SIGNIFICANT,
            (f"diagnosis: relations{BUG}; no fault seen in data, features, scale",),
        ),
        (Reason.RELATION_MODERATE, ("diagnosis: relations; no fault seen in data, features, scale",)),
        (Reason.ACCURACY_BREACH, ("diagnosis: drift; no fault seen in data, features, scale, relations",)),
        (Reason.RECOVERING, ()),
    ],
)
def test_a_bug_is_named_before_drift(room: ControlRoom, reasons: Reason, said: tuple[str, ...]) -> None:
    room.take_over("1", states=(state(reasons=reasons),))
    room.ledger.record_events([FaultReported(at=NOON, part=FEATURES_PART, message=FOUND)])
    report = room.run(CommandName.WHY, BTC).report
    assert isinstance(report, WhyReport)
    (severity,) = [step for step in report.pairs[BTC] if step.link == "severity"]
    assert severity.details == (*said, *([BEGAN] if said else []))


def test_every_bug_and_every_evidence_about_the_model_is_one_diagnosis() -> None:
    for one, other in combinations([meant for _, meant in DIAGNOSES], 2):
        assert one & other == Reason.NONE
    everything = reduce(or_, [meant for _, meant in DIAGNOSES])
    assert (BUG_REASONS | DRIFT_REASONS) & ~everything == Reason.NONE
    assert everything & FAULT_REASONS & ~BUG_REASONS == Reason.NONE


def test_what_was_found_in_the_features_is_said_for_its_pair_while_it_holds(room: ControlRoom) -> None:
    repaints = f"{Reason.FEATURES_DIFFER.words[0]}: changes after the fact: %-body"
    room.take_over("1", states=(state(reasons=Reason.FEATURES_DIFFER), state(ETH, reasons=Reason.FEATURES_DIFFER)))
    room.ledger.record_events(
        [
            FaultReported(at=NOON, part=FEATURES_PART, message=FOUND),
            FaultReported(at=NOON, part=ETH, message=repaints),
            FaultReported(at=NOON, part=BTC, message="the model failed to predict: what else"),
        ]
    )
    status, why = room.text(CommandName.STATUS), room.text(CommandName.WHY, "btc")
    assert f"! {FOUND}\n" in status
    assert f"! {ETH}: {repaints}\n" in status
    assert FOUND in why
    assert repaints not in why
    assert "what else" not in status + why
    room.ledger.record_events([FaultReported(at=NOON, part=FEATURES_PART, message="again", recovered=True)])
    assert FOUND not in room.text(CommandName.STATUS) + room.text(CommandName.WHY)


def test_a_finding_of_the_past_is_not_said_where_nothing_is_held_for_it(room: ControlRoom) -> None:
    room.take_over("1", states=(state(),))
    room.ledger.record_events([FaultReported(at=NOON, part=FEATURES_PART, message=FOUND)])
    assert FOUND not in room.text(CommandName.STATUS) + room.text(CommandName.WHY)


def shift(ratio: float, *, limit: float = 1.4, group: str = MARKET) -> ShiftRecord:
    return ShiftRecord(name="range", group=group, ratio=ratio, limit=limit)


def of_the_market(room: ControlRoom, states: Sequence[StateRecord], *shifts: ShiftRecord) -> str | None:
    """What `why` says of the market, with the newest shifts of a pair written beside its states."""
    room.ledger.record_bot(bot(window_candles=200))
    room.ledger.record_states(states)
    room.ledger.record_series([replace(series(rsi=(0.31, 0.28)), shifts=shifts)])
    lines = [line.strip() for line in room.text(CommandName.WHY, "btc").splitlines()]
    return next((line for line in lines if "market's own series" in line or line == MOVED), None)


def drifting_since(hours: int, first: datetime = A_WINDOW_BEFORE, **market: Reason) -> list[StateRecord]:
    """Candles from `first` on, the newest of which drift; reasons of the market at the hours ago of their names."""
    ages = range(round((NOON - first) / timedelta(hours=1)), -1, -1)
    drifts = {age: Reason.PSI_MODERATE if age <= hours else Reason.NONE for age in ages}
    seen = {int(name.removeprefix("ago_")): reason for name, reason in market.items()}
    return [state(candle=NOON - timedelta(hours=age), reasons=drifts[age] | seen.get(age, Reason.NONE)) for age in ages]


def test_features_that_moved_while_the_market_did_not_point_to_the_pipeline(room: ControlRoom) -> None:
    # drift since 10:00, and the window of 200 candles before that
    assert of_the_market(room, drifting_since(2), shift(0.3), shift(1.39)) == PIPELINE.format(since="2026-02-21 02:00")


def test_the_market_is_said_to_be_calm_only_for_as_long_as_is_recorded(room: ControlRoom) -> None:
    states = drifting_since(2, first=NOON - timedelta(hours=5))
    assert of_the_market(room, states, shift(0.3)) == PIPELINE.format(since="2026-03-01 07:00")


@pytest.mark.parametrize("moved", [Reason.MARKET_MODERATE, Reason.MARKET_SIGNIFICANT])
@pytest.mark.parametrize("hours_ago", [0, 2, 100, 202])
def test_a_market_that_moved_within_a_window_before_the_drift_is_its_cause(
    room: ControlRoom, moved: Reason, hours_ago: int
) -> None:
    assert of_the_market(room, drifting_since(2, **{f"ago_{hours_ago}": moved}), shift(0.3)) == MOVED


def test_a_move_of_the_market_longer_ago_is_none(room: ControlRoom) -> None:
    states = drifting_since(1, ago_202=Reason.MARKET_SIGNIFICANT)
    assert of_the_market(room, states, shift(0.3)) == PIPELINE.format(since="2026-02-21 03:00")


@pytest.mark.parametrize(
    "shifts",
    [
        (),
        (shift(0.3, group=RELATION),),
        (shift(0.3), shift(math.nan)),
        (shift(0.3), shift(1.4)),
        (shift(0.3, limit=math.inf),),
    ],
)
def test_without_the_figures_of_a_calm_market_nothing_is_said_of_it(
    room: ControlRoom, shifts: tuple[ShiftRecord, ...]
) -> None:
    assert of_the_market(room, drifting_since(2), *shifts) is None


def test_figures_of_another_candle_are_none(room: ControlRoom) -> None:
    later = state(candle=NOON + timedelta(hours=1), reasons=Reason.PSI_MODERATE)
    assert of_the_market(room, [*drifting_since(2), later], shift(0.3)) is None


def test_figures_of_another_version_are_none(room: ControlRoom) -> None:
    other = [replace(one, version="v2") for one in drifting_since(2)]
    assert of_the_market(room, other, shift(0.3)) is None


@pytest.mark.parametrize("reasons", [Reason.ACCURACY_BREACH, Reason.MARKET_SIGNIFICANT])
def test_nothing_is_said_of_the_market_where_the_features_do_not_drift(room: ControlRoom, reasons: Reason) -> None:
    assert of_the_market(room, [state(reasons=reasons)], shift(0.3)) is None


@pytest.mark.parametrize("bug", [Reason.NOT_FINITE, Reason.SCALE_CHANGED, Reason.RELATION_BROKEN])
def test_nothing_is_said_of_the_market_beside_a_bug(room: ControlRoom, bug: Reason) -> None:
    assert of_the_market(room, [state(reasons=Reason.PSI_SIGNIFICANT | bug)], shift(0.3)) is None
