"""What each kind of event is to a person: one rule per kind, pure; what was told before is the board's business."""

from collections.abc import Callable
from typing import Any

from tradai_lifecycle.events import (
    FEATURES_PART,
    Acknowledged,
    BotPauseChanged,
    CandidateDecided,
    EntryBlocked,
    Event,
    FaultReported,
    IncidentResolved,
    ModelAdopted,
    ParityAlarm,
    ResumeExpired,
    RetrainingRequested,
    StakeReduced,
    StateChanged,
    StrangerIgnored,
)
from tradai_lifecycle.notify.commands import command_answered
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.pauses import bot_pause_changed, resume_expired
from tradai_lifecycle.notify.topics import topics_of
from tradai_lifecycle.notify.wording import figure, person, quoted, sentence, version_label
from tradai_lifecycle.states import CandidateOutcome, Reason, TradingState

#: The part of `FaultReported` that stands for candles that do not arrive any more.
CANDLES_PART = "candles"
REGISTRY_PART = "registry"

#: Reasons that are wrong for the whole bot, whichever pair met them first.
_BOT_WIDE = Reason.BOT_PAUSE_SHARE | Reason.STORE_FAILED | Reason.GATE_FAILED | Reason.MODEL_MISSING
_BLOCKED_NOW = (
    _BOT_WIDE
    | Reason.MODEL_FAILED
    | Reason.MONITOR_FAILED
    | Reason.STRATEGY_FAILED
    | Reason.SCHEMA_MISMATCH
    | Reason.FEATURES_DIFFER
    | Reason.NOT_FINITE
)
_BLOCKED_TODAY = Reason.STALE_FEED | Reason.NOT_ANALYSED | Reason.NO_REFERENCE

#: Faults by part: how urgent, in words, and the gate's reason for the same. An unknown part is told today.
_FAULTS: dict[str, tuple[Priority, str, Reason]] = {
    "store": (Priority.NOW, "All entries are blocked, the lifecycle's database fails", Reason.STORE_FAILED),
    "session": (
        Priority.NOW,
        "All entries are blocked, the lifecycle failed between two batches",
        Reason.GATE_FAILED,
    ),
    FEATURES_PART: (
        Priority.NOW,
        "All entries are blocked, the strategy does not compute its features as in training",
        Reason.FEATURES_DIFFER,
    ),
    "evidence": (Priority.NOW, "The health monitor could not note what it saw", Reason.NONE),
    REGISTRY_PART: (Priority.TODAY, "The model registry is unreachable", Reason.NONE),
    CANDLES_PART: (Priority.TODAY, "Candles are stale", Reason.STALE_FEED),
    "watcher": (Priority.TODAY, "The model watcher failed", Reason.NONE),
    "model cache": (Priority.TODAY, "The cache of models cannot be written", Reason.NONE),
}
_REASONS_BY_WORDS = {flag.words[0]: flag for flag in Reason}

#: Outcomes that are no refusal; any other one is told today.
_CANDIDATES: dict[CandidateOutcome, tuple[Priority, str] | None] = {
    CandidateOutcome.ALREADY_CURRENT: None,
    CandidateOutcome.STAGED: (Priority.DIGEST, "passed the checks"),
    CandidateOutcome.NOT_READY: (Priority.DIGEST, "is not ready yet"),
    CandidateOutcome.HELD_BY_PIN: (Priority.DIGEST, "waits, another version is pinned"),
    CandidateOutcome.HELD_BY_SWAP_LIMIT: (Priority.DIGEST, "waits, enough models were swapped today"),
    CandidateOutcome.AWAITING_CONFIRMATION: (Priority.TODAY, "passed the checks and waits for a person to adopt it"),
}


def notice_of(event: Event) -> Notice | None:
    """What to tell of an event; None where it says nothing to a person. Never raises.

    An event of a kind without a rule is told in the digest by its name.
    """
    rule = RULES.get(event.kind)
    if rule is not None:
        return rule(event)
    words = event.kind.replace("_", " ")
    return Notice(at=event.at, priority=Priority.DIGEST, key=event.kind, what=words, tone=Tone.NEUTRAL)


def fault_key(part: str) -> str:
    """The key of a part's fault."""
    return f"fault {part}"


def is_pair(part: str) -> bool:
    """Whether the part of a fault is a pair and not a part of the lifecycle."""
    return "/" in part


