"""The rules that judge directional accuracy: the package's own, and those that were tried beside them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d

from benchmarks.features import HORIZON
from benchmarks.hit_streams import Floats, Hits
from tradai_lifecycle.monitor.accuracy import AccuracyColumns, Validated, fallen, rolling_accuracy, wilson
from tradai_lifecycle.monitor.effective import HitSums
from tradai_lifecycle.monitor.persistence import held, within
from tradai_lifecycle.states import AccuracyVerdict
from tradai_lifecycle.strategy.columns import JudgeSettings

#: From a judged stream to the rows at which a rule reduces.
Rule = Callable[["JudgedHits"], Hits]

#: The cumulative sum that was tried waits for a fall by so much from one standard error below validation, up to a limit
#: that, with the floor, gives a tenth of a false trigger in 30 days. It is another one at each timeframe (in seconds).
CUSUM_FALL = 0.05
CUSUM_LIMITS: Mapping[int, float] = {300: 5.5, 1_800: 3.7, 3_600: 2.7}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedHits:
    """A stream of hits, what was shown in validation, and what the package's own rules say at each row."""

    hits: Hits
    validated: Validated
    settings: JudgeSettings
    columns: AccuracyColumns

    @classmethod
    def of(cls, hits: Hits, validated: Validated, settings: JudgeSettings) -> "JudgedHits":
        """Judge a stream, every row scored."""
        columns = _columns(hits, validated, settings, settings.health.accuracy_floor)
        return cls(hits=hits, validated=validated, settings=settings, columns=columns)

    def says(self, verdict: AccuracyVerdict) -> Hits:
        """The rows with this verdict."""
        return np.asarray(self.columns.verdict == verdict)

    def enough(self, effective: Floats) -> Hits:
        """The rows at which a rule may be heard."""
        return np.asarray(effective >= self.settings.health.minimum_effective_predictions)

    def kept(self, rows: Hits) -> Hits:
        """The rows at which the pair is reduced for these."""
        return within(rows, self.settings.policy.recovery)

    def held(self, rows: Hits) -> Hits:
        """The rows at which these have held as long as a fall must."""
        return held(rows, self.settings.policy.accuracy_fall_persistence)


def _columns(hits: Hits, validated: Validated, settings: JudgeSettings, floor: float) -> AccuracyColumns:
    health = settings.health
    return rolling_accuracy(
        scored=np.ones(len(hits), dtype=np.bool_),
        hit=hits,
        horizon_candles=health.horizon_candles,
        windows=health.accuracy_windows,
        minimum_effective=health.minimum_effective_predictions,
        floor=floor,
        validated=validated,
    )


def _bare(judged: JudgedHits) -> Hits:
    window, floor = judged.settings.health.accuracy_windows[0], judged.settings.health.accuracy_floor
    number, right = _sums(judged.hits).counted(range(len(judged.hits)), HORIZON - 1, window)
    return np.asarray((number == window) & (right < floor * number))


def _floor(judged: JudgedHits) -> Hits:
    return judged.kept(judged.says(AccuracyVerdict.BREACHED))


def _fall(judged: JudgedHits) -> Hits:
    # a breach hides the fall beside it: here nothing is below the floor
    alone = _columns(judged.hits, judged.validated, judged.settings, 0.0)
    return judged.kept(judged.held(alone.verdict == AccuracyVerdict.FELL))


def _whole(judged: JudgedHits) -> Hits:
    return judged.kept(judged.held(judged.says(AccuracyVerdict.FELL))) | _floor(judged)


def _without_newest_third(judged: JudgedHits) -> Hits:
    share, effective = judged.columns.accuracy, judged.columns.effective_predictions
    fell = judged.enough(effective) & fallen(share, effective, judged.validated)
    return judged.kept(judged.held(fell)) | _floor(judged)


def _dependence_by_window(judged: JudgedHits) -> Hits:
    share, effective = _by_window(judged)
    floor = judged.settings.health.accuracy_floor
    return judged.kept(judged.enough(effective) & (share < floor) & (wilson(share, effective)[1] < floor))


def _cusum(judged: JudgedHits) -> Hits:
    shown, health = judged.validated, judged.settings.health
    inflation = shown.predictions / shown.effective_predictions
    least = shown.accuracy - np.sqrt(0.25 / shown.effective_predictions)
    evidence = evidence_of_fall(judged.hits, least, CUSUM_FALL, inflation, health.accuracy_windows[-1])
    known = np.arange(len(judged.hits)) >= health.minimum_effective_predictions * inflation
    return judged.kept((evidence > CUSUM_LIMITS[health.candle_ns // 10**9]) & known) | _floor(judged)


FLOOR, WHOLE = "floor", "floor or fall"
RULES: Mapping[str, Rule] = {
    "bare mean below the floor": _bare,
    FLOOR: _floor,
    "fall": _fall,
    WHOLE: _whole,
    "tried: floor, dependence of each window": _dependence_by_window,
    "tried: floor or fall without newest third": _without_newest_third,
    "tried: floor or cumulative sum": _cusum,
}


def _sums(hits: Hits) -> HitSums:
    return HitSums.of(np.ones(len(hits), dtype=np.bool_), hits, 2 * HORIZON)


# as the package had it first: share and effective predictions of the smallest window that by itself shows enough
def _by_window(judged: JudgedHits) -> tuple[Floats, Floats]:
    sums, rows, windows = _sums(judged.hits), range(len(judged.hits)), judged.settings.health.accuracy_windows
    share, effective = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for window in reversed(windows):
        number, right = sums.counted(rows, HORIZON - 1, window)
        number[number == 0.0] = np.nan
        worth = number * sums.worth(rows, HORIZON - 1, window)
        chosen = judged.enough(worth) | (window == windows[-1])
        share, effective = np.where(chosen, right / number, share), np.where(chosen, worth, effective)
    return share, effective


def evidence_of_fall(hits: Hits, shown: float, fall: float, inflation: float, memory: int) -> Floats:
    """The largest log-likelihood ratio, at each row, of a fall that began within the last `memory` known rows."""
    steps = np.zeros(len(hits))
    steps[HORIZON:] = shown - fall / 2.0 - hits[: len(hits) - HORIZON]
    sums = np.concatenate([[0.0], np.cumsum(steps)])
    lowest = minimum_filter1d(sums, memory + 1, origin=memory // 2, mode="nearest")
    return 4.0 * fall * (sums - lowest)[1:] / inflation


__all__ = ["FLOOR", "RULES", "WHOLE", "JudgedHits", "Rule", "evidence_of_fall"]
