"""Golden candles on real candles: no alarm for code that is as it was, wherever they are cut; a fault is named.

Needs a folder of freqtrade feather files, such as BTC_USDT-1h.feather, named by TRADAI_TEST_DATA.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.features import WARM_UP, fifty_features
from tradai_lifecycle.model.bundle import GoldenCandles
from tradai_lifecycle.strategy.frame import build_frame
from tradai_lifecycle.strategy.golden import GoldenFinding, GoldenOutcome, compare_golden_pair
from tradai_lifecycle.strategy.golden_making import GOLDEN_ROWS, golden_by_pair

FOLDER = os.environ.get("TRADAI_TEST_DATA", "")
CUTS = 12
LONG_FRAME = 3_000

pytestmark = [
    pytest.mark.market,
    pytest.mark.skipif(not FOLDER, reason="TRADAI_TEST_DATA does not name a folder of candles"),
]


class Rich:
    """Fifty indicators, changed by a function after they were computed."""

    horizon_candles = 12
    dp = None

    def __init__(self, change: Callable[[pd.DataFrame], None] = lambda _: None) -> None:
        self.change = change

    def populate_features(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        featured = fifty_features(dataframe)
        self.change(featured)
        return featured

    def populate_target(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return dataframe.assign(**{"&-next": dataframe["close"].shift(-12)})


@pytest.fixture(scope="module", params=["BTC", "ETH"])
def goldens(request: pytest.FixtureRequest) -> list[tuple[tuple[str, ...], GoldenCandles]]:
    """The golden candles of training ranges that end at random candles."""
    candles = pd.read_feather(Path(FOLDER) / f"{request.param}_USDT-1h.feather")
    made, pair, random = [], f"{request.param}/USDT", np.random.default_rng(11)
    for cut in random.integers(LONG_FRAME, len(candles), CUTS):
        trained = candles.iloc[cut - LONG_FRAME : cut].reset_index(drop=True)
        _, frame = build_frame(Rich(), trained.copy(), {"pair": pair})
        given = trained.iloc[-(WARM_UP + GOLDEN_ROWS) :]
        made.append((frame.feature_names, golden_by_pair(Rich(), [frame], {pair: given})[pair]))
    return made


def compared(names: tuple[str, ...], golden: GoldenCandles, strategy: Rich) -> GoldenFinding:
    bundle: Any = SimpleNamespace(feature_names=names, golden_candles=golden)
    return compare_golden_pair(strategy, bundle, golden.pairs[0])


def test_unchanged_code_agrees_at_every_cut_with_every_feature_compared(goldens: Any) -> None:
    for names, golden in goldens:
        assert (golden.unchecked, golden.problem) == ({}, "")
        assert compared(names, golden, Rich()).outcome is GoldenOutcome.AGREES


def lag(featured: pd.DataFrame) -> None:
    featured["%-adx"] = featured["%-adx"].shift(1)


def swap(featured: pd.DataFrame) -> None:
    featured[["%-rsi", "%-mfi"]] = featured[["%-mfi", "%-rsi"]].to_numpy()


def scale(featured: pd.DataFrame) -> None:
    featured["%-natr"] *= 100.0


def flip(featured: pd.DataFrame) -> None:
    featured["%-macd"] *= -1.0


def other_window(featured: pd.DataFrame) -> None:
    import talib

    featured["%-rsi"] = talib.RSI(featured["close"], 15)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lag, "1 of 50 features: %-adx is lagged by 1 candle"),
        (swap, "2 of 50 features: %-rsi looks like %-mfi"),
        (scale, "1 of 50 features: %-natr is 100 times as large"),
        (flip, "1 of 50 features: %-macd has its sign flipped"),
        (other_window, "1 of 50 features: %-rsi differs (64 of 64 rows"),
    ],
)
def test_a_fault_is_named_at_every_cut(goldens: Any, change: Callable[[pd.DataFrame], None], said: str) -> None:
    for names, golden in goldens:
        finding = compared(names, golden, Rich(change))
        assert finding.outcome is GoldenOutcome.DIFFERS
        assert said in finding.detail
