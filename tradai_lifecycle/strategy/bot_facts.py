"""What a running bot says of itself, for those who look at it from outside: surroundings, open trades, series.

Noted on the bot's thread by reference, worked out and written by the background thread.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.runtime.watcher import Watcher
from tradai_lifecycle.states import CandidateOutcome
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord, PairSeries, PositionRecord
from tradai_lifecycle.strategy.columns import Frame, Judgement
from tradai_lifecycle.strategy.open_trades import OpenTrades
from tradai_lifecycle.strategy.pair_series import JudgedTail, judged_tail, pair_series

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle

logger = logging.getLogger(__name__)

#: How often it is looked whether something changed that a person would want to see without waiting for a batch.
LOOK_SECONDS = 5.0
#: The facts are written anew at least this often, so that their age says whether the bot is alive.
REFRESH_SECONDS = 60.0
RUNNING = "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What may change without a batch of candles."""

    freqtrade_state: str
    registry_problem: str
    awaiting: str | None


class BotFacts:
    """Gathers the facts of one live session and writes them into its ledger."""

    def __init__(
        self, lifecycle: "Lifecycle", strategy: Any, ledger: Ledger, watcher: Callable[[], Watcher | None]
    ) -> None:
        self._lifecycle = lifecycle
        self._ledger = ledger
        self._watcher = watcher
        self._config = strategy.config
        self._state = FreqtradeState(strategy)
        self._started_at = datetime.now(UTC)
        self._trades = OpenTrades()
        self._positions: tuple[PositionRecord, ...] = ()
        self._looked_at: float | None = None
        self._closes: dict[str, float] = {}
        self._tails: dict[str, JudgedTail] = {}
        self._noting = threading.Lock()
        self._writing = threading.Lock()
        self._unwritten: dict[str, PairSeries] = {}
        self._written: Surroundings | None = None
        self._written_at = 0.0
        self._failed = False

    # on the bot's thread

    def judged(self, frame: Frame, judgement: Judgement, bundle: ModelBundle | None) -> None:
        """Note a pair's newest frame, judged by `bundle`."""
        if len(frame):
            self._closes[frame.pair] = float(frame.close[-1])
        tail = judged_tail(frame, judgement, bundle, self._lifecycle.settings)
        if tail is not None:
            with self._noting:
                self._tails[frame.pair] = tail

    def look_at_trades(self, *, batch_ended: bool) -> None:
        """Note freqtrade's open trades, after a batch and else once a minute. Never raises."""
        now = time.monotonic()
        if batch_ended or self._looked_at is None or now - self._looked_at >= REFRESH_SECONDS:
            self._positions = self._trades.read(self._closes)
            self._looked_at = now

    # on the background thread

    def write(self) -> None:
        """Work out what was noted and write it all. Blocking. Raises StoreUnavailableError; nothing noted is lost."""
        with self._writing:
            for tail in self._taken_tails():
                self._work_out(tail)
            self._ledger.record_series(tuple(self._unwritten.values()))
            self._unwritten.clear()
            seen = self._surroundings()
            self._ledger.record_bot(self._record(seen))
            self._written, self._written_at = seen, time.monotonic()

    async def keep_current(self) -> None:
        """Write also without a batch: soon after a change, and at least once a minute. Runs until cancelled."""
        while True:
            late = time.monotonic() - self._written_at >= REFRESH_SECONDS
            if late or self._surroundings() != self._written:
                await asyncio.to_thread(self._write_quietly)
            await asyncio.sleep(LOOK_SECONDS)

    def _write_quietly(self) -> None:
        try:
            self.write()
        except StoreUnavailableError as error:
            # the bot's own thread reports a database that fails
            logger.debug("The bot's facts wait for the database: %s", error)
        except Exception:
            if not self._failed:
                logger.exception("The bot's facts could not be written")
            self._failed = True

    def _taken_tails(self) -> tuple[JudgedTail, ...]:
        with self._noting:
            tails, self._tails = self._tails, {}
        return tuple(tails.values())

    def _work_out(self, tail: JudgedTail) -> None:
        try:
            self._unwritten[tail.pair] = pair_series(tail, self._lifecycle.settings)
        except Exception:
            logger.exception("The series of %s could not be worked out", tail.pair)

    def _surroundings(self) -> Surroundings:
        watcher = self._watcher()
        return Surroundings(
            freqtrade_state=self._state.word(),
            registry_problem=watcher.problem if watcher is not None else "",
            awaiting=awaiting_version(watcher) if watcher is not None else None,
        )

    def _record(self, seen: Surroundings) -> BotRecord:
        watcher, config = self._watcher(), self._config
        return BotRecord(
            at=datetime.now(UTC),
            started_at=self._started_at,
            timeframe=self._lifecycle.timeframe,
            horizon_candles=self._lifecycle.horizon_candles,
            window_candles=self._lifecycle.config.window_candles,
            freqtrade_state=seen.freqtrade_state,
            dry_run=bool(config.get("dry_run", True)),
            stake_currency=str(config.get("stake_currency", "")),
            registry_seen_at=watcher.last_success_at if watcher is not None else None,
            registry_problem=seen.registry_problem,
            awaiting=seen.awaiting,
            positions=self._positions,
        )


class FreqtradeState:
    """freqtrade's own state, which a strategy is not told of: "running", "paused" or "stopped"."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._missing = False

    def word(self) -> str:
        """The state now. Where this freqtrade keeps it elsewhere, "running", and that is logged once. Any thread."""
        try:
            state = self._strategy.dp._DataProvider__rpc._rpc._freqtrade.state  # noqa: SLF001 - no public way
        except AttributeError as error:
            if not self._missing:
                logger.warning("freqtrade's state cannot be seen (%s): the bot is shown as running", error)
            self._missing = True
            return RUNNING
        word = str(state.name).lower()
        return word if word in ("paused", "stopped") else RUNNING


def awaiting_version(watcher: Watcher) -> str | None:
    """The version ("v8") whose newest decision is that a person must let it take over; None where none waits."""
    bundle, poll = watcher.awaiting_confirmation, watcher.last_poll
    if bundle is None:
        return None
    # a poll that reached the registry decided anew: pinned since, or no longer in production
    decided_else = poll is not None and poll.reachable and poll.outcome is not CandidateOutcome.AWAITING_CONFIRMATION
    return None if decided_else else bundle.label


__all__ = [
    "LOOK_SECONDS",
    "REFRESH_SECONDS",
    "RUNNING",
    "BotFacts",
    "FreqtradeState",
    "Surroundings",
    "awaiting_version",
]
