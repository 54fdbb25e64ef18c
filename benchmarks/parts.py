"""A long measurement as a command: its parts by name, its tables on the terminal, and what a whole run writes."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.cells import Cells
from benchmarks.marked import write_marked
from benchmarks.report import RESULTS, jsonable

Report = TypeVar("Report")
#: Every part of a measurement by its name: called, it gives the part's figures, JSON-ready.
Parts = Mapping[str, Callable[[], Any]]


def run_parts(
    *,
    name: str,
    about: str | None,
    own_files: Sequence[str],
    parts: Parts,
    report_of: Callable[[Mapping[str, Any]], Report],
    markdown: Callable[[Report], list[str]],
    values_of: Callable[[Report], Any],
    columns: int,
) -> None:
    """Measure what is missing of the parts that are asked for, and show the tables, in files `columns` wide.

    A whole run writes `values_of` its report to benchmarks/results/NAME.json, and the tables between the markers of
    `name` in the document. `own_files` are the benchmark's own that decide its figures (see `Cells.of`).
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--only", nargs="+", default=[], metavar="TEXT", help="parts whose name holds each TEXT")
    only = parser.parse_args().only
    wanted = chosen(parts, only)
    if not wanted:
        parser.error(f"no part holds {' and '.join(only)}; there are: {'; '.join(parts)}")
    report = report_of(Cells.of(name, own_files).measured(wanted))
    console = Console(width=None if Console().is_terminal else columns)
    console.print(Markdown("\n".join(markdown(report))))
    if only:
        console.print("A part of the benchmark: results and documents stay as they are.")
        return
    (RESULTS / f"{name}.json").write_text(json.dumps(jsonable(values_of(report)), indent=2) + "\n", encoding="utf-8")
    write_marked(name, markdown(report))


def chosen(parts: Parts, only: Sequence[str]) -> Parts:
    """The parts whose name holds all the words of `only`; all where there is none."""
    return {name: work for name, work in parts.items() if all(word in name for word in only)}


__all__ = ["Parts", "chosen", "run_parts"]
