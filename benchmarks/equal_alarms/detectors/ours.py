"""The package's significant drift: its own monitors and policy, with the ratios divided by one common factor."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift.detectors.ours import reference_of, trained_until_ns
from benchmarks.drift.rows import Flags, Floats, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.judging import judge_settings
from tradai_lifecycle.monitor import HealthColumns, assess, bin_codes
from tradai_lifecycle.monitor.accuracy import AccuracyColumns
from tradai_lifecycle.monitor.drift import DriftColumns
from tradai_lifecycle.monitor.health import ALL_ROWS, gathered
from tradai_lifecycle.monitor.limits import PairLimits, pair_limits
from tradai_lifecycle.monitor.market_shifts import MarketMonitor
from tradai_lifecycle.monitor.shift_windows import relation_slow_window
from tradai_lifecycle.monitor.shifts import ShiftColumns, ShiftMonitor
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states
from tradai_lifecycle.states import Reason
from tradai_lifecycle.strategy.columns import JudgeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledOurs:
    """The package at its limits times a factor; in alarm where one of `reasons` is among the states'."""

    name: str
    about: str
    reasons: Reason

    def fit(self, scene: Scene) -> "ScaledOursWatch":
        """As at the end of a training."""
        return ScaledOursWatch(scene=scene, reasons=self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaledOursWatch:
    """The package beside a bot whose model was trained on the scene."""

    scene: Scene
    reasons: Reason

    def evidence(self, live: Rows, from_row: int) -> "ScaledOursEvidence":  # noqa: ARG002 - one pass judges all rows
        """The package's own columns of the run."""
        return ScaledOursEvidence(columns=_columns(self.scene, live), reasons=np.uint32(self.reasons))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaledOursEvidence:
    """One reading of the columns of a run."""

    columns: "OurColumns"
    reasons: np.uint32

    def alarm(self, factor: float) -> Flags:
        """Where the states at that factor have one of the reasons."""
        return np.asarray((_states(self.columns, factor).reasons & self.reasons) != 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OurColumns:
    """What the package knows of a run before any limit is multiplied; `relation_slow` `(n,)` is in bounds."""

    health: HealthColumns
    relation_slow: Floats
    market: ShiftColumns
    limits: PairLimits
    settings: JudgeSettings


# every reading of one run, at all factors, shares this
@lru_cache(maxsize=2)
def _columns(scene: Scene, live: Rows) -> OurColumns:
    settings, _ = judge_settings(scene.series.timeframe, thresholds="calibrated")
    reference, window = reference_of(scene), settings.health.window_candles
    health = assess(
        features=live.features,
        prediction=live.prediction,
        fit=np.isfinite(live.prediction),
        realised=live.realised,
        dates_ns=live.dates_ns,
        candles=live.candles,
        reference=reference,
        settings=settings.health,
        trained_until_ns=trained_until_ns(scene, live),
    )
    relations = ShiftMonitor(reference.relations, relation_slow_window(window))
    return OurColumns(
        health=_of_significance_alone(health),
        relation_slow=relations.of(bin_codes(live.features, reference.features)).slow,
        market=MarketMonitor(reference.market.edges, reference.market.shifts, window).of(live.candles),
        limits=pair_limits(reference, settings.health),
        settings=settings,
    )


# milder evidence, accuracy and faults of the data decide nothing here, and looking at them costs time at each factor
def _of_significance_alone(health: HealthColumns) -> HealthColumns:
    rows = len(health.quality)
    nothing, unknown = np.zeros(rows), AccuracyColumns.unknown(rows, 1)
    return replace(
        health,
        moderate_ratio=nothing,
        market_fast_ratio=nothing,
        relation_fast_ratio=nothing,
        quality=np.zeros(rows, dtype=np.uint32),
        accuracy_verdict=unknown.verdict,
    )


@lru_cache(maxsize=128)
def _states(columns: OurColumns, factor: float) -> StateColumns:
    health = columns.health
    scaled = replace(
        health,
        significant_ratio=health.significant_ratio / factor,
        market_ratio=health.market_ratio / factor,
        quality=_broken_relations(columns, factor),
    )
    warm = np.ones(len(health.quality), dtype=np.bool_)
    return decide_states(scaled, warm=warm, settings=columns.settings.policy, adoption=None)


# by the package's own rule, which looks whether the market is restless: at that nothing is multiplied
def _broken_relations(columns: OurColumns, factor: float) -> NDArray[np.uint32]:
    rows = len(columns.relation_slow)
    relations = columns.limits.relations
    health = gathered(
        drift=replace(DriftColumns.empty(rows), relation_slow=columns.relation_slow),
        market=columns.market,
        limits=replace(columns.limits, relations=replace(relations, slow=factor * relations.slow)),
        quality=np.zeros(rows, dtype=np.uint32),
        accuracy=AccuracyColumns.unknown(rows, 1),
        settings=columns.settings.health,
        asked=ALL_ROWS,
    )
    return health.quality


MARKET_TOO = ScaledOurs(
    name="ours: index and market",
    about="significant drift as the package latches it: the index of a series, with the margin for new candles, or a "
    "shift of the market",
    reasons=Reason.PSI_SIGNIFICANT | Reason.MARKET_SIGNIFICANT,
)
RELATIONS_TOO = ScaledOurs(
    name="ours: relations, too",
    about="the same, or a feature that no longer moves with its partners while the market is calm",
    reasons=Reason.PSI_SIGNIFICANT | Reason.MARKET_SIGNIFICANT | Reason.RELATION_BROKEN,
)

__all__ = ["MARKET_TOO", "RELATIONS_TOO", "ScaledOurs"]
