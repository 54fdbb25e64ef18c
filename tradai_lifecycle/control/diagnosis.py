"""What a pair's reasons come down to: a bug, which is mended, is looked for before drift, which is answered."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradai_lifecycle.control.onset import Onset, onset_words, run_of
from tradai_lifecycle.control.phrases import clock
from tradai_lifecycle.events import FEATURES_PART, FaultReported
from tradai_lifecycle.monitor.shift_health import MARKET
from tradai_lifecycle.states import BUG_REASONS, DRIFT_REASONS, QUALITY_REASONS, Reason
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import PairSeries, ShiftRecord, StateRecord

#: What is looked at, in this order: a fault further up explains what is seen further down.
DIAGNOSES: tuple[tuple[str, Reason], ...] = (
    (
        "data",
        QUALITY_REASONS & ~Reason.SCALE_CHANGED & ~Reason.RELATION_BROKEN | Reason.SCHEMA_MISMATCH | Reason.STALE_FEED,
    ),
    ("features", Reason.FEATURES_DIFFER),
    ("scale", Reason.SCALE_CHANGED),
    ("relations", Reason.RELATION_BROKEN | Reason.RELATION_MODERATE),
    ("drift", DRIFT_REASONS | Reason.PSI_MODERATE | Reason.MARKET_MODERATE | Reason.ACCURACY_FELL),
)
_INDEX = Reason.PSI_SIGNIFICANT | Reason.PSI_MODERATE
_MARKET = Reason.MARKET_SIGNIFICANT | Reason.MARKET_MODERATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The first diagnosis that a pair's reasons bear out: the reasons it is `meant` for, and those `held` of them.

    `ruled_out` are the names of those before it.
    """

    name: str
    meant: Reason
    held: Reason
    ruled_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketEvidence:
    """What the market's own series say of a drift of the features: whether they moved, too, from candle `since` on."""

    moved: bool
    since: datetime


def diagnosis_of(reasons: Reason) -> Diagnosis | None:
    """The first diagnosis that `reasons` bear out; None where none does."""
    before: list[str] = []
    for name, meant in DIAGNOSES:
        if held := reasons & meant:
            return Diagnosis(name=name, meant=meant, held=held, ruled_out=tuple(before))
        before.append(name)
    return None


def market_evidence(
    diagnosis: Diagnosis, records: Sequence[StateRecord], series: PairSeries | None, window: timedelta
) -> MarketEvidence | None:
    """Whether the market moved with the features; None where these do not drift, or too little is known of it.

    `records` are a pair's, oldest first, `series` its newest. The index looks back one `window`, so a move of the
    market counts from one window before the drift on: it is often over when the drift is seen.
    """
    drift = run_of(records, diagnosis.held & _INDEX)
    if drift is None:
        return None
    looked_at = [record for record in records if record.candle >= drift.since - window]
    moved = any(record.reasons & _MARKET for record in looked_at)
    if not moved and not _is_calm(records[-1], series):
        return None
    return MarketEvidence(moved=moved, since=looked_at[0].candle)


def diagnosis_words(
    diagnosis: Diagnosis, findings: Collection[str], market: MarketEvidence | None, onset: Onset | None
) -> Iterator[str]:
    """A diagnosis with what showed no fault before it, and what points to its cause.

    `findings` are what was found in the features, told with a diagnosis of that.
    """
    advice = ", a bug: mend it, never train on it" if diagnosis.held & BUG_REASONS else ""
    ruled_out = f"; no fault seen in {', '.join(diagnosis.ruled_out)}" if diagnosis.ruled_out else ""
    yield f"diagnosis: {diagnosis.name}{advice}{ruled_out}"
    yield from findings if Reason.FEATURES_DIFFER in diagnosis.held else ()
    yield from _market_words(market) if market is not None else ()
    yield from onset_words(onset) if onset is not None else ()


def features_findings(ledger: Ledger, pairs: Collection[str]) -> tuple[str, ...]:
    """What was found where features differ from those of training and it has not ended, for all pairs or one of these.

    Each begins with the words of the reason.
    """
    begins = Reason.FEATURES_DIFFER.words[0]
    newest: dict[str, FaultReported] = {}
    for stored in ledger.events(kind=FaultReported.kind):
        event = stored.event
        if isinstance(event, FaultReported) and event.part in (FEATURES_PART, *pairs):
            newest.setdefault(event.part, event)
    return tuple(
        event.message if part == FEATURES_PART else f"{part}: {event.message}"
        for part, event in newest.items()
        if not event.recovered and event.message.startswith(begins)
    )


def _market_words(market: MarketEvidence) -> Iterator[str]:
    if market.moved:
        yield "the market itself has moved"
        return
    calm = f"the model's features have moved, the market's own series have not since {clock(market.since)}"
    yield f"{calm}: rule out the pipeline (feature code, data source) first"


# Every series of the market is known at this very candle, and none is beyond its limit.
def _is_calm(state: StateRecord, series: PairSeries | None) -> bool:
    if series is None or (series.candle, series.version) != (state.candle, state.version):
        return False
    market = [shift for shift in series.shifts if shift.group == MARKET]
    return bool(market) and all(_within_its_limit(shift) for shift in market)


def _within_its_limit(shift: ShiftRecord) -> bool:
    # a ratio that is not known compares false; nobody acts on an infinite limit
    return math.isfinite(shift.limit) and shift.ratio < shift.limit


__all__ = [
    "DIAGNOSES",
    "Diagnosis",
    "MarketEvidence",
    "diagnosis_of",
    "diagnosis_words",
    "features_findings",
    "market_evidence",
]
