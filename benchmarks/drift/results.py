"""All that was measured as one value, as JSON and back: what is shown, shipped beside the code, and in the docs."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.drift.cells import Measured
from benchmarks.drift.detectors import DETECTORS
from benchmarks.drift.figures import FalseTriggers, Found, false_triggers, found
from benchmarks.drift.markets import has_real_candles
from tradai_lifecycle import __version__

RESULTS = Path(__file__).parents[1] / "results"
#: The figures of the newest run on real candles: what docs/statistics.md shows, as values.
SHIPPED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The figures of one run: when, on what, of which detectors (with their rules), and which were not installed."""

    at: str
    candles: str
    series: tuple[str, ...]
    cells: int
    cells_planned: int
    detectors: Mapping[str, str]
    missing: Mapping[str, str]
    false_triggers: tuple[FalseTriggers, ...]
    found: tuple[Found, ...]

    @classmethod
    def of(cls, measured: Sequence[Measured], planned: int, now: datetime) -> "Results":
        """From the cells that are known."""
        shown = {part.cell.detector.name for part in measured}
        missing = {detector.name: words for detector in DETECTORS if (words := detector.missing()) is not None}
        return cls(
            at=f"{now:%Y-%m-%d}",
            candles="real candles" if has_real_candles() else "candles of the sandbox's market, which are made up",
            series=tuple(dict.fromkeys(str(part.cell.stream.series) for part in measured if part.outcomes)),
            cells=len(measured),
            cells_planned=planned,
            detectors={detector.name: detector.about for detector in DETECTORS if detector.name in shown},
            missing={name: words for name, words in missing.items() if name not in shown},
            false_triggers=tuple(false_triggers(measured)),
            found=tuple(found(measured)),
        )

    def to_json(self) -> str:
        """The results as text, a figure per line."""
        return json.dumps(rounded(asdict(self))).replace("}, {", "},\n{") + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Results":
        """Read what `to_json` wrote."""
        values = json.loads(text)
        values["false_triggers"] = tuple(read_figure(FalseTriggers, part) for part in values["false_triggers"])
        values["found"] = tuple(read_figure(Found, part) for part in values["found"])
        return cls(**{**values, "series": tuple(values["series"])})


def about_the_machine() -> str:
    """Where and by what a run was made."""
    cores = os.cpu_count()
    return f"tradai-lifecycle {__version__}, Python {platform.python_version()}, {platform.machine()}, {cores} cores"


def read_figure(kind: type, values: Mapping[str, Any]) -> Any:
    """A dataclass of figures from its JSON; lists become tuples. AssertionError where its fields are others."""
    names = {field.name for field in fields(kind)}
    assert set(values) == names, f"{kind.__name__}: other fields than this code knows; run the benchmark again"
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def rounded(value: Any) -> Any:
    """The same with four digits in every float: beyond these figures of one run mean nothing."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


__all__ = ["RESULTS", "SHIPPED", "Results", "about_the_machine", "read_figure", "rounded"]
