"""Signals of a strategy whose code fails, drops columns or is tagged: entries are held back in doubt, exits stay."""

from typing import Any

import pandas as pd
import pytest

from tests.strategy.fakes import NEWEST, PAIR, Plain, confirm, judgement, made, told
from tradai_lifecycle.states import Reason, TradingState

ACTIVE = TradingState.ACTIVE


def signalled(strategy: Any, name: str = "populate_entry_trend") -> pd.DataFrame:
    frame = pd.DataFrame({"close": [1.0, 2.0], "model_version": ["v7", "v7"], "do_predict": [1, 1]})
    frame["date"] = pd.date_range("2024-06-01 10:00", periods=2, freq="1h", tz="UTC")
    result: pd.DataFrame = getattr(strategy, name)(frame, {"pair": PAIR})
    return result


@pytest.mark.parametrize("failing", ["populate_entry_trend", "populate_exit_trend", "populate_indicators"])
def test_signal_code_that_fails_holds_the_pair_until_its_next_judgement(failing: str) -> None:
    def raises(self: Any, dataframe: Any, metadata: Any) -> None:
        raise KeyError("broken on purpose")

    strategy = told(made(type("Failing", (Plain,), {failing: raises})), ACTIVE)
    with pytest.raises(KeyError, match="broken on purpose"):
        signalled(strategy, failing)
    assert confirm(strategy) is False
    assert strategy.lifecycle.supply.events[-1].reasons is Reason.STRATEGY_FAILED
    strategy.lifecycle.gate.publish(judgement(ACTIVE))
    assert confirm(strategy) is True


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("populate_entry_trend", {"tag_model_version": True}),
        ("populate_exit_trend", {"exits_without_prediction": "exit"}),
    ],
)
def test_signals_that_lack_what_the_lifecycle_writes_by_hold_its_entries_and_stay(
    name: str, section: dict[str, Any]
) -> None:
    class Dropping(Plain):
        def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
            return dataframe.assign(enter_long=1)[["date", "enter_long"]]

        def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
            return dataframe.assign(exit_long=0)[["date", "exit_long"]]

    strategy = told(made(Dropping, **section), ACTIVE)
    assert "date" in signalled(strategy, name).columns
    assert confirm(strategy) is False
    # for the developer to see
    strategy.lifecycle.supply.live = False
    with pytest.raises(KeyError):
        signalled(strategy, name)


@pytest.mark.parametrize("failing", ["target", "feature"])
def test_exit_signals_keep_their_features_where_the_target_or_a_feature_is_unusable(failing: str) -> None:
    class Copying(Plain):
        def populate_features(self, dataframe: Any, metadata: Any) -> Any:
            return dataframe.assign(**{"%-up": dataframe["close"].diff(), "%-word": "x" if failing == "feature" else 1})

        def populate_target(self, dataframe: Any, metadata: Any) -> Any:
            return dataframe if failing == "target" else super().populate_target(dataframe, metadata)

        def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
            return dataframe.assign(exit_long=dataframe["%-up"].lt(0).astype(int))

    candles = pd.DataFrame({"date": pd.date_range(end=NEWEST, periods=3, freq="1h"), "close": [1.0, 2.0, 1.0]})
    for name in ("open", "high", "low", "volume"):
        candles[name] = candles["close"]
    strategy = made(Copying)
    exits = strategy.populate_exit_trend(strategy.populate_indicators(candles, {"pair": PAIR}), {"pair": PAIR})
    assert exits["exit_long"].tolist() == [0, 0, 1]
    assert confirm(strategy) is False
    assert strategy.lifecycle.supply.events[-1].reasons is Reason.STRATEGY_FAILED


class Tagging(Plain):
    """Enters on the second candle, with a tag of its own."""

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe.loc[1, ["enter_long", "enter_tag"]] = (1, "mine")
        return dataframe


def test_the_version_is_appended_to_the_entry_tag_only_where_asked() -> None:
    assert signalled(made(Tagging))["enter_tag"].tolist()[1] == "mine"
    tagged = signalled(made(Tagging, tag_model_version=True))["enter_tag"]
    assert tagged.isna().tolist() == [True, False]
    assert tagged.tolist()[1] == "mine|v7"
    assert signalled(made(tag_model_version=True))["enter_tag"].tolist() == ["|v7", "|v7"]
