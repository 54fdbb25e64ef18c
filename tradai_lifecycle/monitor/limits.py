"""The limits that one pair's evidence is held against, from its reference and the settings.

Fixed thresholds are the runbook's bare rule. Dynamic ones follow each series' own recent past (see `dynamic`), at least
these; the shifts have calibrated ones then. Calibrated ones come from what training showed. A target of false alarms
is met by the height that the training's own alarms would have had: each kind of evidence gets a third of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from tradai_lifecycle.monitor.calibration import LARGEST_USEFUL_LIMIT
from tradai_lifecycle.monitor.drift import SeriesLimits
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.settings import HealthSettings
from tradai_lifecycle.monitor.shift_calibration import FAST_SHARES
from tradai_lifecycle.monitor.shifts import ShiftReference
from tradai_lifecycle.states import Thresholds

#: With fewer training windows than this, calibrated limits mean too little to act on: report only.
FEWEST_TRAINING_WINDOWS = 10
#: With fewer than this, limits are loose: to be acted on, and said.
ENOUGH_TRAINING_WINDOWS = 40
#: Parts of `maximum_share_of_time_reduced` for the fast alarms. The rest is room for candles unlike those of training.
MARKET_PART, RELATION_PART = 0.5, 0.2
#: How many times their quantiles calibrated limits are: new candles stray further than training windows do from the
#: rest of training. With the moderate one the index cuts the stake on few candles beside those of the fast alarms.
MODERATE_MARGIN, SIGNIFICANT_MARGIN = 1.5, 2.0
# what training shows of the index sets no limit
_WITHOUT_QUANTILES = (Thresholds.FIXED, Thresholds.DYNAMIC)
# beyond the highest peak of training, when a target allows for none
_ABOVE_ALL_PEAKS = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftLimits:
    """How many times its bounds a group's furthest combination must stray; infinite where it is not to be acted on.

    Beyond the fast one for `fast_persistence` candles.
    """

    slow: float
    fast: float
    fast_persistence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLimits:
    """All limits of one pair."""

    series: tuple[SeriesLimits, ...]
    market: ShiftLimits
    relations: ShiftLimits
    #: how many of the series count
    monitorable: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "monitorable", sum(limit.monitorable for limit in self.series))


def pair_limits(reference: PairReference, settings: HealthSettings) -> PairLimits:
    """The limits of every series, of the market and of the relations between features."""
    return PairLimits(
        series=series_limits(reference, settings),
        market=_shift_limits(reference.market.shifts, reference, settings, MARKET_PART),
        relations=_shift_limits(reference.relations, reference, settings, RELATION_PART),
    )


def series_limits(reference: PairReference, settings: HealthSettings) -> tuple[SeriesLimits, ...]:
    """The limits of each feature and, last, of the prediction.

    Fixed thresholds are the settings' floors, and every series counts. Dynamic ones have the same floors, and every
    series counts while training held 10 windows. Calibrated ones are the larger of floor and training quantile, that of
    moderate and significant drift with a margin for new candles; a series counts while its significant quantile is at
    most 1 and training held 10 windows.
    """
    enough, factor = _enough(reference, settings), _psi_factor(reference, settings)
    if settings.thresholds in _WITHOUT_QUANTILES:
        bare = SeriesLimits(
            moderate=settings.moderate_psi,
            significant=settings.significant_psi,
            retrain=settings.retrain_psi,
            monitorable=enough or settings.thresholds is Thresholds.FIXED,
            past_candles=settings.past_candles,
        )
        return (bare,) * len(reference.series)
    moderate, significant = _margins(settings)
    return tuple(
        SeriesLimits(
            moderate=factor * max(settings.moderate_psi, moderate * series.moderate_quantile),
            significant=factor * max(settings.significant_psi, significant * series.significant_quantile),
            retrain=factor * max(settings.retrain_psi, series.retrain_quantile),
            monitorable=enough and series.significant_quantile <= LARGEST_USEFUL_LIMIT,
        )
        for series in reference.series
    )


def expected_alarms_per_1000(reference: PairReference, settings: HealthSettings) -> float:
    """Significant alarms per 1,000 candles at these limits in training, judged by parts of it that did not set them.

    0.0 means less than one in all the training candles. NaN with fixed and dynamic thresholds:
    training does not judge them.
    """
    if settings.thresholds in _WITHOUT_QUANTILES:
        return float("nan")
    limits = pair_limits(reference, settings)
    alarms = (
        _reached(reference.psi_peaks, _psi_height(reference, settings))
        + _reached(reference.market.shifts.slow_peaks, limits.market.slow)
        + _reached(reference.relations.slow_peaks, limits.relations.slow)
    )
    return 1_000.0 * alarms / reference.training_candles


# How many times its quantile the index must be, against the peaks of training that are counted in it.
def _psi_height(reference: PairReference, settings: HealthSettings) -> float:
    _, significant = _margins(settings)
    return significant * _psi_factor(reference, settings) if _enough(reference, settings) else inf


# of moderate and significant limits
def _margins(settings: HealthSettings) -> tuple[float, float]:
    return (MODERATE_MARGIN, SIGNIFICANT_MARGIN) if settings.thresholds is Thresholds.CALIBRATED else (1.0, 1.0)


def _shift_limits(
    shifts: ShiftReference, reference: PairReference, settings: HealthSettings, part: float
) -> ShiftLimits:
    persistence = shifts.fast_tier.persistence
    if settings.thresholds is Thresholds.FIXED or not shifts.combinations or not _enough(reference, settings):
        return ShiftLimits(slow=inf, fast=inf, fast_persistence=persistence)
    budget = part * settings.maximum_share_of_time_reduced
    slow = shifts.slow_limit
    if settings.thresholds is Thresholds.TARGET_FALSE_ALARMS_PER_1000:
        slow = _height_for(shifts.slow_peaks, reference, settings)
    # what is rarer than the smallest share kept is off: no limit is known that keeps to it
    fast = float(np.interp(budget, FAST_SHARES, shifts.fast_limits, left=inf))
    return ShiftLimits(slow=slow, fast=fast, fast_persistence=persistence)


# By what the limits of the index are multiplied to meet a target.
def _psi_factor(reference: PairReference, settings: HealthSettings) -> float:
    if settings.thresholds is not Thresholds.TARGET_FALSE_ALARMS_PER_1000:
        return 1.0
    return _height_for(reference.psi_peaks, reference, settings)


# The height that no more of the training's peaks exceed than a third of the target allows for.
def _height_for(peaks: Sequence[float], reference: PairReference, settings: HealthSettings) -> float:
    target = settings.target_false_alarms_per_1000 or 0.0
    allowed = int(target / 3.0 * reference.training_candles / 1_000.0)
    if not peaks:
        return 1.0
    return (
        peaks[0] * _ABOVE_ALL_PEAKS if allowed == 0 else float(np.nextafter(peaks[min(allowed, len(peaks) - 1)], inf))
    )


def _reached(peaks: Sequence[float], limit: float) -> int:
    return sum(peak >= limit for peak in peaks)


def _enough(reference: PairReference, settings: HealthSettings) -> bool:
    return reference.training_candles >= FEWEST_TRAINING_WINDOWS * settings.window_candles


__all__ = [
    "ENOUGH_TRAINING_WINDOWS",
    "FEWEST_TRAINING_WINDOWS",
    "PairLimits",
    "ShiftLimits",
    "expected_alarms_per_1000",
    "pair_limits",
    "series_limits",
]
