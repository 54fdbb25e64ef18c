"""How many independent predictions a run of dependent hits is worth.

Predictions of the next h candles made one candle apart share h - 1 of them, and their errors come in runs. The mean
of such hits varies more than independent ones would: its variance is inflated by the long-run variance of the hits
over their plain variance (Newey and West 1987, Bartlett weights). Taken about the sample's own mean it comes out too
small: by the share (1 + 2 W / N) / N in expectation, with N hits and W the weights of their pairs summed up, which is
(lags + 1) / N where every row is scored. It is divided by what is left of one.

Everything is counted in whole numbers, which floats hold exactly, and divided at the end: a row's values do not depend
on where its frame starts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.elementwise import Number, at_least, ratio_or_zero
from tradai_lifecycle.monitor.psi import Floats

Bools = NDArray[np.bool_]
#: The pairs of a window, of two hits, and the hits in pairs: weighted, see `worth_of`.
Pairs = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of hits: of how many predictions, and how many independent ones these are worth; NaN of none."""

    accuracy: float
    predictions: int
    effective_predictions: float


def worth_of(number: Number, hits: Number, pairs: Iterable[Number], lags: int) -> Number:
    """How many independent predictions one scored row of a window is worth, in [0, 1]: of one window or of many.

    `number` are its scored rows, NaN for none, `hits` those of them that are right, `pairs` its pairs, the pairs of two
    hits, and the hits in pairs. Pairs are rows at most `lags` apart that are both scored, weighted lags + 1 - lag. Hits
    that never vary say nothing of their dependence: it is taken as none. NaN where nothing is scored.
    """
    share, weight = hits / number, lags + 1
    both, both_hit, hits_in_pairs = pairs
    covariance = both_hit - share * hits_in_pairs + share * share * both
    variance = number * share * (1.0 - share) * weight
    inflation = 1.0 + 2.0 * ratio_or_zero(covariance, variance)
    seen = 1.0 - (1.0 + 2.0 * both / (number * weight)) / number
    return at_least(seen, 0.0) / at_least(inflation, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitSums:
    """Hits of many rows: sums from the first row up to each boundary `(n + 1,)`.

    `ends` sums the pairs whose later row is before the boundary, `starts` those that begin before it; a window's pairs
    are the difference of the two.
    """

    lags: int
    scored: Floats
    hits: Floats
    ends: Floats
    starts: Floats

    @classmethod
    def of(cls, scored: Bools, hits: Bools, lags: int) -> "HitSums":
        """The sums of columns `(n,)`; rows with a hit must be scored."""
        s, h = scored.astype(np.float64), hits.astype(np.float64)
        before, after = _weighted_neighbours(s, lags), _weighted_neighbours(s[::-1], lags)[::-1]
        hits_before, hits_after = _weighted_neighbours(h, lags), _weighted_neighbours(h[::-1], lags)[::-1]
        return cls(
            lags=lags,
            scored=_until(scored),
            hits=_until(hits),
            ends=_until(np.stack([s * before, h * hits_before, h * before + s * hits_before])),
            starts=_until(np.stack([s * after, h * hits_after, h * after + s * hits_after])),
        )

    def counted_each(self, rows: range, delay: int, windows: Sequence[int]) -> tuple[Floats, Floats]:
        """Per window and row `(windows, rows)`: scored rows and hits of the window that ends `delay` before the row."""
        number, hits = (
            _delayed(sums, rows, delay) - np.stack([_delayed(sums, rows, delay + window) for window in windows])
            for sums in (self.scored, self.hits)
        )
        return number, hits

    def counted(self, rows: range, delay: int, window: int) -> tuple[Floats, Floats]:
        """Per row: the scored rows and the hits among the `window` rows that end `delay` before it."""
        (number,), (hits,) = self.counted_each(rows, delay, (window,))
        return number, hits

    def worth(self, rows: range, delay: int, window: int) -> Floats:
        """Per row: what `worth_of` says of the window, which is longer than the lags, that ends `delay` before it."""
        number, hits = self.counted(rows, delay, window)
        pairs = _delayed(self.ends, rows, delay) - _delayed(self.starts, rows, delay + window)
        return worth_of(np.where(number == 0.0, np.nan, number), hits, pairs, self.lags)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitBits:
    """Hits of rows as the bits of whole numbers: the newest row is the lowest bit."""

    rows: int
    scored: int
    hits: int

    @classmethod
    def of(cls, scored: Bools, hit: Bools) -> "HitBits":
        """The bits of columns `(n,)`; hits count where scored."""
        return cls(rows=len(scored), scored=_bits(scored), hits=_bits(scored & hit))

    def until(self, row: int, rows: int) -> "HitBits":
        """So many rows, of which `row` is the newest; before the first of all nothing is scored."""
        later, every = self.rows - 1 - row, (1 << rows) - 1
        return HitBits(rows=rows, scored=self.scored >> later & every, hits=self.hits >> later & every)

    def then(self, row: "HitBits") -> "HitBits":
        """As many rows, of which the one of `row` is the newest."""
        every, scored, hits = (1 << self.rows) - 1, self.scored << 1 | row.scored, self.hits << 1 | row.hits
        return HitBits(rows=self.rows, scored=scored & every, hits=hits & every)


@dataclass(frozen=True, slots=True, kw_only=True)
class HitWindow:
    """Hits of a window as bits, and what its pairs add up to, see `worth_of`."""

    lags: int
    bits: HitBits
    pairs: Pairs

    @classmethod
    def of(cls, bits: HitBits, lags: int) -> "HitWindow":
        """The window of all rows of `bits`."""
        return cls(lags=lags, bits=bits, pairs=_pairs(bits, lags))

    def then(self, row: HitBits) -> "HitWindow":
        """The window that ends at the one `row` after this one's newest; it must be longer than the lags."""
        lags, scored, hits, oldest = self.lags, self.bits.scored, self.bits.hits, self.bits.rows - 1
        near, after = (1 << lags) - 1, oldest - lags
        come = _row_pairs(row.scored, row.hits, _before(scored & near, lags), _before(hits & near, lags))
        gone = _row_pairs(
            scored >> oldest, hits >> oldest, _after(scored >> after & near), _after(hits >> after & near)
        )
        both, both_hit, hits_in_pairs = self.pairs
        pairs = (both + come[0] - gone[0], both_hit + come[1] - gone[1], hits_in_pairs + come[2] - gone[2])
        return HitWindow(lags=lags, bits=self.bits.then(row), pairs=pairs)

    def counted(self, window: int) -> tuple[int, int]:
        """The scored rows and the hits among the newest `window` rows."""
        newest = (1 << window) - 1
        return (self.bits.scored & newest).bit_count(), (self.bits.hits & newest).bit_count()

    def worth(self) -> float:
        """What `worth_of` says of all rows; NaN where none is scored."""
        if not self.bits.scored:
            return np.nan
        number, hits = self.bits.scored.bit_count(), self.bits.hits.bit_count()
        return worth_of(float(number), float(hits), map(float, self.pairs), self.lags)

    def share(self, window: int, worth: float) -> Share:
        """The share of hits among the newest `window` rows, each of them `worth` so many independent predictions."""
        number, hits = self.counted(window)
        if not number:
            return Share(accuracy=np.nan, predictions=0, effective_predictions=np.nan)
        return Share(accuracy=hits / number, predictions=number, effective_predictions=number * worth)


def _bits(flags: Bools) -> int:
    # the last of them are padded to a whole byte
    return int.from_bytes(np.packbits(flags).tobytes(), "big") >> -len(flags) % 8


def _pairs(bits: HitBits, lags: int) -> Pairs:
    scored, hits = bits.scored, bits.hits
    both = both_hit = hits_in_pairs = 0
    for lag in range(1, lags + 1):
        weight, scored_before, hits_before = lags + 1 - lag, scored >> lag, hits >> lag
        both += weight * (scored & scored_before).bit_count()
        both_hit += weight * (hits & hits_before).bit_count()
        mixed = (hits & scored_before).bit_count() + (scored & hits_before).bit_count()
        hits_in_pairs += weight * mixed
    return both, both_hit, hits_in_pairs


# the pairs of one row with others, whose weights are summed up over the scored ones and over the hits
def _row_pairs(scored: int, hit: int, near: int, near_hits: int) -> Pairs:
    return scored * near, hit * near_hits, hit * near + scored * near_hits


# the weights of the `lags` rows just before another one, summed up over their bits
def _before(bits: int, lags: int) -> int:
    return (lags + 1) * bits.bit_count() - _after(bits)


# of those just after it: the places of the bits, the lowest being the first
def _after(bits: int) -> int:
    places = 0
    while bits:
        places += bits.bit_count()
        bits >>= 1
    return places


def share_of(scored: Bools, hits: Bools, lags: int) -> Share:
    """The share of `hits` among the `scored` of all rows `(n,)`, a candle apart. A lag of n or more is cut."""
    window = HitWindow.of(HitBits.of(scored, hits), max(min(lags, len(scored) - 1), 0))
    return window.share(len(scored), window.worth())


def pooled_share(columns: Sequence[tuple[Bools, Bools]], lags: int) -> Share:
    """The share over several pairs' (scored, hits), all `(n,)` and row for row of the same candles.

    Pairs move together: what they miss at one candle is added up before its covariances are taken (Driscoll and Kraay
    1998). Of one pair it is `share_of`.
    """
    number = sum(int(np.count_nonzero(scored)) for scored, _ in columns)
    if not number:
        return Share(accuracy=np.nan, predictions=0, effective_predictions=np.nan)
    share = sum(int(np.count_nonzero(scored & hits)) for scored, hits in columns) / number
    missed = np.stack([np.where(scored, hits - share, 0.0) for scored, hits in columns]).sum(axis=0)
    predicted = np.stack([scored for scored, _ in columns]).sum(axis=0, dtype=np.float64)
    plain = number * share * (1.0 - share)
    inflation = max(_long_run(missed, lags) / plain, 1.0) if plain else 1.0
    worth = max(1.0 - _long_run(predicted, lags) / number**2, 0.0) / inflation
    return Share(accuracy=share, predictions=number, effective_predictions=number * worth)


# the sum of products of rows up to `lags` apart, by their Bartlett weights
def _long_run(values: Floats, lags: int) -> float:
    lags = max(min(lags, len(values) - 1), 0)
    products = [values[lag:] @ values[: len(values) - lag] for lag in range(lags + 1)]
    weights = 1.0 - np.arange(lags + 1) / (lags + 1)
    return float(2.0 * (weights @ products) - products[0])


# The sum of the rows up to `lags` before each row, weighted by lags + 1 - lag. Sums of integers: exact in any order.
def _weighted_neighbours(values: Floats, lags: int) -> Floats:
    weights = np.arange(lags + 1, 0, -1, dtype=np.float64)
    weights[0] = 0.0
    return np.convolve(values, weights)[: len(values)] if len(values) else values


# sums up to each boundary along the last axis, from none to all
def _until(values: NDArray[Any]) -> Floats:
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1))
    np.cumsum(values, axis=-1, out=sums[..., 1:], dtype=np.float64)
    return sums


# The sums up to the boundary that lies `delay` before each row: of nothing where it lies before the first one.
def _delayed(sums: Floats, rows: range, delay: int) -> Floats:
    delayed = np.zeros((*sums.shape[:-1], len(rows)))
    first = max(delay - rows.start, 0)
    if first < len(rows):
        delayed[..., first:] = sums[..., rows.start + first - delay : rows.stop - delay]
    return delayed


__all__ = ["Bools", "HitBits", "HitSums", "HitWindow", "Share", "pooled_share", "share_of", "worth_of"]
