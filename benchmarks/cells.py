"""Parts of a long measurement, each kept as JSON as soon as it is done, so that an interrupted run goes on."""

import json
from ast import dump, parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

import tradai_lifecycle
from benchmarks.report import RESULTS

PACKAGE = Path(tradai_lifecycle.__file__).parent
#: What the judgement of a candle depends on: whichever of it changes, the parts are measured anew.
DECIDING = (
    *("states.py", "config.py", "monitor", "policy", "retraining", "model/bundle.py"),
    *("strategy/columns.py", "strategy/frame.py", "strategy/memory.py"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The parts of one measurement. A part that was measured with other code counts as not measured."""

    directory: Path
    made_with: str

    @classmethod
    def of(cls, name: str, benchmark_files: Sequence[str]) -> "Cells":
        """Those below benchmarks/results/NAME; `benchmark_files` are the benchmark's own that decide its figures."""
        own = [Path(__file__).parent / file for file in benchmark_files]
        judging = [path for part in DECIDING for path in _python_files(PACKAGE / part)]
        return cls(directory=RESULTS / name, made_with=_digest([*own, *judging]))

    def known(self, key: str) -> Any | None:
        """What was measured for `key` with the present code, or None."""
        file = self._file(key)
        if not file.exists():
            return None
        content = json.loads(file.read_text(encoding="utf-8"))
        return content["values"] if content["made_with"] == self.made_with else None

    def keep(self, key: str, values: Any) -> None:
        """Write what was measured for `key`; a reader sees all of it or nothing."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self._file(key)
        unfinished = file.with_suffix(".part")
        unfinished.write_text(json.dumps({"made_with": self.made_with, "values": values}), encoding="utf-8")
        unfinished.replace(file)

    def measured(self, work: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """The values of every key of `work`, in its order: those that are known, the others measured with a bar."""
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        found = {}
        with Progress(TextColumn("{task.description}"), *columns) as progress:
            task = progress.add_task(self.directory.name, total=len(work))
            for key, measure in work.items():
                progress.update(task, description=key)
                values = self.known(key)
                if values is None:
                    values = measure()
                    self.keep(key, values)
                found[key] = values
                progress.advance(task)
        return found

    def _file(self, key: str) -> Path:
        return self.directory / f"{key.replace('/', '_').replace(' ', '-')}.json"


def _python_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _digest(files: Sequence[Path]) -> str:
    digest = sha256(f"numpy {np.__version__} scikit-learn {sklearn.__version__}".encode())
    for file in files:
        digest.update(file.name.encode())
        # comments and layout decide nothing
        digest.update(dump(parse(file.read_text(encoding="utf-8"))).encode())
    return digest.hexdigest()[:16]


__all__ = ["Cells"]
