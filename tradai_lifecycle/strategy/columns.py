"""Health and state of a whole dataframe, vectorised and causal: what live, backtest and rehearsal share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradai_lifecycle.errors import LifecycleError
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.validation import validated_accuracy
from tradai_lifecycle.monitor.health import EvidenceAsked, HealthColumns, assess
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.rolling_health import RollingHealth
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.policy.trading_state import (
    AdoptionPoint,
    PolicySettings,
    StateColumns,
    decide_states,
    drift_policy_memory_candles,
    policy_memory_candles,
)
from tradai_lifecycle.states import Reason, Severity, TradingState

#: The columns every analysed dataframe gets, in every mode and whatever happens.
LIFECYCLE_COLUMNS = (
    "prediction",
    "do_predict",
    "model_version",
    "drift_severity",
    "psi_max",
    "accuracy",
    "trading_state",
    "stake_ratio",
)
NO_VERSION = "none"
FloatColumn = NDArray[np.float64]
Kind = TypeVar("Kind", bound=np.generic)


class PredictionFailedError(LifecycleError):
    """The model in charge could not predict a frame."""

    def __init__(self, version: str, error: Exception) -> None:
        super().__init__(f"Model {version} failed to predict: {error}. Next: `tradai rollback`, or train a new model.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the judge needs of one pair's dataframe, as plain arrays in the dataframe's row order."""

    pair: str
    dates_ns: NDArray[np.int64]
    candles: Candles
    feature_names: tuple[str, ...]
    features: FloatColumn
    realised: FloatColumn

    @property
    def close(self) -> FloatColumn:
        """The closing prices."""
        return self.candles.close

    def __len__(self) -> int:
        return len(self.dates_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveVersion:
    """A bundle and the rows it decides: from `adopted_ns` (open time) until the next one's.

    `state_before` is each pair's automatic state at the candle before the adoption; pairs it lacks were not paused.
    `drift_resets_ns` are the candles, ascending, from which an operator had drift count anew. With a `fault` known
    against it, the version judges nothing: its rows are neutral and paused for that.
    """

    bundle: ModelBundle
    adopted_ns: int | None = None
    state_before: Mapping[str, TradingState] = field(default_factory=dict)
    drift_resets_ns: tuple[int, ...] = ()
    fault: Reason = Reason.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """Everything the judgement of a frame depends on besides the frame and the versions."""

    health: HealthSettings
    policy: PolicySettings
    predecessors: int
    feature_warm_up: int
    reduced_stake_ratio: float

    def asked(self, rows: int) -> EvidenceAsked:
        """The evidence that the warm rows of a frame depend on; with no warm row, what its newest would."""
        first, drift = max(0, min(self.predecessors, rows - 1)), drift_policy_memory_candles(self.policy)
        return EvidenceAsked(
            runs_from=max(0, first - max(drift, policy_memory_candles(self.policy))),
            drift_from=max(0, first - drift),
            quality_from=max(0, first - self.policy.recovery),
            # a breach is held for as long, and what it corroborates is followed by as much of reduced
            accuracy_from=max(0, first - 2 * self.policy.recovery + 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One pair's judged frame: each array has one entry per candle.

    `scores` are the model's own, NaN in rows that it was not asked about or has no finite answer for.
    """

    pair: str
    dates_ns: NDArray[np.int64]
    scores: FloatColumn
    prediction: FloatColumn
    do_predict: NDArray[np.int8]
    version: NDArray[np.int16]
    versions: tuple[str, ...]
    states: StateColumns
    psi_max: FloatColumn
    significant_ratio: FloatColumn
    accuracy: FloatColumn
    accuracy_lower: FloatColumn
    accuracy_upper: FloatColumn
    effective_predictions: FloatColumn
    worst_series: NDArray[np.int16]
    stake_ratio: FloatColumn

    def __len__(self) -> int:
        return len(self.dates_ns)

    def version_at(self, row: int) -> str:
        """The label of the version that decided `row`, such as v7."""
        return self.versions[int(self.version[row])]


def judge_frame(
    frame: Frame, versions: Sequence[ActiveVersion], settings: JudgeSettings, memory: "HealthMemory | None" = None
) -> Judgement:
    """Predict and judge every row of `frame`; each row by the version that was active at its candle.

    Rows before the first adoption are judged by the first version. Every version judges the whole frame, so that a
    row's state is that of a bot which had this version all along. A `memory` makes frames that go on from the last one
    cheap, and changes nothing.
    """
    if not versions:
        return neutral_judgement(frame.pair, frame.dates_ns, Reason.MODEL_MISSING)
    starts = [_first_row(frame, version) for version in versions[1:]]
    bounds = [0, *starts, len(frame)]
    whole = [_judge_by_one(frame, version, settings, memory) for version in versions]
    if len(whole) == 1:
        return whole[0]
    return _spliced(whole, bounds)


def neutral_judgement(pair: str, dates_ns: NDArray[np.int64], reason: Reason) -> Judgement:
    """A frame that carries no prediction: every row neutral and paused for `reason`."""
    rows = len(dates_ns)
    return Judgement(
        pair=pair,
        dates_ns=dates_ns,
        scores=np.full(rows, np.nan),
        prediction=np.zeros(rows),
        do_predict=np.zeros(rows, dtype=np.int8),
        version=np.zeros(rows, dtype=np.int16),
        versions=(NO_VERSION,),
        states=StateColumns(
            severity=np.full(rows, Severity.NONE, dtype=np.int8),
            state=np.full(rows, TradingState.PAUSED, dtype=np.int8),
            reasons=np.full(rows, reason, dtype=np.uint32),
            retraining=np.zeros(rows, dtype=np.bool_),
        ),
        psi_max=np.full(rows, np.nan),
        significant_ratio=np.full(rows, np.nan),
        accuracy=np.full(rows, np.nan),
        accuracy_lower=np.full(rows, np.nan),
        accuracy_upper=np.full(rows, np.nan),
        effective_predictions=np.zeros(rows),
        worst_series=np.full(rows, -1, dtype=np.int16),
        stake_ratio=np.zeros(rows),
    )


def write_columns(dataframe: pd.DataFrame, judgement: Judgement) -> pd.DataFrame:
    """A copy of `dataframe` with the lifecycle's columns; version, severity and state as categories."""
    states = judgement.states
    columns: Mapping[str, object] = {
        "prediction": judgement.prediction,
        "do_predict": judgement.do_predict.astype(np.int64),
        "model_version": _category(judgement.version, judgement.versions),
        "drift_severity": _category(states.severity, [level.label for level in Severity]),
        "psi_max": judgement.psi_max,
        "accuracy": judgement.accuracy,
        "trading_state": _category(states.state, [state.label for state in TradingState]),
        "stake_ratio": judgement.stake_ratio,
    }
    kept = dataframe.drop(columns=[name for name in LIFECYCLE_COLUMNS if name in dataframe.columns])
    return pd.concat([kept, pd.DataFrame(columns, index=dataframe.index)], axis=1)


def moment(nanoseconds: int) -> datetime:
    """Nanoseconds since the epoch as an aware UTC datetime, to the second."""
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000, tz=UTC)


def _category(codes: Any, labels: Sequence[str]) -> Any:
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(labels)))


