"""The index of one batch, against plain methods in this process and libraries in theirs."""

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.drift.detectors.peer import ENVIRONMENTS, INSTALL
from benchmarks.monitor import TRAINING, WINDOW, fitted, synthetic_features
from benchmarks.monitor_plain import Plain, by_compares, by_searching
from benchmarks.paired_rows import duration, ratio_row
from benchmarks.rows import Bound, Row
from benchmarks.timing import in_turns
from tradai_lifecycle.monitor import bin_codes, window_psi
from tradai_lifecycle.monitor.psi import PaddedEdges, WindowPsi

FEATURES, REFERENCE_ROWS = 200, 5_000
SCRIPTS = Path(__file__).parent / "speed_peers"
#: What is run, the script, its environment, and how many turns are timed.
PEERS = (
    ("NannyML, Jensen-Shannon of one chunk", "nannyml_chunk", "nannyml", 11),
    ("Evidently, report with the index of every column", "evidently_report", "evidently", 1),
)

Floats = NDArray[np.float64]


def batch_rows() -> Iterator[Row]:
    """Ours against compares and against searching; then what references and libraries cost."""
    features, size = synthetic_features(TRAINING // 2, FEATURES), f"{WINDOW} x {FEATURES}"
    batch, references = features[-WINDOW:], fitted(features, TRAINING // 2).features
    plain, edges, psi = Plain.of(references), PaddedEdges([one.edges for one in references]), WindowPsi(references)
    assert np.allclose(psi.of(edges.codes(batch)), by_compares(batch, plain))
    assert np.allclose(by_searching(batch, plain), by_compares(batch, plain))

    def ours() -> Floats:
        return psi.of(edges.codes(batch))

    compared = in_turns(lambda: by_compares(batch, plain), ours, turns=201)
    yield ratio_row(
        f"index of one batch / nine compares, counted, {size}",
        compared,
        bound=Bound(most=1.0),
        note="edges and counts at hand on both sides",
    )
    yield ratio_row(
        "  the same from a model's references / with these at hand",
        in_turns(ours, lambda: window_psi(bin_codes(batch, references), references), turns=101),
    )
    yield ratio_row(
        "  searchsorted of each feature / ours", in_turns(ours, lambda: by_searching(batch, plain), turns=51)
    )
    yield from _peer_rows(features[:REFERENCE_ROWS], batch, compared.other)


def _peer_rows(reference: Floats, batch: Floats, ours: float) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="tradai-speed-") as folder:
        arrays = Path(folder) / "arrays.npz"
        np.savez(arrays, reference=reference, batch=batch)
        for name, script, environment, turns in PEERS:
            seconds = _peer_seconds(script, environment, arrays, turns)
            measured = f"not installed: {INSTALL}"
            if seconds:
                measured = f"{duration(median(seconds))} in a process of its own, median of {turns} after one untimed"
            yield Row(
                name=f"  {name} / ours",
                figure=median(seconds) / ours if seconds else math.nan,
                unit="x",
                digits=0,
                measured=measured,
                details={"other_seconds": median(seconds) if seconds else math.nan, "base_seconds": ours},
            )


# none where the environment is missing
def _peer_seconds(script: str, environment: str, arrays: Path, turns: int) -> Sequence[float]:
    home = ENVIRONMENTS / environment
    if not (home / ".installed").exists():
        return ()
    # no figure of a benchmark is anybody's to collect
    quiet = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [home / "bin" / "python", SCRIPTS / f"{script}.py", arrays, str(turns)],
        env={**os.environ, **quiet},
        capture_output=True,
        check=True,
        text=True,
    )
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


__all__ = ["batch_rows"]
