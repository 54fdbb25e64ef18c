"""The entry gate at freqtrade's edge: reads a pair's newest judgement and answers, whatever breaks, the safe way."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.policy.entry_gate import (
    OUTDATED_ALLOWANCE,
    Decision,
    OperatorStance,
    Verdict,
    bot_is_paused,
    decide,
)
from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.strategy.columns import NO_VERSION, Judgement

logger = logging.getLogger(__name__)

OUTDATED_ALLOWANCE_NS = int(OUTDATED_ALLOWANCE.total_seconds()) * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRows:
    """The judged candles of one pair, as the gate looks them up."""

    dates_ns: NDArray[np.int64]
    severity: NDArray[np.int8]
    state: NDArray[np.int8]
    reasons: NDArray[np.uint32]
    version: NDArray[np.int16]
    versions: tuple[str, ...]

    @classmethod
    def of(cls, judgement: Judgement) -> "PairRows":
        """The part of a judgement that decides entries."""
        states = judgement.states
        return cls(
            dates_ns=judgement.dates_ns,
            severity=states.severity,
            state=states.state,
            reasons=states.reasons,
            version=judgement.version,
            versions=judgement.versions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """Everything the gate knows, as one immutable value behind one reference: callbacks of any thread read it."""

    rows: Mapping[str, PairRows] = field(default_factory=dict)
    stance: OperatorStance = field(default_factory=OperatorStance)
    faults: Reason = Reason.NONE
    pair_faults: Mapping[str, Reason] = field(default_factory=dict)
    lasting_pair_faults: Mapping[str, Reason] = field(default_factory=dict)


class Gate:
    """Answers what a pair may do at a moment. Written by the bot's thread, read by any.

    Where frames are `judged_ahead`, as in a backtest, a candle counts once it has closed at the moment asked about. A
    live bot is given none that has not closed: there the newest one counts, even if the clock is then set back.
    """

    def __init__(self, config: LifecycleConfig, *, candle_ns: int, sees_all_pairs: bool, judged_ahead: bool) -> None:
        self._config = config
        self._candle_ns = candle_ns
        self._sees_all_pairs = sees_all_pairs
        self._judged_ahead = judged_ahead
        self._view = GateView()
        self._last_bot_paused: tuple[GateView | None, int, bool] = (None, 0, False)
        self.on_failure: Callable[[Exception], None] = _log_failure

    @property
    def view(self) -> GateView:
        """The present view; it never changes, it is only replaced."""
        return self._view

    def publish(self, judgement: Judgement) -> None:
        """Take in a pair's newest judgement and clear what was marked against the pair."""
        rows = {**self._view.rows, judgement.pair: PairRows.of(judgement)}
        faults = {pair: reason for pair, reason in self._view.pair_faults.items() if pair != judgement.pair}
        self._view = replace(self._view, rows=rows, pair_faults=faults)

    def mark_pair(self, pair: str, reason: Reason) -> None:
        """Hold a pair back for `reason` until its next judgement."""
        marked = self._view.pair_faults.get(pair, Reason.NONE) | reason
        self._view = replace(self._view, pair_faults={**self._view.pair_faults, pair: marked})

    def set_fault(self, reason: Reason, *, present: bool) -> None:
        """Set or clear a fault that holds every pair back."""
        faults = self._view.faults | reason if present else self._view.faults & ~reason
        self._view = replace(self._view, faults=faults)

    def set_pair_fault(self, pair: str, reason: Reason, *, present: bool) -> None:
        """Set or clear a fault that holds one pair back, whatever its next judgements are."""
        before = self._view.lasting_pair_faults.get(pair, Reason.NONE)
        lasting = {**self._view.lasting_pair_faults, pair: before | reason if present else before & ~reason}
        self._view = replace(self._view, lasting_pair_faults=lasting)

    def set_stance(self, stance: OperatorStance) -> None:
        """Take in what the operator said."""
        self._view = replace(self._view, stance=stance)

    def decision(self, pair: str, now: datetime) -> Decision:
        """What `pair` may do at `now` (aware, UTC). Never raises: an error of ours is a pause."""
        try:
            return self._decide(self._view, pair, now)
        except Exception as error:  # noqa: BLE001 - the gate fails closed, whatever the error
            self.on_failure(error)
            return Decision(
                state=TradingState.PAUSED,
                severity=Severity.NONE,
                reasons=Reason.GATE_FAILED,
                stake_ratio=0.0,
                version=NO_VERSION,
            )

    def verdict(self, pair: str, now: datetime) -> Verdict:
        """The automatic verdict of `pair` alone, faults included, before bot-wide pause and operator."""
        return self._verdict(self._view, pair, _nanoseconds(now))

    def bot_paused(self, now: datetime) -> bool:
        """Whether enough pairs drift significantly to pause all of them."""
        return self._bot_paused(self._view, _nanoseconds(now))

    def severities(self, now: datetime) -> dict[str, Severity]:
        """How severely each pair with a current candle drifts: what a pause of the whole bot is decided by."""
        return self._severities(self._view, _nanoseconds(now))

    def _decide(self, view: GateView, pair: str, now: datetime) -> Decision:
        now_ns = _nanoseconds(now)
        return decide(
            self._verdict(view, pair, now_ns),
            pair=pair,
            stance=view.stance,
            bot_paused=self._bot_paused(view, now_ns),
            reduced_stake_ratio=self._config.reduced_stake_ratio,
            now=now,
        )

    def _verdict(self, view: GateView, pair: str, now_ns: int) -> Verdict:
        faults = view.faults | view.pair_faults.get(pair, Reason.NONE)
        faults |= view.lasting_pair_faults.get(pair, Reason.NONE)
        rows = view.rows.get(pair)
        row = -1 if rows is None else self._row_at(rows, now_ns)
        if rows is None or row < 0:
            return _paused(faults | Reason.NOT_ANALYSED)
        if now_ns - int(rows.dates_ns[row]) > 2 * self._candle_ns + OUTDATED_ALLOWANCE_NS:
            faults |= Reason.STALE_FEED
        return Verdict(
            state=TradingState.PAUSED if faults else TradingState(int(rows.state[row])),
            severity=Severity(int(rows.severity[row])),
            reasons=Reason(int(rows.reasons[row])) | faults,
            version=rows.versions[rows.version[row]],
        )

    def _row_at(self, rows: PairRows, now_ns: int) -> int:
        if not self._judged_ahead:
            return len(rows.dates_ns) - 1
        # the newest candle that had closed by now, with a detail timeframe too
        return int(np.searchsorted(rows.dates_ns, now_ns - self._candle_ns, side="right")) - 1

    # asked of all pairs for every pair: the last answer is kept, and is replaced as one
    def _bot_paused(self, view: GateView, now_ns: int) -> bool:
        if not self._sees_all_pairs:
            return False
        of_view, at_ns, answer = self._last_bot_paused
        if of_view is not view or at_ns != now_ns:
            answer = bot_is_paused(self._severities(view, now_ns), self._config.bot_pause_share)
            self._last_bot_paused = (view, now_ns, answer)
        return answer

    def _severities(self, view: GateView, now_ns: int) -> dict[str, Severity]:
        severities = {}
        for pair, rows in view.rows.items():
            row = self._row_at(rows, now_ns)
            if row >= 0 and now_ns - int(rows.dates_ns[row]) <= 2 * self._candle_ns + OUTDATED_ALLOWANCE_NS:
                severities[pair] = Severity(int(rows.severity[row]))
        return severities


def _paused(reasons: Reason) -> Verdict:
    return Verdict(state=TradingState.PAUSED, severity=Severity.NONE, reasons=reasons, version=NO_VERSION)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def _log_failure(error: Exception) -> None:
    logger.error("The entry gate failed and blocks entries: %s", error, exc_info=error)


__all__ = ["Gate", "GateView", "PairRows"]
