"""The signals that both measured strategies trade on."""

from pandas import DataFrame


def mark_entries(candles: DataFrame) -> DataFrame:
    """Enter while the model clearly expects a rise."""
    candles.loc[(candles["do_predict"] == 1) & (candles["prediction"] > 0.10), "enter_long"] = 1
    return candles


def mark_exits(candles: DataFrame) -> DataFrame:
    """Leave when it expects a fall."""
    candles.loc[(candles["do_predict"] == 1) & (candles["prediction"] < -0.05), "exit_long"] = 1
    return candles


__all__ = ["mark_entries", "mark_exits"]