def _judge_by_one(
    frame: Frame, active: ActiveVersion, settings: JudgeSettings, memory: "HealthMemory | None"
) -> Judgement:
    bundle = active.bundle
    if frame.feature_names != bundle.feature_names:
        return neutral_judgement(frame.pair, frame.dates_ns, Reason.SCHEMA_MISMATCH)
    if active.fault:
        return neutral_judgement(frame.pair, frame.dates_ns, active.fault)
    reference = bundle.profile.pair(frame.pair)
    if reference is None:
        return neutral_judgement(frame.pair, frame.dates_ns, Reason.NO_REFERENCE)
    rows = np.arange(len(frame))
    # rows inside the features' own warm-up hold values that a longer frame would not
    asked = np.isfinite(frame.features).all(axis=1) & (rows >= settings.feature_warm_up)
    prediction = np.full(len(frame), np.nan)
    prediction[asked] = _predict(bundle, frame.features[asked])
    # a score that is not finite spoils its own row, in a batch of one as in a batch of years
    fit = asked & np.isfinite(prediction)
    prediction[~fit] = np.nan
    health = _assessor(memory, frame.pair, bundle, reference, settings)(
        features=frame.features,
        prediction=prediction,
        fit=fit,
        realised=frame.realised,
        dates_ns=frame.dates_ns,
        candles=frame.candles,
        # the range is half open, the monitor's bound is the last candle known
        trained_until_ns=int(bundle.trained_until.timestamp()) * 1_000_000_000 - 1,
        asked=settings.asked(len(frame)),
        validated=validated_accuracy(bundle.metrics, frame.pair, dead_band=settings.health.prediction_dead_band),
    )
    not_finite = np.where(asked & ~fit, np.uint32(Reason.NOT_FINITE), np.uint32(0))
    health = replace(health, quality=health.quality | not_finite)
    warm = rows >= settings.predecessors
    states = decide_states(
        health,
        warm=warm,
        settings=settings.policy,
        adoption=_adoption_point(frame, active),
        drift_resets=[int(np.searchsorted(frame.dates_ns, reset)) for reset in active.drift_resets_ns],
    )
    return _judgement(frame, bundle, prediction, fit & warm, health, states, settings)


def _assessor(
    memory: "HealthMemory | None",
    pair: str,
    bundle: ModelBundle,
    reference: PairReference,
    settings: JudgeSettings,
) -> Callable[..., HealthColumns]:
    if memory is None:
        return partial(assess, reference=reference, settings=settings.health)
    return memory.of(pair, bundle, reference, settings.health).assess


