"""Whether a running bot has followed a command that changes its model. Never done before it is."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tradai_lifecycle.control.command import Caller, Command, Follow
from tradai_lifecycle.control.phrases import clock
from tradai_lifecycle.control.standing import newest_adoption, pinned_version
from tradai_lifecycle.events import CandidateDecided, CommandAnswered
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Role
from tradai_lifecycle.store.ledger import Ledger

#: Decisions of the watcher after which a version may still take over by itself or by a person's word.
OPEN_DECISIONS = frozenset(
    {
        CandidateOutcome.STAGED,
        CandidateOutcome.ALREADY_CURRENT,
        CandidateOutcome.AWAITING_CONFIRMATION,
        CandidateOutcome.HELD_BY_SWAP_LIMIT,
        CandidateOutcome.NOT_READY,
    }
)
MODEL_COMMANDS = frozenset({CommandName.PROMOTE, CommandName.ROLLBACK, CommandName.PIN, CommandName.ADOPT})
_TAKES_TURNS = frozenset({CommandOutcome.PENDING, CommandOutcome.DONE})
#: The detail of the event that is written before the registry is touched. Another event of the promotion comes after
#: it, unless the process was killed in between.
INTENT = "begun: the registry has not answered yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """DONE, PENDING or FAILED, and why."""

    outcome: CommandOutcome
    detail: str


def progress_of(ledger: Ledger, follow: Follow) -> Progress:
    """How far the bot is with the version that `follow` waits for.

    FAILED once something stands in its way: a pin to another version, a refusal of it since the command, or a later
    command for another version. What an unreachable registry or a bot that is off keeps back stays PENDING.
    """
    batch = _batch_by(ledger, follow.version)
    if batch is not None:
        return batch
    hindrance = _pin_in_the_way(ledger, follow.version) or _refusal(ledger, follow) or _later_command(ledger, follow)
    if hindrance is not None:
        return Progress(outcome=CommandOutcome.FAILED, detail=hindrance)
    return Progress(outcome=CommandOutcome.PENDING, detail=_waiting(ledger, follow.version))


def refusal_standing(ledger: Ledger, version: str) -> str | None:
    """The watcher's newest word on a version ("3"), where that is a refusal of the version itself; None otherwise."""
    decided = _newest_decision(ledger, version, None)
    if decided is None or decided.outcome in OPEN_DECISIONS | {CandidateOutcome.HELD_BY_PIN}:
        return None
    return _in_words(decided)


# The newest adoption must be that version's: batches are written a little after they were predicted, and the newest
# one written may be older than a swap that has happened since.
def _batch_by(ledger: Ledger, version: str) -> Progress | None:
    batch, adoption = ledger.last_batch(), newest_adoption(ledger)
    if batch is None or adoption is None or not batch.version == adoption.version == f"v{version}":
        return None
    if batch.candle < adoption.adopted_candle:
        return None
    detail = f"the batch of {clock(batch.candle)} was predicted by v{version}"
    return Progress(outcome=CommandOutcome.DONE, detail=detail)


def _pin_in_the_way(ledger: Ledger, version: str) -> str | None:
    found = pinned_version(ledger)
    if found is None or found[1] == version:
        return None
    pin, held = found
    what = f"v{held}" if held is not None else "the version in charge"
    return f"the bot is pinned to {what} (by {pin.who} at {clock(pin.at)}). Next: unpin"


def _refusal(ledger: Ledger, follow: Follow) -> str | None:
    decided = _newest_decision(ledger, follow.version, follow.since)
    return None if decided is None or decided.outcome in OPEN_DECISIONS else _in_words(decided)


def _newest_decision(ledger: Ledger, version: str, since: datetime | None) -> CandidateDecided | None:
    for stored in ledger.events(kind=CandidateDecided.kind, since=since):
        event = stored.event
        if isinstance(event, CandidateDecided) and event.version == version:
            return event
    return None


def _later_command(ledger: Ledger, follow: Follow) -> str | None:
    for event in model_commands(ledger, follow.since):
        other, given_at = event.arguments.partition(" ")[0], _given_at(event)
        if given_at > follow.since and event.outcome in _TAKES_TURNS and other not in ("", f"v{follow.version}"):
            return f"{event.who} gave {event.command.value} {other} at {clock(given_at)}, after it"
    return None


