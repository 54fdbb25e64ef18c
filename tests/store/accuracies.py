"""What stands beside an accuracy, as a bot at 1h would write it."""

from dataclasses import replace
from typing import Any

from tradai_lifecycle.store import AccuracyRecord, DirectionRecord

UP = DirectionRecord(accuracy=0.571, predictions=190, effective_predictions=70.2, lower=0.456, upper=0.679)
DOWN = DirectionRecord(accuracy=0.543, predictions=140, effective_predictions=51.6, lower=0.41, upper=0.671)
BESIDE = AccuracyRecord(
    window_candles=336,
    widest_window_candles=1_112,
    needed_candles=340.0,
    predictions=330,
    up=UP,
    down=DOWN,
    always_up=0.512,
    pesaran_timmermann=1.93,
    p_value=0.0268,
    coverage=0.982,
    validated_accuracy=0.612,
    validated_effective_predictions=1_120.4,
)


def beside(**changes: Any) -> AccuracyRecord:
    """The record, with changes."""
    return replace(BESIDE, **changes)
