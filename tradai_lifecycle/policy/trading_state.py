"""From evidence to trading state: a pure function of a pair's last candles, the limits and the version timeline.

Nothing here counts from the first row of a frame. Persistence is a count over the last rows, hysteresis is a latch
that looks back a fixed number of rows, recovery looks back a fixed number of rows. So a bot started from a short
frame, a backtest over years and a rehearsal decide alike at every candle that has enough predecessors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.health import HealthColumns
from tradai_lifecycle.states import AccuracyVerdict, Reason, Severity, SignificantRule, TradingState

BoolColumn = NDArray[np.bool_]

#: A latch lets go below this share of the limit that set it.
RELEASE_RATIO = 0.75
#: Share of the series beyond their significant limit that corroborates one of them.
CORROBORATING_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """The counts, all in candles, that turn evidence into states."""

    moderate_persistence: int
    significant_persistence: int
    release_persistence: int
    latch_memory: int
    recovery: int
    significant_rule: SignificantRule


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionPoint:
    """Where the judging version took over: its first row, and whether the pair was paused just before."""

    row: int
    was_paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StateColumns:
    """One decision per row, each array of shape (n_candles,)."""

    severity: NDArray[np.int8]
    state: NDArray[np.int8]
    reasons: NDArray[np.uint32]
    retraining: BoolColumn


def held(condition: BoolColumn, candles: int) -> BoolColumn:
    """Rows at which `condition` was true on each of the last `candles` rows, this one included."""
    counts = np.concatenate(([0], np.cumsum(condition, dtype=np.int64)))
    result = np.zeros(len(condition), dtype=np.bool_)
    if len(condition) >= candles:
        result[candles - 1 :] = counts[candles:] - counts[:-candles] == candles
    return result


def within(condition: BoolColumn, candles: int) -> BoolColumn:
    """Rows at which `condition` was true on any of the last `candles` rows, this one included."""
    counts = np.concatenate(([0], np.cumsum(condition, dtype=np.int64)))
    starts = np.maximum(np.arange(len(condition)) + 1 - candles, 0)
    return np.asarray(counts[1:] > counts[starts])


def latched(on: BoolColumn, off: BoolColumn, memory: int) -> BoolColumn:
    """Rows whose newest event among the last `memory` rows is an `on`; false where those rows hold no event."""
    rows = np.arange(len(on))
    last_on = np.maximum.accumulate(np.where(on, rows, -1)) if len(on) else rows
    last_off = np.maximum.accumulate(np.where(off, rows, -1)) if len(on) else rows
    return np.asarray((last_on > last_off) & (rows - last_on < memory))


def policy_memory_candles(settings: PolicySettings) -> int:
    """Predecessors that a row's state needs beyond those its evidence needs."""
    persistence = max(settings.moderate_persistence, settings.significant_persistence, settings.release_persistence)
    return (persistence - 1) + (settings.latch_memory - 1) + settings.recovery


def decide_states(
    health: HealthColumns,
    *,
    warm: BoolColumn,
    settings: PolicySettings,
    adoption: AdoptionPoint | None,
    drift_resets: Sequence[int] = (),
) -> StateColumns:
    """Decide severity, trading state and reasons of every row, causally.

    `warm` marks the rows with enough predecessors; the others are paused. With an `adoption` out of a pause, its
    first `recovery` rows are at least reduced. Retraining is wanted where drift holds and the retraining rule is met,
    or accuracy is broken; never where the data itself is at fault, and not for one latch memory after an adoption.

    From each of the ascending rows `drift_resets` on, the drift of earlier rows is forgotten: it must hold anew. A
    pause that ends so is followed by `recovery` rows of reduced, as any other. Accuracy and faults of the data stay.
    """
    states = _decided(health, warm, settings, adoption, reset=0)
    for reset in drift_resets:
        if reset > 0:
            states = _from_row(states, reset, _decided(health, warm, settings, adoption, reset=reset))
    return states


def _from_row(before: StateColumns, row: int, after: StateColumns) -> StateColumns:
    parts = {field.name: (getattr(before, field.name), getattr(after, field.name)) for field in fields(before)}
    return StateColumns(**{name: np.concatenate([one[:row], other[row:]]) for name, (one, other) in parts.items()})


