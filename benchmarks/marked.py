"""Measured tables inside a document that people write: each between two markers of its own."""

from collections.abc import Sequence
from pathlib import Path

STATISTICS = Path(__file__).parents[1] / "docs" / "statistics.md"


def markers(name: str) -> tuple[str, str]:
    """The lines before and after the part that `python -m benchmarks.NAME` writes."""
    return f"<!-- written by python -m benchmarks.{name} -->", f"<!-- end of benchmarks.{name} -->"


def write_marked(name: str, lines: Sequence[str], document: Path = STATISTICS) -> None:
    """Replace what stands between the markers of `name`. Raises ValueError unless each stands there once, in order."""
    text = document.read_text(encoding="utf-8")
    begin, end = markers(name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{document} must have the lines {begin!r} and {end!r} once, in this order")
    before, after = text[: text.index(begin)], text[text.index(end) :]
    document.write_text(f"{before}{begin}\n\n" + "\n".join(lines) + f"\n\n{after}", encoding="utf-8")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, an empty line after it."""
    return [*(f"| {' | '.join(line)} |" for line in (headings, ["---"] * len(headings), *rows)), ""]


__all__ = ["STATISTICS", "markers", "table", "write_marked"]
