"""Each kind of event, found and not listed, has a rule; and what it says reads well on a phone."""

from datetime import UTC, datetime
from typing import ClassVar

import pytest

from tests.notify.happenings import (
    ACTIVE,
    DRIFT,
    NOON,
    PAUSED,
    REDUCED,
    adopted,
    blocked,
    changed,
    commanded,
    cut,
    fault,
    recovered,
    resumed,
)
from tests.test_events import KINDS, sample_events
from tradai_lifecycle.events import CandidateDecided, Event, RetrainingRequested
from tradai_lifecycle.notify.notice import Priority, Tone, plain_text
from tradai_lifecycle.notify.priorities import RULES, is_older, notice_of
from tradai_lifecycle.notify.topics import topics_of
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Reason

P1, P2, P3 = Priority.NOW, Priority.TODAY, Priority.DIGEST


def test_every_kind_of_event_has_a_rule_and_every_rule_a_kind() -> None:
    assert RULES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_event_makes_nothing_or_a_notice_of_short_plain_lines(kind: type[Event]) -> None:
    for event in sample_events(kind):
        notice = notice_of(event)
        if notice is None:
            continue
        assert notice.title.strip()
        assert notice.title.isprintable()
        assert all(line.isprintable() for line in notice.text.splitlines())
        assert len(plain_text(notice)) < 2_000
        assert notice.at == event.at


def test_a_kind_that_this_version_has_no_rule_for_is_told_in_the_digest_by_its_name() -> None:
    class SomethingNew:
        kind: ClassVar[str] = "something_new"
        at = datetime(2026, 3, 1, tzinfo=UTC)

    notice = notice_of(SomethingNew())  # type: ignore[arg-type]
    assert notice is not None
    assert (notice.priority, notice.title) == (P3, "something new")


