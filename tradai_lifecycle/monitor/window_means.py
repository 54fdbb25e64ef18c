"""The means of combinations of series over all windows of the training, and how far they stray there.

A combination's bounds lie half way between three standard deviations of its window means and the furthest that they
ever strayed, so neither one wild week nor a bell curve alone sets them. How often such bounds would have raised an
alarm is asked of data that did not make them: each eighth of the training is judged by the other seven.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tradai_lifecycle.monitor.psi import Floats
from tradai_lifecycle.monitor.shifts import SCORE_UNIT, WEIGHT_UNIT, Bounds

#: Parts of the training that judge each other.
BLOCKS = 8
# in normal scores: a combination that hardly varies in training is not held to the last digit
_LEAST_BOUND = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moments:
    """Count, mean, spread and extremes of window means, per combination."""

    count: float
    total: Floats
    squares: Floats
    lowest: Floats
    highest: Floats

    @classmethod
    def of(cls, means: Floats) -> "_Moments":
        """Of window means `(n, C)`, none of them too."""
        return cls(
            count=float(len(means)),
            total=means.sum(axis=0),
            squares=(means**2).sum(axis=0),
            lowest=means.min(axis=0, initial=np.inf),
            highest=means.max(axis=0, initial=-np.inf),
        )

    @classmethod
    def together(cls, parts: Sequence["_Moments"]) -> "_Moments":
        """Those of all parts' windows as one."""
        return cls(
            count=sum(part.count for part in parts),
            total=np.sum([part.total for part in parts], axis=0),
            squares=np.sum([part.squares for part in parts], axis=0),
            lowest=np.min([part.lowest for part in parts], axis=0),
            highest=np.max([part.highest for part in parts], axis=0),
        )

    def bounds(self) -> tuple[Floats, Floats, Floats]:
        """Middle, below and above, each `(C,)`."""
        middle = self.total / self.count
        three = 3.0 * np.sqrt(np.maximum(self.squares / self.count - middle**2, 0.0))
        below = np.maximum((three + middle - self.lowest) / 2.0, _LEAST_BOUND)
        above = np.maximum((three + self.highest - middle) / 2.0, _LEAST_BOUND)
        return middle, below, above


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMeans:
    """The means of all combinations over each window of the training rows, `(windows, C)`, in normal scores."""

    means: Floats
    window: int

    @classmethod
    def over(cls, scores: Floats, matrix: Floats, window: int) -> "WindowMeans":
        """Of whole scores `(m, S)`, with the combinations' whole weights `(S, C)`."""
        until = np.zeros((len(scores) + 1, scores.shape[1]))
        np.cumsum(scores, axis=0, out=until[1:])
        sums = (until[window:] - until[:-window]) @ matrix
        return cls(means=sums / (SCORE_UNIT * WEIGHT_UNIT * window), window=window)

    def bounds(self) -> list[Bounds]:
        """The bounds of each combination."""
        columns = zip(*(part.tolist() for part in self.each_bound()), strict=True)
        return [Bounds(middle=middle, below=below, above=above) for middle, below, above in columns]

    def each_bound(self) -> tuple[Floats, Floats, Floats]:
        """The same as arrays `(C,)`: middle, below and above."""
        return _Moments.of(self.means).bounds()

    def judged_by_others(self) -> Floats:
        """The furthest stray `(windows,)` by the bounds of those that share no candle with the block of each."""
        edges, shared = np.linspace(0, len(self.means), BLOCKS + 1).astype(int), self.window - 1
        cuts = np.unique(np.concatenate([edges, edges - shared, edges + shared]).clip(0, len(self.means)))
        pieces = [(start, end, _Moments.of(self.means[start:end])) for start, end in pairwise(cuts)]
        ratios = np.empty(len(self.means))
        for first, last in pairwise(edges):
            others = [moments for start, end, moments in pieces if end <= first - shared or start >= last + shared]
            middle, below, above = _Moments.together(others).bounds()
            strayed = self.means[first:last] - middle
            ratios[first:last] = np.where(strayed > 0.0, strayed / above, -strayed / below).max(axis=1)
        return ratios


__all__ = ["BLOCKS", "WindowMeans"]
