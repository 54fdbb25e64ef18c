"""All cells of a plan, one after another, with a bar that shows how far it is."""

from collections.abc import Callable, Sequence
from itertools import groupby

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from benchmarks.drift.cells import Measured
from benchmarks.drift.measuring import outcomes_of
from benchmarks.drift.plan import Cell


def run(cells: Sequence[Cell], console: Console, finished: Callable[[Measured], None]) -> None:
    """Measure the cells and hand each over as soon as it is finished. Cells of one stream and fault share its runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        threadpool_limits(1),
        Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress,
    ):
        bar = progress.add_task("", total=len(cells))
        for (stream, fault), together in groupby(cells, key=lambda cell: (cell.stream, cell.fault)):
            runs = stream.runs(fault)
            for cell in together:
                progress.update(bar, description=cell.name)
                outcomes, seconds = outcomes_of(cell.detector, runs)
                finished(Measured(cell=cell, outcomes=outcomes, seconds=seconds))
                progress.advance(bar)


__all__ = ["run"]
