"""What a pair's reasons come down to: a bug, which is mended, is looked for before drift, which is answered."""

from collections.abc import Collection, Iterator

from tradai_lifecycle.events import FEATURES_PART, FaultReported
from tradai_lifecycle.states import BUG_REASONS, DRIFT_REASONS, QUALITY_REASONS, Reason
from tradai_lifecycle.store.ledger import Ledger

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


def diagnosis_words(reasons: Reason, findings: Collection[str]) -> Iterator[str]:
    """The first diagnosis that `reasons` bear out, with what shows no fault before it; nothing where none does.

    `findings` are what was found in the features, told with a diagnosis of that.
    """
    before: list[str] = []
    for name, meant in DIAGNOSES:
        held = reasons & meant
        if held:
            advice = ", a bug: mend it, never train on it" if held & BUG_REASONS else ""
            ruled_out = f"; no fault seen in {', '.join(before)}" if before else ""
            yield f"diagnosis: {name}{advice}{ruled_out}"
            yield from findings if Reason.FEATURES_DIFFER in held else ()
            return
        before.append(name)


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


__all__ = ["DIAGNOSES", "diagnosis_words", "features_findings"]