def newest_answers(ledger: Ledger) -> tuple[CommandAnswered, ...]:
    """The newest answer to each command that changes the model, the command that was given last first."""
    newest: dict[tuple[CommandName, str, datetime], CommandAnswered] = {}
    for event in model_commands(ledger):
        newest.setdefault((event.command, event.who, _given_at(event)), event)
    return tuple(sorted(newest.values(), key=_given_at, reverse=True))


def waiting(ledger: Ledger) -> tuple[Follow, ...]:
    """The commands that wait for the bot, the one that was given first first.

    Not a promotion that was cut short: whether the registry has it is not known, and it is to be repeated.
    """
    answers = reversed(newest_answers(ledger))
    return tuple(follow_of(one) for one in answers if one.outcome is CommandOutcome.PENDING and one.detail != INTENT)


def follow_of(pending: CommandAnswered) -> Follow:
    """What a pending command waits for, out of its event."""
    version = pending.arguments.partition(" ")[0].removeprefix("v")
    return Follow(
        command=Command(name=pending.command, version=version, note=pending.note),
        version=version,
        since=pending.at,
        caller=Caller(who=pending.who, transport=pending.transport, role=Role.VIEWER, place=pending.place),
    )


def end_event(follow: Follow, progress: Progress, at: datetime) -> CommandAnswered:
    """The second event of a command that was pending."""
    return CommandAnswered(
        at=at,
        command=follow.command.name,
        arguments=f"v{follow.version}",
        who=follow.caller.who,
        transport=follow.caller.transport,
        note=follow.command.note,
        outcome=progress.outcome,
        detail=progress.detail,
        begun_at=follow.since.astimezone(UTC).isoformat(),
        place=follow.caller.place,
    )


def record_end(ledger: Ledger, follow: Follow, progress: Progress, at: datetime) -> bool:
    """Write the end of a command, unless one is written; gives whether it was. Raises StoreUnavailableError."""
    return ledger.record_event_once(end_event(follow, progress, at), by=("command", "who", "begun_at"))


def recorded_end(ledger: Ledger, follow: Follow) -> Progress | None:
    """The end of a command as it was written down; None before."""
    begun_at = follow.since.astimezone(UTC).isoformat()
    for event in model_commands(ledger):
        if (event.begun_at, event.command, event.who) == (begun_at, follow.command.name, follow.caller.who):
            return Progress(outcome=event.outcome, detail=event.detail)
    return None


def _given_at(event: CommandAnswered) -> datetime:
    return datetime.fromisoformat(event.begun_at) if event.begun_at else event.at


def model_commands(ledger: Ledger, since: datetime | None = None) -> tuple[CommandAnswered, ...]:
    """The answers to commands that change the model, newest first."""
    stored = ledger.events(kind=CommandAnswered.kind, since=since)
    events = (one.event for one in stored)
    return tuple(event for event in events if isinstance(event, CommandAnswered) and event.command in MODEL_COMMANDS)


def _waiting(ledger: Ledger, version: str) -> str:
    decided, batch = _newest_decision(ledger, version, None), ledger.last_batch()
    newest = "no batch was predicted yet" if batch is None else f"the newest batch was predicted by {batch.version}"
    if decided is not None and decided.outcome is CandidateOutcome.AWAITING_CONFIRMATION:
        return f"{newest}; v{version} passed the checks and waits for a person. Next: adopt v{version}"
    if decided is not None and decided.outcome is CandidateOutcome.HELD_BY_SWAP_LIMIT:
        return f"{newest}; v{version} waits: {decided.detail}"
    return f"{newest}; a running bot takes v{version} up at its next poll and candle"


def _in_words(decided: CandidateDecided) -> str:
    return f"the bot refused v{decided.version} at {clock(decided.at)}: {decided.outcome.value}" + (
        f". {decided.detail}" if decided.detail else ""
    )


__all__ = [
    "INTENT",
    "MODEL_COMMANDS",
    "OPEN_DECISIONS",
    "Progress",
    "end_event",
    "follow_of",
    "model_commands",
    "newest_answers",
    "progress_of",
    "record_end",
    "recorded_end",
    "refusal_standing",
    "waiting",
]
