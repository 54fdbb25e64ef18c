"""Evidently's data drift preset: its verdict on the whole of a window, judged every 125 candles."""

import warnings

import numpy as np
import pandas as pd
from evidently import Report
from evidently.metrics import DriftedColumnsCount
from serving import Alarm, serve

EVERY = 125
#: The preset's own: this share of the columns.
DRIFT_SHARE = 0.5


def learn(reference: np.ndarray, window: int) -> Alarm:
    """The preset needs no training; a row is in alarm from a judged one with a verdict of drift to the next judged.

    Where it raises, as for a feature that stands still at some last digit, that counts as an alarm: it is noticed.
    """
    names = [f"feature {number}" for number in range(reference.shape[1])]
    known = pd.DataFrame(reference, columns=names)

    def drifts(rows: np.ndarray) -> bool:
        # the metric that the preset begins with, without the plots of every column
        report = Report([DriftedColumnsCount(drift_share=DRIFT_SHARE)])
        try:
            snapshot = report.run(pd.DataFrame(rows, columns=names), known)
        except ValueError:
            return True
        return snapshot.dict()["metrics"][0]["value"]["share"] >= DRIFT_SHARE

    def alarm(live: np.ndarray, from_row: int) -> np.ndarray:
        flags = np.zeros(len(live), dtype=np.bool_)
        for row in range(max(from_row, window - 1), len(live), EVERY):
            flags[row : row + EVERY] = drifts(live[row - window + 1 : row + 1])
        return flags

    return alarm


warnings.simplefilter("ignore")
serve(learn)
