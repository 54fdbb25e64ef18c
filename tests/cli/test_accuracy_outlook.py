"""Before a bot runs it is said whether its accuracy rules will be heard, by what the model's validation showed."""

import math

import pytest

from tests.model.bundles import bundle
from tradai_lifecycle.cli.accuracy_outlook import accuracy_outlook
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.model.validation import VALIDATION_DEAD_BAND, pair_metrics
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.strategy.memory import health_settings

PAIR = "BTC/USDT"


def outlook(timeframe, effective, *, candles=4_000, dead_band=0.0):
    """What is said of a model that showed so many effective predictions in so many candles."""
    shown = Validated(accuracy=0.56, predictions=candles, effective_predictions=effective, candles=candles)
    metrics = {**pair_metrics(shown, PAIR), VALIDATION_DEAD_BAND: dead_band}
    settings = health_settings(LifecycleConfig(model_name="m"), timeframe=timeframe, horizon_candles=12)
    return accuracy_outlook(bundle(metrics=metrics, timeframe=timeframe), PAIR, settings)


@pytest.mark.parametrize(
    ("timeframe", "effective", "said"),
    [
        ("5m", 1_100.0, "accuracy is judged over 14.0 days"),
        ("1h", 1_100.0, "accuracy is judged over 15.2 days"),
        ("4h", 1_100.0, "accuracy is judged over 60.6 days"),
        ("1d", 1_100.0, "accuracy is judged over 363.6 days"),
        ("4h", 300.0, "accuracy cannot be judged at this timeframe: needs 222.2 days, "),
        ("1d", 300.0, "accuracy cannot be judged at this timeframe: needs 1333.3 days, "),
        ("1h", 0.0, "accuracy cannot be judged at this timeframe: needs more predictions, "),
    ],
)
def test_the_window_widens_as_far_as_the_frame_reaches_and_then_that_is_said(timeframe, effective, said):
    found = outlook(timeframe, effective)
    assert found.words.startswith(said)
    assert found.can_be_judged is ("cannot" not in said)
    if "cannot" in said:
        widest = found.largest_candles * found.candle_ns / (86_400 * 10**9)
        assert found.words.endswith(f"{widest:.1f} days are looked at")


def test_without_a_validation_that_compares_nothing_is_promised():
    found = outlook("1h", 1_100.0, dead_band=0.02)
    assert math.isnan(found.needed_candles)
    assert (found.is_known, found.can_be_judged) == (False, True)
    assert found.words == "no validation to compare with: a fall of the accuracy will not be seen"
