"""Evidence made by hand for the tests of the policy, and how it is decided."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tradai_lifecycle.monitor.health import HealthColumns
from tradai_lifecycle.policy.trading_state import AdoptionPoint, PolicySettings, StateColumns, decide_states
from tradai_lifecycle.states import AccuracyVerdict, SignificantRule, TradingState

POLICY = PolicySettings(
    moderate_persistence=3,
    significant_persistence=5,
    release_persistence=3,
    latch_memory=12,
    recovery=4,
    shift_persistence=2,
    shift_release=2,
    accuracy_fall_persistence=2,
    significant_rule=SignificantRule.ANY_FEATURE,
)


def health(rows: int, **columns: object) -> HealthColumns:
    quiet = {
        "psi_max": np.zeros(rows),
        "moderate_ratio": np.zeros(rows),
        "significant_ratio": np.zeros(rows),
        "significant_share": np.zeros(rows),
        "retraining_rule": np.zeros(rows, dtype=np.bool_),
        "worst_series": np.full(rows, -1, dtype=np.int16),
        "market_ratio": np.zeros(rows),
        "market_fast_ratio": np.zeros(rows),
        "market_fast_persistence": 2,
        "relation_fast_ratio": np.zeros(rows),
        "relation_fast_persistence": 2,
        "quality": np.zeros(rows, dtype=np.uint32),
        "accuracy": np.full(rows, np.nan),
        "accuracy_lower": np.full(rows, np.nan),
        "accuracy_upper": np.full(rows, np.nan),
        "effective_predictions": np.zeros(rows),
        "accuracy_verdict": np.full(rows, AccuracyVerdict.HEALTHY, dtype=np.int8),
    }
    return HealthColumns(**{**quiet, **columns})


def decided(
    evidence: HealthColumns,
    *,
    warm_from: int = 0,
    adoption: AdoptionPoint | None = None,
    drift_resets: Sequence[int] = (),
    **policy: object,
):
    rows = len(evidence.psi_max)
    warm = np.arange(rows) >= warm_from
    return decide_states(
        evidence, warm=warm, settings=replace(POLICY, **policy), adoption=adoption, drift_resets=drift_resets
    )


def states(columns: StateColumns) -> list[str]:
    return [TradingState(int(state)).label for state in columns.state]


def column(length: int, *spans: tuple[int, int, float]) -> np.ndarray:
    values = np.zeros(length)
    for start, end, value in spans:
        values[start:end] = value
    return values


__all__ = ["POLICY", "column", "decided", "health", "states"]