def _state_changed(event: StateChanged) -> Notice:
    because = "; ".join(event.reasons.words)
    priority, what, tone = _of_change(event)
    shown = (
        f"{event.pair}: PSI {figure(event.psi_max)}, accuracy {figure(event.accuracy)}, {version_label(event.version)}"
    )
    return Notice(
        at=event.at,
        priority=priority,
        key=f"{what}: {because}",
        what=what,
        pairs=(event.pair,),
        because=because,
        details=(shown,) if tone is Tone.TROUBLE else (),
        topics=topics_of(event.reasons),
        tone=tone,
        state=event.after,
    )


def _of_change(event: StateChanged) -> tuple[Priority, str, Tone]:
    if event.after is TradingState.PAUSED:
        # a pair that is met for the first time is reported as paused before: to warm up is no news at night
        waits = event.before is TradingState.PAUSED and event.reasons is Reason.WARMING_UP
        return Priority.TODAY if waits else Priority.NOW, "paused", Tone.TROUBLE
    if event.before is TradingState.PAUSED:
        reduced = event.after is TradingState.REDUCED
        return Priority.TODAY, "resumed with a reduced stake" if reduced else "resumed", Tone.GOOD
    if event.after is TradingState.REDUCED:
        return Priority.TODAY, "stake reduced", Tone.TROUBLE
    return Priority.DIGEST, "back at the full stake", Tone.GOOD


def _entry_blocked(event: EntryBlocked) -> Notice:
    reasons = event.reasons
    urgent = Priority.TODAY if reasons & _BLOCKED_TODAY else Priority.DIGEST
    words, observed = "; ".join(reasons.words), " (observed only)" if event.observed_only else ""
    whole_bot = reasons & _BOT_WIDE
    return Notice(
        at=event.at,
        priority=Priority.NOW if reasons & _BLOCKED_NOW else urgent,
        key=f"blocked: {'; '.join(whole_bot.words) or f'{event.what} {words}'}",
        what=f"All entries are blocked{observed}" if whole_bot else f"blocked ({event.what}){observed}",
        pairs=() if whole_bot else (event.pair,),
        because="; ".join(whole_bot.words) or words,
        topics=topics_of(whole_bot or reasons),
    )


def _stake_reduced(event: StakeReduced) -> Notice:
    skipped = Reason.STAKE_BELOW_MINIMUM in event.reasons
    observed = " (observed only)" if event.observed_only else ""
    because = "; ".join(event.reasons.words)
    return Notice(
        at=event.at,
        priority=Priority.TODAY,
        key=f"stake: {because}",
        what=f"{'given no stake' if skipped else 'given a reduced stake'}{observed}",
        pairs=(event.pair,),
        because=because,
        details=(f"{event.pair}: {event.proposed:g} proposed, {event.granted:g} granted",),
        topics=topics_of(event.reasons),
    )


def _candidate_decided(event: CandidateDecided) -> Notice | None:
    refused = (Priority.TODAY, f"refused, {event.outcome.value.replace('_', ' ')}; the model before it stays")
    rule = _CANDIDATES.get(event.outcome, refused)
    if rule is None:
        return None
    priority, words = rule
    return Notice(
        at=event.at,
        priority=priority,
        key=f"candidate {event.version} {event.outcome.value}",
        what=f"Model {version_label(event.version)} {words}",
        because=quoted(event.detail),
        topics=frozenset({"candidate"}),
        tone=Tone.TROUBLE if rule is refused else Tone.NEUTRAL,
    )


def _model_adopted(event: ModelAdopted) -> Notice:
    version, previous = version_label(event.version), event.previous_version
    back = previous is not None and is_older(event.version, previous)
    change = f"{version_label(previous)} \N{RIGHTWARDS ARROW} {version}" if previous is not None else version
    return Notice(
        at=event.at,
        priority=Priority.NOW if back else Priority.TODAY,
        key=f"adopted {event.previous_version} {event.version}",
        what=f"Model rolled back: {change}" if back else f"Model updated: {change}",
        tone=Tone.TROUBLE if back else Tone.GOOD,
    )


def is_older(version: str, other: str) -> bool:
    """Whether a version was registered before the other one; False where they are not numbers."""
    numbers = [text.removeprefix("v") for text in (version, other)]
    return all(number.isdecimal() for number in numbers) and int(numbers[0]) < int(numbers[1])


