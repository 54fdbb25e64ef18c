"""A model with everything that is needed to trade on it and to judge it: the unit that is swapped, never in parts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.errors import ModelRefusedError
from tradai_lifecycle.monitor.reference import ReferenceProfile
from tradai_lifecycle.states import Unchecked

#: Batches are padded to a multiple of this. Linear algebra takes other paths for other batch lengths, which changes the
#: last bits of a row's result; whole blocks of 64 rows take the same path, whatever the batch.
BATCH_ROWS = 64
_BATCH_PROOF = frozenset({"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"})


class ModelOutputError(ModelRefusedError):
    """A model answered with something that is not one finite score per row."""

    def __init__(self, label: str, problem: str) -> None:
        super().__init__(
            f"Model {label} gave no usable predictions: {problem}. They were not used. "
            f"Next: check the features of this batch; if they are sound, train the model again."
        )


class ModelTask(StrEnum):
    """What the estimator was trained to say."""

    REGRESSION = "regression"
    CLASSIFICATION = "classification"


#: The metric that says how often a model was right about the direction, on candles it had not seen in training.
VALIDATION_ACCURACY = "validation_accuracy"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenSample:
    """Feature rows (k, n_features) and the predictions (k,) the trainer's process gave for them, both float64."""

    features: NDArray[np.float64]
    predictions: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenPair:
    """One pair's newest training candles as the feature code was given them, and the features it made of them alone.

    `columns` are the frame's columns by name and in order, each of shape (k,) and of its own type; times are in UTC.
    `features` (r, n_features), r <= k, belong to the newest r candles, in the order of the bundle's feature names.
    """

    pair: str
    columns: Mapping[str, NDArray[Any]]
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenCandles:
    """What a bot's features are compared with. `problem` says why there are no pairs; `unchecked` is left out."""

    pairs: tuple[GoldenPair, ...] = ()
    unchecked: Mapping[str, Unchecked] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelBundle:
    """One version of a model, complete and immutable. `libraries` are the versions it was trained with, by name.

    The training range is half open: the first candle used is `trained_from`, the last is before `trained_until`.
    The estimator must be fitted on plain arrays in the order of `feature_names`. `golden_candles` is None in versions
    that were trained before there were any.
    """

    name: str
    version: str
    run_id: str | None
    digest: str
    estimator: object
    task: ModelTask
    feature_names: tuple[str, ...]
    horizon_candles: int
    timeframe: str
    trained_from: datetime
    trained_until: datetime
    training_pairs: tuple[str, ...]
    profile: ReferenceProfile
    golden: GoldenSample
    metrics: Mapping[str, float]
    libraries: Mapping[str, str] = field(default_factory=dict)
    golden_candles: GoldenCandles | None = None

    @property
    def label(self) -> str:
        """The version as shown and stored in columns: "v7"."""
        return f"v{self.version}"

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """One signed score per row of `features` (n_rows, n_features): positive means up, negative means down.

        A regressor's score is its prediction; a classifier's is 2p - 1, with p the probability of its positive (the
        larger) class, so it lies in [-1, 1]. A row's score does not depend on the rest of its batch. No rows give an
        empty array. Runs on one OpenMP thread: a bot shares its cores, and small batches lose more than they gain.

        Raises ValueError for another shape, ModelOutputError when a score is not finite. NaN among the features is
        the estimator's affair: trees take it, linear models raise ValueError.
        """
        scores = self.raw_scores(features)
        if not np.isfinite(scores).all():
            raise ModelOutputError(self.label, f"{np.count_nonzero(~np.isfinite(scores))} of {len(scores)} not finite")
        return scores

    def raw_scores(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """As `predict`, but a score may be NaN or infinite: for callers that judge each row by itself."""
        rows = np.ascontiguousarray(features, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.feature_names):
            raise ValueError(f"features have shape {rows.shape}, but {self.label} needs (n, {len(self.feature_names)})")
        if len(rows) == 0:
            return np.empty(0, dtype=np.float64)
        with _one_openmp_thread():
            return self._scores(rows if _is_batch_proof(self.estimator) else _padded(rows))[: len(rows)]

    # The estimator's answer for a padded batch, as float64 of the batch's length.
    def _scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        estimator: Any = self.estimator
        if self.task is ModelTask.REGRESSION:
            scores = np.asarray(estimator.predict(rows), dtype=np.float64).reshape(-1)
        else:
            classes = list(estimator.classes_)
            if len(classes) != 2:
                raise ModelOutputError(self.label, f"the classifier knows {len(classes)} classes, not 2")
            probabilities = np.asarray(estimator.predict_proba(rows), dtype=np.float64)
            scores = 2.0 * probabilities[:, classes.index(max(classes))] - 1.0
        if len(scores) != len(rows):
            raise ModelOutputError(self.label, f"{len(scores)} scores for {len(rows)} rows")
        return scores


# Trees compare, they do not add up along the batch: no padding makes them more alike than they are.
def _is_batch_proof(estimator: object) -> bool:
    return type(estimator).__name__ in _BATCH_PROOF


def _padded(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    missing = -len(rows) % BATCH_ROWS
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing else rows


# The limit of OpenMP is a property of the calling thread, so it is set round each call and not once per process. BLAS
# is left alone: its limit is one number for the whole process, and two threads that set and reset it would race.
@contextmanager
def _one_openmp_thread() -> Iterator[None]:
    before = [(library, library.get_num_threads()) for library in _openmp()]
    for library, _ in before:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, threads in before:
            library.set_num_threads(threads)


# Found once, at the first prediction: by then the estimator's libraries are loaded. Set directly, a limit costs a
# microsecond; through the controller's own context it costs ten, and with a new controller four milliseconds.
@cache
def _openmp() -> tuple[Any, ...]:
    import sklearn.ensemble  # noqa: F401, PLC0415 - loads the OpenMP library the trees run on
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415

    return tuple(library for library in ThreadpoolController().lib_controllers if library.user_api == "openmp")


__all__ = [
    "BATCH_ROWS",
    "VALIDATION_ACCURACY",
    "GoldenCandles",
    "GoldenPair",
    "GoldenSample",
    "ModelBundle",
    "ModelOutputError",
    "ModelTask",
]
