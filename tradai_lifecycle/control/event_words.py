"""Each kind of event in one line of words."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tradai_lifecycle.control.phrases import clock
from tradai_lifecycle.events import (
    Acknowledged,
    BotPauseChanged,
    CandidateDecided,
    CommandAnswered,
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


def words_of(event: Event) -> str:
    """What happened, in one line. Every kind has its words: KeyError for one that has none."""
    return _WORDS[type(event)](event)


def _state_changed(event: StateChanged) -> str:
    why = "; ".join(event.reasons.words) or "healthy"
    figures = "".join(
        f", {name} {value:.3g}"
        for name, value in (("PSI", event.psi_max), ("accuracy", event.accuracy))
        if math.isfinite(value)
    )
    return f"{event.pair} {event.after.label} (was {event.before.label}): {why}{figures}, {event.version}"


def _bot_pause_changed(event: BotPauseChanged) -> str:
    what = "all pairs paused" if event.paused else "the pause of all pairs is over"
    return f"{what}: {event.drifting} of {event.pairs} drift significantly (from {event.share:.0%} on all pause)"


def _resume_expired(event: ResumeExpired) -> str:
    given = clock(datetime.fromisoformat(event.given_at))
    back = f"paused again: {event.paused_again}" if event.paused_again else "it held nothing open any more"
    return f"the resume by {event.who} of {given} has expired; {back}"


def _candidate_decided(event: CandidateDecided) -> str:
    return f"v{event.version.removeprefix('v')} {_spaced(event.outcome.value)}{_after_colon(event.detail)}"


def _model_adopted(event: ModelAdopted) -> str:
    before = f" in place of {event.previous_version}" if event.previous_version else ""
    return f"{event.version} took over{before}"


def _command_answered(event: CommandAnswered) -> str:
    command = f"{event.command.value} {event.arguments}".strip()
    note = f' "{event.note}"' if event.note else ""
    return f"{event.who}: {command}{note}: {event.outcome.value}{_after_comma(event.detail)}"


def _stranger_ignored(event: StrangerIgnored) -> str:
    return f"{event.messages} messages of a stranger over {event.transport} were ignored: {event.who}"


def _acknowledged(event: Acknowledged) -> str:
    return f"{event.who} took notice: muted until {clock(datetime.fromisoformat(event.until))}"


def _incident_resolved(event: IncidentResolved) -> str:
    opened = datetime.fromisoformat(event.opened_at)
    return f'{event.who} closed the incident of {clock(opened)}: "{event.note}"'


def _entry_blocked(event: EntryBlocked) -> str:
    would = "would have been refused" if event.observed_only else "refused"
    return f"{event.pair} {event.side} {event.what} {would}{_at(event.rate)}: {'; '.join(event.reasons.words)}"


def _stake_reduced(event: StakeReduced) -> str:
    would = "would have been cut" if event.observed_only else "cut"
    amounts = f"from {event.proposed:.6g} to {event.granted:.6g}"
    return f"{event.pair} {event.side} stake {would} {amounts}{_at(event.rate)}: {'; '.join(event.reasons.words)}"


def _retraining_requested(event: RetrainingRequested) -> str:
    return f"{event.pair} asks for a new model in place of {event.version}{_after_colon(event.detail)}"


def _fault_reported(event: FaultReported) -> str:
    return f"{event.part}: {event.message}"


def _parity_alarm(event: ParityAlarm) -> str:
    return (
        f"{event.pair} {event.candle}: {event.version} predicted {event.logged:.6g} then and {event.recomputed:.6g} now"
    )


def _spaced(word: str) -> str:
    return word.replace("_", " ")


def _after_colon(detail: str) -> str:
    return f": {detail}" if detail else ""


def _after_comma(detail: str) -> str:
    return f", {detail}" if detail else ""


def _at(rate: float | None) -> str:
    return "" if rate is None else f" at {rate:.6g}"


_WORDS: Mapping[type[Event], Callable[[Any], str]] = {
    StateChanged: _state_changed,
    BotPauseChanged: _bot_pause_changed,
    ResumeExpired: _resume_expired,
    CandidateDecided: _candidate_decided,
    ModelAdopted: _model_adopted,
    CommandAnswered: _command_answered,
    StrangerIgnored: _stranger_ignored,
    Acknowledged: _acknowledged,
    IncidentResolved: _incident_resolved,
    EntryBlocked: _entry_blocked,
    StakeReduced: _stake_reduced,
    RetrainingRequested: _retraining_requested,
    FaultReported: _fault_reported,
    ParityAlarm: _parity_alarm,
}

__all__ = ["words_of"]
