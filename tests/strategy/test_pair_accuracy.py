"""What stands beside a pair's accuracy is taken over the rows that the judgement itself scored."""

from collections.abc import Mapping
from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from tests.strategy.fakes import part
from tests.strategy.premises import TRAINED_CANDLES
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.validation import validated_accuracy
from tradai_lifecycle.monitor.accuracy import accuracy_memory_candles
from tradai_lifecycle.states import Reason
from tradai_lifecycle.store import AccuracyRecord
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement, JudgeSettings, judge_frame
from tradai_lifecycle.strategy.pair_series import judged_tail, pair_series

PAIR = "BTC/USDT"


def shown(frame: Frame, bundle: ModelBundle, settings: JudgeSettings) -> tuple[AccuracyRecord, Judgement]:
    """What is written beside the accuracy of a frame's newest row, and the judgement of the frame."""
    judged = judge_frame(frame, (ActiveVersion(bundle=bundle),), settings)
    tail = judged_tail(frame, judged, bundle, settings)
    assert tail is not None
    found = pair_series(tail, settings).accuracy
    assert found is not None
    return found, judged


@pytest.mark.parametrize("end", [TRAINED_CANDLES + 30, TRAINED_CANDLES + 400, TRAINED_CANDLES + 1_500])
def test_both_directions_together_are_the_accuracy_of_the_judgement(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings, end: int
) -> None:
    frame = part(frames[PAIR], 0, end)
    found, judged = shown(frame, bundle, settings)
    hits = sum(
        one.predictions * one.accuracy for one in (found.up, found.down) if one.predictions and not isnan(one.accuracy)
    )
    assert found.predictions == found.up.predictions + found.down.predictions
    assert hits / found.predictions == pytest.approx(judged.accuracy[-1], abs=1e-12)
    newest = end - settings.health.horizon_candles
    known = np.arange(max(newest - found.window_candles, 0), newest)
    after = known[frame.dates_ns[known] >= int(bundle.trained_until.timestamp()) * 10**9]
    assert found.predictions == np.count_nonzero(np.isfinite(judged.scores[after]) & (frame.realised[after] != 0.0))


def test_a_tail_as_long_as_the_memory_says_what_the_whole_frame_says(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    end = TRAINED_CANDLES + 1_500
    whole, _ = shown(part(frames[PAIR], 0, end), bundle, settings)
    memory = accuracy_memory_candles(settings.health.horizon_candles, settings.health.accuracy_windows)
    shorter, _ = shown(part(frames[PAIR], end - memory - settings.feature_warm_up - 1, end), bundle, settings)
    assert repr(shorter) == repr(whole)


def test_the_frames_own_arrays_are_kept_and_not_copied(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    frame = frames[PAIR]
    judged = judge_frame(frame, (ActiveVersion(bundle=bundle),), settings)
    tail = judged_tail(frame, judged, bundle, settings)
    assert tail is not None
    assert np.shares_memory(tail.accuracy.scores, judged.scores)
    assert np.shares_memory(tail.accuracy.realised, frame.realised)


def test_a_model_without_its_validation_shows_none_and_never_falls(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    frame = part(frames[PAIR], 0, TRAINED_CANDLES + 1_500)
    older = {name: value for name, value in bundle.metrics.items() if "effective" not in name}
    found, judged = shown(frame, replace(bundle, metrics=older), settings)
    assert isnan(found.validated_accuracy)
    assert not (judged.states.reasons & np.uint32(Reason.ACCURACY_FELL)).any()
    known, _ = shown(frame, bundle, settings)
    validated = validated_accuracy(bundle.metrics, PAIR, dead_band=0.0)
    assert validated is not None
    assert known.validated_accuracy == validated.accuracy
    assert known.needed_candles == pytest.approx(100 * validated.candles / validated.effective_predictions)


def test_a_model_that_showed_far_more_than_it_keeps_is_reduced_for_its_fall(
    frames: Mapping[str, Frame], bundle: ModelBundle, settings: JudgeSettings
) -> None:
    frame = part(frames[PAIR], 0, TRAINED_CANDLES + 1_500)
    boasting = {**bundle.metrics, "validation_accuracy.BTC_USDT": 0.95}
    _, judged = shown(frame, replace(bundle, metrics=boasting), settings)
    fell = (judged.states.reasons & np.uint32(Reason.ACCURACY_FELL)) != 0
    assert fell[-1]
    assert not fell[:TRAINED_CANDLES].any()
    assert (judged.states.state[fell] >= 1).all()
