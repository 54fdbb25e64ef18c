"""The three kinds of model that are measured, trained as the package trains them on the twenty usual features."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pandas as pd

from benchmarks.features import HORIZON, WARM_UP, direction, usual_features
from benchmarks.judging import judge_settings
from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.model import ModelBundle
from tradai_lifecycle.retraining.estimators import make_estimator
from tradai_lifecycle.retraining.training import PairSample, TrainingPlan, train_bundle
from tradai_lifecycle.strategy.columns import Frame
from tradai_lifecycle.strategy.frame import build_frame

BOOSTED = "boosted trees"
#: scikit-learn's class, and the parameters that differ from its defaults; leaves are large, for the labels are noise.
MODELS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "logistic": ("LogisticRegression", {}),
    BOOSTED: ("HistGradientBoostingClassifier", {"max_iter": 100}),
    "forest": (
        "RandomForestClassifier",
        {"n_estimators": 50, "max_depth": 6, "min_samples_leaf": 200, "max_samples": 0.25},
    ),
}


def frame_of(candles: pd.DataFrame, pair: str) -> Frame:
    """The arrays to judge of one pair's candles, which are left as they are; the target is unknown at the end."""
    strategy: Any = SimpleNamespace(
        horizon_candles=HORIZON,
        populate_features=lambda frame, _: usual_features(frame),
        populate_target=lambda frame, _: direction(frame),
    )
    return build_frame(strategy, candles.reset_index(drop=True), {"pair": pair})[1]


def trained(frames: Sequence[Frame], model: str, *, timeframe: str, window_candles: int) -> ModelBundle:
    """One bundle on all frames but for the warm-up rows they begin with; `model` is a key of MODELS, the seed is 0."""
    name, parameters = MODELS[model]
    estimator, task = make_estimator(name, parameters, seed=0)
    plan = TrainingPlan(
        name="benchmark",
        estimator=estimator,
        task=task,
        feature_names=frames[0].feature_names,
        horizon_candles=HORIZON,
        timeframe=timeframe,
        candle_ns=candle_seconds(timeframe) * 10**9,
        window_candles=window_candles,
        maximum_share_of_time_reduced=judge_settings(timeframe)[0].health.maximum_share_of_time_reduced,
    )
    return train_bundle([_sample(frame) for frame in frames], plan)


def _sample(frame: Frame) -> PairSample:
    fit = slice(WARM_UP, None)
    return PairSample(
        pair=frame.pair,
        dates_ns=frame.dates_ns[fit],
        features=frame.features[fit],
        target=frame.realised[fit],
        candles=frame.candles.rows(fit),
    )


__all__ = ["BOOSTED", "MODELS", "frame_of", "trained"]
