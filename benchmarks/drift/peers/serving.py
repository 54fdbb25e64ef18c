"""The other end of a pipe: a library in an environment of its own answers which rows are in alarm.

Runs in that environment, where nothing of this project is installed but the standard library and numpy.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import lru_cache

import numpy as np

#: Live rows `(n, F)` and the first of them to be judged; whether each row is in alarm, `(n,)`.
Alarm = Callable[[np.ndarray, int], np.ndarray]
#: Reference rows `(m, F)` and the window in candles.
Learn = Callable[[np.ndarray, int], Alarm]


def serve(learn: Learn) -> None:
    """Answer one question per line of standard input, until it ends."""
    # libraries print what they like: answers have a way of their own
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    @lru_cache(maxsize=2)
    def learnt(reference: str, window: int) -> Alarm:
        return learn(_array(reference, "reference"), window)

    for line in sys.stdin:
        asked = json.loads(line)
        alarm = learnt(asked["reference"], asked["window"])(_array(asked["live"], "live"), asked["from_row"])
        np.savez(asked["answer"], alarm=alarm.astype(np.bool_))
        answers.write("answered\n")
        answers.flush()


def _array(path: str, name: str) -> np.ndarray:
    with np.load(path) as stored:
        return stored[name]
