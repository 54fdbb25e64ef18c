"""NannyML's univariate drift of one chunk, Jensen-Shannon, fitted on the reference beforehand."""

import logging
import warnings
from collections.abc import Callable

import nannyml
import numpy as np
import pandas as pd
from timing import time_batch


def prepare(reference: np.ndarray) -> Callable[[np.ndarray], object]:
    """The calculator, fitted in chunks of 500."""
    names = [f"feature {number}" for number in range(reference.shape[1])]
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names, continuous_methods=["jensen_shannon"], chunk_size=500
    )
    calculator.fit(pd.DataFrame(reference, columns=names))
    return lambda batch: calculator.calculate(pd.DataFrame(batch, columns=names)).to_df()


warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
time_batch(prepare)
