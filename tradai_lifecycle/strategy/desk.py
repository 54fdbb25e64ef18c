"""The operator's word inside a running bot: read from the ledger once per loop, applied by the gate."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from tradai_lifecycle.policy.entry_gate import OperatorStance, ResumeBound, resume_is_broken
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BoundReasons, OperatorRecord, PinRecord
from tradai_lifecycle.strategy.gate import Gate

logger = logging.getLogger(__name__)

#: Who ends a resume that its own terms have ended.
LIFECYCLE = "lifecycle"


class OperatorDesk:
    """Carries operator's records from the ledger to the gate, and ends a resume when its terms are broken."""

    def __init__(self, ledger: Ledger, gate: Gate) -> None:
        self._ledger = ledger
        self._gate = gate
        self._marker: int | None = None
        self._records: tuple[OperatorRecord, ...] = ()
        self.pin: PinRecord | None = None

    def refresh(self, now: datetime) -> None:
        """Take in what was recorded since the last call. Raises StoreUnavailableError."""
        marker = self._ledger.change_marker()
        if marker != self._marker:
            self._take_in(self._ledger.operator())
            self.pin = self._ledger.pin()
            self._gate.set_stance(stance_of(self._records))
            self._marker = marker
        self._end_broken_resume(now)

    def _take_in(self, records: tuple[OperatorRecord, ...]) -> None:
        if records != self._records:
            standing = ", ".join(_in_words(record) for record in records) or "nothing"
            logger.warning("What operators said and still stands: %s.", standing)
        self._records = records

    def _end_broken_resume(self, now: datetime) -> None:
        stance = self._gate.view.stance
        broken = {
            pair: BoundReasons(reasons=bound.reasons, severity=bound.severity)
            for pair, bound in stance.resume_bounds.items()
            if resume_is_broken(self._gate.verdict(pair, now), bound)
        }
        if not broken:
            return
        note = f"the resume over drift ended: new or more severe reasons in {', '.join(sorted(broken))}"
        logger.warning("%s", note)
        kept = {pair: bound for pair, bound in stance.resume_bounds.items() if pair not in broken}
        # applied before it is written: the stricter side must not wait for the disk
        self._gate.set_stance(replace(stance, resume_bounds=kept))
        ended = {pair: bound for record in self._records for pair, bound in _ended_by(record).items()}
        self._ledger.record_operator(
            action=OperatorAction.END_RESUME, who=LIFECYCLE, note=note, at=now, bound={**ended, **broken}
        )
        self._marker = None


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
        ended |= set(_ended_by(record))
    kept = {pair: bound for pair, bound in stance.resume_bounds.items() if pair not in ended}
    return replace(stance, resume_bounds=kept)


def _in_words(record: OperatorRecord) -> str:
    ratio = f" to {record.ratio:g}" if record.ratio is not None else ""
    return f"{record.action.value}{ratio} by {record.who}"


def _ended_by(record: OperatorRecord) -> Mapping[str, BoundReasons]:
    return record.bound if record.action is OperatorAction.END_RESUME else {}


__all__ = ["OperatorDesk", "stance_of"]
