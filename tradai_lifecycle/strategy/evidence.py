"""What a running bot writes down: gathered on the bot's thread, written by the background thread."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import Event, RetrainingRequested, StateChanged
from tradai_lifecycle.states import BUG_REASONS, Reason, Severity, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import PredictionRecord, StateRecord
from tradai_lifecycle.strategy.columns import Frame, Judgement, moment
from tradai_lifecycle.strategy.gate import Gate

logger = logging.getLogger(__name__)

#: Batches kept in memory while the database cannot be used; older ones are dropped and counted.
KEPT_BATCHES = 500
PRUNE_EVERY = timedelta(hours=24)


@dataclass(slots=True, kw_only=True)
class _Batch:
    at: datetime
    version: str = ""
    candle: datetime | None = None
    states: list[StateRecord] = field(default_factory=list)
    predictions: list[PredictionRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    requests: list[RetrainingRequested] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.states or self.predictions or self.events)


class EvidenceLog:
    """Turns judged frames into records and hands them to the ledger, one transaction per batch."""

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        config: LifecycleConfig,
        *,
        write_facts: Callable[[], None] = lambda: None,
        on_event: Callable[[Event], None] = lambda _event: None,
    ) -> None:
        self._ledger = ledger
        self._write_facts = write_facts
        self._on_event = on_event
        self._gate = gate
        self._config = config
        self._batch = _Batch(at=datetime.now(UTC))
        self._waiting: deque[_Batch] = deque(maxlen=KEPT_BATCHES)
        self._last: dict[str, StateRecord] = {}
        self._dropped = 0
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._pruned_at: datetime | None = None
        self.on_change: Callable[[StateChanged], None] = _log_change

    def remember(self, states: dict[str, StateRecord]) -> None:
        """Start from what the ledger last held, so that a restart reports no change that did not happen."""
        self._last = dict(states)

    def event(self, event: Event) -> None:
        """Tell an event and keep it for the next flush. Any thread."""
        with self._lock:
            self._batch.events.append(event)
        self._on_event(event)

    def judged(self, frame: Frame, judgement: Judgement, now: datetime) -> None:
        """Keep the newest row of a judged frame: state, prediction, and a change of state as an event."""
        state = self._state_record(frame, judgement, now)
        before = self._last.get(state.pair)
        if before is not None and before.candle >= state.candle:
            return
        self._last[state.pair] = state
        row = len(judgement) - 1
        prediction = PredictionRecord(
            pair=state.pair,
            candle=state.candle,
            version=state.version,
            features=frame.features[row],
            prediction=float(judgement.prediction[row]),
            do_predict=int(judgement.do_predict[row]),
            effective=state.effective,
        )
        # the decision is filled in by `settle`: it depends on pairs that are judged after this one
        with self._lock:
            self._batch.at, self._batch.version, self._batch.candle = now, state.version, state.candle
            self._batch.states.append(state)
            self._batch.predictions.append(prediction)
            # what the gate knows of a bug is not in the judgement: training would learn it
            if judgement.states.retraining[row] and not state.reasons & BUG_REASONS:
                self._batch.requests.append(_request(judgement, state, now))
        if before is None or before.state is not state.state:
            self._changed(before, state, Reason(int(judgement.states.reasons[row])), now)

    def settle(self) -> None:
        """Fill in what the gate decides for the gathered pairs, now that all of the batch are judged.

        To be called before the operator's newest word is read: it is that of the next batch.
        """
        with self._lock:
            batch = self._batch
            decisions = {state.pair: self._gate.decision(state.pair, batch.at) for state in batch.states}
            batch.states = [
                replace(
                    state,
                    effective=decisions[state.pair].state,
                    reasons=decisions[state.pair].reasons,
                    stake_ratio=decisions[state.pair].stake_ratio,
                )
                for state in batch.states
            ]
            batch.predictions = [
                replace(prediction, effective=decisions[prediction.pair].state) for prediction in batch.predictions
            ]

    def withdraw_requests(self) -> None:
        """Drop retraining requests that were not written yet: the version they are about has just been replaced."""
        with self._lock:
            for batch in (self._batch, *self._waiting):
                batch.requests.clear()

    def close_batch(self) -> bool:
        """Put what was gathered into the queue; whether anything waits to be written."""
        with self._lock:
            if not self._batch.empty:
                if len(self._waiting) == KEPT_BATCHES:
                    self._dropped += 1
                self._waiting.append(self._batch)
                self._batch = _Batch(at=self._batch.at)
            return bool(self._waiting)

    def flush(self) -> None:
        """Write the queued batches, oldest first, then the bot's facts. Blocking: for the background thread.

        Raises StoreUnavailableError; what could not be written stays queued.
        """
        with self._flushing:
            while self._waiting:
                batch = self._waiting[0]
                self._write(batch)
                with self._lock:
                    if self._waiting and self._waiting[0] is batch:
                        self._waiting.popleft()
            self._prune()
        if self._dropped:
            logger.error("%d batches of evidence were dropped while the database could not be used.", self._dropped)
            self._dropped = 0
        self._write_facts()

    def _write(self, batch: _Batch) -> None:
        for request in batch.requests:
            self._ledger.request_retraining(
                at=request.at,
                pair=request.pair,
                candle=datetime.fromisoformat(request.candle),
                version=request.version,
                reasons=request.reasons,
                detail=request.detail,
                event=request,
            )
        batch.requests.clear()
        if batch.candle is None:
            self._ledger.record_events(batch.events)
            return
        self._ledger.record_batch(
            version=batch.version,
            candle=batch.candle,
            at=batch.at,
            states=batch.states,
            predictions=batch.predictions,
            events=batch.events,
        )

    def _prune(self) -> None:
        now = self._batch.at
        if self._pruned_at is not None and now - self._pruned_at < PRUNE_EVERY:
            return
        try:
            self._ledger.prune(
                predictions_before=now - timedelta(days=self._config.prediction_log_days),
                states_before=now - timedelta(days=self._config.state_log_days),
            )
        except StoreUnavailableError:
            logger.debug("The prediction log could not be pruned; it is tried again tomorrow.")
        self._pruned_at = now

    def _state_record(self, frame: Frame, judgement: Judgement, now: datetime) -> StateRecord:
        row = len(judgement) - 1
        decision = self._gate.decision(judgement.pair, now)
        return StateRecord(
            pair=judgement.pair,
            candle=moment(int(judgement.dates_ns[row])),
            version=judgement.version_at(row),
            severity=Severity(int(judgement.states.severity[row])),
            state=TradingState(int(judgement.states.state[row])),
            effective=decision.state,
            reasons=decision.reasons,
            stake_ratio=decision.stake_ratio,
            psi_max=float(judgement.psi_max[row]),
            significant_ratio=float(judgement.significant_ratio[row]),
            accuracy=float(judgement.accuracy[row]),
            effective_predictions=float(judgement.effective_predictions[row]),
            close=float(frame.close[row]),
            accuracy_lower=float(judgement.accuracy_lower[row]),
            accuracy_upper=float(judgement.accuracy_upper[row]),
        )

    def _changed(self, before: StateRecord | None, after: StateRecord, reasons: Reason, now: datetime) -> None:
        change = StateChanged(
            at=now,
            pair=after.pair,
            candle=after.candle.isoformat(),
            before=before.state if before is not None else TradingState.PAUSED,
            after=after.state,
            severity=after.severity,
            reasons=reasons,
            version=after.version,
            psi_max=after.psi_max,
            accuracy=after.accuracy,
        )
        self.event(change)
        self.on_change(change)


def _request(judgement: Judgement, state: StateRecord, now: datetime) -> RetrainingRequested:
    return RetrainingRequested(
        at=now,
        pair=state.pair,
        candle=state.candle.isoformat(),
        version=state.version,
        reasons=Reason(int(judgement.states.reasons[-1])),
        detail=f"largest PSI {state.psi_max:.3f}, accuracy {state.accuracy:.3f}",
    )


def _log_change(change: StateChanged) -> None:
    words = "; ".join(change.reasons.words) or "healthy"
    level = logging.WARNING if change.after > change.before else logging.INFO
    logger.log(level, "%s is %s (was %s): %s", change.pair, change.after.label, change.before.label, words)


__all__ = ["EvidenceLog"]
