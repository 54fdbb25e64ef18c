"""How long a condition must hold, and how long it counts: over a fixed number of rows, never from a frame's first."""

import numpy as np
from numpy.typing import NDArray

BoolColumn = NDArray[np.bool_]

#: A latch lets go below this share of the limit that set it.
RELEASE_RATIO = 0.75


def held(condition: BoolColumn, candles: int) -> BoolColumn:
    """Rows at which `condition` was true on each of the last `candles` rows, this one included."""
    # conditions are false almost always: then nothing but a look is needed
    if np.count_nonzero(condition) < candles:
        return np.zeros(len(condition), dtype=np.bool_)
    return np.asarray(_rows_since(~condition, before=-1) >= candles)


def within(condition: BoolColumn, candles: int) -> BoolColumn:
    """Rows at which `condition` was true on any of the last `candles` rows, this one included."""
    if not condition.any():
        return np.zeros(len(condition), dtype=np.bool_)
    return np.asarray(_rows_since(condition, before=-candles) < candles)


def latched(on: BoolColumn, off: BoolColumn, memory: int) -> BoolColumn:
    """Rows whose newest event among the last `memory` rows is an `on`; false where those rows hold no event."""
    if not on.any():
        return np.zeros(len(on), dtype=np.bool_)
    since_on = _rows_since(on, before=-memory)
    return np.asarray((since_on < memory) & (since_on < _rows_since(off, before=-memory)))


# How many rows ago the condition was last true; `before` stands for its row where it was not yet.
def _rows_since(condition: BoolColumn, before: int) -> NDArray[np.intp]:
    rows = np.arange(len(condition))
    since: NDArray[np.intp] = rows - np.maximum.accumulate(np.where(condition, rows, before))
    return since


__all__ = ["RELEASE_RATIO", "BoolColumn", "held", "latched", "within"]
