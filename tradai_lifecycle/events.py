"""What happened: one frozen value per kind of event, stored by the ledger and read by everyone else."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Reason, Severity, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The root of all events. `at` is candle or loop time in UTC, never the wall clock of a reader."""

    kind: ClassVar[str] = "event"
    at: datetime

    def values(self) -> dict[str, Any]:
        """The fields but `at`, as JSON-ready values: enums by name, flags by words."""
        return {name: _plain(value) for name, value in asdict(self).items() if name != "at"}


def _plain(value: Any) -> Any:
    if isinstance(value, Reason):
        return list(value.words)
    if isinstance(value, Severity | TradingState):
        return value.label
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """A pair's automatic trading state differs from that of the candle before."""

    kind: ClassVar[str] = "state_changed"
    pair: str
    candle: str
    before: TradingState
    after: TradingState
    severity: Severity
    reasons: Reason
    version: str
    psi_max: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BotPauseChanged(Event):
    """So large a share of the pairs drifts significantly that the whole bot is paused; or no longer so large a one.

    `drifting` of `pairs` drift significantly; from `share` on all are paused.
    """

    kind: ClassVar[str] = "bot_pause_changed"
    paused: bool
    drifting: int
    pairs: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeExpired(Event):
    """The time of an operator's resume over drift is over. `paused_again` names the pairs that are paused by that."""

    kind: ClassVar[str] = "resume_expired"
    who: str
    given_at: str
    expired_at: str
    paused_again: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateDecided(Event):
    """The watcher looked at a model version and took or refused it."""

    kind: ClassVar[str] = "candidate_decided"
    version: str
    outcome: CandidateOutcome
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAdopted(Event):
    """A version took over. Written before the first batch is predicted with it."""

    kind: ClassVar[str] = "model_adopted"
    version: str
    previous_version: str | None
    candle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAnswered(Event):
    """A person told the lifecycle something, over `transport`, and this is what became of it.

    A command that waits for the bot has two: pending first, done or failed later. `begun_at` of that end is when the
    command was given. `place` is where an answer that comes later goes, as the transport has it.
    """

    kind: ClassVar[str] = "command_answered"
    command: CommandName
    arguments: str
    who: str
    transport: str
    note: str
    outcome: CommandOutcome
    detail: str
    begun_at: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerIgnored(Event):
    """Somebody who is not configured wrote; nothing was answered. Told once an hour, with how many messages it was."""

    kind: ClassVar[str] = "stranger_ignored"
    who: str
    transport: str
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(Event):
    """A person has taken notice of what is wrong: notices about it are silent until `until`, then it is reminded of."""

    kind: ClassVar[str] = "acknowledged"
    who: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentResolved(Event):
    """A person closed the incident that began at `opened_at`, and wrote down what it was."""

    kind: ClassVar[str] = "incident_resolved"
    who: str
    note: str
    opened_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryBlocked(Event):
    """The gate refused an entry, an increase or a replacement, or cut its stake to nothing."""

    kind: ClassVar[str] = "entry_blocked"
    pair: str
    side: str
    what: str
    reasons: Reason
    observed_only: bool
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeReduced(Event):
    """The gate cut the stake of an entry."""

    kind: ClassVar[str] = "stake_reduced"
    pair: str
    side: str
    proposed: float
    granted: float
    reasons: Reason
    observed_only: bool
    rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequested(Event):
    """Drift or accuracy asks for a new model."""

    kind: ClassVar[str] = "retraining_requested"
    pair: str
    candle: str
    version: str
    reasons: Reason
    detail: str


#: The part of `FaultReported` that stands for features that are not computed as in training, for all pairs.
FEATURES_PART = "features"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReported(Event):
    """A part of the lifecycle failed, or works again (`recovered`)."""

    kind: ClassVar[str] = "fault_reported"
    part: str
    message: str
    recovered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityAlarm(Event):
    """A logged prediction differs from the same row predicted again by the same version."""

    kind: ClassVar[str] = "parity_alarm"
    pair: str
    candle: str
    version: str
    logged: float
    recomputed: float


def event_kinds() -> dict[str, type[Event]]:
    """Every kind of event by its name, found and not listed."""
    return {subclass.kind: subclass for subclass in Event.__subclasses__()}


__all__ = [
    "FEATURES_PART",
    "Acknowledged",
    "BotPauseChanged",
    "CandidateDecided",
    "CommandAnswered",
    "EntryBlocked",
    "Event",
    "FaultReported",
    "IncidentResolved",
    "ModelAdopted",
    "ParityAlarm",
    "ResumeExpired",
    "RetrainingRequested",
    "StakeReduced",
    "StateChanged",
    "StrangerIgnored",
    "event_kinds",
]
