"""An incident: from the first pause, automatic or by hand, or the first fault, until a person resolves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tradai_lifecycle.events import (
    Acknowledged,
    BotPauseChanged,
    CommandAnswered,
    Event,
    FaultReported,
    IncidentResolved,
    StateChanged,
)
from tradai_lifecycle.states import CommandName, CommandOutcome, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import StoredEvent

#: Of each kind that may open an incident, what those that do have in common: the others are not read.
_OPENING: Mapping[str, tuple[str, object]] = {
    StateChanged.kind: ("after", TradingState.PAUSED),
    BotPauseChanged.kind: ("paused", True),
    FaultReported.kind: ("recovered", False),
    CommandAnswered.kind: ("command", CommandName.PAUSE),
}
_READ_AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An open incident with the number of events of each kind since it was opened, the one that opened it included."""

    opened_at: datetime
    counts: Mapping[str, int]


def open_incident(ledger: Ledger) -> Incident | None:
    """The incident that is open; None where nothing has happened since the last one was resolved."""
    opening = _opening(ledger)
    if opening is None:
        return None
    counts = ledger.count_events(from_sequence=opening.sequence)
    return Incident(opened_at=opening.event.at, counts=counts)


def incident_opened_at(ledger: Ledger) -> datetime | None:
    """When the open incident was opened; None without one."""
    opening = _opening(ledger)
    return opening.event.at if opening is not None else None


def opens(event: Event) -> bool:
    """Whether an event opens an incident where none is open."""
    if isinstance(event, StateChanged):
        return event.after is TradingState.PAUSED
    if isinstance(event, BotPauseChanged):
        return event.paused
    if isinstance(event, FaultReported):
        return not event.recovered
    return (
        isinstance(event, CommandAnswered)
        and event.command is CommandName.PAUSE
        and event.outcome is CommandOutcome.DONE
    )


def muted_until(ledger: Ledger, now: datetime) -> datetime | None:
    """Until when a person has muted notices; None where nobody has, the time is over, or the incident is resolved."""
    acknowledged, resolved = _newest(ledger, Acknowledged.kind), _newest(ledger, IncidentResolved.kind)
    if acknowledged is None or (resolved is not None and resolved.sequence > acknowledged.sequence):
        return None
    event = acknowledged.event
    until = datetime.fromisoformat(event.until) if isinstance(event, Acknowledged) else now
    return until if until > now else None


# The first event that opens an incident, after the newest resolution.
def _opening(ledger: Ledger) -> StoredEvent | None:
    resolved = _newest(ledger, IncidentResolved.kind)
    read_until = resolved.sequence if resolved is not None else 0
    while found := ledger.events_after(read_until, matching=_OPENING, limit=_READ_AT_ONCE):
        for stored in found:
            if opens(stored.event):
                return stored
        read_until = found[-1].sequence
    return None


def _newest(ledger: Ledger, kind: str) -> StoredEvent | None:
    newest = ledger.events(kind=kind, limit=1)
    return newest[0] if newest else None


__all__ = ["Incident", "incident_opened_at", "muted_until", "open_incident", "opens"]
