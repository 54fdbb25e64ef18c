"""Events as a bot makes them, for the tests of the notices; `later` is minutes after noon."""

import math
from datetime import UTC, datetime, timedelta

from tradai_lifecycle.config import NoticesConfig
from tradai_lifecycle.events import (
    Acknowledged,
    CandidateDecided,
    CommandAnswered,
    EntryBlocked,
    FaultReported,
    IncidentResolved,
    ModelAdopted,
    StakeReduced,
    StateChanged,
)
from tradai_lifecycle.states import CandidateOutcome, CommandName, CommandOutcome, Reason, Severity, TradingState
from tradai_lifecycle.store.records import PositionRecord

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DRIFT = "significant drift of the features"
ACTIVE, REDUCED, PAUSED = TradingState.ACTIVE, TradingState.REDUCED, TradingState.PAUSED


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def settings(**changes) -> NoticesConfig:
    return NoticesConfig.model_validate(changes)


def changed(
    pair="BTC/USDT", before=ACTIVE, after=PAUSED, reasons=Reason.PSI_SIGNIFICANT, later=0.0, version="v15"
) -> StateChanged:
    return StateChanged(
        at=at(later),
        pair=pair,
        candle=at(later).isoformat(),
        before=before,
        after=after,
        severity=Severity.SIGNIFICANT if after is PAUSED else Severity.MODERATE,
        reasons=reasons,
        version=version,
        psi_max=0.4123,
        accuracy=math.nan,
    )


def resumed(pair="BTC/USDT", after=ACTIVE, later=0.0) -> StateChanged:
    reasons = Reason.NONE if after is ACTIVE else Reason.RECOVERING
    return changed(pair, before=PAUSED, after=after, reasons=reasons, later=later)


def fault(part="registry", message="connection refused", later=0.0) -> FaultReported:
    return FaultReported(at=at(later), part=part, message=message)


def recovered(part="registry", later=0.0) -> FaultReported:
    return FaultReported(at=at(later), part=part, message="works again", recovered=True)


def blocked(pair="BTC/USDT", reasons=Reason.PSI_SIGNIFICANT, later=0.0) -> EntryBlocked:
    return EntryBlocked(at=at(later), pair=pair, side="long", what="entry", reasons=reasons, observed_only=False)


def cut(pair="BTC/USDT", reasons=Reason.PSI_MODERATE, later=0.0) -> StakeReduced:
    return StakeReduced(
        at=at(later), pair=pair, side="long", proposed=100.0, granted=50.0, reasons=reasons, observed_only=False
    )


def commanded(
    command=CommandName.PAUSE,
    outcome=CommandOutcome.DONE,
    later=0.0,
    arguments="",
    who="telegram:12345 anna",
    note="",
    detail="",
    begun_at="",
) -> CommandAnswered:
    return CommandAnswered(
        at=at(later),
        command=command,
        arguments=arguments,
        who=who,
        transport=who.partition(":")[0],
        note=note,
        outcome=outcome,
        detail=detail,
        begun_at=begun_at,
    )


def acknowledged(later=0.0, hours=24.0, who="shell:anna") -> Acknowledged:
    return Acknowledged(at=at(later), who=who, until=at(later + 60 * hours).isoformat())


def closed(later=0.0, who="shell:anna") -> IncidentResolved:
    return IncidentResolved(at=at(later), who=who, note="a bad candle", opened_at=NOON.isoformat())


def candidate(outcome: CandidateOutcome, later=0.0, version="16") -> CandidateDecided:
    return CandidateDecided(at=at(later), version=version, outcome=outcome, detail="why")


def adopted(version="v16", previous="v15", later=0.0) -> ModelAdopted:
    return ModelAdopted(at=at(later), version=version, previous_version=previous, candle=at(later).isoformat())


def position(pair="BTC/USDT", profit=0.0123, version="v14") -> PositionRecord:
    return PositionRecord(
        pair=pair, side="long", stake=100.0, profit_ratio=profit, opened_at=NOON - timedelta(days=1), version=version
    )
