"""Finished cells as files: a run that was stopped goes on, and what did not change is not measured again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import sklearn

from benchmarks.cells import Cells, digest
from benchmarks.drift.outcomes import Outcome
from benchmarks.drift.plan import Cell
from benchmarks.drift.streams.stream import SEED, WATCHED_CANDLES, WINDOW, history_candles
from benchmarks.report import RESULTS

_HERE = Path(__file__).parent
FOLDER = RESULTS / "drift-cells"
#: What every cell depends on, besides its detector's own sources.
_SHARED = (
    *(_HERE / f"{name}.py" for name in ("faults", "markets", "outcomes", "rows", "scenes", "measuring")),
    _HERE / "streams",
    *(_HERE.parent / f"{name}.py" for name in ("faults", "features", "latency_market")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A cell and what came of its runs."""

    cell: Cell
    outcomes: tuple[Outcome, ...]
    seconds: float


def stored(cell: Cell) -> Measured | None:
    """What was measured of a cell with these settings, sources and candles; None where nothing was."""
    values = _kept(cell).known(cell.name)
    if values is None:
        return None
    outcomes = tuple(Outcome(**outcome) for outcome in values["outcomes"])
    return Measured(cell=cell, outcomes=outcomes, seconds=values["seconds"])


def store(measured: Measured) -> None:
    """Write the cell's file, whole or not at all."""
    values = {
        "cell": measured.cell.name,
        "seconds": round(measured.seconds, 2),
        "outcomes": [asdict(outcome) for outcome in measured.outcomes],
    }
    _kept(measured.cell).keep(measured.cell.name, values)


def forget(cells: Sequence[Cell]) -> None:
    """Remove the files of these cells, so that they are measured anew."""
    for cell in cells:
        _kept(cell).forget(cell.name)


def file_of(cell: Cell) -> Path:
    """Where a cell is kept: its name holds a hash of all that its outcomes depend on."""
    return _kept(cell).file(cell.name)


def _kept(cell: Cell) -> Cells:
    series, detector = cell.stream.series, cell.detector
    candles = (series.file.name, series.file.stat().st_size) if series.file else "sandbox"
    settings = SEED, WINDOW, WATCHED_CANDLES, history_candles(series.timeframe), detector.most_runs, detector.sparse
    surroundings = candles, np.__version__, sklearn.__version__
    parts = [
        repr(cell.stream),
        cell.fault,
        repr(settings),
        repr(surroundings),
        digest(_SHARED),
        digest(detector.sources),
    ]
    made_with = sha256("\n".join(parts).encode()).hexdigest()[:16]
    return Cells(directory=FOLDER, made_with=made_with)


__all__ = ["FOLDER", "Measured", "file_of", "forget", "store", "stored"]
