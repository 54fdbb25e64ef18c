"""Health of a batch of live frames as a share of the strategy's own work for the same batch."""

from collections.abc import Callable
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
from benchmarks.timing import in_turns
from tradai_lifecycle.model import ModelBundle, ModelTask
from tradai_lifecycle.monitor import HealthColumns, ReferenceProfile, assess, fit_pair_reference
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states
from tradai_lifecycle.sandbox import build_market
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, JudgeSettings, judge_frame, write_columns
from tradai_lifecycle.strategy.frame import build_frame

PAIRS, TRAINING, TURNS = 20, 6_000, 7
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One live frame per pair, with what the strategy made of it."""

    candles: list[pd.DataFrame]
    featured: list[pd.DataFrame]
    frames: list[Frame]
    predictions: list[NDArray[np.float64]]
    bundle: ModelBundle
    settings: JudgeSettings


def rows() -> list[Row]:
    """The monitors and the policy, then everything the lifecycle does to a batch, each against the strategy's work."""
    batch = _batch()
    own = _strategy_work(batch)
    health, whole = in_turns(own, _health_work(batch), TURNS, warm_up=1), in_turns(own, _whole_work(batch), TURNS)
    candles, features = batch.frames[0].features.shape
    size = f"{PAIRS} pairs x {candles:,} candles x {features} features"
    return [
        Row(
            name="health of a batch / its features and prediction",
            figure=100 * health.ratio,
            unit=" %",
            digits=1,
            bound=Bound(most=10),
            measured=f"{size}, one process, median of {health.turns} turns: "
            f"{1e3 * health.other:.0f} ms of {1e3 * health.base:.0f} ms",
            details={"health_ms": 1e3 * health.other, "strategy_ms": 1e3 * health.base},
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


def _strategy_work(batch: Batch) -> Callable[[], None]:
    def work() -> None:
        for candles in batch.candles:
            featured = fifty_features(candles.copy())
            values = featured[list(batch.bundle.feature_names)].to_numpy(dtype=np.float64)
            batch.bundle.raw_scores(values[WARM_UP:])

    return work


def _health_work(batch: Batch) -> Callable[[], None]:
    def work() -> None:
        for frame, prediction in zip(batch.frames, batch.predictions, strict=True):
            judged(frame, prediction, batch)

    return work


def judged(frame: Frame, prediction: NDArray[np.float64], batch: Batch) -> tuple[HealthColumns, StateColumns]:
    """Health and states of one live frame whose prediction is known."""
    health = assess(
        features=frame.features,
        prediction=prediction,
        fit=np.isfinite(prediction),
        realised=frame.realised,
        dates_ns=frame.dates_ns,
        close=frame.close,
        reference=batch.bundle.profile.pairs[0],
        settings=batch.settings.health,
        trained_until_ns=int(batch.bundle.trained_until.timestamp()) * 10**9,
    )
    warm = np.arange(len(frame)) >= batch.settings.predecessors
    return health, decide_states(health, warm=warm, settings=batch.settings.policy, adoption=None)


def _whole_work(batch: Batch) -> Callable[[], None]:
    strategy, version = _strategy(), (ActiveVersion(bundle=batch.bundle),)

    def work() -> None:
        for candles in batch.candles:
            featured, frame = build_frame(strategy, candles.copy(), {"pair": "BTC/USDT"})
            write_columns(featured, judge_frame(frame, version, batch.settings))

    return work


def _strategy() -> Any:
    return SimpleNamespace(
        horizon_candles=HORIZON,
        populate_features=lambda candles, _: fifty_features(candles),
        populate_target=lambda candles, _: direction(candles),
    )


def _batch() -> Batch:
    settings, startup = judge_settings("1h")
    market = build_market(5, ["BTC/USDT"], "1h", START, TRAINING + PAIRS * startup)["BTC/USDT"]
    _, frame = build_frame(_strategy(), market.copy(), {"pair": "BTC/USDT"})
    features, target = frame.features[WARM_UP:TRAINING], frame.realised[WARM_UP:TRAINING]
    up_or_down = target != 0.0
    estimator = HistGradientBoostingClassifier(max_iter=100, random_state=0)
    estimator.fit(features[up_or_down], target[up_or_down])
    bundle = _bundle(frame, estimator)
    starts = range(TRAINING, TRAINING + PAIRS * startup, startup)
    candles = [market.iloc[start : start + startup].reset_index(drop=True) for start in starts]
    built = [build_frame(_strategy(), part.copy(), {"pair": "BTC/USDT"}) for part in candles]
    frames = [made for _, made in built]
    warm_up = np.full(WARM_UP, np.nan)
    return Batch(
        candles=candles,
        featured=[featured for featured, _ in built],
        frames=frames,
        predictions=[np.concatenate([warm_up, bundle.raw_scores(part.features[WARM_UP:])]) for part in frames],
        bundle=bundle,
        settings=settings,
    )


def _bundle(frame: Frame, estimator: Any) -> ModelBundle:
    features = frame.features[WARM_UP:TRAINING]
    reference = fit_pair_reference(
        pair="BTC/USDT",
        features=features,
        feature_names=frame.feature_names,
        prediction=estimator.predict_proba(features)[:, 1],
        close=frame.close[WARM_UP:TRAINING],
        window_candles=500,
    )
    return replace(
        trained_bundle(),
        estimator=estimator,
        task=ModelTask.CLASSIFICATION,
        feature_names=frame.feature_names,
        profile=ReferenceProfile(window_candles=500, feature_names=frame.feature_names, pairs=(reference,)),
        trained_until=START,
    )


__all__ = ["rows"]
