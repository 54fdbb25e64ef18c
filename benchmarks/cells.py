"""Parts of a long measurement, each kept as JSON as soon as it is done, so that an interrupted run goes on."""

import json
from ast import dump, parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
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
    """The parts of one measurement. A part that was measured with other code counts as not measured.

    A file bears the part's key and what it was made with: what other code measured stays beside it.
    """

    directory: Path
    made_with: str

    @classmethod
    def of(cls, name: str, benchmark_files: Sequence[str]) -> "Cells":
        """Those below benchmarks/results/NAME; `benchmark_files` are the benchmark's own that decide its figures."""
        own = (Path(__file__).parent / file for file in benchmark_files)
        code = digest((*own, *(PACKAGE / part for part in DECIDING)))
        made_with = sha256(f"numpy {np.__version__} scikit-learn {sklearn.__version__} {code}".encode())
        return cls(directory=RESULTS / name, made_with=made_with.hexdigest()[:16])

    def known(self, key: str) -> Any | None:
        """What was measured for `key` with the present code, or None."""
        file = self.file(key)
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def keep(self, key: str, values: Any) -> None:
        """Write what was measured for `key`; a reader sees all of it or nothing."""
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.file(key)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(values) + "\n", encoding="utf-8")
        unfinished.replace(file)

    def forget(self, key: str) -> None:
        """Remove what was measured for `key` with the present code, if anything was."""
        self.file(key).unlink(missing_ok=True)

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

    def file(self, key: str) -> Path:
        """Where `key` is kept. Keys must differ in more than signs: any but letters and digits become `-`."""
        words = "".join(letter if letter.isalnum() else "-" for letter in key)
        return self.directory / f"{words}-{self.made_with}.json"


@cache
def digest(sources: tuple[Path, ...]) -> str:
    """A hash of the files and of all Python files under the folders."""
    files = [file for source in sources for file in (sorted(source.rglob("*.py")) if source.is_dir() else [source])]
    whole = sha256()
    for file in files:
        text = file.read_text(encoding="utf-8")
        # comments and layout decide nothing
        meaning = dump(parse(text)) if file.suffix == ".py" else text
        whole.update(f"{file.name}\0{meaning}\0".encode())
    return whole.hexdigest()


__all__ = ["Cells", "digest"]
