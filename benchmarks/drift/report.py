"""The results on the terminal, as files, and in the documents."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Drawn

from benchmarks.drift.results import RESULTS, SHIPPED, Results, about_the_machine
from benchmarks.drift.tables import Table, rules_of, tables_of
from benchmarks.marked import STATISTICS, table, write_marked

NAME = "drift"


def show(results: Results, console: Console) -> None:
    """Every table."""
    for shown in tables_of(results):
        drawn = Drawn(*shown.headings, box=box.SIMPLE_HEAD, title=shown.title, caption=shown.note)
        for row in shown.rows:
            drawn.add_row(*row)
        console.print(drawn)


def write(results: Results) -> list[Path]:
    """JSON and Markdown among the results. Returns their paths."""
    return write_files(NAME, results.to_json(), ["# How well drift is detected", "", *in_markdown(results)])


def write_files(name: str, values: str, lines: Sequence[str]) -> list[Path]:
    """NAME.json with the values and NAME.md with the lines and the machine, among the results. Returns their paths."""
    RESULTS.mkdir(exist_ok=True)
    title, *rest = lines
    texts = {"json": values, "md": "\n".join([title, "", about_the_machine(), *rest]) + "\n"}
    paths = {suffix: RESULTS / f"{name}.{suffix}" for suffix in texts}
    for suffix, text in texts.items():
        paths[suffix].write_text(text, encoding="utf-8")
    return list(paths.values())


def ship(results: Results, document: Path = STATISTICS, shipped: Path = SHIPPED) -> list[Path]:
    """Put the figures beside the code, and into the document between its markers. Returns what was written."""
    shipped.write_text(results.to_json(), encoding="utf-8")
    # from the file, so that both show the same digits
    known = Results.from_json(shipped.read_text(encoding="utf-8"))
    write_marked(NAME, in_markdown(known), document)
    return [shipped, document]


def in_markdown(results: Results) -> list[str]:
    """What was measured on, then every table; no empty line at the end."""
    measured = f"Measured on {results.at}, on {results.candles}: {', '.join(results.series)}."
    if results.cells < results.cells_planned:
        measured += f" Of the plan's {results.cells_planned:,} cells {results.cells:,} were measured."
    tables = (*tables_of(results), rules_of(results))
    return [measured, "", *(line for part in tables for line in lines_of(part))][:-1]


def lines_of(part: Table) -> list[str]:
    """A table in Markdown, under its title."""
    note = [part.note, ""] if part.note else []
    return [f"### {part.title}", "", *note, *table(part.headings, part.rows)]


__all__ = ["NAME", "in_markdown", "lines_of", "ship", "show", "write", "write_files"]
