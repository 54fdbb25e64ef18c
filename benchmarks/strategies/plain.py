"""The strategy that is measured, without the lifecycle: equal features, model, signals and startup."""

from pathlib import Path
from typing import Any

import numpy as np
from freqtrade.strategy import IStrategy
from pandas import DataFrame

from benchmarks.features import WARM_UP, usual_features
from benchmarks.signals import mark_entries, mark_exits
from tradai_lifecycle.config import parse_config
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.strategy.supply import load_version


class Plain(IStrategy):
    """Predicts with the same bundle by itself; nothing is judged, nothing is gated."""

    INTERFACE_VERSION = 3
    timeframe = "1h"
    can_short = False
    minimal_roi = {"0": 0.08}  # noqa: RUF012 - freqtrade declares it so
    stoploss = -0.10
    process_only_new_candles = True

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        settings = parse_config(config)
        source = open_source(settings, Path(config["user_data_dir"]))
        self.bundle = load_version(source, settings, "1")
        source.close()

    def populate_indicators(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """Features and prediction."""
        dataframe = usual_features(dataframe)
        features = dataframe[list(self.bundle.feature_names)].to_numpy(dtype=np.float64)
        fit = np.isfinite(features).all(axis=1) & (np.arange(len(features)) >= WARM_UP)
        prediction = np.zeros(len(features))
        prediction[fit] = self.bundle.predict(features[fit])
        dataframe["prediction"], dataframe["do_predict"] = prediction, fit.astype(np.int64)
        return dataframe

    def populate_entry_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """By the prediction."""
        return mark_entries(dataframe)

    def populate_exit_trend(self, dataframe: DataFrame, metadata: dict) -> DataFrame:  # noqa: ARG002
        """By the prediction."""
        return mark_exits(dataframe)
