"""Features that are not computed as in training are found on golden candles, named and paused on; no others are."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.strategy.premises import Premises, market, offline_strategy, variant
from tradai_lifecycle.model.bundle import GoldenCandles, ModelBundle
from tradai_lifecycle.states import Reason, TradingState, Unchecked
from tradai_lifecycle.strategy.columns import ActiveVersion
from tradai_lifecycle.strategy.golden import GoldenCheck, GoldenOutcome, compare_golden_pair, golden_frame

PAIR = "BTC/USDT"
RETURN = '        dataframe["%-log_volume"] = np.log1p(volume)\n'


def after(line: str) -> tuple[str, str]:
    """The demo's feature code with a line more at its end."""
    last = '        dataframe["%-body"] = (close - dataframe["open"]) / spread\n'
    return last, f"{last}        {line}\n"


#: What was changed in the strategy after its model was trained, and what is said of it.
FAULTS: Mapping[str, tuple[tuple[str, str], tuple[str, ...]]] = {
    "lag": (
        after('dataframe["%-volume_z_12"] = dataframe["%-volume_z_12"].shift(1)'),
        ("1 of 12 features", "%-volume_z_12 is lagged by 1 candle (64 of 64 rows"),
    ),
    "lookahead": (
        after('dataframe["%-return_3"] = dataframe["%-return_3"].shift(-1)'),
        ("1 of 12 features", "%-return_3 is 1 candle ahead"),
    ),
    "swapped columns": (
        after('dataframe[["%-return_1", "%-body"]] = dataframe[["%-body", "%-return_1"]].to_numpy()'),
        ("2 of 12 features", "%-return_1 looks like %-body", "%-body looks like %-return_1"),
    ),
    "wrong window": (
        ("for candles in (12, 48):\n", "for candles, span in ((12, 13), (48, 48)):\n"),
        ("1 of 12 features", "%-volatility_12 differs (64 of 64 rows"),
    ),
    "unit": (
        after('dataframe["%-lower_wick"] *= 100.0'),
        ("1 of 12 features", "%-lower_wick is 100 times as large"),
    ),
    "sign": (
        after('dataframe["%-return_24"] = -dataframe["%-return_24"]'),
        ("1 of 12 features", "%-return_24 has its sign flipped"),
    ),
    "missing values": (
        after('dataframe["%-body"] = dataframe["%-body"].where(dataframe["%-body"] > 0)'),
        ("1 of 12 features", "a value against none"),
    ),
}


def changed(premises: Premises, *replaced: tuple[str, str]) -> Any:
    """The demo strategy as a backtest has it after pieces of it were replaced; its model is that of the demo."""
    source = variant("Changed", "", *replaced)
    # the second half of the changed window
    source = source.replace(
        'dataframe[f"%-volatility_{candles}"] = log_return.rolling(candles)',
        'dataframe[f"%-volatility_{candles}"] = log_return.rolling(span)'
        if "span" in source
        else 'dataframe[f"%-volatility_{candles}"] = log_return.rolling(candles)',
    )
    changed_premises = premises.add_strategy("Changed", source)
    changed_premises.configure()
    return offline_strategy(changed_premises)


def bundle_of(strategy: Any) -> ModelBundle:
    (active,) = strategy.lifecycle.supply.versions()
    return active.bundle


