"""What an operator says to the bot: pause, resume, reduce, ack, resolve, retrain, reset-drift."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.incident import open_incident
from tradai_lifecycle.control.phrases import clock, span
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import bound_of, verdict_of, version_in_charge
from tradai_lifecycle.events import Acknowledged, CommandAnswered, IncidentResolved
from tradai_lifecycle.states import FAULT_REASONS, CommandOutcome, OperatorAction, Reason, TradingState
from tradai_lifecycle.store.records import StateRecord

FOLLOWS = "a running bot follows within one loop"
ALL_PAIRS = "all pairs"
_BY_PEOPLE = Reason.OPERATOR_PAUSED | Reason.OPERATOR_REDUCED


def pause(request: Request) -> Answer:
    """Stop entries of the whole bot until a resume."""
    detail = "no entries until a resume; exits run on"
    _record(request, OperatorAction.PAUSE, detail)
    return request.done(detail, FOLLOWS)


def reduce(request: Request) -> Answer:
    """Cut the stake of every entry."""
    ratio = request.command.ratio or 1.0
    detail = f"stakes are cut to {ratio:.0%}" if ratio < 1.0 else "the cut of stakes is lifted"
    _record(request, OperatorAction.REDUCE, detail, ratio=ratio)
    return request.done(detail, FOLLOWS)


def resume(request: Request) -> Answer:
    """Lift pause and reduce, bound to the reasons that hold pairs back now, and expiring."""
    states = request.ledger.watched_states()
    bound = bound_of(states.values())
    expires = request.now + timedelta(hours=request.config.operator_resume_hours)
    detail = "entries go on" if not bound else f"entries go on, over present drift until {clock(expires)}"
    request.ledger.record_operator(
        action=OperatorAction.RESUME,
        who=request.caller.who,
        note=request.command.note,
        at=request.now,
        bound=bound,
        expires_at=expires,
        event=request.event(CommandOutcome.DONE, detail),
    )
    return request.done(detail, FOLLOWS, *_traded_over(states.values()), *_held_on(request, states.values()))


def ack(request: Request) -> Answer:
    """Mute notices for a while; then be reminded."""
    until = request.now + timedelta(hours=request.command.hours or request.config.notices.reminder_hours)
    detail = f"muted until {clock(until)}; a reminder follows"
    acknowledged = Acknowledged(at=request.now, who=request.caller.who, until=until.isoformat())
    request.ledger.record_events([acknowledged, request.event(CommandOutcome.DONE, detail)])
    return request.done(detail)


def resolve(request: Request) -> Answer:
    """Close the open incident with a note."""
    incident = open_incident(request.ledger)
    if incident is None:
        return request.failed("no incident is open: nothing was paused and nothing failed since the last one")
    detail = f"the incident of {clock(incident.opened_at)} is closed"
    resolved = IncidentResolved(
        at=request.now,
        who=request.caller.who,
        note=request.command.note,
        opened_at=incident.opened_at.isoformat(),
    )
    request.ledger.record_events([resolved, request.event(CommandOutcome.DONE, detail)])
    return request.done(
        detail,
        f"it lasted {span(request.now - incident.opened_at)}: {_counted(incident.counts)}",
        *_still_paused(request.ledger.watched_states().values()),
    )


def retrain(request: Request) -> Answer:
    """Ask for a new model of the version in charge."""
    version = version_in_charge(request.ledger)
    batch = request.ledger.last_batch()
    if version is None or batch is None:
        return request.failed("no model is in charge yet. Next: train the first one")
    detail = f"a new model in place of v{version} is asked for"
    kept = request.ledger.request_retraining(
        at=request.now,
        pair=ALL_PAIRS,
        candle=batch.candle,
        version=f"v{version}",
        reasons=Reason.NONE,
        detail=f"asked for by {request.caller.who}" + (f": {request.command.note}" if request.command.note else ""),
        event=request.event(CommandOutcome.DONE, detail),
    )
    if kept is None:
        return request.failed(f"a request for a model in place of v{version} is open already; status shows it")
    return request.done(detail, "status shows it until another version takes over")


def reset_drift(request: Request) -> Answer:
    """Count evidence of drift anew from the newest candle."""
    states = request.ledger.watched_states()
    if not states:
        return request.failed("no candle was judged yet: there is no drift to reset")
    candle = max(state.candle for state in states.values())
    detail = f"drift counts anew from the candle of {clock(candle)}"
    _record(request, OperatorAction.RESET_DRIFT, detail, candle=candle)
    return request.done(
        detail,
        f"it must hold again for {request.config.moderate_persistence} candles to reduce a pair, "
        f"{request.config.significant_persistence} to pause it",
        "faults of the data and an operator's pause stay as they are",
        FOLLOWS,
    )


def _record(
    request: Request,
    action: OperatorAction,
    detail: str,
    *,
    ratio: float | None = None,
    candle: datetime | None = None,
) -> None:
    request.ledger.record_operator(
        action=action,
        who=request.caller.who,
        note=request.command.note,
        at=request.now,
        ratio=ratio,
        candle=candle,
        event=request.event(CommandOutcome.DONE, detail),
    )


def _traded_over(states: Collection[StateRecord]) -> list[str]:
    held_on = {state.pair for state in states if state.reasons & FAULT_REASONS}
    return [
        f"{pair} trades over: {'; '.join((held.reasons & ~_BY_PEOPLE).words)}"
        for pair, held in bound_of(states).items()
        if pair not in held_on
    ]


# What a resume cannot lift: a fault of ours, and freqtrade's own state.
def _held_on(request: Request, states: Iterable[StateRecord]) -> list[str]:
    lines = [
        f"{state.pair} stays paused: {'; '.join((state.reasons & FAULT_REASONS).words)}"
        for state in states
        if state.reasons & FAULT_REASONS
    ]
    bot = request.ledger.bot()
    if bot is not None and bot.freqtrade_state != "running":
        lines.append(f"freqtrade itself is {bot.freqtrade_state}; its own /start lifts that")
    return lines


def _still_paused(states: Iterable[StateRecord]) -> list[str]:
    paused = [state.pair for state in states if verdict_of(state).state is TradingState.PAUSED]
    return [f"still paused: {', '.join(sorted(paused))}"] if paused else []


def _counted(counts: Mapping[str, int]) -> str:
    counted = [f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items() if kind != CommandAnswered.kind]
    return ", ".join([*counted, f"{counts.get(CommandAnswered.kind, 0)} commands"])


__all__ = ["ALL_PAIRS", "FOLLOWS", "ack", "pause", "reduce", "reset_drift", "resolve", "resume", "retrain"]
