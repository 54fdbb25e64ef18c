"""Why a pair is in its state: each link from the evidence of its candles to what holds now."""

import math
from collections.abc import Mapping
from datetime import datetime

from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.diagnosis import diagnosis_of, diagnosis_words, features_findings, market_evidence
from tradai_lifecycle.control.figures import accuracy_of, pair_drift
from tradai_lifecycle.control.onset import onset_of
from tradai_lifecycle.control.past import Past
from tradai_lifecycle.control.phrases import accuracy_words, clock, noteworthy, reason_words, series_words, shift_words
from tradai_lifecycle.control.reports import PairDrift, Step, WhyReport
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import decision_now, meant_pairs, stale_since, stance_of, verdict_now
from tradai_lifecycle.control.status import changed_at, unchanged_since
from tradai_lifecycle.events import BotPauseChanged, StateChanged
from tradai_lifecycle.policy.entry_gate import OperatorStance, Verdict, resume_covers, resume_is_broken
from tradai_lifecycle.states import (
    FAULT_REASONS,
    QUALITY_REASONS,
    Mode,
    OperatorAction,
    Reason,
    Severity,
    TradingState,
)
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import OperatorRecord, PairSeries, StateRecord

#: Series named beyond their limit.
NAMED_SERIES = 5


def why(request: Request) -> Answer:
    """The chain of reasons of one pair, or of all."""
    states, past = request.ledger.latest_states(), Past(request.ledger, request.config)
    asked = meant_pairs(states, request.command.pair)
    changed = _changed(request.ledger)
    return request.shown(
        WhyReport(
            at=request.now,
            bot=tuple(_bot_links(request, states)),
            pairs={pair: tuple(_links(request, states[pair], past, changed.get(pair))) for pair in asked},
        )
    )


# The links that all pairs share: other pairs, operators, freqtrade, and whether decisions reach the trades.
def _bot_links(request: Request, states: Mapping[str, StateRecord]) -> list[Step]:
    links = [_share(request, states), *(_spoken(record, request.now) for record in request.ledger.operator())]
    reset, bot = request.ledger.drift_reset(), request.ledger.bot()
    if reset is not None:
        since = clock(reset.candle) if reset.candle is not None else "then"
        links.append(Step(link="drift reset", finding=f"by {reset.who}: drift counts from {since}", since=reset.at))
    if bot is not None and bot.freqtrade_state != "running":
        finding = f"{bot.freqtrade_state}: no entries, whatever stands here; its own /start lifts that"
        links.append(Step(link="freqtrade", finding=finding))
    if request.config.mode is Mode.OBSERVE:
        links.append(Step(link="mode", finding="observe: decisions are shown and reach no trade"))
    return links


def _links(request: Request, state: StateRecord, past: Past, changed: StateChanged | None) -> list[Step]:
    candle, now, records = past.deployments.candle, request.now, request.ledger.operator()
    verdict, stale = verdict_now(state, candle, now), stale_since(state, candle, now)
    decision = decision_now(state, stance_of(records), request.config, candle, now)
    since, at_least = unchanged_since(request.ledger, state, decision.state, changed_at(state, records, candle, now))
    at_candle = f"at the candle of {clock(state.candle)}"
    severity = f"{state.severity.label}: {'; '.join(_judged(verdict.reasons).words) or 'nothing held long enough'}"
    automatic = f"{verdict.state.label}: {reason_words(verdict.reasons)}"
    effective = f"{decision.state.label}, stake x{decision.stake_ratio:g}: {reason_words(decision.reasons)}"
    return [
        Step(link="evidence", finding=at_candle, details=_evidence(request, state, past.series.get(state.pair))),
        Step(link="severity", finding=severity, details=_diagnosed(request.ledger, verdict, state.pair, past)),
        Step(link="automatic state", finding=automatic, since=stale or (changed.at if changed is not None else None)),
        *_operators_effect(state.pair, verdict, stance_of(records), now),
        Step(link="effective state", finding=effective, since=since, since_at_least=at_least),
    ]


# The first diagnosis that holds, and where the pair's past and that of the others point.
def _diagnosed(ledger: Ledger, verdict: Verdict, pair: str, past: Past) -> tuple[str, ...]:
    diagnosis = diagnosis_of(verdict.reasons)
    if diagnosis is None:
        return ()
    findings = features_findings(ledger, (pair,)) if Reason.FEATURES_DIFFER in diagnosis.held else ()
    market = market_evidence(diagnosis, past.of(pair), past.series.get(pair), past.window)
    onset = onset_of(pair, past.of(pair)[-1].candle, past.runs(pair, diagnosis.meant), past.deployments)
    return tuple(diagnosis_words(diagnosis, findings, market, onset))


