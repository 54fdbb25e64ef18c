"""Says each thing once: a decision when it changes, a fault when it begins and when it ends."""

import logging
from collections.abc import Callable
from datetime import datetime

from tradai_lifecycle.events import CandidateDecided, Event, FaultReported
from tradai_lifecycle.states import CandidateOutcome

logger = logging.getLogger(__name__)


class Notices:
    """Passes events on to `on_event`, without repeating itself. A listener that raises is logged and stops nothing."""

    def __init__(self, on_event: Callable[[Event], None], clock: Callable[[], datetime]) -> None:
        self._on_event = on_event
        self._clock = clock
        self._faults: set[str] = set()
        self._decided: dict[str, CandidateOutcome] = {}

    def decided(self, version: str, outcome: CandidateOutcome, detail: str) -> None:
        """Tell what became of a version, unless that was the last word on it already. Staging is told every time."""
        if outcome is CandidateOutcome.STAGED or self._decided.get(version) != outcome:
            self._decided[version] = outcome
            self._report(CandidateDecided(at=self._clock(), version=version, outcome=outcome, detail=detail))

    def settled(self) -> None:
        """The version in production is in charge: whatever comes next is told anew."""
        self._decided.clear()

    def fault(self, part: str, message: str) -> bool:
        """Tell that a part fails; True when that is news."""
        if part in self._faults:
            return False
        self._faults.add(part)
        self._report(FaultReported(at=self._clock(), part=part, message=message))
        return True

    def recovered(self, part: str) -> None:
        """Tell that a part works again, if its fault was told."""
        if part in self._faults:
            self._faults.discard(part)
            self._report(FaultReported(at=self._clock(), part=part, message="works again", recovered=True))

    def _report(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            logger.exception("An event of the model watcher could not be delivered: %s", event)


__all__ = ["Notices"]
