"""Health of a batch of live frames as a share of the strategy's own work for the same batch."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.features import HORIZON, WARM_UP, direction, fifty_features
from benchmarks.judging import judge_settings
from benchmarks.rows import Bound, Row
from benchmarks.slot import trained_bundle
from benchmarks.timing import Paired, seconds
from tradai_lifecycle.model import ModelBundle, ModelTask
from tradai_lifecycle.monitor import HealthColumns, ReferenceProfile, RollingHealth, fit_pair_reference
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states
from tradai_lifecycle.sandbox import build_market
from tradai_lifecycle.strategy.columns import (
    ActiveVersion,
    Frame,
    HealthMemory,
    JudgeSettings,
    judge_frame,
    write_columns,
)
from tradai_lifecycle.strategy.frame import build_frame

PAIRS, TRAINING, TURNS = 20, 6_000, 28
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFrame:
    """One pair's frame at one candle, with what the strategy made of it."""

    candles: pd.DataFrame
    frame: Frame
    prediction: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """One live frame per pair at each of some candles in a row, each computed from its own candles as a bot does."""

    in_turn: list[list[LiveFrame]]
    bundle: ModelBundle
    settings: JudgeSettings


def rows() -> list[Row]:
    """The monitors and the policy, then everything the lifecycle does to a batch, each against the strategy's work.

    Batch follows batch, a candle apart, as in a running bot; the first, with nothing to go on from, is shown beside
    them.
    """
    batches = _batches()
    first, health = _health_of_batches(batches)
    whole = _whole_of_batches(batches)
    candles, features = batches.in_turn[0][0].frame.features.shape
    size = f"{PAIRS} pairs x {candles:,} candles x {features} features"
    return [
        Row(
            name="health of a batch / its features and prediction",
            figure=100 * health.ratio,
            unit=" %",
            digits=1,
            bound=Bound(most=10),
            measured=f"{size}, one process, median of {health.turns} batches a candle apart: "
            f"{1e3 * health.other:.1f} ms of {1e3 * health.base:.0f} ms (the first batch after a start or swap: "
            f"{1e3 * first:.0f} ms)",
            details={
                "health_ms": 1e3 * health.other,
                "strategy_ms": 1e3 * health.base,
                "first_health_ms": 1e3 * first,
            },
        ),
        Row(
            name="all the lifecycle does to a batch / its features and prediction",
            figure=100 * (whole.ratio - 1.0),
            unit=" %",
            digits=1,
            measured="the same, with frame, target and columns: everything of populate_indicators beyond the "
            f"strategy's own {1e3 * whole.base:.0f} ms",
            details={"whole_ms": 1e3 * whole.other, "strategy_ms": 1e3 * whole.base},
        ),
    ]


def _health_of_batches(batches: Batches) -> tuple[float, Paired]:
    """Seconds of the first batch's health, and health against the strategy's work over the batches after it."""
    memories = [rolling(batches) for _ in range(PAIRS)]
    first = seconds(lambda: _health_work(batches, memories, batches.in_turn[0]))
    base, other = [], []
    for batch in batches.in_turn[1:]:
        base.append(seconds(lambda batch=batch: _strategy_work(batches, batch)))
        other.append(seconds(lambda batch=batch: _health_work(batches, memories, batch)))
    return first, Paired.of(base, other)


def _whole_of_batches(batches: Batches) -> Paired:
    memory, base, other = HealthMemory(), [], []
    _whole_work(batches, memory, batches.in_turn[0])
    for batch in batches.in_turn[1:]:
        base.append(seconds(lambda batch=batch: _strategy_work(batches, batch)))
        other.append(seconds(lambda batch=batch: _whole_work(batches, memory, batch)))
    return Paired.of(base, other)


def _strategy_work(batches: Batches, batch: list[LiveFrame]) -> None:
    for live in batch:
        featured = fifty_features(live.candles.copy())
        values = featured[list(batches.bundle.feature_names)].to_numpy(dtype=np.float64)
        batches.bundle.raw_scores(values[WARM_UP:])


