"""A bug is looked for before drift, and what was found in the features is said for as long as it holds."""

from functools import reduce
from itertools import combinations
from operator import or_

import pytest

from tests.control.control_room import BTC, ETH, NOON, ControlRoom, state
from tradai_lifecycle.control.diagnosis import DIAGNOSES
from tradai_lifecycle.control.reports import WhyReport
from tradai_lifecycle.events import FEATURES_PART, FaultReported
from tradai_lifecycle.states import BUG_REASONS, DRIFT_REASONS, FAULT_REASONS, CommandName, Reason

FOUND = f"{Reason.FEATURES_DIFFER.words[0]}: %-rsi is lagged by 1 candle"
BUG = ", a bug: mend it, never train on it"


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
    assert severity.details == said


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
