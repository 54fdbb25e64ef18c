"""What stands beside the directional accuracy in reports: each direction, baselines, coverage. No decision follows."""

import math
from dataclasses import dataclass

import numpy as np

from tradai_lifecycle.monitor.accuracy import Validated, accuracy_lags, rolling_accuracy, scored_rows, wilson
from tradai_lifecycle.monitor.effective import Bools, share_of
from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.monitor.settings import HealthSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionAccuracy:
    """How often predictions of one direction were right, with the 95 % interval by their effective number."""

    accuracy: float
    predictions: int
    effective_predictions: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PesaranTimmermann:
    """Whether directions are foreseen better than by chance: the statistic, and how often chance gives as much.

    NaN where predictions or outcomes know one direction only, for then nothing can be told from chance.
    """

    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyDetails:
    """The accuracy's surroundings at a newest row, over the `window_candles` that its rule used there.

    `always_up` is what a model that always says up would have reached on the same rows. `coverage` is the share of the
    window's rows after training whose prediction lies outside the dead band. Figures of nothing are NaN.
    """

    window_candles: int
    predictions: int
    up: DirectionAccuracy
    down: DirectionAccuracy
    always_up: float
    chance: PesaranTimmermann
    coverage: float
    needed_candles: float


def accuracy_details(
    *, judged: Floats, realised: Floats, counted: Bools, settings: HealthSettings, validated: Validated | None
) -> AccuracyDetails:
    """The surroundings of the accuracy at the newest of n rows; the largest window and a horizon before it suffice.

    `judged` `(n,)` the model's scores (NaN: none), `realised` `(n,)` the outcomes (NaN: unknown), `counted` `(n,)` the
    rows after the model's training. `needed_candles` are how many a window must hold for the rule to be heard, by the
    dependence and coverage of the validation, else by that of the largest window; NaN where neither says anything.
    """
    scored = scored_rows(judged, np.where(counted, realised, np.nan), settings.prediction_dead_band)
    hits = scored & (np.sign(judged) == np.sign(realised))
    lags = accuracy_lags(settings.horizon_candles, settings.accuracy_windows)
    window = _window_used(scored, hits, settings)
    known = _known(len(judged), window, settings)
    covered = np.isfinite(judged) & (np.abs(judged) > settings.prediction_dead_band)
    up, rose = judged > 0.0, realised > 0.0
    return AccuracyDetails(
        window_candles=window,
        predictions=int(np.count_nonzero(scored[known])),
        up=_direction(scored[known] & up[known], hits[known], lags),
        down=_direction(scored[known] & ~up[known], hits[known], lags),
        always_up=_mean(rose[known], scored[known]),
        chance=pesaran_timmermann(up[known], rose[known], scored[known], lags=lags),
        coverage=_mean(covered[known], counted[known]),
        needed_candles=candles_needed(validated, settings.minimum_effective_predictions)
        if validated is not None
        else _needed_live(scored, hits, lags, settings),
    )


def pesaran_timmermann(up: Bools, rose: Bools, scored: Bools, *, lags: int) -> PesaranTimmermann:
    """The test of Pesaran and Timmermann (1992, section 2) on the scored rows `(n,)`: predicted `up`, and `rose`.

    It assumes predictions that are independent of each other. Overlapping ones are not: the variance is multiplied by
    the inflation of their hits (`monitor/effective.py`), which is an approximation.
    """
    share = share_of(scored, scored & (up == rose), lags)
    nothing = PesaranTimmermann(statistic=math.nan, p_value=math.nan)
    if not share.predictions or not share.effective_predictions > 0.0:
        return nothing
    n, x, y = share.predictions, _mean(up, scored), _mean(rose, scored)
    by_chance = y * x + (1.0 - y) * (1.0 - x)
    variance = by_chance * (1.0 - by_chance) / n
    estimated = (
        (2 * y - 1) ** 2 * x * (1 - x) + (2 * x - 1) ** 2 * y * (1 - y) + 4 * y * x * (1 - y) * (1 - x) / n
    ) / n
    left = (variance - estimated) * n / share.effective_predictions
    if not 0.0 < x < 1.0 or not 0.0 < y < 1.0 or left <= 0.0:
        return nothing
    statistic = (share.accuracy - by_chance) / math.sqrt(left)
    return PesaranTimmermann(statistic=statistic, p_value=0.5 * math.erfc(statistic / math.sqrt(2.0)))


def candles_needed(validated: Validated, minimum_effective: int) -> float:
    """How many candles hold `minimum_effective` effective predictions, if a bot's are as those of the validation."""
    if not validated.effective_predictions > 0.0:
        return math.inf
    return minimum_effective * validated.candles / validated.effective_predictions


# the rows of a window whose outcomes the newest of `rows` knows
def _known(rows: int, window: int, settings: HealthSettings) -> slice:
    end = max(rows - settings.horizon_candles, 0)
    return slice(max(end - window, 0), end)


def _window_used(scored: Bools, hits: Bools, settings: HealthSettings) -> int:
    if not len(scored):
        return settings.accuracy_windows[-1]
    columns = rolling_accuracy(
        scored=scored,
        hit=hits,
        horizon_candles=settings.horizon_candles,
        windows=settings.accuracy_windows,
        minimum_effective=settings.minimum_effective_predictions,
        floor=settings.accuracy_floor,
        from_row=len(scored) - 1,
    )
    return int(columns.window_candles[-1])


def _direction(scored: Bools, hits: Bools, lags: int) -> DirectionAccuracy:
    share = share_of(scored, scored & hits, lags)
    lower, upper = wilson(np.array([share.accuracy]), np.array([share.effective_predictions]))
    return DirectionAccuracy(
        accuracy=share.accuracy,
        predictions=share.predictions,
        effective_predictions=share.effective_predictions,
        lower=float(lower[0]),
        upper=float(upper[0]),
    )


def _mean(flags: Bools, among: Bools) -> float:
    number = int(np.count_nonzero(among))
    return int(np.count_nonzero(flags & among)) / number if number else math.nan


def _needed_live(scored: Bools, hits: Bools, lags: int, settings: HealthSettings) -> float:
    rows = _known(len(scored), settings.accuracy_windows[-1], settings)
    share = share_of(scored[rows], hits[rows], lags)
    if not share.predictions or not share.effective_predictions > 0.0:
        return math.nan
    return settings.minimum_effective_predictions * len(scored[rows]) / share.effective_predictions


__all__ = [
    "AccuracyDetails",
    "DirectionAccuracy",
    "PesaranTimmermann",
    "accuracy_details",
    "candles_needed",
    "pesaran_timmermann",
]
