"""How often a model would enter on the newest candles: the check that a new model's scale does not multiply trades."""

from typing import Any

import numpy as np
import pandas as pd

from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy.columns import Frame, neutral_judgement, write_columns

#: Newest candles per pair that a candidate and the champion are compared on.
CANDLES = 1_000


class EntryRateProbe:
    """Runs the strategy's entry code over the newest candles with a model's predictions in place.

    Called on the background thread, on copies; None where no candle was judged yet.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._recent: dict[str, tuple[pd.DataFrame, Frame]] = {}

    @property
    def ready(self) -> bool:
        """Whether there are candles to compare two models on."""
        return bool(self._recent)

    def remember(self, featured: pd.DataFrame, frame: Frame) -> None:
        """Keep a pair's newest candles."""
        self._recent[frame.pair] = (featured, frame)

    def __call__(self, bundle: ModelBundle) -> float | None:
        """Share of the kept candles with an entry signal under `bundle`; None where there is nothing to run on."""
        entries, candles = 0, 0
        for pair, (featured, frame) in list(self._recent.items()):
            if frame.feature_names != bundle.feature_names:
                continue
            rows = slice(max(len(frame) - CANDLES, 0), len(frame))
            entries += self._entries(bundle, featured.iloc[rows].copy(), frame, rows, pair)
            candles += rows.stop - rows.start
        return entries / candles if candles else None

    def _entries(self, bundle: ModelBundle, candles: pd.DataFrame, frame: Frame, rows: slice, pair: str) -> int:
        fit = np.asarray(np.isfinite(frame.features[rows]).all(axis=1))
        prediction = np.zeros(len(fit))
        prediction[fit] = bundle.predict(frame.features[rows][fit])
        dataframe = write_columns(candles, neutral_judgement(pair, frame.dates_ns[rows], Reason.NONE))
        dataframe["prediction"], dataframe["do_predict"] = prediction, fit.astype(np.int64)
        dataframe["trading_state"] = TradingState.ACTIVE.label
        dataframe["stake_ratio"] = 1.0
        dataframe["enter_tag"] = ""
        # the strategy's own code, without the guard round it: nothing here may mark a pair or write a tag
        code = type(self._strategy).populate_entry_trend
        signalled = getattr(code, "__wrapped__", code)(self._strategy, dataframe, {"pair": pair})
        signals = signalled.filter(items=["enter_long", "enter_short"]).fillna(0)
        return int(signals.ne(0).any(axis=1).sum())


__all__ = ["CANDLES", "EntryRateProbe"]
