"""The session behind a live or dry-run bot: slot, watcher, ledger and operator, tied to the bot's own loop.

The bot's thread only reads memory and small local records here; registry, model loading and evidence run on the
background thread. A swap happens between two batches, written down before it is acted on.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import CandidateDecided, Event, FaultReported, ModelAdopted
from tradai_lifecycle.model.bundle import VALIDATION_ACCURACY, ModelBundle
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.model.slot import ModelSlot
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.notify.priorities import CANDLES_PART
from tradai_lifecycle.runtime.runtime import Runtime
from tradai_lifecycle.runtime.watcher import Watcher
from tradai_lifecycle.states import FAULT_REASONS, Reason, SwapOutcome, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.bot_facts import BotFacts
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement, moment
from tradai_lifecycle.strategy.desk import OperatorDesk
from tradai_lifecycle.strategy.entry_rate import EntryRateProbe
from tradai_lifecycle.strategy.evidence import EvidenceLog
from tradai_lifecycle.strategy.feature_probe import probed_feature_names
from tradai_lifecycle.strategy.gate_watch import GateWatch
from tradai_lifecycle.strategy.golden_watch import GoldenWatch
from tradai_lifecycle.strategy.parity import ParityCheck
from tradai_lifecycle.strategy.reach import open_reach

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle

logger = logging.getLogger(__name__)

#: How long a starting bot waits for its first model, so that the first candle is already predicted.
FIRST_MODEL_SECONDS = 60.0
PARITY_ROWS_AFTER_RESTART = 20
#: What a database that another process keeps locked may cost one loop of the bot, all calls together.
LOOP_PATIENCE_SECONDS = 0.25


class LiveSession:
    """Supplies a running bot with versions, and the ledger with what was decided. Made by `live_supply`."""

    live = True

    def __init__(self, lifecycle: "Lifecycle", strategy: Any, *, source: ModelSource, user_data_dir: Path) -> None:
        config = lifecycle.config
        self._lifecycle = lifecycle
        self._strategy = strategy
        self._source = source
        self._cache_directory = config.path_in(user_data_dir, config.model_cache_path)
        self._candle_seconds = candle_seconds(lifecycle.timeframe)
        self.ledger = Ledger(config.path_in(user_data_dir, config.store_path))
        self.slot = ModelSlot()
        self.runtime = Runtime()
        self.watcher: Watcher | None = None
        self._desk = OperatorDesk(self.ledger, lifecycle.gate)
        self._gate_watch = GateWatch(self.ledger, lifecycle.gate, config.bot_pause_share, self.report)
        self._facts = BotFacts(lifecycle, strategy, self.ledger, lambda: self.watcher)
        self._reach = open_reach(
            config=config,
            ledger=self.ledger,
            host_config={**strategy.config, "user_data_dir": user_data_dir},
            data_provider=strategy.dp,
            on_event=self.report,
            accuracy_of=self._validation_accuracy,
        )
        self._evidence = EvidenceLog(
            self.ledger, lifecycle.gate, config, write_facts=self._facts.write, on_event=self._reach.tell
        )
        self._parity = ParityCheck(lifecycle.gate, self.report)
        self._golden = GoldenWatch(lifecycle.golden, lifecycle.gate, strategy, self.report)
        self._entry_rate = EntryRateProbe(strategy)
        self._active: tuple[ActiveVersion, ...] = ()
        self._adoption_times: list[datetime] = []
        self._newest_candle: datetime | None = None
        self._store_failed = False
        self._recalled = False
        self._held_version: str | None = None
        self._let_in_version: str | None = None
        self._candles_stale = False
        self._trouble = ""

    def start(self, feature_names: tuple[str, ...] | None) -> None:
        """Start the background thread and, where the features are known, the watcher; wait for the first model."""
        self._visit_store(datetime.now(UTC))
        self._facts.look_at_trades(batch_ended=False)
        self.runtime.on_close("registry", self._source.close)
        self.runtime.add_task("bot facts", self._facts.keep_current)
        self._reach.start_with(self.runtime)
        self.runtime.start()
        if feature_names is not None:
            self._watch(feature_names)
            self._await_first_model()

    def versions(self) -> Sequence[ActiveVersion]:
        """The version in charge, alone: it judges the whole frame."""
        return self._active

    @property
    def _bundle_in_charge(self) -> ModelBundle | None:
        return self._active[-1].bundle if self._active else None

    def begin_loop(self, now: datetime) -> None:
        """Read what operators said, take over what is staged, and write what the last batch left. Never raises."""
        try:
            self._evidence.settle()
            with self.ledger.patience(LOOP_PATIENCE_SECONDS):
                self._visit_store(now)
                candle = self._newest_closed(now)
                if self._newest_candle is None or candle > self._newest_candle:
                    self._take_over(candle, now)
            self._golden.look(self._bundle_in_charge, candle, now)
            self._look_at_the_feed(now)
            self._write_evidence()
            self._reach.hand_over()
        except Exception as error:  # freqtrade would log it and go on: so do we, with entries blocked
            logger.exception("The lifecycle failed between two batches; entries are blocked until it works again.")
            self._lifecycle.gate.set_fault(Reason.GATE_FAILED, present=True)
            self._tell_trouble(repr(error), now)
        else:
            self._lifecycle.gate.set_fault(Reason.GATE_FAILED, present=False)
            self._tell_trouble("", now)

    def judged(self, featured: pd.DataFrame, frame: Frame, judgement: Judgement) -> None:
        """Note the newest row of one pair. Never raises: evidence must not cost a trade."""
        try:
            newest = moment(int(judgement.dates_ns[-1]))
            self._newest_candle = max(newest, self._newest_candle or newest)
            # first: what it finds holds the pair back already at this candle, and asks for no retraining
            self._parity.look_at(frame, judgement, self._bundle_in_charge)
            self._evidence.judged(frame, judgement, datetime.now(UTC))
            self._facts.judged(frame, judgement, self._bundle_in_charge)
            first = not self._entry_rate.ready
            self._entry_rate.remember(featured, frame)
            if self.watcher is None:
                self._watch(frame.feature_names)
            elif first:
                self.runtime.submit(self.watcher.poll_now())
        except Exception as error:
            logger.exception("The evidence of %s could not be noted", frame.pair)
            self.report(FaultReported(at=datetime.now(UTC), part="evidence", message=repr(error)))

    def report(self, event: Event) -> None:
        """Log an event and keep it for the ledger, secrets left out. Any thread."""
        event = self._reach.without_secrets(event)
        if isinstance(event, CandidateDecided):
            logger.info("Model v%s: %s. %s", event.version, event.outcome.value, event.detail)
        elif not isinstance(event, FaultReported) or event.recovered:
            logger.info("%s: %s", event.kind, event.values())
        else:
            logger.warning("%s: %s", event.part, event.message)
        self._evidence.event(event)

    def close(self) -> None:
        """Write what is left, stop the thread, let go of registry and ledger. Idempotent, never raises."""
        try:
            self.flush_evidence()
        except Exception as error:  # noqa: BLE001 - an error here would abort the rest of freqtrade's shutdown
            logger.warning("The last evidence could not be written: %s", error)
        self.runtime.close()
        self.ledger.close()

    def poll_registry(self, timeout_seconds: float = 120.0) -> None:
        """Ask the registry now and wait for the end of it: for rehearsals, whose clock outruns the poll interval."""
        if self.watcher is not None:
            self.runtime.submit(self.watcher.poll_once()).result(timeout_seconds)

    def flush_evidence(self) -> None:
        """Write what was gathered now, on the caller's thread: for rehearsals."""
        self._evidence.settle()
        if self._evidence.close_batch():
            self._evidence.flush()

    # Each trouble between two batches is told once, and its end (empty): a loop comes every few seconds.
    def _tell_trouble(self, trouble: str, now: datetime) -> None:
        if trouble != self._trouble:
            message = trouble or "works again"
            self.report(FaultReported(at=now, part="session", message=message, recovered=not trouble))
        self._trouble = trouble
        if not trouble:
            return
        # the loop broke off before it came to this: people would neither be told nor see what holds now
        try:
            self._reach.hand_over()
            self._write_evidence()
        except Exception:
            logger.exception("What happened could not be handed on either")

    # A pair that gets no candles is held back at its next entry, which may be days away: it is told when it begins.
    def _look_at_the_feed(self, now: datetime) -> None:
        gate, pairs = self._lifecycle.gate, self._strategy.dp.current_whitelist()
        stale = sorted(pair for pair in pairs if Reason.STALE_FEED in gate.verdict(pair, now).reasons)
        if bool(stale) == self._candles_stale:
            return
        self._candles_stale = bool(stale)
        message = f"too old: {', '.join(stale)}" if stale else "works again"
        self.report(FaultReported(at=now, part=CANDLES_PART, message=message, recovered=not stale))

    # What is read and written on the bot's thread: a handful of small rows of a local file.
    def _visit_store(self, now: datetime) -> None:
        try:
            self._recall()
            self._desk.refresh()
            self._follow_pin()
            self._follow_drift_resets()
            self._desk.end_broken_resume(now)
            self._gate_watch.look(now)
        except StoreUnavailableError as error:
            self._store_trouble(error, now)
        else:
            if self._store_failed:
                self._store_failed = False
                self.report(FaultReported(at=now, part="store", message="works again", recovered=True))
            self._lifecycle.gate.set_fault(Reason.STORE_FAILED, present=False)

    def _store_trouble(self, error: StoreUnavailableError, now: datetime) -> None:
        self._lifecycle.gate.set_fault(Reason.STORE_FAILED, present=True)
        if not self._store_failed:
            self._store_failed = True
            self.report(FaultReported(at=now, part="store", message=str(error)))

    def _recall(self) -> None:
        if self._recalled:
            return
        # opening makes an absent file; later a lost file must stay a failure, for it may have held a pause
        self.ledger.open()
        states = self.ledger.latest_states()
        self._evidence.remember(states)
        self._adoption_times = [adoption.adopted_at for adoption in self.ledger.adoptions(limit=50)]
        for pair in states:
            self._parity.remember(self.ledger.predictions(pair, limit=PARITY_ROWS_AFTER_RESTART))
        self._recalled = True

    def _follow_pin(self) -> None:
        pin = self._desk.pin
        current = self._active[-1].bundle.version if self._active else None
        self._let_in(pin.version if pin is not None and not pin.pinned else None)
        wanted = (pin.version or current) if pin is not None and pin.pinned else None
        if wanted == self._held_version:
            return
        self._held_version = wanted
        previous = self.slot.previous
        if previous is not None and previous.version == wanted:
            # still in memory: the way back does not depend on the registry
            self.runtime.submit(self.slot.stage(previous))
        if self.watcher is not None:
            self.runtime.submit(self.watcher.hold(wanted))

    # A pin that was lifted and names a version: a person lets that one in, where `adoption` waits for a person.
    def _let_in(self, version: str | None) -> None:
        if version == self._let_in_version or self.watcher is None:
            return
        self._let_in_version = version
        if version is not None:
            self.runtime.submit(self.watcher.confirm(version))

    def _follow_drift_resets(self) -> None:
        resets = self._drift_resets_ns()
        if self._active and self._active[-1].drift_resets_ns != resets:
            self._active = (replace(self._active[-1], drift_resets_ns=resets),)

    def _drift_resets_ns(self) -> tuple[int, ...]:
        return tuple(_nanoseconds(candle) for candle in self._desk.drift_resets)

    def _take_over(self, candle: datetime, now: datetime) -> None:
        bundle = self.slot.staged
        if bundle is None or self.slot.pinned:
            return
        previous = self._active[-1].bundle if self._active else None
        try:
            state_before, adopted = self._record_adoption(bundle, previous, candle, now)
        except StoreUnavailableError as error:
            # not written, so not done: entries are blocked anyway while the ledger is away
            self._store_trouble(error, now)
            return
        if self.slot.adopt() is not SwapOutcome.ADOPTED or self.slot.current is not bundle:
            logger.warning("%s was taken back while it was being adopted", bundle.label)
            return
        self._active = (
            ActiveVersion(
                bundle=bundle,
                adopted_ns=_nanoseconds(adopted),
                state_before=state_before,
                drift_resets_ns=self._drift_resets_ns(),
            ),
        )

    def _record_adoption(
        self, bundle: ModelBundle, previous: ModelBundle | None, candle: datetime, now: datetime
    ) -> tuple[Mapping[str, TradingState], datetime]:
        last = self.ledger.adoptions(limit=1)
        if previous is None and last and last[-1].version == bundle.label:
            # the same version as before a restart: its timeline goes on
            return last[-1].state_before, last[-1].adopted_candle
        state_before = {
            pair: _state_of_the_market(int(rows.state[-1]), int(rows.reasons[-1]))
            for pair, rows in self._lifecycle.gate.view.rows.items()
            if len(rows.state)
        } or {
            pair: _state_of_the_market(record.state, record.reasons)
            for pair, record in self.ledger.latest_states().items()
        }
        previous_label = previous.label if previous is not None else (last[-1].version if last else None)
        about_others = [
            request.sequence for request in self.ledger.open_retraining_requests() if request.version != bundle.label
        ]
        self._evidence.withdraw_requests()
        self.ledger.record_adoption(
            version=bundle.label,
            previous_version=previous_label,
            adopted_candle=candle,
            adopted_at=now,
            state_before=state_before,
            closing=about_others,
        )
        self._adoption_times.append(now)
        self.report(
            ModelAdopted(at=now, version=bundle.label, previous_version=previous_label, candle=candle.isoformat())
        )
        return state_before, candle

    def _validation_accuracy(self, version: str) -> float | None:
        bundle = self.slot.current
        named = bundle is not None and bundle.version == version.removeprefix("v")
        return bundle.metrics.get(VALIDATION_ACCURACY) if bundle is not None and named else None

    def _write_evidence(self) -> None:
        waits = self._evidence.close_batch()
        self._facts.look_at_trades(batch_ended=waits)
        if waits:
            self.runtime.submit(self._flush())

    async def _flush(self) -> None:
        try:
            await asyncio.to_thread(self._evidence.flush)
        except StoreUnavailableError as error:
            logger.warning("Evidence waits for the database: %s", error)
        except Exception:
            logger.exception("Evidence could not be written")
        self._reach.follower.look_soon()

    def _watch(self, feature_names: tuple[str, ...]) -> None:
        self.watcher = Watcher(
            source=self._source,
            slot=self.slot,
            config=self._lifecycle.config,
            expectations=self._lifecycle.expectations(feature_names),
            cache_directory=self._cache_directory,
            on_event=self.report,
            entry_rate=self._entry_rate,
            adoption_times=lambda: tuple(self._adoption_times),
            held_version=self._held_version,
            candles_seen=lambda: self._entry_rate.ready,
        )
        self.runtime.submit(self.watcher.run())

    def _await_first_model(self) -> None:
        deadline = time.monotonic() + FIRST_MODEL_SECONDS
        while time.monotonic() < deadline:
            if self.slot.staged is not None or (self.watcher is not None and self.watcher.last_poll is not None):
                return
            time.sleep(0.02)
        logger.warning("No model arrived within %g s; entries wait for one.", FIRST_MODEL_SECONDS)

    def _newest_closed(self, now: datetime) -> datetime:
        seconds = int(now.timestamp()) // self._candle_seconds * self._candle_seconds
        return datetime.fromtimestamp(seconds - self._candle_seconds, tz=UTC)


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


# A pair that waited for a model, or for us, was not paused by what it showed: the first model finds it active.
def _state_of_the_market(state: int, reasons: int) -> TradingState:
    return TradingState.ACTIVE if reasons & FAULT_REASONS else TradingState(state)


def live_supply(strategy: Any, config: Mapping[str, Any]) -> LiveSession:
    """Start the session of a live or dry-run bot. Raises ConfigurationError for a registry address of no known kind."""
    lifecycle: Lifecycle = strategy.lifecycle
    user_data_dir = Path(config["user_data_dir"])
    source = open_source(lifecycle.config, user_data_dir)
    session = LiveSession(lifecycle, strategy, source=source, user_data_dir=user_data_dir)
    session.start(probed_feature_names(strategy, lifecycle))
    return session


__all__ = ["FIRST_MODEL_SECONDS", "LiveSession", "live_supply"]
