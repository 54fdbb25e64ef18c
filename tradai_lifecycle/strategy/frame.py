"""From the strategy's own features and target to the plain arrays that are judged, with the contract checked."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradai_lifecycle.errors import StrategyContractError
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.strategy.columns import Frame

FEATURE_PREFIX = "%-"
TARGET_PREFIX = "&-"


class FeatureStrategy(Protocol):
    """What a strategy must offer to be judged, trained and tested with one feature code."""

    horizon_candles: int

    def populate_features(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame | None:
        """Add the features, each in a column whose name starts with `%-`."""

    def populate_target(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame | None:
        """Add the one target, in a column whose name starts with `&-`."""


def dates_in_ns(dates: pd.Series) -> NDArray[np.int64]:
    """Open times as nanoseconds since the epoch, UTC, whatever resolution the column has."""
    # dropping the zone first matters: to_numpy of a zone-aware column builds an object per row
    naive = dates.dt.tz_convert("UTC").dt.tz_localize(None) if dates.dt.tz is not None else dates
    return naive.to_numpy().astype("datetime64[ns]").astype(np.int64)


def computed_features(
    strategy: FeatureStrategy, dataframe: pd.DataFrame, metadata: Mapping[str, Any]
) -> tuple[pd.DataFrame, tuple[str, ...], NDArray[np.float64]]:
    """Run the strategy's feature code alone: the dataframe with the features, their names, and they as (n, n_features).

    Raises StrategyContractError where there is no feature, one is no number, or rows were lost.
    """
    featured = with_features(strategy, dataframe, metadata)
    return featured, *_features(strategy, featured)


def with_features(strategy: FeatureStrategy, dataframe: pd.DataFrame, metadata: Mapping[str, Any]) -> pd.DataFrame:
    """What the strategy's feature code returns for `dataframe`. Raises StrategyContractError where rows were lost."""
    featured = strategy.populate_features(dataframe, dict(metadata))
    if featured is None or len(featured) != len(dataframe):
        raise StrategyContractError(
            f"populate_features of {type(strategy).__name__} must return the dataframe it was given, with as many rows."
        )
    return featured


def candles_of(dataframe: pd.DataFrame) -> Candles:
    """The prices and volumes of a dataframe, copied: the strategy may go on writing into it."""
    columns = (field.name for field in fields(Candles))
    return Candles(**{name: np.array(dataframe[name].to_numpy(), dtype=np.float64) for name in columns})


def build_frame(
    strategy: FeatureStrategy, dataframe: pd.DataFrame, metadata: Mapping[str, Any]
) -> tuple[pd.DataFrame, Frame]:
    """Run the strategy's feature and target code over one pair's candles.

    Returns the dataframe with the features (never the target: it looks ahead) and the arrays to judge. Raises
    StrategyContractError where a feature or the target is missing, or is no number.
    """
    featured = with_features(strategy, dataframe, metadata)
    return featured, frame_of(strategy, featured, metadata)


def frame_of(strategy: FeatureStrategy, featured: pd.DataFrame, metadata: Mapping[str, Any]) -> Frame:
    """The arrays to judge of a dataframe `with_features`, its target run over a copy. Raises as `build_frame` does."""
    names, features = _features(strategy, featured)
    return Frame(
        pair=str(metadata["pair"]),
        dates_ns=dates_in_ns(featured["date"]),
        candles=candles_of(featured),
        feature_names=names,
        features=features,
        realised=_target(strategy, featured, metadata),
    )


def _features(strategy: FeatureStrategy, featured: pd.DataFrame) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    names = tuple(str(column) for column in featured.columns if str(column).startswith(FEATURE_PREFIX))
    if not names:
        raise StrategyContractError(
            f"populate_features of {type(strategy).__name__} adds no feature: name columns {FEATURE_PREFIX}something."
        )
    return names, _numbers(featured, names)


def _target(strategy: FeatureStrategy, featured: pd.DataFrame, metadata: Mapping[str, Any]) -> NDArray[np.float64]:
    # on a copy: the target knows the future, and no column of it may reach the strategy's signals
    aimed = strategy.populate_target(featured.copy(), dict(metadata))
    if aimed is None or len(aimed) != len(featured):
        raise StrategyContractError(
            f"populate_target of {type(strategy).__name__} must return the dataframe it was given, with as many rows."
        )
    names = tuple(str(column) for column in aimed.columns if str(column).startswith(TARGET_PREFIX))
    if len(names) != 1:
        found = ", ".join(names) or "none"
        raise StrategyContractError(
            f"populate_target of {type(strategy).__name__} must add exactly one column named {TARGET_PREFIX}something; "
            f"found: {found}."
        )
    return _numbers(aimed, names)[:, 0]


def _numbers(dataframe: pd.DataFrame, names: tuple[str, ...]) -> NDArray[np.float64]:
    try:
        # a copy: the frame outlives the callback, and the strategy may go on writing into its dataframe
        return np.array(dataframe[list(names)].to_numpy(dtype=np.float64, na_value=np.nan), order="C")
    except (TypeError, ValueError):
        wrong = [name for name in names if not pd.api.types.is_numeric_dtype(dataframe[name])]
        raise StrategyContractError(
            f"These columns hold something else than numbers: {', '.join(wrong) or ', '.join(names)}."
        ) from None


__all__ = [
    "FEATURE_PREFIX",
    "TARGET_PREFIX",
    "FeatureStrategy",
    "build_frame",
    "candles_of",
    "computed_features",
    "dates_in_ns",
    "frame_of",
    "with_features",
]
