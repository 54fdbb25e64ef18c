"""The strategy's own columns become plain arrays, and what breaks the contract is named."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.strategy.fakes import PAIR
from tradai_lifecycle.errors import StrategyContractError
from tradai_lifecycle.strategy.frame import build_frame, dates_in_ns

ROWS = 8


def candles() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "date": pd.date_range("2024-06-01", periods=ROWS, freq="1h", tz="UTC"),
            "open": np.arange(ROWS) + 0.5,
            "high": np.arange(ROWS) + 2.0,
            "low": np.arange(ROWS) + 0.25,
            "close": np.arange(1.0, ROWS + 1),
            "volume": 5.0,
        }
    )


class Contract:
    """A strategy by its contract alone; each method can be replaced."""

    horizon_candles = 2

    def populate_features(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["%-b"] = dataframe["close"].diff()
        dataframe["%-a"] = 1
        dataframe["plain"] = "text"
        return dataframe

    def populate_target(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["&-ahead"] = dataframe["close"].shift(-2) - dataframe["close"]
        return dataframe


def built(**methods: Any) -> Any:
    return build_frame(type("Changed", (Contract,), methods)(), candles(), {"pair": PAIR})


def test_a_frame_holds_the_features_in_the_strategys_order() -> None:
    featured, frame = built()
    assert (frame.pair, frame.feature_names, len(frame)) == (PAIR, ("%-b", "%-a"), ROWS)
    expected = np.column_stack([[np.nan, *[1.0] * (ROWS - 1)], np.ones(ROWS)])
    np.testing.assert_array_equal(frame.features, expected)
    np.testing.assert_array_equal(frame.close, candles()["close"])
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(frame.candles, name), candles()[name])
    np.testing.assert_array_equal(frame.realised, [2.0] * (ROWS - 2) + [np.nan] * 2)
    assert list(featured.columns) == ["date", "open", "high", "low", "close", "volume", "%-b", "%-a", "plain"]


def test_the_target_never_reaches_the_strategys_signals() -> None:
    def leaving_traces(self: Any, dataframe: Any, metadata: Any) -> Any:
        dataframe["future"] = dataframe["close"].shift(-2)
        dataframe["close"] = 0.0
        dataframe["&-ahead"] = 1.0
        return dataframe

    featured, frame = built(populate_target=leaving_traces)
    assert "future" not in featured
    np.testing.assert_array_equal(featured["close"], candles()["close"])
    np.testing.assert_array_equal(frame.realised, np.ones(ROWS))


def returning(value: Any) -> Any:
    return lambda self, dataframe, metadata: value(dataframe)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (
            {"populate_features": returning(lambda frame: None)},
            "populate_features of Changed must return the dataframe it was given, with as many rows.",
        ),
        (
            {"populate_features": returning(lambda frame: frame.assign(**{"%-a": 1.0}).iloc[1:])},
            "populate_features of Changed must return the dataframe it was given, with as many rows.",
        ),
        (
            {"populate_features": returning(lambda frame: frame)},
            "populate_features of Changed adds no feature: name columns %-something.",
        ),
        (
            {"populate_features": returning(lambda frame: frame.assign(**{"%-a": 1.0, "%-word": "up"}))},
            "These columns hold something else than numbers: %-word.",
        ),
        (
            {"populate_target": returning(lambda frame: None)},
            "populate_target of Changed must return the dataframe it was given, with as many rows.",
        ),
        (
            {"populate_target": returning(lambda frame: frame.assign(**{"&-a": 1.0}).iloc[1:])},
            "populate_target of Changed must return the dataframe it was given, with as many rows.",
        ),
        (
            {"populate_target": returning(lambda frame: frame)},
            "populate_target of Changed must add exactly one column named &-something; found: none.",
        ),
        (
            {"populate_target": returning(lambda frame: frame.assign(**{"&-a": 1.0, "&-b": 1.0}))},
            "populate_target of Changed must add exactly one column named &-something; found: &-a, &-b.",
        ),
    ],
)
def test_a_broken_contract_is_named(methods: dict[str, Any], message: str) -> None:
    with pytest.raises(StrategyContractError) as raised:
        built(**methods)
    assert str(raised.value) == message


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_are_nanoseconds_whatever_the_column_holds(unit: str) -> None:
    dates = pd.Series(pd.date_range("2024-06-01", periods=3, freq="1h", tz="Europe/Berlin").as_unit(unit))
    expected = [1_717_192_800 * 10**9 + hour * 3_600 * 10**9 for hour in range(3)]
    assert dates_in_ns(dates).tolist() == expected
    assert dates_in_ns(dates.dt.tz_convert("UTC").dt.tz_localize(None)).tolist() == expected


@pytest.mark.parametrize("names", [("%-a",), ("%-a", "%-b")])
def test_what_a_strategy_writes_later_does_not_reach_the_frame(names: tuple[str, ...]) -> None:
    class Few(Contract):
        def populate_features(self, dataframe: Any, metadata: Any) -> Any:
            return dataframe.assign(**dict.fromkeys(names, dataframe["close"] * 2.0))

    featured, frame = build_frame(Few(), candles(), {"pair": PAIR})
    known = frame.features.copy()
    for name in names:
        featured.loc[featured.index[2:], name] = -1.0
    for column in ("open", "high", "low", "close", "volume"):
        featured.loc[featured.index[2:], column] = -1.0
        np.testing.assert_array_equal(getattr(frame.candles, column), candles()[column])
    np.testing.assert_array_equal(frame.features, known)
    assert frame.features.base is None
