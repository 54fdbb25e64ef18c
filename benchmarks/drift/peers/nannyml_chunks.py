"""NannyML's univariate drift, Jensen-Shannon, by chunks of a window, with its own thresholds."""

import logging
import warnings

import nannyml
import numpy as np
import pandas as pd
from serving import Alarm, serve


def learn(reference: np.ndarray, window: int) -> Alarm:
    """The calculator, fitted; a row is in alarm from the end of a chunk with an alert to the end of the next one."""
    names = [f"feature {number}" for number in range(reference.shape[1])]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names, continuous_methods=["jensen_shannon"], chunk_size=window
    )
    # whole chunks only, at either side
    calculator.fit(pd.DataFrame(reference[: len(reference) // window * window], columns=names))

    def alarm(live: np.ndarray, _from_row: int) -> np.ndarray:
        found = calculator.calculate(pd.DataFrame(live[: len(live) // window * window], columns=names))
        alerts = found.filter(period="analysis").to_df().xs("alert", axis=1, level=2).any(axis=1).to_numpy()
        flags = np.zeros(len(live), dtype=np.bool_)
        for number, alert in enumerate(alerts):
            end = (number + 1) * window - 1
            flags[end : end + window] = alert
        return flags

    return alarm


warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
serve(learn)
