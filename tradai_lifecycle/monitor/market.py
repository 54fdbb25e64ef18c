"""The market itself, read from raw candles: activity and volume, each beside its own recent past.

A model's features are computed by its strategy, and a long training set has seen most of their values. What it has
hardly seen is a step: a market that is twice as volatile as in the weeks before, or as volatile on a third of the
volume. So each figure is taken relative to its mean over the window of candles before it, and is the same for every
strategy.

Everything is counted in whole numbers: a row's figures do not depend on where its frame starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.psi import Floats

#: What is followed, in the order of the columns.
MARKET_SERIES = ("range", "volume", "change of range", "change of volume", "body")
RANGE, VOLUME = MARKET_SERIES.index("range"), MARKET_SERIES.index("volume")
# figures are rounded to this fraction, so that their sums are exact
_STEPS = 1 << 20
# a candle without a range or a volume counts as one with this little of it
_LEAST_RANGE, _LEAST_VOLUME = 1e-5, 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candles:
    """The prices and volumes of n candles in time order, each `(n,)`."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.close)

    def rows(self, rows: "slice | NDArray[np.bool_]") -> "Candles":
        """Some of the candles."""
        return Candles(**{name: getattr(self, name)[rows] for name in _PARTS})

    def at(self, row: int) -> tuple[float, ...]:
        """One candle: its open, high, low, close and volume."""
        return tuple(getattr(self, name)[row].item() for name in _PARTS)

    def go_on_from(self, other: "Candles", gone: int) -> bool:
        """Whether they begin with some that are left of `other` without its first `gone`, each the same bit for bit."""
        known = len(other) - gone
        return 0 < known <= len(self) and all(
            getattr(self, name)[:known].tobytes() == getattr(other, name)[gone:].tobytes() for name in _PARTS
        )


_PARTS = tuple(field.name for field in fields(Candles))


def market_values(candles: Candles, window: int) -> Floats:
    """Each of `MARKET_SERIES` less its mean over the `window` candles before, `(n, 5)`.

    Range is ln(high / low - 1), volume ln(volume), the changes are absolute differences of the two from one candle to
    the next, body is the share of the range between open and close. NaN in the first `window` rows, of the changes in
    one more, and wherever what a figure is made of is not finite in one of the candles.
    """
    figures = MarketFigures.of(candles)
    relative = np.full(figures.whole.shape, np.nan)
    if len(candles) > window:
        before, known_before = _sums_before(figures.whole, window), _sums_before(figures.known, window)
        relative[window:] = figures.part(slice(window, None)).relative(before, known_before, window)
    return relative


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarketFigures:
    """Each of `MARKET_SERIES` of n candles by itself, `(n, 5)`: as whole numbers, and where it is `known`."""

    whole: NDArray[np.int64]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, candles: Candles) -> "MarketFigures":
        """Of candles one after another; the first has no change."""
        figures = _figures(candles)
        known = np.isfinite(figures)
        return cls(whole=np.rint(np.where(known, figures, 0.0) * _STEPS).astype(np.int64), known=known)

    def part(self, rows: slice) -> "MarketFigures":
        """Some of the rows."""
        return MarketFigures(whole=self.whole[rows], known=self.known[rows])

    def relative(self, before: NDArray[np.int64], known_before: NDArray[np.int64], window: int) -> Floats:
        """Less their mean over `window` rows before each, whose sums are given `(n, 5)`; NaN where one is unknown."""
        complete = self.known & (known_before == window)
        return np.where(complete, (self.whole * window - before) / (window * _STEPS), np.nan)


