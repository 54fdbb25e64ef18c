"""Rows as a table on the terminal, as JSON and as Markdown."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.rows import Row, Standing
from tradai_lifecycle import __version__

RESULTS = Path(__file__).parent / "results"
_COLOURS = {Standing.HELD: "green", Standing.MISSED: "red", Standing.UNBOUNDED: "dim"}
_HEADINGS = ("benchmark", "figure", "bound", "standing", "how measured")
_DELAY_HEADINGS = ("fault", "runs", "reduced or stricter", "median days", "paused", "median days")


def show(results: dict[str, list[Row]], console: Console) -> None:
    """One table of all rows, and under it the delays of each timeframe."""
    table = Table(*_HEADINGS, box=box.SIMPLE_HEAD, title="Benchmarks")
    for row in _flat(results):
        if "onsets" not in row.details:
            colour = _COLOURS[row.standing]
            table.add_row(row.name, row.shown, row.shown_bound, f"[{colour}]{row.standing.value}[/]", row.measured)
    console.print(table)
    for timeframe, delays in _delays(results).items():
        known = delays[0].details
        title = f"{timeframe}: found within {known['watched_candles']:,} candles ({known['watched_days']:.1f} days)"
        compact = Table(*_DELAY_HEADINGS, box=box.SIMPLE_HEAD, title=title, caption=delays[0].measured)
        for row in delays:
            compact.add_row(*_delay_cells(row))
        console.print(compact)


def write(results: dict[str, list[Row]], now: datetime) -> list[Path]:
    """Write JSON and Markdown, the newest of each under a fixed name. Returns their paths."""
    RESULTS.mkdir(exist_ok=True)
    about = {
        "at": now.isoformat(timespec="seconds"),
        "package": __version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
    }
    values = {"about": about, "benchmarks": {name: [row.values() for row in rows] for name, rows in results.items()}}
    files = {"json": json.dumps(jsonable(values), indent=2), "md": _markdown(results, about)}
    paths = []
    for suffix, text in files.items():
        path = RESULTS / f"latest.{suffix}"
        path.write_text(f"{text}\n", encoding="utf-8")
        paths.append(path)
    return paths


def _markdown(results: dict[str, list[Row]], about: dict[str, Any]) -> str:
    lines = ["# Benchmarks", "", ", ".join(f"{name} {value}" for name, value in about.items()), ""]
    bounded = [row for row in _flat(results) if "onsets" not in row.details]
    cells = [(row.name, row.shown, row.shown_bound, row.standing.value, row.measured) for row in bounded]
    lines += _markdown_table(_HEADINGS, cells)
    for timeframe, delays in _delays(results).items():
        known = delays[0].details
        lines += ["", f"## {timeframe}: found within {known['watched_candles']:,} candles", "", delays[0].measured, ""]
        lines += _markdown_table(_DELAY_HEADINGS, [_delay_cells(row) for row in delays])
    return "\n".join(lines)


def _markdown_table(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (headings, ["---"] * len(headings), *cells)]


def _delay_cells(row: Row) -> tuple[str, ...]:
    known = row.details
    return (
        str(known["fault"]),
        str(known["onsets"]),
        _percent(known["found_reduced"]),
        _number(known["median_days_to_reduced"]),
        _percent(known["found_paused"]),
        _number(known["median_days_to_paused"]),
    )


def _delays(results: dict[str, list[Row]]) -> dict[str, list[Row]]:
    by_timeframe: dict[str, list[Row]] = {}
    for row in _flat(results):
        if "onsets" in row.details:
            by_timeframe.setdefault(row.details["timeframe"], []).append(row)
    return by_timeframe


def _flat(results: dict[str, list[Row]]) -> list[Row]:
    return [row for rows in results.values() for row in rows]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def jsonable(value: Any) -> Any:
    """The value with null for NaN, which is no JSON, with lists for tuples and text for keys."""
    if isinstance(value, dict):
        return {str(key): jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(part) for part in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


def now() -> datetime:
    """The time of a run."""
    return datetime.now(UTC)


__all__ = ["RESULTS", "jsonable", "now", "show", "write"]
