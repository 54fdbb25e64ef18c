"""The names of a strategy's features before its first candle."""

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.strategy.frame import FEATURE_PREFIX

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle

logger = logging.getLogger(__name__)


def probed_feature_names(strategy: Any, lifecycle: "Lifecycle") -> tuple[str, ...] | None:
    """The strategy's feature names, found on made-up candles; None where its features need real data.

    Known before the first candle, a model can be checked before it, and the first batch is predicted. Otherwise the
    first batch only tells the names, and the model takes over with the second.
    """
    rows = lifecycle.budget.feature_warm_up + 100
    steps = np.random.default_rng(0).normal(0.0, 0.002, rows)
    close = 100.0 * np.exp(np.cumsum(steps))
    step = pd.Timedelta(seconds=candle_seconds(lifecycle.timeframe))
    candles = pd.DataFrame(
        {
            "date": pd.date_range("2024-01-01", periods=rows, freq=step, tz="UTC"),
            "open": close,
            "high": close * 1.002,
            "low": close * 0.998,
            "close": close,
            "volume": 1_000.0 + np.arange(rows),
        }
    )
    try:
        featured = strategy.populate_features(candles, {"pair": "PROBE/PROBE"})
        names = tuple(str(name) for name in featured.columns if str(name).startswith(FEATURE_PREFIX))
    except Exception:
        logger.info("The features need real candles: the model takes over one candle after the start.", exc_info=True)
        return None
    return names or None


__all__ = ["probed_feature_names"]
