"""What FreqUI and plot-dataframe show of the lifecycle."""

from typing import Any

import numpy as np
import pandas as pd

from tradai_lifecycle.states import TradingState

PLOT_CONFIG: dict[str, Any] = {
    "main_plot": {},
    "subplots": {
        "prediction": {"prediction": {"color": "#4c78a8"}},
        "drift": {"psi_max": {"color": "#e45756"}},
        "accuracy": {"accuracy": {"color": "#54a24b"}},
        "stake": {"stake_ratio": {"color": "#b279a2"}},
    },
}
_COLOURS = {TradingState.REDUCED: "rgba(245, 160, 60, 0.18)", TradingState.PAUSED: "rgba(220, 60, 60, 0.18)"}


def state_annotations(dataframe: pd.DataFrame) -> list[dict[str, Any]]:
    """One area per run of candles in which the pair was reduced or paused, in candle order."""
    if "trading_state" not in dataframe.columns or len(dataframe) == 0:
        return []
    states = dataframe["trading_state"].astype(str).to_numpy()
    dates = dataframe["date"]
    starts = np.flatnonzero(np.concatenate(([True], states[1:] != states[:-1])))
    ends = np.concatenate((starts[1:], [len(states)]))
    return [
        {
            "type": "area",
            "label": state.label,
            "start": dates.iloc[start].to_pydatetime(),
            "end": dates.iloc[min(end, len(states) - 1)].to_pydatetime(),
            "color": _COLOURS[state],
        }
        for start, end in zip(starts, ends, strict=True)
        for state in _COLOURS
        if states[start] == state.label
    ]


__all__ = ["PLOT_CONFIG", "state_annotations"]
