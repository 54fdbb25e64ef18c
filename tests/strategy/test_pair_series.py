"""The series shown of a pair are those that its judgement was made of."""

from collections.abc import Mapping
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
import pytest

from tests.strategy.fakes import part
from tests.strategy.premises import candle_time
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.monitor.psi import bin_codes, rolling_psi
from tradai_lifecycle.states import Reason, Thresholds
from tradai_lifecycle.store import PairSeries
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, JudgeSettings, judge_frame, neutral_judgement
from tradai_lifecycle.strategy.pair_series import judged_tail, pair_series

PAIR = "BTC/USDT"


def by(thresholds: Thresholds, settings: JudgeSettings) -> JudgeSettings:
    """The settings with limits of another kind, and as many more predecessors as these ask for."""
    health = replace(settings.health, thresholds=thresholds)
    further = health.index_memory - settings.health.index_memory
    return replace(settings, health=health, predecessors=settings.predecessors + further)


class CountingEstimator:
    """The estimator, and how often it was asked to predict."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        self.asked += name.startswith("predict")
        return getattr(self._estimator, name)


def rolled_psi_of_the_predictions(frame: Frame, bundle: ModelBundle, settings: JudgeSettings) -> float:
    """The prediction's index at the newest row, from all of the frame's predictions."""
    reference = bundle.profile.pair(frame.pair)
    assert reference is not None
    fit = np.isfinite(frame.features).all(axis=1) & (np.arange(len(frame)) >= settings.feature_warm_up)
    predictions = np.full((len(frame), 1), np.nan)
    predictions[fit, 0] = bundle.predict(frame.features[fit])
    codes = bin_codes(predictions, (reference.prediction,))
    return float(rolling_psi(codes, (reference.prediction,), settings.health.window_candles)[-1, 0])


def shown(frame: Frame, bundle: ModelBundle, settings: JudgeSettings) -> tuple[PairSeries, float, float]:
    """What is shown of a frame, and what its judgement says of the newest row: largest PSI, largest ratio."""
    judged = judge_frame(frame, (ActiveVersion(bundle=bundle),), settings)
    tail = judged_tail(frame, judged, bundle, settings)
    assert tail is not None
    series = pair_series(tail, settings)
    return series, float(judged.psi_max[-1]), float(judged.significant_ratio[-1])


@pytest.mark.parametrize("thresholds", [Thresholds.CALIBRATED, Thresholds.DYNAMIC])
@pytest.mark.parametrize("end", [4_100, 4_300, 4_450, 5_000])
def test_the_largest_figures_are_those_of_the_judgement_to_the_last_bit(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings, end: int, thresholds: Thresholds
) -> None:
    settings = by(thresholds, settings)
    frame = part(frames[PAIR], end - settings.predecessors - 1, end)
    # a row without a prediction within the window
    frame.features[-40, 0] = np.nan
    series, psi_max, ratio = shown(frame, bundle, settings)
    assert (series.pair, series.version, series.candle) == (PAIR, bundle.label, candle_time(end - 1))
    assert [one.name for one in series.series] == [*bundle.feature_names, "prediction"]
    assert max(one.psi for one in series.series) == psi_max
    assert series.series[-1].psi == rolled_psi_of_the_predictions(frame, bundle, settings)
    assert max(one.psi / one.significant_limit for one in series.series if one.monitorable) == ratio
    reference = bundle.profile.pair(PAIR)
    assert reference is not None
    assert series.training_windows == reference.training_candles / settings.health.window_candles


def test_rows_within_the_features_warm_up_carry_no_prediction(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    window, warm_up = settings.health.window_candles, settings.feature_warm_up
    frame = part(frames[PAIR], 4_000, 4_000 + window + warm_up // 2)
    series, psi_max, _ = shown(frame, bundle, settings)
    assert max(one.psi for one in series.series) == psi_max
    assert series.series[-1].psi == rolled_psi_of_the_predictions(frame, bundle, settings)


def test_a_window_that_is_not_full_has_no_figure(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    series, *_ = shown(part(frames[PAIR], 4_000, 4_000 + settings.health.window_candles - 1), bundle, settings)
    assert all(isnan(one.psi) for one in series.series)


def test_dynamic_limits_are_unknown_while_their_past_is_not_full(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    dynamic = by(Thresholds.DYNAMIC, settings)
    full = dynamic.health.index_memory + 1
    for length, known in ((full, True), (full - 1, False)):
        series, *_ = shown(part(frames[PAIR], 4_000, 4_000 + length), bundle, dynamic)
        assert not any(isnan(one.psi) for one in series.series)
        assert {isnan(one.significant_limit) or isnan(one.moderate_limit) for one in series.series} == {not known}


def test_the_own_arrays_of_frame_and_judgement_are_kept_and_not_copied(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    frame = frames[PAIR]
    judged = neutral_judgement(PAIR, frame.dates_ns, Reason.NONE)
    tail = judged_tail(frame, replace(judged, versions=(bundle.label,)), bundle, settings)
    assert tail is not None
    assert np.shares_memory(tail.features, frame.features)
    assert np.shares_memory(tail.scores, judged.scores)
    assert len(tail.features) == len(tail.scores) == settings.health.window_candles


def test_the_window_is_not_predicted_a_second_time(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    frame = part(frames[PAIR], 4_000, 4_000 + settings.predecessors)
    counting = CountingEstimator(bundle.estimator)
    counted = replace(bundle, estimator=counting)
    judged = judge_frame(frame, (ActiveVersion(bundle=counted),), settings)
    asked = counting.asked
    tail = judged_tail(frame, judged, counted, settings)
    assert tail is not None
    assert pair_series(tail, settings).series[-1].name == "prediction"
    assert counting.asked == asked > 0


def test_a_frame_that_the_model_did_not_judge_has_no_series(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    frame = frames[PAIR]
    neutral = neutral_judgement(PAIR, frame.dates_ns, Reason.MODEL_MISSING)
    assert judged_tail(frame, neutral, None, settings) is None
    assert judged_tail(frame, neutral, bundle, settings) is None
    empty = part(frame, 0, 0)
    assert judged_tail(empty, neutral_judgement(PAIR, empty.dates_ns, Reason.NONE), bundle, settings) is None
