"""One detector of river per feature, each fed the feature in standard deviations of the reference."""

from collections.abc import Callable
from typing import Any

import numpy as np
from serving import Alarm, Learn


def each_feature(detector: Callable[[], Any]) -> Learn:
    """New detectors for every question, fed from the first row on; values that are not finite are left out."""

    def learn(reference: np.ndarray, _window: int) -> Alarm:
        finite = np.where(np.isfinite(reference), reference, np.nan)
        means, deviations = np.nanmean(finite, axis=0), np.nanstd(finite, axis=0)

        def alarm(live: np.ndarray, _from_row: int) -> np.ndarray:
            standard = (live - means) / np.where(deviations > 0.0, deviations, 1.0)
            return np.stack([_changes(detector(), column.tolist()) for column in standard.T]).any(axis=0)

        return alarm

    return learn


def _changes(detector: Any, values: list[float]) -> np.ndarray:
    changes = np.zeros(len(values), dtype=np.bool_)
    for row, value in enumerate(values):
        if np.isfinite(value):
            detector.update(value)
            changes[row] = detector.drift_detected
    return changes
