"""The results as files and in the document."""

from pathlib import Path

from benchmarks.drift.report import lines_of, write_files
from benchmarks.equal_alarms.results import EqualAlarms
from benchmarks.equal_alarms.tables import tables_of
from benchmarks.marked import STATISTICS, write_marked

NAME = "equal_alarms"


def write(results: EqualAlarms) -> list[Path]:
    """JSON and Markdown among the results. Returns their paths."""
    return write_files(NAME, results.to_json(), ["# At equal false alarms", "", *in_markdown(results)])


def ship(results: EqualAlarms, document: Path = STATISTICS) -> Path:
    """Put the tables into the document between their markers."""
    write_marked(NAME, in_markdown(results), document)
    return document


def in_markdown(results: EqualAlarms) -> list[str]:
    """What was run, then every table; no empty line at the end."""
    run = f"Measured on {results.at}, on {results.candles}. Run: {results.scope}."
    return [run, "", *(line for part in tables_of(results) for line in lines_of(part))][:-1]


__all__ = ["NAME", "in_markdown", "ship", "write"]
