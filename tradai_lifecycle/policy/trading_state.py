"""From evidence to trading state: a pure function of a pair's last candles, the limits and the version timeline.

Nothing here counts from the first row of a frame. Persistence is a count over the last rows, hysteresis is a latch
that looks back a fixed number of rows, recovery looks back a fixed number of rows. So a bot started from a short
frame, a backtest over years and a rehearsal decide alike at every candle that has enough predecessors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.health import HealthColumns
from tradai_lifecycle.monitor.persistence import RELEASE_RATIO, BoolColumn, held, latched, within
from tradai_lifecycle.states import AccuracyVerdict, Reason, Severity, SignificantRule, TradingState

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
    #: candles that a slow shift of the market must hold, and the calm that ends a shift
    shift_persistence: int
    shift_release: int
    #: at most `recovery`, so that accuracy needs no more predecessors for it
    accuracy_fall_persistence: int
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


def policy_memory_candles(settings: PolicySettings) -> int:
    """Predecessors that a row's state needs beyond those its evidence needs."""
    persistence = max(settings.moderate_persistence, settings.significant_persistence, settings.release_persistence)
    return (persistence - 1) + (settings.latch_memory - 1) + settings.recovery


def drift_policy_memory_candles(settings: PolicySettings) -> int:
    """The same but for the rest of a run of significant drift, as long as it must hold.

    No other earlier row tells: an alarm begins with a run, and lets go only by rows that come after the last one.
    """
    held = max(settings.recovery, settings.moderate_persistence - 1)
    return max(shift_policy_memory_candles(settings), (settings.latch_memory - 1) + held)


def shift_policy_memory_candles(settings: PolicySettings) -> int:
    """The same for the evidence of shifts, whose persistence is short; that of fast ones is never longer."""
    persistence = max(settings.shift_persistence, settings.shift_release)
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
    or accuracy is below its floor; never where the data itself is at fault, and not for one latch memory after an
    adoption.

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
    severity = _graded(len(warm), {Severity.MODERATE: moderate, Severity.SIGNIFICANT: significant})
    recovering = ~significant & within(earlier, settings.recovery + 1)
    adopted = _adopted_while_paused(len(warm), settings, adoption)
    reduced = moderate | recovering | adopted
    state = _graded(len(warm), {TradingState.REDUCED: reduced, TradingState.PAUSED: significant | ~warm})
    reasons = health.quality.astype(np.uint32)
    for flag, rows in (
        (Reason.WARMING_UP, ~warm),
        (Reason.PSI_MODERATE, evidence.psi_moderate & ~evidence.psi_significant),
        (Reason.PSI_SIGNIFICANT, evidence.psi_significant),
        (Reason.MARKET_MODERATE, evidence.market_moderate & ~evidence.market_significant),
        (Reason.MARKET_SIGNIFICANT, evidence.market_significant),
        (Reason.RELATION_MODERATE, evidence.relation_moderate),
        (Reason.ACCURACY_BREACH, evidence.accuracy),
        (Reason.ACCURACY_FELL, evidence.accuracy_fell & ~evidence.accuracy),
        (Reason.RECOVERING, recovering),
        (Reason.ADOPTED_WHILE_PAUSED, adopted),
    ):
        if rows.any():
            reasons[rows] |= np.uint32(flag)
    drifting = evidence.psi_moderate | evidence.psi_significant
    wanted = (drifting & health.retraining_rule) | evidence.market_significant | evidence.accuracy
    return StateColumns(
        severity=severity,
        state=state,
        reasons=reasons,
        retraining=wanted & warm & ~evidence.faulty & ~_in_grace(len(warm), settings, adoption),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """The held and latched evidence of each row, before it becomes a state."""

    psi_moderate: BoolColumn
    psi_significant: BoolColumn
    market_moderate: BoolColumn
    market_significant: BoolColumn
    relation_moderate: BoolColumn
    accuracy: BoolColumn
    accuracy_fell: BoolColumn
    faulty: BoolColumn
    significant: BoolColumn
    moderate: BoolColumn

    @classmethod
    def of(cls, health: HealthColumns, settings: PolicySettings) -> "_Evidence":
        """From all rows of a frame, causally: ratios held and latched, verdicts held and within the recovery."""
        psi_moderate = _latched_ratio(health.moderate_ratio, settings.moderate_persistence, settings)
        psi_significant = _latched_ratio(health.significant_ratio, settings.significant_persistence, settings)
        market_significant = _latched(
            health.market_ratio, settings.shift_persistence, settings.shift_release, settings.latch_memory
        )
        market_moderate, relation_moderate = (
            _latched(ratio, persistence, settings.shift_release, settings.latch_memory)
            for ratio, persistence in (
                (health.market_fast_ratio, health.market_fast_persistence),
                (health.relation_fast_ratio, health.relation_fast_persistence),
            )
        )
        shifted = market_significant | market_moderate | relation_moderate
        accuracy = within(health.accuracy_verdict == AccuracyVerdict.BREACHED.value, settings.recovery)
        fell = held(health.accuracy_verdict == AccuracyVerdict.FELL.value, settings.accuracy_fall_persistence)
        accuracy_fell = within(fell, settings.recovery)
        faulty = health.quality != 0
        return cls(
            psi_moderate=psi_moderate,
            psi_significant=psi_significant,
            market_moderate=market_moderate,
            market_significant=market_significant,
            relation_moderate=relation_moderate,
            accuracy=accuracy,
            accuracy_fell=accuracy_fell,
            faulty=faulty,
            significant=_counts_as_significant(psi_significant, market_significant, accuracy, health, settings)
            | faulty,
            moderate=psi_moderate | psi_significant | shifted | accuracy | accuracy_fell,
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
        market_ratio=np.where(old, np.nan, health.market_ratio),
        market_fast_ratio=np.where(old, np.nan, health.market_fast_ratio),
        relation_fast_ratio=np.where(old, np.nan, health.relation_fast_ratio),
    )


def _latched_ratio(ratio: NDArray[np.float64], persistence: int, settings: PolicySettings) -> BoolColumn:
    return _latched(ratio, persistence, settings.release_persistence, settings.latch_memory)


def _latched(ratio: NDArray[np.float64], persistence: int, release: int, memory: int) -> BoolColumn:
    # a NaN ratio (window not full) compares false both ways: it neither sets nor releases
    on = held(ratio >= 1.0, persistence)
    return latched(on, held(ratio < RELEASE_RATIO, release), memory) if on.any() else on


def _counts_as_significant(
    psi: BoolColumn, market: BoolColumn, accuracy: BoolColumn, health: HealthColumns, settings: PolicySettings
) -> BoolColumn:
    if settings.significant_rule is SignificantRule.ANY_FEATURE:
        return psi | market
    return (psi & (accuracy | (health.significant_share >= CORROBORATING_SHARE))) | (market & (accuracy | psi))


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


# The strictest grade of each row; grades come in ascending order, and 0 is the mildest.
def _graded(rows: int, grades: Mapping[Severity, BoolColumn] | Mapping[TradingState, BoolColumn]) -> NDArray[np.int8]:
    column = np.zeros(rows, dtype=np.int8)
    for grade, graded in grades.items():
        column[graded] = grade
    return column


__all__ = [
    "CORROBORATING_SHARE",
    "AdoptionPoint",
    "PolicySettings",
    "StateColumns",
    "decide_states",
    "drift_policy_memory_candles",
    "policy_memory_candles",
    "shift_policy_memory_candles",
]