class HealthMemory:
    """What a running bot keeps of its newest frames, by pair; that of another model is let go of."""

    def __init__(self) -> None:
        self._bundle: ModelBundle | None = None
        self._kept: dict[str, RollingHealth] = {}

    def of(self, pair: str, bundle: ModelBundle, reference: PairReference, settings: HealthSettings) -> RollingHealth:
        """The pair's health by this model, going on from its last frame where there was one."""
        if self._bundle is not bundle:
            self._bundle, self._kept = bundle, {}
        if pair not in self._kept:
            self._kept[pair] = RollingHealth(reference, settings)
        return self._kept[pair]


def _predict(bundle: ModelBundle, features: FloatColumn) -> FloatColumn:
    try:
        return bundle.raw_scores(features)
    except Exception as error:
        raise PredictionFailedError(bundle.label, error) from error


def _judgement(
    frame: Frame,
    bundle: ModelBundle,
    prediction: FloatColumn,
    predicted: NDArray[np.bool_],
    health: HealthColumns,
    states: StateColumns,
    settings: JudgeSettings,
) -> Judgement:
    ratios = np.array([1.0, settings.reduced_stake_ratio, 0.0])
    return Judgement(
        pair=frame.pair,
        dates_ns=frame.dates_ns,
        scores=prediction,
        prediction=np.where(predicted, prediction, 0.0),
        do_predict=predicted.astype(np.int8),
        version=np.zeros(len(frame), dtype=np.int16),
        versions=(bundle.label,),
        states=states,
        psi_max=health.psi_max,
        significant_ratio=health.significant_ratio,
        accuracy=health.accuracy,
        accuracy_lower=health.accuracy_lower,
        accuracy_upper=health.accuracy_upper,
        effective_predictions=health.effective_predictions,
        worst_series=health.worst_series,
        stake_ratio=ratios[states.state],
    )


def _first_row(frame: Frame, version: ActiveVersion) -> int:
    return 0 if version.adopted_ns is None else int(np.searchsorted(frame.dates_ns, version.adopted_ns))


def _adoption_point(frame: Frame, active: ActiveVersion) -> AdoptionPoint | None:
    if active.adopted_ns is None:
        return None
    row = _first_row(frame, active)
    if row == 0 and len(frame) and frame.dates_ns[0] > active.adopted_ns:
        # adopted before the frame begins: rows since then still count, on the candle grid
        step = int(np.min(np.diff(frame.dates_ns))) if len(frame) > 1 else 1
        row = -int((frame.dates_ns[0] - active.adopted_ns) // max(step, 1))
    return AdoptionPoint(row=row, was_paused=active.state_before.get(frame.pair) is TradingState.PAUSED)


def _spliced(whole: Sequence[Judgement], bounds: Sequence[int]) -> Judgement:
    parts = [(judged, slice(start, end)) for judged, start, end in zip(whole, bounds, bounds[1:], strict=False)]

    def column(pick: Callable[[Judgement], NDArray[Kind]]) -> NDArray[Kind]:
        return np.concatenate([pick(judged)[rows] for judged, rows in parts])

    first = whole[0]
    # a version that was rolled back to appears twice in the timeline, but once among the labels
    labels = list(dict.fromkeys(judged.versions[0] for judged in whole))
    return Judgement(
        pair=first.pair,
        dates_ns=first.dates_ns,
        scores=column(lambda judged: judged.scores),
        prediction=column(lambda judged: judged.prediction),
        do_predict=column(lambda judged: judged.do_predict),
        version=np.concatenate(
            [np.full(rows.stop - rows.start, labels.index(judged.versions[0]), np.int16) for judged, rows in parts]
        ),
        versions=tuple(labels),
        states=StateColumns(
            severity=column(lambda judged: judged.states.severity),
            state=column(lambda judged: judged.states.state),
            reasons=column(lambda judged: judged.states.reasons),
            retraining=column(lambda judged: judged.states.retraining),
        ),
        psi_max=column(lambda judged: judged.psi_max),
        significant_ratio=column(lambda judged: judged.significant_ratio),
        accuracy=column(lambda judged: judged.accuracy),
        accuracy_lower=column(lambda judged: judged.accuracy_lower),
        accuracy_upper=column(lambda judged: judged.accuracy_upper),
        effective_predictions=column(lambda judged: judged.effective_predictions),
        worst_series=column(lambda judged: judged.worst_series),
        stake_ratio=column(lambda judged: judged.stake_ratio),
    )


__all__ = [
    "LIFECYCLE_COLUMNS",
    "NO_VERSION",
    "ActiveVersion",
    "Frame",
    "HealthMemory",
    "JudgeSettings",
    "Judgement",
    "PredictionFailedError",
    "judge_frame",
    "moment",
    "neutral_judgement",
    "write_columns",
]
