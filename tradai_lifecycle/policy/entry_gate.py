"""What a pair may do right now: the stricter of its automatic state and what the operator said."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tradai_lifecycle.states import FAULT_REASONS, Reason, Severity, TradingState

#: freqtrade's own allowance for a late candle, on top of two candles after its open.
OUTDATED_ALLOWANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The automatic judgement of one pair at its newest candle."""

    state: TradingState
    severity: Severity
    reasons: Reason
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeBound:
    """What one pair's resume was given for: it lifts these reasons up to this severity, and nothing else."""

    reasons: Reason
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStance:
    """What the operator's newest records say together."""

    paused: bool = False
    reduce_ratio: float | None = None
    resume_bounds: Mapping[str, ResumeBound] = field(default_factory=dict)
    resume_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the gate applies: the effective state, every reason for it, and the share of the stake that is granted."""

    state: TradingState
    severity: Severity
    reasons: Reason
    stake_ratio: float
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeDecision:
    """A stake after the gate: what is granted, and whether a cut fell below the exchange's minimum."""

    granted: float
    below_minimum: bool


def decide(
    verdict: Verdict,
    *,
    pair: str,
    stance: OperatorStance,
    bot_paused: bool,
    reduced_stake_ratio: float,
    now: datetime,
) -> Decision:
    """The effective decision for `pair`: automatic state, bot-wide pause and operator, whichever is strictest.

    An operator's resume lifts only the reasons it was given for, never a fault of ours, and not after it expired.
    """
    judged = _with_bot_pause(verdict, bot_paused=bot_paused)
    if resume_covers(judged, pair=pair, stance=stance, now=now):
        judged = replace(judged, state=TradingState.ACTIVE)
    state, reasons, ratio = judged.state, judged.reasons, 1.0
    if stance.reduce_ratio is not None:
        state, reasons = max(state, TradingState.REDUCED), reasons | Reason.OPERATOR_REDUCED
        ratio = stance.reduce_ratio
    if stance.paused:
        state, reasons = TradingState.PAUSED, reasons | Reason.OPERATOR_PAUSED
    if judged.state is TradingState.REDUCED:
        ratio = min(ratio, reduced_stake_ratio)
    if state is TradingState.PAUSED:
        ratio = 0.0
    return Decision(state=state, severity=judged.severity, reasons=reasons, stake_ratio=ratio, version=judged.version)


def resume_covers(verdict: Verdict, *, pair: str, stance: OperatorStance, now: datetime) -> bool:
    """Whether the operator's resume lifts what holds this pair back."""
    bound = stance.resume_bounds.get(pair)
    if bound is None or stance.resume_expires_at is None or now >= stance.resume_expires_at:
        return False
    return not resume_is_broken(verdict, bound) and not verdict.reasons & FAULT_REASONS


def resume_is_broken(verdict: Verdict, bound: ResumeBound) -> bool:
    """Whether a reason appeared that the resume was not given for, or the severity rose: then it ends for good.

    What follows from a bound reason (its milder form, the recovery after it) is not new. A fault of ours does not
    break the resume either: it holds the pair back by itself for as long as it lasts.
    """
    new_reasons = verdict.reasons & ~(bound.reasons | _aftermath(bound.reasons)) & ~FAULT_REASONS
    return bool(new_reasons) or verdict.severity > bound.severity


def cut_stake(proposed: float, *, ratio: float, minimum: float | None) -> StakeDecision:
    """`proposed` times `ratio`; nothing at all where a cut stake falls below the exchange's minimum.

    freqtrade would raise a stake slightly below the minimum back to the minimum, which would undo the cut.
    """
    granted = proposed * ratio
    if ratio < 1.0 and minimum is not None and 0.0 < granted < minimum:
        return StakeDecision(granted=0.0, below_minimum=True)
    return StakeDecision(granted=granted, below_minimum=False)


def bot_is_paused(severities: Mapping[str, Severity], share: float) -> bool:
    """Whether at least `share` of the analysed pairs drift significantly; never with a single pair or none.

    A single pair is held by its own state already.
    """
    if len(severities) < 2:
        return False
    significant = sum(severity is Severity.SIGNIFICANT for severity in severities.values())
    return significant >= share * len(severities)


def _aftermath(reasons: Reason) -> Reason:
    implied = Reason.NONE
    if reasons:
        implied |= Reason.RECOVERING | Reason.ADOPTED_WHILE_PAUSED
    if Reason.PSI_SIGNIFICANT in reasons:
        implied |= Reason.PSI_MODERATE
    if Reason.MARKET_SIGNIFICANT in reasons:
        implied |= Reason.MARKET_MODERATE
    if Reason.RELATION_BROKEN in reasons:
        implied |= Reason.RELATION_MODERATE
    if Reason.ACCURACY_BREACH in reasons:
        implied |= Reason.ACCURACY_FELL
    return implied


def _with_bot_pause(verdict: Verdict, *, bot_paused: bool) -> Verdict:
    if not bot_paused:
        return verdict
    return replace(verdict, state=TradingState.PAUSED, reasons=verdict.reasons | Reason.BOT_PAUSE_SHARE)


__all__ = [
    "OUTDATED_ALLOWANCE",
    "Decision",
    "OperatorStance",
    "ResumeBound",
    "StakeDecision",
    "Verdict",
    "bot_is_paused",
    "cut_stake",
    "decide",
    "resume_covers",
    "resume_is_broken",
]