class MarketPast:
    """The figures of a pair's last window of candles, and their sums: what its next candle is held against.

    A candle is one row: everything is in plain numbers, which take a tenth of what arrays of one element do.
    """

    def __init__(self, candles: Candles, window: int) -> None:
        self._window = window
        figures = MarketFigures.of(candles)
        # whole numbers and, beside them, where they are known; once full, the oldest row gives way to the newest
        self._rows = np.concatenate([figures.whole, figures.known], axis=1)[-window:]
        self._sums, self._oldest = self._rows.sum(axis=0).tolist(), 0
        self._logarithms, _ = _of_one(*candles.at(-1))

    def next(self, candle: Sequence[float]) -> list[float]:
        """The row of `market_values` of the candle after these: of its open, high, low, close and volume."""
        before, (self._logarithms, body) = self._logarithms, _of_one(*candle)
        changes = [abs(now - last) for now, last in zip(self._logarithms, before, strict=True)]
        figures = [*self._logarithms, *changes, body]
        known = [isfinite(figure) for figure in figures]
        whole = [round(figure * _STEPS) if finite else 0 for figure, finite in zip(figures, known, strict=True)]
        past, known_past = self._sums[: len(whole)], self._sums[len(whole) :]
        self._add([*whole, *known])
        return [
            (now * self._window - mean) / (self._window * _STEPS) if finite and count == self._window else nan
            for now, mean, finite, count in zip(whole, past, known, known_past, strict=True)
        ]

    def _add(self, come: list[int]) -> None:
        if len(self._rows) < self._window:
            self._rows, gone = np.concatenate([self._rows, [come]]), [0] * len(come)
        else:
            gone = self._rows[self._oldest].tolist()
            self._rows[self._oldest] = come
            self._oldest = (self._oldest + 1) % self._window
        self._sums = [total + new - old for total, new, old in zip(self._sums, come, gone, strict=True)]


def market_memory_candles(window: int) -> int:
    """How many predecessors a row of `market_values` needs: the mean's, and one more for the changes."""
    return window + 1


def _figures(candles: Candles) -> Floats:
    figures = np.full((len(candles), len(MARKET_SERIES)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        height = candles.high / candles.low - 1.0
        spread = candles.high - candles.low
        known = np.isfinite(spread)
        height = np.where(np.isfinite(height) & known, np.maximum(height, _LEAST_RANGE), np.nan)
        volume = np.where(candles.volume >= 0.0, candles.volume, np.nan) + _LEAST_VOLUME
        logarithms = np.log(np.array([height, volume])).T
        figures[:, :2] = logarithms
        figures[1:, 2:4] = np.abs(logarithms[1:] - logarithms[:-1])
        move = np.abs(candles.close - candles.open)
        body = np.where(spread > 0.0, np.minimum(move / spread, 1.0), 0.0)
    figures[:, 4] = np.where(known & np.isfinite(move), body, np.nan)
    return figures


# The same of one candle: the logarithms of range and volume, and the body. The logarithm is that of arrays, which may
# differ from that of floats in its last bit.
def _of_one(open_: float, high: float, low: float, close: float, volume: float) -> tuple[list[float], float]:
    spread, move = high - low, abs(close - open_)
    height = high / low - 1.0 if low and isfinite(spread) else nan
    body = min(move / spread, 1.0) if spread > 0.0 else 0.0
    logarithms = np.log(
        [
            max(height, _LEAST_RANGE) if isfinite(height) else nan,
            volume + _LEAST_VOLUME if volume >= 0.0 else nan,
        ]
    )
    return logarithms.tolist(), body if isfinite(spread) and isfinite(move) else nan


# the sum of the `window` rows before each row from `window` on
def _sums_before(whole: NDArray[np.int64] | NDArray[np.bool_], window: int) -> NDArray[np.int64]:
    until = np.zeros((len(whole) + 1, whole.shape[1]), dtype=np.int64)
    np.cumsum(whole, axis=0, out=until[1:])
    sums: NDArray[np.int64] = until[window:-1] - until[: -window - 1]
    return sums


__all__ = [
    "MARKET_SERIES",
    "RANGE",
    "VOLUME",
    "Candles",
    "MarketFigures",
    "MarketPast",
    "market_memory_candles",
    "market_values",
]
