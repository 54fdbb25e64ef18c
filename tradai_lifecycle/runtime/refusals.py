"""Which versions were refused, so that a bad one is not fetched at every poll."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradai_lifecycle.model.source import VersionRecord
from tradai_lifecycle.runtime.preparation import Prepared
from tradai_lifecycle.states import CandidateOutcome

FIRST_RETRY = timedelta(minutes=10)
LONGEST_RETRY = timedelta(hours=6)
#: Refusals that may heal without a new version, because the files can be completed or repaired. The others are final.
RETRIED_OUTCOMES = frozenset(
    {CandidateOutcome.INCOMPLETE, CandidateOutcome.DIGEST_MISMATCH, CandidateOutcome.UNREADABLE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused version with the digest it bore. Without `retry_at` it is final."""

    digest: str | None
    prepared: Prepared
    retry_at: datetime | None
    wait: timedelta


class Refusals:
    """Remembers refused versions until a restart. The wait before a damaged one is tried again doubles up to six hours.

    A version that is merely not ready is not remembered, and one whose digest changed is a new one.
    """

    def __init__(self) -> None:
        self._refusals: dict[str, Refusal] = {}

    def covering(self, record: VersionRecord, now: datetime) -> Prepared | None:
        """What was found when this version was refused, or None: it should be tried (again)."""
        refusal = self._refusals.get(record.version)
        if refusal is None or refusal.digest != record.digest:
            return None
        return refusal.prepared if refusal.retry_at is None or now < refusal.retry_at else None

    def remember(self, record: VersionRecord, prepared: Prepared, now: datetime) -> None:
        """Note a refusal found at `now`."""
        if prepared.outcome is CandidateOutcome.NOT_READY:
            return
        earlier = self._refusals.get(record.version)
        wait = min(earlier.wait * 2, LONGEST_RETRY) if earlier else FIRST_RETRY
        self._refusals[record.version] = Refusal(
            digest=record.digest,
            prepared=prepared,
            retry_at=now + wait if prepared.outcome in RETRIED_OUTCOMES else None,
            wait=wait,
        )

    def forget(self, version: str) -> None:
        """Let a version be tried as if it were new."""
        self._refusals.pop(version, None)


__all__ = ["FIRST_RETRY", "LONGEST_RETRY", "RETRIED_OUTCOMES", "Refusal", "Refusals"]
