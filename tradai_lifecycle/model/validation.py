"""The figures of a model's validation among its metrics: under which names, of all pairs and of each one."""

import math
from collections.abc import Mapping

from tradai_lifecycle.model.bundle import VALIDATION_ACCURACY
from tradai_lifecycle.monitor.accuracy import Validated

#: Predictions that were scored, and how many independent ones they are worth.
VALIDATION_PREDICTIONS = "validation_predictions"
VALIDATION_EFFECTIVE = "validation_effective_predictions"
#: Candles that were held out, scored or not.
VALIDATION_CANDLES = "validation_candles"
#: Predictions of at most this size were not scored.
VALIDATION_DEAD_BAND = "validation_dead_band"


def pair_metrics(validated: Validated, pair: str | None = None) -> dict[str, float]:
    """A validation as metrics: of `pair`, or of all pairs together without one."""
    return {
        _name(VALIDATION_ACCURACY, pair): validated.accuracy,
        _name(VALIDATION_PREDICTIONS, pair): float(validated.predictions),
        _name(VALIDATION_EFFECTIVE, pair): validated.effective_predictions,
        _name(VALIDATION_CANDLES, pair): float(validated.candles),
    }


def validated_accuracy(metrics: Mapping[str, float], pair: str, *, dead_band: float) -> Validated | None:
    """What `metrics` say of the validation on `pair`; None where nothing that live predictions compare with.

    That is a model trained before it was recorded, a pair without a scored row in validation, or a validation that
    scored by another dead band.
    """
    names = (VALIDATION_ACCURACY, VALIDATION_PREDICTIONS, VALIDATION_EFFECTIVE, VALIDATION_CANDLES)
    accuracy, predictions, effective, candles = (metrics.get(_name(name, pair), math.nan) for name in names)
    if not all(math.isfinite(value) for value in (accuracy, predictions, effective, candles)):
        return None
    if metrics.get(VALIDATION_DEAD_BAND) != dead_band:
        return None
    return Validated(
        accuracy=accuracy, predictions=int(predictions), effective_predictions=effective, candles=int(candles)
    )


# registries take no other characters in the name of a metric
def _name(metric: str, pair: str | None) -> str:
    return metric if pair is None else f"{metric}.{pair.replace('/', '_').replace(':', '_')}"


__all__ = [
    "VALIDATION_CANDLES",
    "VALIDATION_DEAD_BAND",
    "VALIDATION_EFFECTIVE",
    "VALIDATION_PREDICTIONS",
    "pair_metrics",
    "validated_accuracy",
]
