"""Finished cells as files: a run that was stopped goes on, and what did not change is not measured again."""

import ast
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import sklearn

from benchmarks.drift.outcomes import Outcome
from benchmarks.drift.plan import Cell
from benchmarks.drift.streams.stream import SEED, WATCHED_CANDLES, WINDOW, history_candles

_HERE = Path(__file__).parent
FOLDER = _HERE.parent / "results" / "drift-cells"
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
    file = file_of(cell)
    if not file.exists():
        return None
    values = json.loads(file.read_text(encoding="utf-8"))
    outcomes = tuple(Outcome(**outcome) for outcome in values["outcomes"])
    return Measured(cell=cell, outcomes=outcomes, seconds=values["seconds"])


def store(measured: Measured) -> None:
    """Write the cell's file, whole or not at all."""
    file = file_of(measured.cell)
    FOLDER.mkdir(parents=True, exist_ok=True)
    values = {
        "cell": measured.cell.name,
        "seconds": round(measured.seconds, 2),
        "outcomes": [asdict(outcome) for outcome in measured.outcomes],
    }
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(values) + "\n", encoding="utf-8")
    unfinished.replace(file)


def forget(cells: Sequence[Cell]) -> None:
    """Remove the files of these cells, so that they are measured anew."""
    for cell in cells:
        file_of(cell).unlink(missing_ok=True)


def file_of(cell: Cell) -> Path:
    """Where a cell is kept: its name holds a hash of all that its outcomes depend on."""
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
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    words = "".join(letter if letter.isalnum() else "-" for letter in cell.name)
    return FOLDER / f"{words}-{key}.json"


@cache
def digest(sources: tuple[Path, ...]) -> str:
    """A hash of the files and of all Python files under the folders."""
    files = [file for source in sources for file in (sorted(source.rglob("*.py")) if source.is_dir() else [source])]
    whole = hashlib.sha256()
    for file in files:
        text = file.read_text(encoding="utf-8")
        # comments and layout decide nothing
        meaning = ast.dump(ast.parse(text)) if file.suffix == ".py" else text
        whole.update(f"{file.name}\0{meaning}\0".encode())
    return whole.hexdigest()


__all__ = ["FOLDER", "Measured", "digest", "file_of", "forget", "store", "stored"]
