"""The operator's word inside a running bot: read from the ledger once per loop, applied by the gate."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tradai_lifecycle.control.standing import stance_of
from tradai_lifecycle.policy.entry_gate import OperatorStance, resume_is_broken
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BoundReasons, OperatorRecord, PinRecord
from tradai_lifecycle.strategy.gate import Gate

logger = logging.getLogger(__name__)

#: Who ends a resume that its own terms have ended.
LIFECYCLE = "lifecycle"
#: Resets of drift that are kept in mind, the newest ones: those before a frame's first candle change nothing in it.
KEPT_RESETS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    """The end of a resume for some pairs, which the gate knows and the ledger does not yet."""

    resume: int
    at: datetime
    note: str
    bound: Mapping[str, BoundReasons]


class OperatorDesk:
    """Carries operator's records from the ledger to the gate, and ends a resume when its terms are broken."""

    def __init__(self, ledger: Ledger, gate: Gate) -> None:
        self._ledger = ledger
        self._gate = gate
        self._marker: int | None = None
        self._records: tuple[OperatorRecord, ...] = ()
        self._unwritten: _Ending | None = None
        self.pin: PinRecord | None = None
        self.drift_resets: tuple[datetime, ...] = ()

    @property
    def drift_reset(self) -> datetime | None:
        """The newest candle from which an operator had evidence of drift count anew; None: there is none."""
        return self.drift_resets[-1] if self.drift_resets else None

    def refresh(self) -> None:
        """Take in what was recorded since the last call. Writes nothing. Raises StoreUnavailableError."""
        marker = self._ledger.change_marker()
        if marker == self._marker:
            return
        self._take_in(self._ledger.operator())
        self.pin = self._ledger.pin()
        self._take_in_resets(self._ledger.drift_resets(limit=KEPT_RESETS))
        self._gate.set_stance(self._stance())
        self._marker = marker

    def end_broken_resume(self, now: datetime) -> None:
        """End the resume of every pair that shows more than it was given for: in the gate at once, then in the ledger.

        Raises StoreUnavailableError where it could not be written; the next call tries that again, and until then the
        end holds in the gate.
        """
        self._end_broken(now)
        if self._unwritten is None:
            return
        ending = self._unwritten
        self._ledger.record_operator(
            action=OperatorAction.END_RESUME, who=LIFECYCLE, note=ending.note, at=ending.at, bound=ending.bound
        )
        self._unwritten, self._marker = None, None

    def _take_in_resets(self, resets: Iterable[OperatorRecord]) -> None:
        candles = tuple(sorted({reset.candle for reset in resets if reset.candle is not None}))
        if candles != self.drift_resets:
            logger.warning("Evidence of drift counts anew from %s.", candles[-1].isoformat() if candles else "nowhere")
        self.drift_resets = candles

    # An end that is not written yet goes with the resume it is about: a newer resume was given over what is there now.
    def _stance(self) -> OperatorStance:
        stance = stance_of(self._records)
        if self._unwritten is not None and self._unwritten.resume != self._standing_resume():
            self._unwritten = None
        ended = self._unwritten.bound if self._unwritten is not None else {}
        return replace(stance, resume_bounds={k: v for k, v in stance.resume_bounds.items() if k not in ended})

    def _standing_resume(self) -> int | None:
        return next((record.sequence for record in self._records if record.action is OperatorAction.RESUME), None)

    def _take_in(self, records: tuple[OperatorRecord, ...]) -> None:
        if records != self._records:
            standing = ", ".join(_in_words(record) for record in records) or "nothing"
            logger.warning("What operators said and still stands: %s.", standing)
        self._records = records

    def _end_broken(self, now: datetime) -> None:
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
        earlier = self._unwritten.bound if self._unwritten is not None else {}
        self._unwritten = _Ending(
            resume=self._standing_resume() or 0, at=now, note=note, bound={**ended, **earlier, **broken}
        )


def _in_words(record: OperatorRecord) -> str:
    ratio = f" to {record.ratio:g}" if record.ratio is not None else ""
    return f"{record.action.value}{ratio} by {record.who}"


def _ended_by(record: OperatorRecord) -> Mapping[str, BoundReasons]:
    return record.bound if record.action is OperatorAction.END_RESUME else {}


__all__ = ["OperatorDesk"]
