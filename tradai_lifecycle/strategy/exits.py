"""Exit signals at a pause and on candles without a prediction, written as causal columns."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradai_lifecycle.states import (
    DRIFT_REASONS,
    FAULT_REASONS,
    ExitsWithoutPrediction,
    Mode,
    PositionsAtPause,
    TradingState,
)
from tradai_lifecycle.strategy.frame import dates_in_ns

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle

DRIFT_EXIT_TAG = "lifecycle_drift"
NO_PREDICTION_EXIT_TAG = "lifecycle_no_prediction"
_EXIT_COLUMNS = ("exit_long", "exit_short")


def with_exit_policy(dataframe: pd.DataFrame, lifecycle: "Lifecycle", *, pair: str) -> pd.DataFrame:
    """`dataframe` with exit signals as `positions_at_pause` and `exits_without_prediction` ask for.

    The defaults leave every signal as the strategy set it. Positions are left at a pause only for drift or accuracy:
    a candle with any fault of ours never adds an exit of that kind.
    """
    config = lifecycle.config
    if config.mode is Mode.OBSERVE:
        return dataframe
    if config.positions_at_pause is PositionsAtPause.EXIT:
        _set_exits(dataframe, _drift_pauses(dataframe, lifecycle, pair), 1, DRIFT_EXIT_TAG)
    if config.exits_without_prediction is not ExitsWithoutPrediction.STRATEGY:
        unpredicted = dataframe["do_predict"].to_numpy() == 0
        signal = 1 if config.exits_without_prediction is ExitsWithoutPrediction.EXIT else 0
        _set_exits(dataframe, unpredicted, signal, NO_PREDICTION_EXIT_TAG)
    return dataframe


def _drift_pauses(dataframe: pd.DataFrame, lifecycle: "Lifecycle", pair: str) -> NDArray[np.bool_]:
    rows = lifecycle.gate.view.rows.get(pair)
    dates = dates_in_ns(dataframe["date"])
    if rows is None or len(rows.dates_ns) == 0:
        return np.zeros(len(dates), dtype=np.bool_)
    # by date, not by position: hyperopt hands in frames that were trimmed after they were judged
    at = np.clip(np.searchsorted(rows.dates_ns, dates), 0, len(rows.dates_ns) - 1)
    reasons = rows.reasons[at]
    paused = (rows.state[at] == TradingState.PAUSED) & (rows.dates_ns[at] == dates)
    drifted = (reasons & np.uint32(DRIFT_REASONS)) != 0
    at_fault = (reasons & np.uint32(FAULT_REASONS)) != 0
    return np.asarray(paused & drifted & ~at_fault)


def _set_exits(dataframe: pd.DataFrame, rows: NDArray[np.bool_], signal: int, tag: str) -> None:
    if not rows.any():
        return
    for column in _EXIT_COLUMNS:
        if column not in dataframe.columns:
            dataframe[column] = 0
        dataframe.loc[rows, column] = signal
    if signal:
        if "exit_tag" not in dataframe.columns:
            dataframe["exit_tag"] = ""
        dataframe.loc[rows, "exit_tag"] = tag


__all__ = ["DRIFT_EXIT_TAG", "NO_PREDICTION_EXIT_TAG", "with_exit_policy"]
