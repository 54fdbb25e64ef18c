"""What formulas are made of beside sums and products, for a float or an array alike, to the last bit the same.

A new candle is one row: in floats its formulas take a tenth of what arrays of one element do.
"""

from math import isnan, sqrt
from typing import TypeVar

import numpy as np

from tradai_lifecycle.monitor.psi import Floats

Number = TypeVar("Number", float, Floats)


def at_least(value: Number, least: float) -> Number:
    """The larger of the two; NaN stays NaN."""
    if isinstance(value, float):
        return value if value > least or isnan(value) else least
    return np.maximum(value, least)


def at_most(value: Number, most: float) -> Number:
    """The smaller of the two; NaN stays NaN."""
    if isinstance(value, float):
        return value if value < most or isnan(value) else most
    return np.minimum(value, most)


def root(value: Number) -> Number:
    """The square root of what is not negative; of NaN NaN."""
    if isinstance(value, float):
        return sqrt(value)
    return np.sqrt(value)


def ratio_or_zero(part: Number, whole: Number) -> Number:
    """The ratio, 0 where the whole is not above 0 or is NaN."""
    if isinstance(whole, float):
        return part / whole if whole > 0.0 else 0.0
    return np.divide(part, whole, out=np.zeros_like(whole), where=np.greater(whole, 0.0))


__all__ = ["Number", "at_least", "at_most", "ratio_or_zero", "root"]
