"""The demo strategy: a dozen plain features, one target, entries and exits on the model's prediction."""

import numpy as np
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from tradai_lifecycle.strategy import ModelLifecycleMixin


class LifecycleDemo(ModelLifecycleMixin, IStrategy):
    """Goes long while the model expects the next hours to rise, and leaves when it no longer does."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    can_short = False
    horizon_candles = 6
    startup_candle_count = 60  # what the features below need; the mixin adds the monitors' memory
    minimal_roi = {"0": 0.08}
    stoploss = -0.10
    process_only_new_candles = True

    def populate_features(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Returns, volatility, volume and wicks: all look back only."""
        close, volume = dataframe["close"], dataframe["volume"]
        log_return = np.log(close).diff()
        spread = (dataframe["high"] - dataframe["low"]).clip(lower=1e-12)
        for candles in (1, 3, 6, 12, 24):
            dataframe[f"%-return_{candles}"] = log_return.rolling(candles).sum()
        for candles in (12, 48):
            dataframe[f"%-volatility_{candles}"] = log_return.rolling(candles).std()
            mean, deviation = volume.rolling(candles).mean(), volume.rolling(candles).std()
            dataframe[f"%-volume_z_{candles}"] = (volume - mean) / deviation.clip(lower=1e-12)
        dataframe["%-log_volume"] = np.log1p(volume)
        dataframe["%-lower_wick"] = (np.minimum(dataframe["open"], close) - dataframe["low"]) / spread
        dataframe["%-body"] = (close - dataframe["open"]) / spread
        return dataframe

    def populate_target(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """The return over the next `horizon_candles`."""
        close = dataframe["close"]
        dataframe["&-return"] = close.shift(-self.horizon_candles) / close - 1.0
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Enter while the prediction is clearly positive."""
        dataframe.loc[(dataframe["do_predict"] == 1) & (dataframe["prediction"] > 0.10), "enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:
        """Leave when the model expects a fall."""
        dataframe.loc[(dataframe["do_predict"] == 1) & (dataframe["prediction"] < -0.05), "exit_long"] = 1
        return dataframe
