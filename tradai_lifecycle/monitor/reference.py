"""The training data's own figures that live candles are compared with: fitted once, kept as JSON beside the model."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import ClassVar

from tradai_lifecycle.monitor.market import MARKET_SERIES
from tradai_lifecycle.monitor.plain import from_plain
from tradai_lifecycle.monitor.shift_windows import fast_tiers
from tradai_lifecycle.monitor.shifts import FastTier, ShiftReference

PREDICTION = "prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReference:
    """One monitored series as the training data showed it.

    `edges` are the interior bin edges, strictly increasing; value bin i starts at edge i - 1, the outer bins are
    open-ended. `counts` are the training rows of the len(edges) + 1 value bins and, last, of NaN and infinities.
    `minimum` and `maximum` are of the finite values, runs are in candles, `iqr_low` and `iqr_high` bound the
    interquartile range over training windows (both 0 where none could be taken). The quantiles are PSI values that
    windows of the training data reach without drift, before any floor. Raises ValueError where parts contradict.
    """

    name: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    minimum: float
    maximum: float
    longest_constant_run: int
    iqr_low: float
    iqr_high: float
    mean_window_psi: float
    moderate_quantile: float
    significant_quantile: float
    retrain_quantile: float

    def __post_init__(self) -> None:
        if any(not lower < upper for lower, upper in pairwise(self.edges)):
            raise ValueError(f"the edges of {self.name!r} are not strictly increasing")
        if len(self.counts) != len(self.edges) + 2:
            raise ValueError(f"{self.name!r} has {len(self.counts)} counts for {len(self.edges)} edges, needs 2 more")
        if min(self.counts) < 0 or not self.minimum <= self.maximum:
            raise ValueError(f"{self.name!r} has a negative count or a minimum above its maximum")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketReference:
    """The market's own series (`MARKET_SERIES`) in training: their interior bin edges, and their shifts.

    Raises ValueError where there is not one score for each bin.
    """

    edges: tuple[tuple[float, ...], ...]
    shifts: ShiftReference

    def __post_init__(self) -> None:
        if len(self.edges) != len(MARKET_SERIES):
            raise ValueError(f"the market has {len(self.edges)} series, needs {len(MARKET_SERIES)}")
        _check_scores("the market", self.shifts, [len(edges) + 2 for edges in self.edges])


@dataclass(frozen=True, slots=True, kw_only=True)
class PairReference:
    """Every monitored series of one pair: the features in the model's order, and the prediction.

    `psi_peaks` are the highest separate peaks that the largest significant ratio of the series held in training,
    highest first; `relations` are what each feature keeps of itself beside its partners, over the bins of `features`.
    Raises ValueError where there is not one score for each bin.
    """

    pair: str
    training_candles: int
    features: tuple[FeatureReference, ...]
    prediction: FeatureReference
    longest_constant_close_run: int
    psi_peaks: tuple[float, ...]
    relations: ShiftReference
    market: MarketReference

    def __post_init__(self) -> None:
        _check_scores(self.pair, self.relations, [len(feature.counts) for feature in self.features])

    @property
    def series(self) -> tuple[FeatureReference, ...]:
        """The features, then the prediction."""
        return (*self.features, self.prediction)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProfile:
    """The references of all pairs a model was trained on, for one window length. Raises ValueError on other names."""

    FORMAT_VERSION: ClassVar[int] = 3

    format_version: int = FORMAT_VERSION
    window_candles: int
    feature_names: tuple[str, ...]
    pairs: tuple[PairReference, ...]

    def __post_init__(self) -> None:
        if self.format_version != self.FORMAT_VERSION:
            raise ValueError(
                f"reference profile: format_version {self.format_version!r} is not known to this release, which reads "
                f"{self.FORMAT_VERSION}; train the model again or upgrade"
            )
        for pair in self.pairs:
            if tuple(feature.name for feature in pair.features) != self.feature_names:
                raise ValueError(f"reference profile: the features of {pair.pair} are not those of feature_names")
            for tier in (pair.market.shifts.fast_tier, pair.relations.fast_tier):
                _check_tier(pair.pair, tier, self.window_candles)

    def pair(self, pair: str) -> PairReference | None:
        """The reference of `pair`, or None if the model was not trained on it."""
        return next((reference for reference in self.pairs if reference.pair == pair), None)

    def to_json(self) -> str:
        """The profile as JSON text from which `from_json` restores every float to the last bit."""
        return json.dumps(asdict(self), allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "ReferenceProfile":
        """Read what `to_json` wrote. Raises ValueError naming what is unknown, missing or malformed."""
        try:
            raw = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"reference profile: not JSON: {error}") from None
        version = raw.get("format_version") if isinstance(raw, dict) else None
        if version != cls.FORMAT_VERSION:
            raise ValueError(f"reference profile: unknown format_version {version!r}, known is {cls.FORMAT_VERSION}")
        try:
            profile: ReferenceProfile = from_plain(cls, raw)
        except ValueError as error:
            raise ValueError(f"reference profile: {error}") from None
        return profile


# A longer one would look at more candles than a frame is sure to hold.
def _check_tier(pair: str, tier: FastTier, window: int) -> None:
    if tier not in fast_tiers(window):
        raise ValueError(f"reference profile: {pair} has {tier}, which is none of a window of {window}")


def _check_scores(whose: str, shifts: ShiftReference, bins: Sequence[int]) -> None:
    scores = [len(series) for series in shifts.scores]
    if scores != list(bins):
        raise ValueError(f"the shifts of {whose} have {scores} scores for {list(bins)} bins")


__all__ = ["PREDICTION", "FeatureReference", "MarketReference", "PairReference", "ReferenceProfile"]
