"""Fits a bundle: estimator, honest validation, out-of-fold reference, golden sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.model.bundle import GoldenCandles, GoldenSample, ModelBundle, ModelTask
from tradai_lifecycle.monitor.fitting import fit_pair_reference
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.monitor.reference import ReferenceProfile
from tradai_lifecycle.retraining.progress import OnProgress, TrainingProgress, TrainingStage, counted, silent
from tradai_lifecycle.retraining.validation import HeldOut, validation_metrics

FloatArray = NDArray[np.float64]

#: Share of the newest candles that the validation holds out.
VALIDATION_SHARE = 0.2
FOLDS = 5
GOLDEN_ROWS = 64


class TrainingDataError(ConfigurationError):
    """The candles do not make a training set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSample:
    """One pair's training candles in time order: features (n, n_features), target (n,), candles (n,).

    `golden` are the newest of these candles as the feature code gets them; None where they were not kept of this pair.
    """

    pair: str
    dates_ns: NDArray[np.int64]
    features: FloatArray
    target: FloatArray
    candles: Candles
    golden: GoldenCandles | None = None

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows with finite features and a target that says a direction."""
        return np.asarray(np.isfinite(self.features).all(axis=1) & np.isfinite(self.target) & (self.target != 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What is trained, on what terms."""

    name: str
    estimator: Any
    task: ModelTask
    feature_names: tuple[str, ...]
    horizon_candles: int
    timeframe: str
    candle_ns: int
    window_candles: int
    #: what the fast alarms are chosen by
    maximum_share_of_time_reduced: float
    #: predictions of at most this size are not scored in validation, as they are not by the bot
    prediction_dead_band: float = 0.0


