"""The strategy that is measured, with the lifecycle."""

from freqtrade.strategy import IStrategy
from pandas import DataFrame

from benchmarks.features import HORIZON, WARM_UP, direction, usual_features
from benchmarks.signals import mark_entries, mark_exits
from tradai_lifecycle.strategy import ModelLifecycleMixin


class Watched(ModelLifecycleMixin, IStrategy):
    """Twenty indicators, one model, long only."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    can_short = False
    horizon_candles = HORIZON
    startup_candle_count = WARM_UP
    minimal_roi = {"0": 0.08}  # noqa: RUF012 - freqtrade declares it so
    stoploss = -0.10
    process_only_new_candles = True

    def populate_features(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """The model's inputs."""
        return usual_features(dataframe)

    def populate_target(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """What the model learns."""
        return direction(dataframe)

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """By the prediction."""
        return mark_entries(dataframe)

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """By the prediction."""
        return mark_exits(dataframe)