def analysed(strategy: Any, pair: str = PAIR, rows: int = 1_000) -> pd.DataFrame:
    return strategy.advise_indicators(market()[pair].iloc[-rows:].copy(), {"pair": pair})


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_feature_code_pauses_every_row_of_every_pair_and_is_named(
    premises: Premises, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    replaced, said = FAULTS[fault]
    strategy = changed(premises, replaced)
    with caplog.at_level(logging.ERROR):
        frames = {pair: analysed(strategy, pair) for pair in market()}
    for pair, frame in frames.items():
        assert set(frame["trading_state"]) == {"paused"}
        assert not frame[["prediction", "do_predict"]].any(axis=None)
        rows = strategy.lifecycle.gate.view.rows[pair]
        assert set(rows.reasons.tolist()) == {int(Reason.FEATURES_DIFFER)}
    (record,) = [one for one in caplog.records if one.name.endswith("golden")]
    for words in ("v1: the features are not computed as in training: ", *said):
        assert words in record.getMessage()


def test_the_unchanged_strategy_is_judged_as_ever(demo_strategy: Any) -> None:
    bundle = bundle_of(demo_strategy)
    golden = bundle.golden_candles
    assert golden is not None
    assert (golden.unchecked, golden.problem) == ({}, "")
    assert {pair.pair for pair in golden.pairs} == set(market())
    for pair in golden.pairs:
        assert compare_golden_pair(demo_strategy, bundle, pair).outcome is GoldenOutcome.AGREES
    assert demo_strategy.lifecycle.golden.problem(bundle) == ""


def test_code_that_fails_on_the_golden_candles_is_a_failed_check_with_its_error(
    premises: Premises, caplog: pytest.LogCaptureFixture
) -> None:
    strategy = changed(
        premises,
        after('if len(dataframe) < 200: raise ZeroDivisionError("too few: " + metadata["pair"])'),
    )
    frame = analysed(strategy)
    assert set(frame["trading_state"]) == {"paused"}
    assert "BTC/USDT: computing them raised ZeroDivisionError('too few: BTC/USDT')" in caplog.text


def test_other_columns_are_the_schemas_affair(premises: Premises) -> None:
    strategy = changed(premises, ('dataframe["%-body"]', 'dataframe["%-torso"]'))
    bundle = bundle_of(strategy)
    golden = bundle.golden_candles
    assert golden is not None
    assert compare_golden_pair(strategy, bundle, golden.pairs[0]).outcome is GoldenOutcome.OTHER_FEATURES
    analysed(strategy)
    assert strategy.lifecycle.gate.view.rows[PAIR].reasons[-1] == Reason.SCHEMA_MISMATCH


class Counting:
    """A strategy that computes as another one, and keeps what it was asked."""

    horizon_candles = 6

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy
        self.asked: list[tuple[str, int]] = []

    def populate_features(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        self.asked.append((metadata["pair"], len(dataframe)))
        featured = self.strategy.populate_features(dataframe, metadata)
        metadata["pair"] = "changed"
        return featured

    def populate_target(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        raise AssertionError("the target is no affair of the check")


def test_offline_each_version_is_looked_at_once_by_each_strategy(demo_strategy: Any) -> None:
    active = ActiveVersion(bundle=bundle_of(demo_strategy))
    counting, check = Counting(demo_strategy), GoldenCheck()
    for _ in range(3):
        check.compare_once(counting, (active, active))
    # 60 candles that the features need, 64 that are compared
    assert sorted(counting.asked) == [(pair, 124) for pair in sorted(market())]
    check.compare_once(counting, (replace(active, bundle=replace(active.bundle, version="2")),))
    assert len(counting.asked) == 4


def test_the_check_changes_nothing_that_is_kept(demo_strategy: Any) -> None:
    bundle = bundle_of(demo_strategy)
    assert bundle.golden_candles is not None
    (pair, *_) = bundle.golden_candles.pairs

    class Writing(Counting):
        def populate_features(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
            featured = super().populate_features(dataframe, metadata)
            dataframe[["open", "high", "low", "close", "volume"]] = 0.0
            return featured

    kept = {name: values.copy() for name, values in pair.columns.items()}
    for _ in range(2):
        assert compare_golden_pair(Writing(demo_strategy), bundle, pair).outcome is GoldenOutcome.AGREES
    for name, values in pair.columns.items():
        np.testing.assert_array_equal(values, kept[name])


def test_a_golden_frame_looks_like_freqtrades_own(demo_strategy: Any) -> None:
    golden = bundle_of(demo_strategy).golden_candles
    assert golden is not None
    for pair in golden.pairs:
        frame = golden_frame(dict(pair.columns))
        candles = market()[pair.pair]
        expected = candles[candles["date"].isin(frame["date"])].reset_index(drop=True)
        assert len(expected) == 124
        pd.testing.assert_frame_equal(frame, expected[list(frame.columns)], check_dtype=False)
        assert str(frame["date"].dtype) == "datetime64[ms, UTC]"
        assert isinstance(frame.index, pd.RangeIndex)


def with_golden(premises: Premises, golden: GoldenCandles | None) -> Any:
    """The demo strategy whose model has these golden candles instead."""
    premises.configure()
    strategy = offline_strategy(premises)
    active = ActiveVersion(bundle=replace(bundle_of(strategy), golden_candles=golden))
    strategy.lifecycle.supply._versions = (active,)
    return strategy


@pytest.mark.parametrize(
    ("golden", "why"),
    [
        (None, "it was trained before there were any"),
        (GoldenCandles(problem="no feature can be computed again"), "no feature can be computed again"),
    ],
)
def test_a_version_without_golden_candles_is_used_and_that_is_said_once(
    premises: Premises, golden: GoldenCandles | None, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    strategy = with_golden(premises, golden)
    states = [set(analysed(strategy, pair)["trading_state"]) for pair in market()]
    assert all("active" in found for found in states)
    said = [record.getMessage() for record in caplog.records if "golden candles" in record.getMessage()]
    assert said == [f"v1 has no golden candles ({why}): that its features are those of training is not checked."]


def test_a_feature_that_is_left_out_may_differ(premises: Premises) -> None:
    replaced, _ = FAULTS["sign"]
    strategy = changed(premises, replaced)
    bundle = bundle_of(strategy)
    assert bundle.golden_candles is not None
    spared = replace(bundle.golden_candles, unchecked={"%-return_24": Unchecked.FRAME_START})
    strategy.lifecycle.supply._versions = (ActiveVersion(bundle=replace(bundle, golden_candles=spared)),)
    assert TradingState.ACTIVE.label in set(analysed(strategy)["trading_state"])
