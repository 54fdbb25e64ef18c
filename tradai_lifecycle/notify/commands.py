"""What a command of a person is to the other people."""

from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.wording import person, quoted
from tradai_lifecycle.states import CommandName, CommandOutcome, TradingState

#: Commands that change something, by what the others are told once they are carried out. The rest only show, or have
#: an event of their own.
_SAID: dict[CommandName, tuple[Priority, str, Tone]] = {
    CommandName.PAUSE: (Priority.NOW, "All entries paused by {who}", Tone.TROUBLE),
    CommandName.RESUME: (Priority.TODAY, "Resumed by {who}", Tone.GOOD),
    CommandName.REDUCE: (Priority.TODAY, "Stake set to {arguments} of the full one by {who}", Tone.NEUTRAL),
    CommandName.RETRAIN: (Priority.TODAY, "Retraining requested by {who}", Tone.NEUTRAL),
    CommandName.PROMOTE: (Priority.DIGEST, "{arguments} promoted by {who}", Tone.NEUTRAL),
    CommandName.ROLLBACK: (Priority.DIGEST, "Rolled back to {arguments} by {who}", Tone.NEUTRAL),
    CommandName.PIN: (Priority.DIGEST, "{arguments} pinned by {who}", Tone.NEUTRAL),
    CommandName.UNPIN: (Priority.DIGEST, "Unpinned by {who}", Tone.NEUTRAL),
    CommandName.ADOPT: (Priority.DIGEST, "{arguments} confirmed by {who}", Tone.NEUTRAL),
    CommandName.RESET_DRIFT: (Priority.DIGEST, "Evidence of drift reset by {who}", Tone.NEUTRAL),
}
#: What lasts after a command, by the name that the gate's own reason has.
_TOPICS = {CommandName.PAUSE: "operator_paused", CommandName.REDUCE: "operator_reduced"}


def command_answered(event: CommandAnswered) -> Notice | None:
    """What to tell of a command; None for one that only shows, and for one that was not confirmed."""
    if event.outcome is CommandOutcome.DENIED:
        return _notice(event, Priority.DIGEST, "{who} may not {command} {arguments}", Tone.TROUBLE)
    if event.outcome is CommandOutcome.UNCONFIRMED or event.command not in _SAID:
        return None
    if event.outcome is CommandOutcome.FAILED:
        return _notice(event, Priority.TODAY, "{command} {arguments} of {who} failed", Tone.TROUBLE)
    return _notice(event, *_SAID[event.command])


def _notice(event: CommandAnswered, priority: Priority, words: str, tone: Tone) -> Notice:
    what = words.format(who=person(event.who), command=event.command.value, arguments=quoted(event.arguments, 60))
    carried_out = event.outcome in (CommandOutcome.DONE, CommandOutcome.PENDING)
    return Notice(
        at=event.at,
        priority=priority,
        key=f"command {event.command.value} {event.outcome.value} {event.who} {event.at.isoformat()}",
        what=" ".join(what.split()),
        because=quoted(event.note or ("" if carried_out else event.detail)),
        topics=frozenset({_TOPICS[event.command]}) if event.command in _TOPICS else frozenset(),
        tone=tone,
        state=TradingState.PAUSED if carried_out and event.command is CommandName.PAUSE else None,
    )


__all__ = ["command_answered"]
