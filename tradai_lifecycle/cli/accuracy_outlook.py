"""Whether a bot will hear the accuracy rules of a model, said before it runs: by what its validation showed."""

import math
from dataclasses import dataclass

from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.validation import validated_accuracy
from tradai_lifecycle.monitor.directions import candles_needed
from tradai_lifecycle.monitor.settings import HealthSettings

DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyOutlook:
    """A pair's accuracy rules: the candles needed (NaN where not known) against the smallest and largest window."""

    pair: str
    needed_candles: float
    smallest_candles: int
    largest_candles: int
    candle_ns: int

    @property
    def is_known(self) -> bool:
        """Whether the model has a validation that live predictions compare with."""
        return not math.isnan(self.needed_candles)

    @property
    def can_be_judged(self) -> bool:
        """Whether the largest window holds enough predictions, as far as that is known."""
        return not self.needed_candles > self.largest_candles

    @property
    def words(self) -> str:
        """What a person should know of it."""
        if not self.is_known:
            return "no validation to compare with: a fall of the accuracy will not be seen"
        if self.can_be_judged:
            return f"accuracy is judged over {self._days(max(self.needed_candles, self.smallest_candles))}"
        needed = self._days(self.needed_candles) if math.isfinite(self.needed_candles) else "more predictions"
        looked_at = self._days(self.largest_candles)
        return f"accuracy cannot be judged at this timeframe: needs {needed}, {looked_at} are looked at"

    def _days(self, candles: float) -> str:
        return f"{candles * self.candle_ns / DAY_NS:.1f} days"


def accuracy_outlook(bundle: ModelBundle, pair: str, settings: HealthSettings) -> AccuracyOutlook:
    """What the validation of `bundle` on a pair says of its rules under `settings`."""
    shown = validated_accuracy(bundle.metrics, pair, dead_band=settings.prediction_dead_band)
    minimum = settings.minimum_effective_predictions
    return AccuracyOutlook(
        pair=pair,
        needed_candles=candles_needed(shown, minimum) if shown is not None else math.nan,
        smallest_candles=settings.accuracy_windows[0],
        largest_candles=settings.accuracy_windows[-1],
        candle_ns=settings.candle_ns,
    )


__all__ = ["AccuracyOutlook", "accuracy_outlook"]
