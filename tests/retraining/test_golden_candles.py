"""Training keeps candles on which its features can be computed again, and names the features that cannot."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.hosts import user_data
from tests.strategy.premises import (
    DEMO_STRATEGY,
    TRAINED_CANDLES,
    Premises,
    candle_time,
    market,
    trained_bundle,
    variant,
)
from tradai_lifecycle.cli.train import golden_report
from tradai_lifecycle.model.bundle import GoldenCandles, ModelBundle
from tradai_lifecycle.sandbox import write_datadir
from tradai_lifecycle.states import Unchecked
from tradai_lifecycle.strategy.frame import build_frame
from tradai_lifecycle.strategy.golden_making import GOLDEN_ROWS, golden_by_pair

WARM_UP = 60
#: freqtrade's time ranges end with the candle they name.
LAST_TRAINED = candle_time(TRAINED_CANDLES)
LAST = '        dataframe["%-body"] = (close - dataframe["open"]) / spread\n'


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """A bot's directory with the market's candles; training reaches no exchange."""
    root = tmp_path_factory.mktemp("golden")
    directory = user_data(root, DEMO_STRATEGY)
    write_datadir(market(), directory / "data/binance", "1h")
    write_datadir({pair: four_hours(candles) for pair, candles in market().items()}, directory / "data/binance", "4h")
    return Premises(root=root, exchange_url="http://127.0.0.1:9")


def four_hours(candles: pd.DataFrame) -> pd.DataFrame:
    """The same market in longer candles."""
    folded = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    return candles.resample("4h", on="date").agg(folded).reset_index()


def trained(directory: Premises, name: str, *lines: str, body: str = "", imports: str = "") -> ModelBundle:
    """A model of the demo with `lines` at the end of its features."""
    added = LAST + "".join(f"        {line}\n" for line in lines)
    source = variant(name, body, (LAST, added))
    premises = directory.add_strategy(name, f"{imports}\n{source}" if imports else source)
    return trained_bundle(premises, "LogisticRegression", {})


def golden(bundle: ModelBundle) -> GoldenCandles:
    assert bundle.golden_candles is not None
    return bundle.golden_candles


def test_the_newest_training_candles_are_kept(directory: Premises) -> None:
    bundle = trained(directory, "Kept")
    found = golden(bundle)
    assert {pair.pair for pair in found.pairs} == set(market())
    for pair in found.pairs:
        assert list(pair.columns) == ["date", "open", "high", "low", "close", "volume"]
        assert pair.features.shape == (GOLDEN_ROWS, len(bundle.feature_names))
        assert {len(column) for column in pair.columns.values()} == {WARM_UP + GOLDEN_ROWS}
        newest = pd.Timestamp(pair.columns["date"][-1], tz="UTC")
        assert newest == LAST_TRAINED
    assert (found.unchecked, found.problem) == ({}, "")


def test_the_features_kept_are_those_the_model_learned_from(directory: Premises) -> None:
    found = golden(trained(directory, "Learned"))
    for pair in found.pairs:
        candles = market()[pair.pair]
        candles = candles[candles["date"] <= LAST_TRAINED]
        log_return = np.log(candles["close"]).diff()
        np.testing.assert_allclose(
            pair.features[:, 2], log_return.rolling(6).sum().to_numpy()[-GOLDEN_ROWS:], rtol=1e-9
        )


OBV = 'dataframe["%-obv"] = (np.sign(close.diff()).fillna(0.0) * volume).cumsum()'
#: Features that a short frame cannot give as training had them, and why.
UNREPEATABLE: Mapping[str, tuple[str, Unchecked]] = {
    "Obv": (OBV, Unchecked.FRAME_START),
    "Slow": ('dataframe["%-slow"] = close / close.ewm(span=2_000).mean() - 1.0', Unchecked.FRAME_START),
    "TooLong": ('dataframe["%-long"] = close.pct_change(110)', Unchecked.FRAME_START),
    "Rolled": ('dataframe["%-dice"] = np.random.default_rng().normal(size=len(dataframe))', Unchecked.NOT_REPEATABLE),
    "Informed": (
        (
            'other = self.dp.get_pair_dataframe("ETH/USDT", self.timeframe)[["date", "close"]]; '
            'merged = dataframe[["date"]].merge(other, on="date", how="left"); '
            'dataframe["%-other"] = np.log(merged["close"]).diff().to_numpy()'
        ),
        Unchecked.OTHER_CANDLES,
    ),
}


def test_of_many_pairs_the_cheapest_and_the_dearest_are_kept() -> None:
    class Returns:
        dp = None

        def populate_features(self, dataframe: pd.DataFrame, metadata: Mapping[str, Any]) -> pd.DataFrame:
            return dataframe.assign(**{"%-return": dataframe["close"].pct_change()})

    strategy, frames, inputs = Returns(), [], {}
    for pair, price in {"A/USDT": 3.0, "B/USDT": 0.001, "C/USDT": 20.0, "D/USDT": 60_000.0}.items():
        given = market()["BTC/USDT"].iloc[:200].assign(close=lambda candles, price=price: candles["close"] * price)
        inputs[pair] = given.iloc[-90:]
        frames.append(build_frame(strategy_with_target(strategy), given.copy(), {"pair": pair})[1])
    found = golden_by_pair(strategy, frames, inputs)
    assert sorted(found) == ["B/USDT", "D/USDT"]
    assert all(len(one.pairs) == 1 for one in found.values())


def strategy_with_target(strategy: Any) -> Any:
    strategy.horizon_candles = 1
    strategy.populate_target = lambda dataframe, _: dataframe.assign(**{"&-next": dataframe["close"].shift(-1)})
    return strategy


@pytest.mark.parametrize("name", UNREPEATABLE)
def test_a_feature_that_cannot_be_computed_again_is_left_out_and_named(directory: Premises, name: str) -> None:
    line, why = UNREPEATABLE[name]
    bundle = trained(directory, name, line)
    odd = bundle.feature_names[-1]
    assert golden(bundle).unchecked == {odd: why}
    assert len(golden(bundle).pairs) == 2
    report = golden_report(bundle)
    assert report[0].endswith(": 12 of 13 features are compared at every start")
    assert report[1:] == [f"    cannot be checked: {odd}: {why.words}"]


def test_a_slow_average_that_nearly_settles_is_compared_all_the_same(directory: Premises) -> None:
    bundle = trained(directory, "Settling", 'dataframe["%-mean"] = close / close.ewm(span=30).mean() - 1.0')
    assert golden(bundle).unchecked == {}


def test_informative_columns_are_kept_with_the_candles(directory: Premises) -> None:
    bundle = trained(
        directory,
        "Informative",
        'dataframe["%-four"] = dataframe["drift_4h"]',
        imports="from freqtrade.strategy import informative",
        body="""