@pytest.mark.parametrize(
    ("event", "priority", "title"),
    [
        (changed(), P1, f"BTC/USDT paused: {DRIFT}"),
        (changed(reasons=Reason.NOT_FINITE), P1, "BTC/USDT paused: features are NaN or infinite"),
        (changed(before=PAUSED), P1, f"BTC/USDT paused: {DRIFT}"),
        (changed(before=PAUSED, reasons=Reason.WARMING_UP), P2, "BTC/USDT paused: warming up"),
        (changed(reasons=Reason.WARMING_UP), P1, "BTC/USDT paused: warming up"),
        (
            changed(after=REDUCED, reasons=Reason.PSI_MODERATE),
            P2,
            "BTC/USDT stake reduced: moderate drift of the features",
        ),
        (
            changed(after=REDUCED, reasons=Reason.ACCURACY_BREACH),
            P2,
            "BTC/USDT stake reduced: directional accuracy is below its floor",
        ),
        (resumed(), P2, "BTC/USDT resumed"),
        (resumed(after=REDUCED), P2, "BTC/USDT resumed with a reduced stake: recovering after a pause"),
        (changed(before=REDUCED, after=ACTIVE, reasons=Reason.NONE), P3, "BTC/USDT back at the full stake"),
        (blocked(), P3, f"BTC/USDT blocked (entry): {DRIFT}"),
        (blocked(reasons=Reason.STALE_FEED), P2, "BTC/USDT blocked (entry): the pair's last candle is too old"),
        (
            blocked(reasons=Reason.BOT_PAUSE_SHARE | Reason.PSI_MODERATE),
            P1,
            "All entries are blocked: too many pairs drift significantly",
        ),
        (cut(), P2, "BTC/USDT given a reduced stake: moderate drift of the features"),
        (
            cut(reasons=Reason.STAKE_BELOW_MINIMUM),
            P2,
            "BTC/USDT given no stake: the cut stake is below the exchange's minimum",
        ),
        (adopted(), P2, "Model updated: v15 \N{RIGHTWARDS ARROW} v16"),
        (adopted(previous=None), P2, "Model updated: v16"),
        (adopted("v9", "v10"), P1, "Model rolled back: v10 \N{RIGHTWARDS ARROW} v9"),
        (fault(), P2, "The model registry is unreachable: connection refused"),
        (fault("store", "disk full"), P1, "All entries are blocked, the lifecycle's database fails: disk full"),
        (fault("new part", "odd"), P2, "Fault in new part: odd"),
        (
            fault("BTC/USDT", "the model failed to predict: ValueError()"),
            P1,
            "BTC/USDT failed: the model failed to predict: ValueError()",
        ),
        (
            fault("BTC/USDT", "the health monitor failed: 1/0"),
            P1,
            "BTC/USDT failed: the health monitor failed: 1/0",
        ),
        (recovered("model cache"), P2, "Model cache works again"),
        (commanded(note="news"), P1, "All entries paused by anna: news"),
        (commanded(CommandName.RESUME), P2, "Resumed by anna"),
        (commanded(CommandName.REDUCE, arguments="0.5"), P2, "Stake set to 0.5 of the full one by anna"),
        (commanded(CommandName.RETRAIN), P2, "Retraining requested by anna"),
        (commanded(CommandName.PIN, arguments="v3", who="shell:root"), P3, "v3 pinned by root"),
        (
            commanded(CommandName.ROLLBACK, CommandOutcome.FAILED, arguments="v3", detail="v3 is gone"),
            P2,
            "rollback v3 of anna failed: v3 is gone",
        ),
        (commanded(CommandName.PAUSE, CommandOutcome.DENIED), P3, "anna may not pause"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_told_and_how_urgently(event: Event, priority: Priority, title: str) -> None:
    notice = notice_of(event)
    assert notice is not None
    assert (notice.priority, notice.title) == (priority, title)


@pytest.mark.parametrize(
    "event",
    [
        commanded(CommandName.STATUS),
        commanded(CommandName.ACK),
        commanded(outcome=CommandOutcome.UNCONFIRMED),
    ],
    ids=["only shows", "has an event of its own", "was not confirmed"],
)
def test_some_commands_are_no_news(event: Event) -> None:
    assert notice_of(event) is None


@pytest.mark.parametrize("outcome", CandidateOutcome)
def test_each_outcome_of_a_candidate_is_told_and_a_refusal_today(outcome: CandidateOutcome) -> None:
    event = CandidateDecided(at=NOON, version="16", outcome=outcome, detail="why")
    notice = notice_of(event)
    waits = {
        CandidateOutcome.STAGED,
        CandidateOutcome.NOT_READY,
        CandidateOutcome.HELD_BY_PIN,
        CandidateOutcome.HELD_BY_SWAP_LIMIT,
    }
    if outcome is CandidateOutcome.ALREADY_CURRENT:
        assert notice is None
        return
    assert notice is not None
    assert notice.priority is (P3 if outcome in waits else P2)
    assert notice.title.startswith("Model v16 ")
    assert notice.title.endswith(": why")
    refused = outcome not in waits and outcome is not CandidateOutcome.AWAITING_CONFIRMATION
    assert (notice.tone is Tone.TROUBLE) is refused


def test_a_refusal_names_its_cause_and_that_the_old_model_stays() -> None:
    event = CandidateDecided(at=NOON, version="16", outcome=CandidateOutcome.WRONG_FEATURES, detail="%-rsi is new")
    notice = notice_of(event)
    assert notice is not None
    assert notice.title == "Model v16 refused, wrong features; the model before it stays: %-rsi is new"


def test_a_retraining_request_names_version_reason_and_evidence() -> None:
    event = RetrainingRequested(
        at=NOON,
        pair="BTC/USDT",
        candle=NOON.isoformat(),
        version="v15",
        reasons=Reason.ACCURACY_BREACH,
        detail="largest PSI 0.300, accuracy 0.501",
    )
    notice = notice_of(event)
    assert notice is not None
    assert notice.priority is P2
    assert notice.title == ("Retraining requested, v15 is to be replaced: directional accuracy is below its floor")
    assert notice.text == "BTC/USDT: largest PSI 0.300, accuracy 0.501"


def test_both_limits_of_drift_are_one_topic_and_each_other_reason_its_own() -> None:
    assert topics_of(Reason.PSI_MODERATE) == topics_of(Reason.PSI_SIGNIFICANT) == {"drift"}
    assert topics_of(Reason.NOT_FINITE | Reason.RECOVERING) == {"not_finite", "recovery"}
    assert topics_of(Reason.NONE) == frozenset()


def test_a_fault_of_the_whole_bot_is_the_same_trouble_as_the_entries_it_blocks() -> None:
    for part, reason in (("store", Reason.STORE_FAILED), ("session", Reason.GATE_FAILED)):
        failed, held = notice_of(fault(part)), notice_of(blocked(reasons=reason))
        assert failed is not None
        assert held is not None
        assert held.topics < failed.topics


def test_versions_are_compared_as_numbers_and_names_not_at_all() -> None:
    assert is_older("v9", "v10")
    assert not is_older("v10", "9")
    assert not is_older("none", "v3")