def _health_work(batches: Batches, memories: list[RollingHealth], batch: list[LiveFrame]) -> None:
    for memory, live in zip(memories, batch, strict=True):
        judged(live, memory, batches)


def rolling(batches: Batches) -> RollingHealth:
    """What a bot keeps of one pair."""
    return RollingHealth(batches.bundle.profile.pairs[0], batches.settings.health)


def judged(live: LiveFrame, memory: RollingHealth, batches: Batches) -> tuple[HealthColumns, StateColumns]:
    """Health and states of one live frame whose prediction is known."""
    frame = live.frame
    health = memory.assess(
        features=frame.features,
        prediction=live.prediction,
        fit=np.isfinite(live.prediction),
        realised=frame.realised,
        dates_ns=frame.dates_ns,
        candles=frame.candles,
        trained_until_ns=int(batches.bundle.trained_until.timestamp()) * 10**9,
        asked=batches.settings.asked(len(frame)),
    )
    warm = np.arange(len(frame)) >= batches.settings.predecessors
    return health, decide_states(health, warm=warm, settings=batches.settings.policy, adoption=None)


def _whole_work(batches: Batches, memory: HealthMemory, batch: list[LiveFrame]) -> None:
    strategy, version = _strategy(), (ActiveVersion(bundle=batches.bundle),)
    for pair, live in enumerate(batch):
        featured, frame = build_frame(strategy, live.candles.copy(), {"pair": "BTC/USDT"})
        # all pairs are parts of one market with one reference; each has a memory of its own
        named = replace(frame, pair=f"BTC/USDT:{pair}")
        write_columns(featured, judge_frame(named, version, batches.settings, memory))


def _strategy() -> Any:
    return SimpleNamespace(
        horizon_candles=HORIZON,
        populate_features=lambda candles, _: fifty_features(candles),
        populate_target=lambda candles, _: direction(candles),
    )


def _batches() -> Batches:
    settings, startup = judge_settings("1h")
    apart = startup + TURNS + 1
    market = build_market(5, ["BTC/USDT"], "1h", START, TRAINING + PAIRS * apart)["BTC/USDT"]
    _, frame = build_frame(_strategy(), market.copy(), {"pair": "BTC/USDT"})
    features, target = frame.features[WARM_UP:TRAINING], frame.realised[WARM_UP:TRAINING]
    up_or_down = target != 0.0
    estimator = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    estimator.fit(features[up_or_down], target[up_or_down])
    bundle = _bundle(frame, estimator)
    starts = range(TRAINING, TRAINING + PAIRS * apart, apart)
    return Batches(
        in_turn=[
            [_live_frame(market.iloc[start + turn : start + turn + startup], bundle) for start in starts]
            for turn in range(TURNS + 1)
        ],
        bundle=bundle,
        settings=settings,
    )


def _live_frame(part: pd.DataFrame, bundle: ModelBundle) -> LiveFrame:
    candles = part.reset_index(drop=True)
    _, frame = build_frame(_strategy(), candles.copy(), {"pair": "BTC/USDT"})
    prediction = np.concatenate([np.full(WARM_UP, np.nan), bundle.raw_scores(frame.features[WARM_UP:])])
    return LiveFrame(candles=candles, frame=frame, prediction=prediction)


def _bundle(frame: Frame, estimator: Any) -> ModelBundle:
    features = frame.features[WARM_UP:TRAINING]
    reference = fit_pair_reference(
        pair="BTC/USDT",
        features=features,
        feature_names=frame.feature_names,
        prediction=estimator.predict_proba(features)[:, 1],
        candles=frame.candles.rows(slice(WARM_UP, TRAINING)),
        window_candles=500,
        maximum_share_of_time_reduced=0.1,
    )
    return replace(
        trained_bundle(),
        estimator=estimator,
        task=ModelTask.CLASSIFICATION,
        feature_names=frame.feature_names,
        profile=ReferenceProfile(
            window_candles=500,
            feature_names=frame.feature_names,
            pairs=(reference, *(replace(reference, pair=f"BTC/USDT:{pair}") for pair in range(PAIRS))),
        ),
        trained_until=START,
    )


__all__ = ["rows"]
