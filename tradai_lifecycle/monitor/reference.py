"""The training data's own figures that live candles are compared with: fitted once, kept as JSON beside the model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from math import isfinite
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.calibration import (
    Calibration,
    calibrate,
    interquartile_ranges,
    run_lengths,
    window_starts,
)
from tradai_lifecycle.monitor.psi import Codes, Floats, edge_codes, interior_edges

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
class PairReference:
    """Every monitored series of one pair: the features in the model's order, and the prediction."""

    pair: str
    training_candles: int
    features: tuple[FeatureReference, ...]
    prediction: FeatureReference
    longest_constant_close_run: int

    @property
    def series(self) -> tuple[FeatureReference, ...]:
        """The features, then the prediction."""
        return (*self.features, self.prediction)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProfile:
    """The references of all pairs a model was trained on, for one window length. Raises ValueError on other names."""

    FORMAT_VERSION: ClassVar[int] = 1

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
        values = _object(cls, raw)
        return cls(
            format_version=_typed(values, "format_version", int),
            window_candles=_typed(values, "window_candles", int),
            feature_names=tuple(_items(values, "feature_names", str)),
            pairs=tuple(_read_pair(pair) for pair in _items(values, "pairs", dict)),
        )


def _read_pair(raw: object) -> PairReference:
    values = _object(PairReference, raw)
    return PairReference(
        pair=_typed(values, "pair", str),
        training_candles=_typed(values, "training_candles", int),
        features=tuple(_read_feature(feature) for feature in _items(values, "features", dict)),
        prediction=_read_feature(values["prediction"]),
        longest_constant_close_run=_typed(values, "longest_constant_close_run", int),
    )


def _read_feature(raw: object) -> FeatureReference:
    values = _object(FeatureReference, raw)
    numbers = {
        field.name: _typed(values, field.name, field.type) for field in fields(FeatureReference) if field.type is float
    }
    return FeatureReference(
        name=_typed(values, "name", str),
        edges=tuple(_items(values, "edges", float)),
        counts=tuple(_items(values, "counts", int)),
        longest_constant_run=_typed(values, "longest_constant_run", int),
        **numbers,
    )


def _object(kind: type, raw: object) -> dict[str, Any]:
    expected = {field.name for field in fields(kind)}
    if not isinstance(raw, dict) or set(raw) != expected:
        found = sorted(set(raw) ^ expected) if isinstance(raw, dict) else type(raw).__name__
        raise ValueError(f"reference profile: {kind.__name__} is malformed, see {found}")
    return raw


def _typed(values: Mapping[str, Any], name: str, kind: Any) -> Any:
    return _checked(values[name], name, kind)


def _items(values: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    return [_checked(item, name, kind) for item in _checked(values[name], name, list)]


def _checked(value: Any, name: str, kind: type) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind or (isinstance(value, float) and not isfinite(value)):
        raise ValueError(f"reference profile: {name} is {value!r}, expected {kind.__name__}")
    return value


def fit_pair_reference(
    *,
    pair: str,
    features: NDArray[Any],
    feature_names: Sequence[str],
    prediction: NDArray[Any],
    close: NDArray[Any],
    window_candles: int,
) -> PairReference:
    """Fit the reference of one pair on its training candles, calibration included.

    `features` `(m, F)`, `prediction` `(m,)` and `close` `(m,)` are rows in time order; `window_candles` is the length
    of the live window. Predictions should be out of sample (from folds that had not seen the row): a model is surer
    of rows it was fitted on, and live predictions would look like drift. NaN and infinities are counted in a bin of
    their own. Raises ValueError naming the problem: shapes or names that do not match, fewer candles than two
    windows, a series without a finite value.
    """
    series = _training_series(features, feature_names, prediction, close, window_candles)
    names = (*feature_names, PREDICTION)
    edges = [_named_edges(name, column) for name, column in zip(names, series.T, strict=True)]
    codes = edge_codes(series, edges)
    counts = [_counts(column, len(cut) + 2) for column, cut in zip(codes.T, edges, strict=True)]
    limits = calibrate(codes, counts, window_candles)
    references = tuple(
        _series_reference(name, series[:, index], edges[index], counts[index], limits, index, window_candles)
        for index, name in enumerate(names)
    )
    return PairReference(
        pair=pair,
        training_candles=len(series),
        features=references[:-1],
        prediction=references[-1],
        longest_constant_close_run=int(run_lengths(np.asarray(close, dtype=np.float64)).max()),
    )


def _training_series(
    features: NDArray[Any], names: Sequence[str], prediction: NDArray[Any], close: NDArray[Any], window: int
) -> Floats:
    if features.ndim != 2 or features.shape[1] != len(names):
        raise ValueError(f"features of shape {features.shape} do not fit {len(names)} feature names")
    if len(set(names)) != len(names):
        raise ValueError("feature names occur twice")
    if prediction.shape != (len(features),) or close.shape != (len(features),):
        raise ValueError(f"prediction {prediction.shape} and close {close.shape} must have {len(features)} rows")
    if window < 1 or len(features) < 2 * window:
        raise ValueError(f"{len(features)} training candles do not hold two windows of {window}")
    return np.asfortranarray(np.column_stack([features, prediction]), dtype=np.float64)


def _named_edges(name: str, column: Floats) -> tuple[float, ...]:
    try:
        return interior_edges(column)
    except ValueError as error:
        raise ValueError(f"series {name!r}: {error}") from None


def _counts(codes: Codes, bins: int) -> tuple[int, ...]:
    return tuple(np.bincount(codes, minlength=bins).tolist())


def _series_reference(
    name: str,
    column: Floats,
    edges: tuple[float, ...],
    counts: tuple[int, ...],
    limits: Calibration,
    index: int,
    window: int,
) -> FeatureReference:
    finite = column[np.isfinite(column)]
    ranges = interquartile_ranges(column, window_starts(len(column), window) + window - 1, window)
    known = ranges[np.isfinite(ranges)]
    return FeatureReference(
        name=name,
        edges=edges,
        counts=counts,
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        longest_constant_run=int(run_lengths(column).max()),
        iqr_low=float(known.min(initial=np.inf)) if known.size else 0.0,
        iqr_high=float(known.max(initial=0.0)),
        mean_window_psi=float(limits.mean_window_psi[index]),
        moderate_quantile=float(limits.moderate_quantile[index]),
        significant_quantile=float(limits.significant_quantile[index]),
        retrain_quantile=float(limits.retrain_quantile[index]),
    )


__all__ = ["PREDICTION", "FeatureReference", "PairReference", "ReferenceProfile", "fit_pair_reference"]
