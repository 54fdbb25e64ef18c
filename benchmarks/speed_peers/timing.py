"""How long a library takes for one batch, in an environment of its own: standard library and numpy alone are shared."""

import json
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

#: Of reference rows `(m, F)`, untimed, what judges a batch `(n, F)`.
Prepare = Callable[[np.ndarray], Callable[[np.ndarray], object]]


def time_batch(prepare: Prepare) -> None:
    """Print the seconds of each turn as JSON; the file of arrays and the turns are the arguments."""
    path, turns = sys.argv[1:]
    with np.load(path) as stored:
        judge, batch = prepare(stored["reference"]), stored["batch"]
    judge(batch)
    seconds = []
    for _ in range(int(turns)):
        began = perf_counter()
        judge(batch)
        seconds.append(perf_counter() - began)
    print(json.dumps(seconds))