def _retraining_requested(event: RetrainingRequested) -> Notice:
    return Notice(
        at=event.at,
        priority=Priority.TODAY,
        key=f"retraining {event.version}",
        what=f"Retraining requested, {version_label(event.version)} is to be replaced",
        because="; ".join(event.reasons.words),
        details=(f"{event.pair}: {quoted(event.detail)}",),
        tone=Tone.NEUTRAL,
    )


def _fault_reported(event: FaultReported) -> Notice:
    if is_pair(event.part):
        return _pair_failed(event)
    unknown = (Priority.TODAY, f"Fault in {quoted(event.part, 60)}", Reason.NONE)
    priority, words, reason = _FAULTS.get(event.part, unknown)
    key = fault_key(event.part)
    return Notice(
        at=event.at,
        priority=Priority.TODAY if event.recovered else priority,
        key=f"{key} recovered" if event.recovered else key,
        what=f"{sentence(quoted(event.part, 60))} works again" if event.recovered else words,
        because="" if event.recovered else quoted(event.message),
        topics=frozenset({key}) | topics_of(reason),
        tone=Tone.GOOD if event.recovered else Tone.TROUBLE,
    )


# A pair's fault begins with the words of its reasons; it has no end of its own, the pair's next state is that.
def _pair_failed(event: FaultReported) -> Notice:
    words = event.message.partition(":")[0]
    reasons = Reason(sum({_REASONS_BY_WORDS.get(word, Reason.NONE) for word in words.split("; ")}))
    return Notice(
        at=event.at,
        priority=Priority.TODAY if event.recovered else Priority.NOW,
        key=f"recovered: {words}" if event.recovered else f"failed: {words}",
        what="works again" if event.recovered else "failed",
        pairs=(event.part,),
        because="" if event.recovered else quoted(event.message),
        topics=topics_of(reasons) or frozenset({fault_key(event.part)}),
        tone=Tone.GOOD if event.recovered else Tone.TROUBLE,
    )


def _parity_alarm(event: ParityAlarm) -> Notice:
    return Notice(
        at=event.at,
        priority=Priority.TODAY,
        key=f"parity {event.version}",
        what="predicted otherwise when computed again",
        pairs=(event.pair,),
        because=f"{version_label(event.version)} does not see what it saw",
        details=(f"{event.pair} {quoted(event.candle, 40)}: {event.logged:.6g}, then {event.recomputed:.6g}",),
        topics=frozenset({"parity"}),
    )


def _stranger_ignored(event: StrangerIgnored) -> Notice:
    messages = "1 message" if event.messages == 1 else f"{event.messages} messages"
    return Notice(
        at=event.at,
        priority=Priority.DIGEST,
        key=f"stranger {event.transport} {event.who}",
        what=f"{messages} of a stranger over {event.transport} ignored",
        because=quoted(event.who, 60),
        tone=Tone.NEUTRAL,
    )


def _acknowledged(event: Acknowledged) -> Notice:
    return Notice(
        at=event.at,
        priority=Priority.DIGEST,
        key=f"acknowledged {event.who}",
        what=f"Acknowledged by {person(event.who)} until {quoted(event.until, 40)}",
        tone=Tone.NEUTRAL,
    )


def _incident_resolved(event: IncidentResolved) -> Notice:
    return Notice(
        at=event.at,
        priority=Priority.DIGEST,
        key=f"resolved {event.opened_at}",
        what=f"Incident of {quoted(event.opened_at, 40)} closed by {person(event.who)}",
        because=quoted(event.note),
        tone=Tone.GOOD,
    )


#: The rule of each kind of event. A test finds the kinds that have none.
RULES: dict[str, Callable[[Any], Notice | None]] = {
    StateChanged.kind: _state_changed,
    BotPauseChanged.kind: bot_pause_changed,
    ResumeExpired.kind: resume_expired,
    CandidateDecided.kind: _candidate_decided,
    ModelAdopted.kind: _model_adopted,
    "command_answered": command_answered,
    StrangerIgnored.kind: _stranger_ignored,
    Acknowledged.kind: _acknowledged,
    IncidentResolved.kind: _incident_resolved,
    EntryBlocked.kind: _entry_blocked,
    StakeReduced.kind: _stake_reduced,
    RetrainingRequested.kind: _retraining_requested,
    FaultReported.kind: _fault_reported,
    ParityAlarm.kind: _parity_alarm,
}

__all__ = ["CANDLES_PART", "REGISTRY_PART", "RULES", "fault_key", "is_older", "is_pair", "notice_of"]
