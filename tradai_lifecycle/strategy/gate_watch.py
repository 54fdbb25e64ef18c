"""What begins at the gate without an entry being tried: a pause of the whole bot, and the end of a resume's time."""

from collections.abc import Callable
from datetime import datetime

from tradai_lifecycle.events import BotPauseChanged, Event, ResumeExpired
from tradai_lifecycle.states import OperatorAction, Severity, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.gate import Gate


class GateWatch:
    """Tells both once. What was told last stands in the ledger, so that a restart tells it no second time."""

    def __init__(self, ledger: Ledger, gate: Gate, share: float, report: Callable[[Event], None]) -> None:
        self._ledger = ledger
        self._gate = gate
        self._share = share
        self._report = report
        self._recalled = False
        self._paused = False
        self._expired_at: str | None = None

    def look(self, now: datetime) -> None:
        """Tell what has changed since the last look. Between two batches: then all pairs are of one batch.

        Raises StoreUnavailableError; the next look tells it then.
        """
        severities = self._gate.severities(now)
        if not severities:
            return  # before the first batch, or with stale candles alone: nothing is known
        self._recall()
        if (paused := self._gate.bot_paused(now)) is not self._paused:
            self._paused = paused
            drifting = sum(severity is Severity.SIGNIFICANT for severity in severities.values())
            self._report(
                BotPauseChanged(at=now, paused=paused, drifting=drifting, pairs=len(severities), share=self._share)
            )
        self._look_at_the_resume(now, severities)

    def _look_at_the_resume(self, now: datetime, current: dict[str, Severity]) -> None:
        stance = self._gate.view.stance
        expires_at = stance.resume_expires_at
        if not stance.resume_bounds or expires_at is None or now < expires_at:
            return
        if expires_at.isoformat() == self._expired_at:
            return
        said = self._ledger.operator()
        resume = next((record for record in said if record.action is OperatorAction.RESUME), None)
        if resume is None or resume.expires_at != expires_at:
            return  # another word came in this moment
        held = [pair for pair in stance.resume_bounds if pair in current and self._is_paused(pair, now)]
        self._expired_at = expires_at.isoformat()
        self._report(
            ResumeExpired(
                at=now,
                who=resume.who,
                given_at=resume.at.isoformat(),
                expired_at=self._expired_at,
                paused_again=", ".join(sorted(held)),
            )
        )

    def _is_paused(self, pair: str, now: datetime) -> bool:
        return self._gate.decision(pair, now).state is TradingState.PAUSED

    def _recall(self) -> None:
        if self._recalled:
            return
        for stored in self._ledger.events(kind=BotPauseChanged.kind, limit=1):
            self._paused = isinstance(stored.event, BotPauseChanged) and stored.event.paused
        for stored in self._ledger.events(kind=ResumeExpired.kind, limit=1):
            self._expired_at = stored.event.expired_at if isinstance(stored.event, ResumeExpired) else None
        self._recalled = True


__all__ = ["GateWatch"]