def _decided(
    health: HealthColumns, warm: BoolColumn, settings: PolicySettings, adoption: AdoptionPoint | None, *, reset: int
) -> StateColumns:
    evidence = _Evidence.of(_forgotten(health, reset), settings)
    significant, moderate = evidence.significant, evidence.moderate
    earlier = significant
    if reset:
        earlier = significant | (_Evidence.of(health, settings).significant & (np.arange(len(warm)) < reset))
    severity = np.where(significant, Severity.SIGNIFICANT, np.where(moderate, Severity.MODERATE, Severity.NONE))
    recovering = ~significant & within(earlier, settings.recovery + 1)
    adopted = _adopted_while_paused(len(warm), settings, adoption)
    state = _stricter(
        np.where(significant | ~warm, TradingState.PAUSED, TradingState.ACTIVE),
        np.where(moderate | recovering | adopted, TradingState.REDUCED, TradingState.ACTIVE),
    )
    reasons = health.quality.astype(np.uint32)
    for flag, rows in (
        (Reason.WARMING_UP, ~warm),
        (Reason.PSI_MODERATE, evidence.psi_moderate & ~evidence.psi_significant),
        (Reason.PSI_SIGNIFICANT, evidence.psi_significant),
        (Reason.ACCURACY_BREACH, evidence.accuracy),
        (Reason.RECOVERING, recovering),
        (Reason.ADOPTED_WHILE_PAUSED, adopted),
    ):
        reasons |= np.where(rows, np.uint32(flag), np.uint32(0))
    drifting = evidence.psi_moderate | evidence.psi_significant
    wanted = ((drifting & health.retraining_rule) | evidence.accuracy) & warm & ~evidence.faulty
    return StateColumns(
        severity=severity.astype(np.int8),
        state=state.astype(np.int8),
        reasons=reasons,
        retraining=wanted & ~_in_grace(len(warm), settings, adoption),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """The held and latched evidence of each row, before it becomes a state."""

    psi_moderate: BoolColumn
    psi_significant: BoolColumn
    accuracy: BoolColumn
    faulty: BoolColumn
    significant: BoolColumn
    moderate: BoolColumn

    @classmethod
    def of(cls, health: HealthColumns, settings: PolicySettings) -> "_Evidence":
        psi_moderate = _latched_ratio(health.moderate_ratio, settings.moderate_persistence, settings)
        psi_significant = _latched_ratio(health.significant_ratio, settings.significant_persistence, settings)
        accuracy = within(health.accuracy_verdict == AccuracyVerdict.BREACHED, settings.recovery)
        faulty = health.quality != 0
        return cls(
            psi_moderate=psi_moderate,
            psi_significant=psi_significant,
            accuracy=accuracy,
            faulty=faulty,
            significant=_counts_as_significant(psi_significant, accuracy, health, settings) | faulty,
            moderate=psi_moderate | psi_significant | accuracy,
        )


# The evidence without the drift of the rows before `reset`.
def _forgotten(health: HealthColumns, reset: int) -> HealthColumns:
    if not reset:
        return health
    old = np.arange(len(health.quality)) < reset
    return replace(
        health,
        moderate_ratio=np.where(old, np.nan, health.moderate_ratio),
        significant_ratio=np.where(old, np.nan, health.significant_ratio),
    )


def _latched_ratio(ratio: NDArray[np.float64], persistence: int, settings: PolicySettings) -> BoolColumn:
    # a NaN ratio (window not full) compares false both ways: it neither sets nor releases
    on = held(ratio >= 1.0, persistence)
    off = held(ratio < RELEASE_RATIO, settings.release_persistence)
    return latched(on, off, settings.latch_memory)


def _counts_as_significant(
    psi_significant: BoolColumn, accuracy: BoolColumn, health: HealthColumns, settings: PolicySettings
) -> BoolColumn:
    if settings.significant_rule is SignificantRule.ANY_FEATURE:
        return psi_significant
    return psi_significant & (accuracy | (health.significant_share >= CORROBORATING_SHARE))


def _adopted_while_paused(rows: int, settings: PolicySettings, adoption: AdoptionPoint | None) -> BoolColumn:
    adopted = np.zeros(rows, dtype=np.bool_)
    if adoption is not None and adoption.was_paused:
        adopted[max(adoption.row, 0) : max(adoption.row + settings.recovery, 0)] = True
    return adopted


def _in_grace(rows: int, settings: PolicySettings, adoption: AdoptionPoint | None) -> BoolColumn:
    grace = np.zeros(rows, dtype=np.bool_)
    if adoption is not None:
        grace[max(adoption.row, 0) : max(adoption.row + settings.latch_memory, 0)] = True
    return grace


def _stricter(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.maximum(one, other)


__all__ = [
    "CORROBORATING_SHARE",
    "RELEASE_RATIO",
    "AdoptionPoint",
    "PolicySettings",
    "StateColumns",
    "decide_states",
    "held",
    "latched",
    "policy_memory_candles",
    "within",
]