def train_bundle(samples: Sequence[PairSample], plan: TrainingPlan, *, on_progress: OnProgress = silent) -> ModelBundle:
    """Fit `plan.estimator` on all samples and return the bundle, not yet registered (version "0", no digest).

    The metrics come from a model that never saw the newest fifth of the candles; the reference of the predictions
    comes from contiguous folds, so that it is as unsure as live predictions are. The final model sees every row.
    Raises TrainingDataError where a pair is too short, or a class or every direction is missing.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - beside the estimators

    _require_enough(samples, plan)
    # one thread: beside a running bot, threads that wait for each other cost more than they gain
    with threadpool_limits(limits=1, user_api="openmp"):
        on_progress(TrainingProgress(stage=TrainingStage.VALIDATION))
        metrics = _validated(samples, plan)
        on_progress(TrainingProgress(stage=TrainingStage.FINAL_FIT))
        estimator = _fitted(plan, samples, [sample.usable for sample in samples])
        out_of_fold = _out_of_fold(samples, plan, on_progress)
    profile = ReferenceProfile(
        window_candles=plan.window_candles,
        feature_names=plan.feature_names,
        pairs=tuple(
            fit_pair_reference(
                pair=sample.pair,
                features=sample.features,
                feature_names=plan.feature_names,
                prediction=predicted,
                candles=sample.candles,
                window_candles=plan.window_candles,
                maximum_share_of_time_reduced=plan.maximum_share_of_time_reduced,
            )
            for sample, predicted in counted(
                list(zip(samples, out_of_fold, strict=True)), TrainingStage.REFERENCES, on_progress
            )
        ),
    )
    return _with_golden_sample(_bundle(samples, plan, estimator, profile, metrics), samples)


def _bundle(
    samples: Sequence[PairSample],
    plan: TrainingPlan,
    estimator: Any,
    profile: ReferenceProfile,
    metrics: Mapping[str, float],
    golden: GoldenSample | None = None,
) -> ModelBundle:
    # the target of the last row reads `horizon` candles on: the model knows everything before `trained_until`
    newest = max(int(sample.dates_ns[sample.usable][-1]) for sample in samples)
    until = newest + (plan.horizon_candles + 1) * plan.candle_ns
    empty = GoldenSample(features=np.empty((0, len(plan.feature_names))), predictions=np.empty(0))
    return ModelBundle(
        name=plan.name,
        version="0",
        run_id=None,
        digest="",
        estimator=estimator,
        task=plan.task,
        feature_names=plan.feature_names,
        horizon_candles=plan.horizon_candles,
        timeframe=plan.timeframe,
        trained_from=_moment(min(int(sample.dates_ns[0]) for sample in samples)),
        trained_until=_moment(until),
        training_pairs=tuple(sample.pair for sample in samples),
        profile=profile,
        golden=golden or empty,
        metrics=metrics,
    )


def _with_golden_sample(bundle: ModelBundle, samples: Sequence[PairSample]) -> ModelBundle:
    rows = np.concatenate([sample.features[sample.usable] for sample in samples])
    chosen = rows[np.linspace(0, len(rows) - 1, min(GOLDEN_ROWS, len(rows))).astype(np.int64)]
    values = {name: getattr(bundle, name) for name in bundle.__dataclass_fields__}
    golden = GoldenSample(features=chosen, predictions=bundle.predict(chosen))
    return ModelBundle(**{**values, "golden": golden, "golden_candles": _golden_candles(samples)})


# What one pair cannot show of a feature is left out for all: the code is one.
def _golden_candles(samples: Sequence[PairSample]) -> GoldenCandles | None:
    kept = [sample.golden for sample in samples if sample.golden is not None]
    if not kept:
        return None
    return GoldenCandles(
        pairs=tuple(pair for golden in kept for pair in golden.pairs),
        unchecked={name: why for golden in kept for name, why in golden.unchecked.items()},
        problem="; ".join(dict.fromkeys(golden.problem for golden in kept if golden.problem)),
    )


def _require_enough(samples: Sequence[PairSample], plan: TrainingPlan) -> None:
    if not samples:
        raise TrainingDataError("There is no pair to train on. Next: check pair_whitelist and download the candles.")
    for sample in samples:
        usable = int(sample.usable.sum())
        if len(sample.features) < 4 * plan.window_candles or usable < 2 * plan.window_candles:
            raise TrainingDataError(
                f"{sample.pair} has {len(sample.features)} candles, {usable} of them usable; training needs at least "
                f"{4 * plan.window_candles} (4 x window_candles) and {2 * plan.window_candles} usable. "
                f"Next: download more candles or widen --timerange."
            )
    if len(np.unique(np.concatenate([np.sign(sample.target[sample.usable]) for sample in samples]))) < 2:
        raise TrainingDataError("The target knows one direction only. Next: check populate_target.")


def _labels(target: FloatArray, task: ModelTask) -> FloatArray:
    return np.sign(target) if task is ModelTask.CLASSIFICATION else target


def _fitted(plan: TrainingPlan, samples: Sequence[PairSample], rows: Sequence[NDArray[np.bool_]]) -> Any:
    from sklearn.base import clone  # noqa: PLC0415 - scikit-learn takes seconds to import

    features = np.concatenate([sample.features[chosen] for sample, chosen in zip(samples, rows, strict=True)])
    target = np.concatenate([sample.target[chosen] for sample, chosen in zip(samples, rows, strict=True)])
    return clone(plan.estimator).fit(features, _labels(target, plan.task))


def _scores(plan: TrainingPlan, samples: Sequence[PairSample], estimator: Any, features: FloatArray) -> FloatArray:
    profile = ReferenceProfile(window_candles=plan.window_candles, feature_names=plan.feature_names, pairs=())
    return _bundle(samples, plan, estimator, profile, {}).predict(features)


def _validated(samples: Sequence[PairSample], plan: TrainingPlan) -> dict[str, float]:
    newest = max(int(sample.dates_ns[-1]) for sample in samples)
    oldest = min(int(sample.dates_ns[0]) for sample in samples)
    split = newest - int((newest - oldest) * VALIDATION_SHARE)
    # the last training targets must not read candles of the validation
    gap = plan.horizon_candles * plan.candle_ns
    before = [sample.usable & (sample.dates_ns < split - gap) for sample in samples]
    after = [sample.usable & (sample.dates_ns >= split) for sample in samples]
    if not any(rows.any() for rows in after) or not all(rows.any() for rows in before):
        return {}
    estimator = _fitted(plan, samples, before)
    metrics = validation_metrics(
        [_held_out(plan, samples, estimator, sample, rows, split) for sample, rows in zip(samples, after, strict=True)],
        horizon_candles=plan.horizon_candles,
        candle_ns=plan.candle_ns,
        dead_band=plan.prediction_dead_band,
    )
    if metrics:
        metrics["training_rows"] = float(sum(int(sample.usable.sum()) for sample in samples))
    return metrics


def _held_out(
    plan: TrainingPlan,
    samples: Sequence[PairSample],
    estimator: Any,
    sample: PairSample,
    rows: NDArray[np.bool_],
    split: int,
) -> HeldOut:
    scores = np.full(len(rows), np.nan)
    scores[rows] = _scores(plan, samples, estimator, sample.features[rows])
    seen = sample.dates_ns >= split
    return HeldOut(pair=sample.pair, dates_ns=sample.dates_ns[seen], scores=scores[seen], outcomes=sample.target[seen])


def _out_of_fold(samples: Sequence[PairSample], plan: TrainingPlan, on_progress: OnProgress) -> list[FloatArray]:
    edges = [np.linspace(0, len(sample.features), FOLDS + 1).astype(np.int64) for sample in samples]
    predicted = [np.full(len(sample.features), np.nan) for sample in samples]
    for fold in counted(range(FOLDS), TrainingStage.FOLDS, on_progress):
        held_out = [
            _between(len(sample.features), cut[fold], cut[fold + 1]) for sample, cut in zip(samples, edges, strict=True)
        ]
        rows = [sample.usable & ~held for sample, held in zip(samples, held_out, strict=True)]
        estimator = _fitted(plan, samples, rows)
        for sample, held, into in zip(samples, held_out, predicted, strict=True):
            fit = held & np.isfinite(sample.features).all(axis=1)
            into[fit] = _scores(plan, samples, estimator, sample.features[fit])
    return predicted


def _between(rows: int, start: int, end: int) -> NDArray[np.bool_]:
    positions = np.arange(rows)
    return np.asarray((positions >= start) & (positions < end))


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, tz=UTC)


__all__ = ["PairSample", "TrainingDataError", "TrainingPlan", "train_bundle"]