def _evidence(request: Request, state: StateRecord, found: PairSeries | None) -> tuple[str, ...]:
    bot = request.ledger.bot()
    accuracy = accuracy_of(state, request.config, found, bot)
    drift = pair_drift(found, bot) if found is not None else None
    return (
        _drift_words(state, drift),
        *(f"shift, {shift_words(shift)}" for shift in noteworthy(drift.shifts if drift is not None else ())),
        f"accuracy: {accuracy_words(accuracy)}",
        _quality_words(state.reasons),
        *_fault_words(state.reasons),
    )


def _drift_words(state: StateRecord, drift: PairDrift | None) -> str:
    beyond = [figure for figure in drift.series if figure.monitorable and figure.ratio >= 1.0] if drift else []
    named = [series_words(figure) for figure in beyond[:NAMED_SERIES]]
    if len(beyond) > NAMED_SERIES:
        named.append(f"{len(beyond) - NAMED_SERIES} more")
    if not math.isfinite(state.significant_ratio):
        return "drift: the window is not full yet"
    largest = f"drift: the largest PSI is {state.significant_ratio:.2f} times its significant limit"
    return f"{largest} ({', '.join(named)})" if named else largest


def _quality_words(reasons: Reason) -> str:
    return f"data: {'; '.join((reasons & QUALITY_REASONS).words) or 'no fault'}"


def _fault_words(reasons: Reason) -> tuple[str, ...]:
    faults = (reasons & FAULT_REASONS).words
    return (f"the lifecycle itself: {'; '.join(faults)}",) if faults else ()


def _judged(reasons: Reason) -> Reason:
    drift = Reason.PSI_SIGNIFICANT | Reason.PSI_MODERATE
    shifts = Reason.MARKET_SIGNIFICANT | Reason.MARKET_MODERATE | Reason.RELATION_MODERATE
    return reasons & (QUALITY_REASONS | drift | shifts | Reason.ACCURACY_BREACH | Reason.ACCURACY_FELL)


def _share(request: Request, states: Mapping[str, StateRecord]) -> Step:
    significant = sum(state.severity is Severity.SIGNIFICANT for state in states.values())
    held = any(Reason.BOT_PAUSE_SHARE in state.reasons for state in states.values())
    finding = (
        f"{significant} of {len(states)} drift significantly; all pause from {request.config.bot_pause_share:.0%} on"
    )
    since = _paused_since(request.ledger) if held else None
    return Step(link="all pairs", finding=f"{finding}{': they do' if held else ''}", since=since)


# When the pause of all pairs began; None where the bot has not told it yet.
def _paused_since(ledger: Ledger) -> datetime | None:
    events = (stored.event for stored in ledger.events(kind=BotPauseChanged.kind, limit=1))
    return next((event.at for event in events if isinstance(event, BotPauseChanged) and event.paused), None)


def _spoken(record: OperatorRecord, now: datetime) -> Step:
    ratio = f" to {record.ratio:g}" if record.ratio is not None else ""
    note = f': "{record.note}"' if record.note else ""
    until = ""
    if record.action is OperatorAction.RESUME and record.expires_at is not None and record.bound:
        over = f"until {clock(record.expires_at)}" if now < record.expires_at else "until it expired"
        until = f", over present drift {over}"
    finding = f"{record.action.value.replace('_', ' ')}{ratio} by {record.who}{until}{note}"
    return Step(link="operator", finding=finding, since=record.at)


def _operators_effect(pair: str, verdict: Verdict, stance: OperatorStance, now: datetime) -> list[Step]:
    if stance.paused:
        return [Step(link="operator", finding="paused: a latch, lifted by a resume alone")]
    bound = stance.resume_bounds.get(pair)
    if bound is None or verdict.state is TradingState.ACTIVE:
        return []
    if resume_covers(verdict, pair=pair, stance=stance, now=now):
        finding = "the resume lifts what holds this pair back"
    elif verdict.reasons & FAULT_REASONS:
        finding = "the resume cannot lift a fault of the lifecycle itself"
    elif resume_is_broken(verdict, bound):
        finding = "the resume was not given for this: it ends"
    else:
        return [Step(link="operator", finding="the resume has expired", since=stance.resume_expires_at)]
    return [Step(link="operator", finding=finding)]


# The newest change of each pair's automatic state.
def _changed(ledger: Ledger) -> dict[str, StateChanged]:
    stored = ledger.events(kind=StateChanged.kind, limit=1_000)
    events = (one.event for one in reversed(stored))
    return {event.pair: event for event in events if isinstance(event, StateChanged)}


__all__ = ["NAMED_SERIES", "why"]
