"""What stands right now: who is in charge, what operators said, and what the gate makes of it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import LifecycleError
from tradai_lifecycle.events import CandidateDecided
from tradai_lifecycle.policy.entry_gate import (
    OUTDATED_ALLOWANCE,
    Decision,
    OperatorStance,
    ResumeBound,
    Verdict,
    decide,
)
from tradai_lifecycle.states import FAULT_REASONS, CandidateOutcome, OperatorAction, Reason, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import AdoptionRecord, BoundReasons, OperatorRecord, PinRecord, StateRecord

#: Reasons that are no judgement of the pair's own candles: they come from people and from the other pairs.
OUTER_REASONS = Reason.OPERATOR_PAUSED | Reason.OPERATOR_REDUCED | Reason.BOT_PAUSE_SHARE


def stance_of(records: Iterable[OperatorRecord]) -> OperatorStance:
    """What the records that still count say together."""
    stance, ended = OperatorStance(), set[str]()
    for record in records:
        if record.action is OperatorAction.PAUSE:
            stance = replace(stance, paused=True)
        elif record.action is OperatorAction.REDUCE:
            stance = replace(stance, reduce_ratio=record.ratio)
        elif record.action is OperatorAction.RESUME:
            bounds = {
                pair: ResumeBound(reasons=held.reasons, severity=held.severity) for pair, held in record.bound.items()
            }
            stance = replace(stance, resume_bounds=bounds, resume_expires_at=record.expires_at)
        elif record.action is OperatorAction.END_RESUME:
            ended |= set(record.bound)
    kept = {pair: bound for pair, bound in stance.resume_bounds.items() if pair not in ended}
    return replace(stance, resume_bounds=kept)


def bound_of(states: Iterable[StateRecord]) -> dict[str, BoundReasons]:
    """What a resume given now is bound to: what holds each pair back, by itself or by the share of drifting pairs."""
    return {
        state.pair: BoundReasons(reasons=state.reasons, severity=state.severity)
        for state in states
        if state.state is not TradingState.ACTIVE or Reason.BOT_PAUSE_SHARE in state.reasons
    }


def verdict_of(state: StateRecord) -> Verdict:
    """The pair's own judgement in a record: without operators and other pairs, faults of the gate included."""
    reasons = state.reasons & ~OUTER_REASONS
    return Verdict(
        state=TradingState.PAUSED if reasons & FAULT_REASONS else state.state,
        severity=state.severity,
        reasons=reasons,
        version=state.version,
    )


def stale_since(state: StateRecord, candle: timedelta | None, now: datetime) -> datetime | None:
    """Since when a running bot holds the pair back because no newer candle came; None where it does not.

    None, too, where the length of a `candle` is not known.
    """
    if candle is None:
        return None
    since = state.candle + 2 * candle + OUTDATED_ALLOWANCE
    return since if now > since else None


def verdict_now(state: StateRecord, candle: timedelta | None, now: datetime) -> Verdict:
    """As `verdict_of`, and paused where the record is so old that a running bot enters on it no more."""
    verdict = verdict_of(state)
    if stale_since(state, candle, now) is None:
        return verdict
    return replace(verdict, state=TradingState.PAUSED, reasons=verdict.reasons | Reason.STALE_FEED)


def decision_now(
    state: StateRecord, stance: OperatorStance, config: LifecycleConfig, candle: timedelta | None, now: datetime
) -> Decision:
    """What holds for a pair now: its newest judgement, if it is not too old, under what operators have said since."""
    return decide(
        verdict_now(state, candle, now),
        pair=state.pair,
        stance=stance,
        bot_paused=Reason.BOT_PAUSE_SHARE in state.reasons,
        reduced_stake_ratio=config.reduced_stake_ratio,
        now=now,
    )


def newest_adoption(ledger: Ledger) -> AdoptionRecord | None:
    """The adoption of the version in charge; None before the first."""
    adoptions = ledger.adoptions(limit=1)
    return adoptions[-1] if adoptions else None


def version_in_charge(ledger: Ledger) -> str | None:
    """The version that decides, as the registry has it ("3"); None before the first adoption."""
    adoption = newest_adoption(ledger)
    return adoption.version.removeprefix("v") if adoption is not None else None


def was_in_charge(ledger: Ledger, version: str) -> bool:
    """Whether this version ("3") has ever passed the checks and decided."""
    return any(adoption.version == f"v{version}" for adoption in ledger.adoptions())


def pinned_version(ledger: Ledger) -> tuple[PinRecord, str | None] | None:
    """The pin that holds and the version ("3") it holds; None where nothing is pinned."""
    pin = ledger.pin()
    if pin is None or not pin.pinned:
        return None
    return pin, pin.version.removeprefix("v") if pin.version else version_in_charge(ledger)


def awaiting_version(ledger: Ledger) -> str | None:
    """The version ("3") that passed the checks and waits for a person; None where none does.

    What the bot said at its last batch, or a newer decision of the watcher about a version that is not in charge.
    """
    bot, decided = ledger.bot(), ledger.events(kind=CandidateDecided.kind, limit=1)
    for stored in decided:
        event = stored.event
        if isinstance(event, CandidateDecided) and (bot is None or event.at > bot.at):
            waits = event.outcome is CandidateOutcome.AWAITING_CONFIRMATION
            return event.version if waits and event.version != version_in_charge(ledger) else None
    return bot.awaiting.removeprefix("v") if bot is not None and bot.awaiting is not None else None


def version_before(ledger: Ledger) -> str | None:
    """The version ("3") that was in charge before the present one; None where there was none.

    A version that was gone back from does not count: a second step back leads further back, not to the bad one again.
    """
    line: list[str] = []
    for adoption in ledger.adoptions():
        version = adoption.version.removeprefix("v")
        line = line[: line.index(version)] if version in line else line
        line.append(version)
    return line[-2] if len(line) > 1 else None


class UnknownPairError(LifecycleError):
    """A command names a pair that the bot has not judged."""

    def __init__(self, asked: str, known: Sequence[str]) -> None:
        super().__init__(f"{asked} is not a pair of this bot. Known: {', '.join(sorted(known)) or 'none yet'}.")


def meant_pairs(known: Collection[str], asked: str | None) -> tuple[str, ...]:
    """The pairs that are meant: all of them, or the one asked for, sorted by name.

    Letters may be of any case, and a base such as "btc" is enough where one pair has it. Raises UnknownPairError.
    """
    if asked is None:
        return tuple(sorted(known))
    wanted = asked.casefold()
    exact = [pair for pair in known if pair.casefold() == wanted]
    by_base = [pair for pair in known if pair.partition("/")[0].casefold() == wanted]
    found = exact or by_base
    if len(found) != 1:
        raise UnknownPairError(asked, tuple(known))
    return tuple(found)


__all__ = [
    "OUTER_REASONS",
    "UnknownPairError",
    "awaiting_version",
    "bound_of",
    "decision_now",
    "meant_pairs",
    "newest_adoption",
    "pinned_version",
    "stale_since",
    "stance_of",
    "verdict_now",
    "verdict_of",
    "version_before",
    "version_in_charge",
    "was_in_charge",
]