@informative("4h", "ETH/USDT", fmt="{column}_{timeframe}")
def populate_indicators_4h(self, dataframe, metadata):
    dataframe["drift"] = dataframe["close"].pct_change()
    return dataframe
""",
    )
    found = golden(bundle)
    assert (found.unchecked, found.problem) == ({}, "")
    for pair in found.pairs:
        assert {"drift_4h", "date_4h"} <= set(pair.columns)
        four = bundle.feature_names.index("%-four")
        np.testing.assert_array_equal(pair.features[:, four], pair.columns["drift_4h"][-GOLDEN_ROWS:])


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("Needing", 'dataframe["%-x"] = 1.0 / (len(dataframe) > 200)', "does not work on 124 candles"),
        (
            "Merging",
            (
                'dataframe["%-x"] = self.dp.get_pair_dataframe("ETH/USDT", self.timeframe)'
                '.set_index("date")["close"].loc[dataframe["date"]].to_numpy()'
            ),
            "needs other candles of the same time on 124 candles",
        ),
    ],
)
def test_where_no_golden_candles_can_be_made_training_goes_on_and_says_why(
    directory: Premises, name: str, line: str, problem: str
) -> None:
    bundle = trained(directory, name, line)
    found = golden(bundle)
    assert found.pairs == ()
    assert problem in found.problem
    (said,) = golden_report(bundle)
    assert said.startswith("  WARNING: a bot cannot check that its features are those of training: populate_features")


def test_training_leaves_the_strategy_as_it_was(directory: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    from freqtrade.data.dataprovider import DataProvider

    from tradai_lifecycle.strategy import dataset

    loaded: list[Any] = []
    original = dataset.load_strategy
    monkeypatch.setattr(dataset, "load_strategy", lambda config: loaded.append(original(config)) or loaded[-1])
    trained(directory, "Left", UNREPEATABLE["Informed"][0])
    (strategy,) = loaded
    assert "populate_features" not in vars(strategy)
    assert isinstance(strategy.dp, DataProvider)
