"""Directional accuracy over rolling windows: below its floor, or fallen from what the model showed in validation.

How many independent predictions the scored rows of a window are worth (`monitor/effective.py`) is measured over the
widest window, and holds for all: measured in each by itself, the window would be chosen for the luck of its estimate.
The interval is Wilson's (1927), with the effective number of predictions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.effective import Bools, HitBits, HitSums, HitWindow, Share
from tradai_lifecycle.monitor.elementwise import Number, at_least, at_most, root
from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.states import AccuracyVerdict

# no more rows than this are counted each by itself
_FEW_ROWS = 8
#: A fall must show in the window and in this part of it, the newest.
NEWEST_PART = 3
# two-sided 95 % and one-sided 99 % of the normal distribution
_Z_INTERVAL = 1.959963984540054
_Z_FALL = 2.3263478740408408


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """How often a model was right on the `candles` of a pair that its training did not see, scored as live ones are."""

    accuracy: float
    predictions: int
    effective_predictions: float
    candles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyColumns:
    """The accuracy known at each of n candles: floats NaN where the window holds no scored prediction."""

    accuracy: Floats
    lower: Floats
    upper: Floats
    effective_predictions: Floats
    verdict: NDArray[np.int8]
    window_candles: NDArray[np.int32]

    @classmethod
    def unknown(cls, rows: int, window: int) -> "AccuracyColumns":
        """Columns of which nothing is known, but the widest window that will be looked at."""
        return cls(
            accuracy=np.full(rows, np.nan),
            lower=np.full(rows, np.nan),
            upper=np.full(rows, np.nan),
            effective_predictions=np.full(rows, np.nan),
            verdict=np.full(rows, AccuracyVerdict.INSUFFICIENT_DATA, dtype=np.int8),
            window_candles=np.full(rows, window, dtype=np.int32),
        )

    def put(self, start: int, other: "AccuracyColumns", rows: slice = slice(None)) -> None:
        """Write `rows` of `other` over those from `start` on."""
        for name in _COLUMNS:
            part = getattr(other, name)[rows]
            getattr(self, name)[start : start + len(part)] = part

    def part(self, rows: slice) -> "AccuracyColumns":
        """Some of the rows; what is written into them is written here."""
        return AccuracyColumns(**{name: getattr(self, name)[rows] for name in _COLUMNS})


_COLUMNS = tuple(field.name for field in fields(AccuracyColumns))


def rolling_accuracy(
    *,
    scored: Bools,
    hit: Bools,
    horizon_candles: int,
    windows: Sequence[int],
    minimum_effective: int,
    floor: float,
    validated: Validated | None = None,
    from_row: int = 0,
) -> AccuracyColumns:
    """The share of right directions at each candle t among scored rows s with t - horizon - w < s <= t - horizon.

    `scored` and `hit` are `(n,)`; hits count where scored. Of the candidate `windows` (ascending, in candles) the
    smallest with at least `minimum_effective` effective predictions is used; where none has, the largest is shown and
    the verdict is INSUFFICIENT_DATA. BREACHED: the accuracy and the upper end of its Wilson 95 % interval are below
    `floor`. FELL, where it is not breached: the window and its newest third are both below the accuracy `validated` by
    the one-sided test of two shares at 99 %. Without `validated`, or with less than `minimum_effective` in it, nothing
    can fall.

    The lag is twice the horizon, less if the smallest window is shorter than that. Needs horizon + largest window - 1
    predecessors per row; rows before `from_row` are not asked for and show nothing. Raises ValueError for columns of
    unequal length, windows that are not positive and ascending, or a horizon below 1.
    """
    rule = AccuracyRule(
        horizon_candles=horizon_candles,
        windows=tuple(windows),
        minimum_effective=minimum_effective,
        floor=floor,
        validated=validated,
    )
    return rule.of(scored, hit, from_row)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRule:
    """What `rolling_accuracy` is told beside the rows. Raises ValueError as it does."""

    horizon_candles: int
    windows: tuple[int, ...]
    minimum_effective: int
    floor: float
    validated: Validated | None

    def __post_init__(self) -> None:
        if self.horizon_candles < 1:
            raise ValueError(f"a horizon of {self.horizon_candles} candles is not in the future")
        if not self.windows or self.windows[0] < 1 or any(a >= b for a, b in pairwise(self.windows)):
            raise ValueError(f"accuracy windows {self.windows} must be positive and ascending")

    @property
    def fall_from(self) -> Validated | None:
        """The validation that accuracy can fall from; None where there is none worth enough."""
        known = self.validated is not None and self.validated.effective_predictions >= self.minimum_effective
        return self.validated if known else None

    def of(self, scored: Bools, hit: Bools, from_row: int) -> AccuracyColumns:
        """All rows; those before `from_row` are not asked for and show nothing."""
        if scored.shape != hit.shape or scored.ndim != 1:
            raise ValueError(f"scored {scored.shape} and hit {hit.shape} must be two columns of one length")
        start = min(from_row, len(scored))
        columns = AccuracyColumns.unknown(len(scored), self.windows[-1])
        self.put(columns, scored, hit, range(start, len(scored)))
        return columns

    def put(self, columns: AccuracyColumns, scored: Bools, hit: Bools, rows: range) -> None:
        """Write some `rows` of the columns."""
        if len(rows) > _FEW_ROWS:
            lags = accuracy_lags(self.horizon_candles, self.windows)
            columns.put(rows.start, _judged(HitSums.of(scored, scored & hit, lags), rows, self))
        elif rows:
            self.go_on(columns, HitBits.of(scored, hit), rows, None)

    def go_on(self, columns: AccuracyColumns, bits: HitBits, rows: range, last: HitWindow | None) -> HitWindow | None:
        """Write `rows` one after another; `last` is the widest window of the row before them, as is returned."""
        widest = self.windows[-1]
        for row in rows:
            known = row - self.horizon_candles
            if last is None:
                last = HitWindow.of(bits.until(known, widest), accuracy_lags(self.horizon_candles, self.windows))
            else:
                last = last.then(bits.until(known, 1))
            _put_row(columns, row, last, self)
        return last


def accuracy_memory_candles(horizon_candles: int, windows: Sequence[int]) -> int:
    """How many predecessors a row needs so that its accuracy does not depend on where the frame starts."""
    return horizon_candles + max(windows) - 1


def accuracy_lags(horizon_candles: int, windows: Sequence[int]) -> int:
    """Over how many candles the dependence of hits is measured."""
    return min(2 * horizon_candles, windows[0] - 1)


def wilson(share: Number, number: Number) -> tuple[Number, Number]:
    """Lower and upper end of the 95 % interval of a share of `number` (effective) predictions; of none, 0 and 1."""
    square = _Z_INTERVAL * _Z_INTERVAL
    centre = (share * number + square / 2.0) / (number + square)
    half = root(square * (number * share * (1.0 - share) + square / 4.0)) / (number + square)
    return at_least(centre - half, 0.0), at_most(centre + half, 1.0)


def fallen(share: Number, number: Number, validated: Validated) -> Any:
    """Where shares of `number` effective predictions are below the validated one: two shares, one-sided, at 99 %.

    The variance is that of the pooled share. NaN never falls. A bool for floats, an array of them for arrays.
    """
    other = validated.effective_predictions
    pooled = (share * number + validated.accuracy * other) / (number + other)
    fall = validated.accuracy - share
    beyond = fall * fall * number * other > _Z_FALL * _Z_FALL * pooled * (1.0 - pooled) * (number + other)
    return (fall > 0.0) & beyond


def verdict_of(
    accuracy: float, upper: float, effective: float, *, minimum_effective: int, floor: float, fell: bool
) -> AccuracyVerdict:
    """The verdict on an accuracy of `effective` predictions with the `upper` end of its interval.

    NaN is never below the floor, nor enough. `fell` says whether both the window and its newest part have fallen.
    """
    if not effective >= minimum_effective:
        return AccuracyVerdict.INSUFFICIENT_DATA
    if accuracy < floor and upper < floor:
        return AccuracyVerdict.BREACHED
    return AccuracyVerdict.FELL if fell else AccuracyVerdict.HEALTHY


def scored_rows(judged: Floats, realised: Floats, dead_band: float) -> Bools:
    """Rows with a score beyond `dead_band` and an outcome that is known and not zero; NaN is none."""
    scored = np.isfinite(judged) & np.isfinite(realised) & (realised != 0.0)
    return np.asarray(scored & (np.abs(judged) > dead_band))


# By the smallest of the windows that holds enough effective predictions, else by the largest.
def _judged(sums: HitSums, rows: range, rule: AccuracyRule) -> AccuracyColumns:
    delay, windows, every = rule.horizon_candles - 1, rule.windows, np.arange(len(rows))
    number, hits = sums.counted_each(rows, delay, (*windows, *(window // NEWEST_PART for window in windows)))
    number[number == 0.0] = np.nan
    accuracy, effective = hits / number, number * sums.worth(rows, delay, windows[-1])
    enough = effective[: len(windows)] >= rule.minimum_effective
    used = np.where(enough.any(axis=0), enough.argmax(axis=0), len(windows) - 1)
    whole, newest = ((accuracy[part, every], effective[part, every]) for part in (used, used + len(windows)))
    lower, upper = wilson(*whole)
    return AccuracyColumns(
        accuracy=whole[0],
        lower=lower,
        upper=upper,
        effective_predictions=whole[1],
        verdict=_verdicts(whole, newest, upper, rule),
        window_candles=np.array(windows, dtype=np.int32)[used],
    )


# `verdict_of` of each row
def _verdicts(
    whole: tuple[Floats, Floats], newest: tuple[Floats, Floats], upper: Floats, rule: AccuracyRule
) -> NDArray[np.int8]:
    enough = whole[1] >= rule.minimum_effective
    verdict = np.full(len(enough), AccuracyVerdict.INSUFFICIENT_DATA, dtype=np.int8)
    verdict[enough] = AccuracyVerdict.HEALTHY
    if rule.fall_from:
        fell = fallen(*whole, rule.fall_from) & fallen(*newest, rule.fall_from)
        verdict[enough & fell] = AccuracyVerdict.FELL
    verdict[enough & (whole[0] < rule.floor) & (upper < rule.floor)] = AccuracyVerdict.BREACHED
    return verdict


# The same of one row, which knows a widest window.
def _put_row(columns: AccuracyColumns, row: int, widest: HitWindow, rule: AccuracyRule) -> None:
    worth = widest.worth()
    for used in rule.windows:
        whole = widest.share(used, worth)
        if whole.effective_predictions >= rule.minimum_effective:
            break
    newest = widest.share(used // NEWEST_PART, worth)
    lower, upper = wilson(whole.accuracy, whole.effective_predictions)
    columns.accuracy[row], columns.effective_predictions[row] = whole.accuracy, whole.effective_predictions
    columns.lower[row], columns.upper[row], columns.window_candles[row] = lower, upper, used
    columns.verdict[row] = _verdict(whole, newest, upper, rule)


def _verdict(whole: Share, newest: Share, upper: float, rule: AccuracyRule) -> AccuracyVerdict:
    shown = rule.fall_from
    fell = (
        shown is not None
        and fallen(whole.accuracy, whole.effective_predictions, shown)
        and fallen(newest.accuracy, newest.effective_predictions, shown)
    )
    return verdict_of(
        whole.accuracy,
        upper,
        whole.effective_predictions,
        minimum_effective=rule.minimum_effective,
        floor=rule.floor,
        fell=fell,
    )


__all__ = [
    "NEWEST_PART",
    "AccuracyColumns",
    "AccuracyRule",
    "Validated",
    "accuracy_lags",
    "accuracy_memory_candles",
    "fallen",
    "rolling_accuracy",
    "scored_rows",
    "verdict_of",
    "wilson",
]
