"""What a long command is doing, while it does it: on the terminal alone, never in its output."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn


class Tell(Protocol):
    """Takes what is being done, in words, and where it can be counted, how much of it is done."""

    def __call__(self, what: str, done: int = 0, total: int | None = None) -> None:
        """`done` of `total` steps of `what`; None: it cannot be counted."""


def untold(what: str, done: int = 0, total: int | None = None) -> None:
    """Nobody looks."""


@contextmanager
def stages() -> Iterator[Tell]:
    """A line on stderr for what is told: its words, its count as a bar and a percentage, and the time so far.

    Nothing where stderr is no terminal.
    """
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        progress.add_task("", total=None)
        (task,) = progress.tasks

        def tell(what: str, done: int = 0, total: int | None = None) -> None:
            """Show it at once in place of what was told before."""
            # an update can neither take a total back nor let the clock of a finished task go on
            task.total, task.finished_time = total, None
            count = f" {done}/{total}" if total is not None else ""
            progress.update(task.id, description=f"{what}{count}", completed=done, refresh=True)

        yield tell


__all__ = ["Tell", "stages", "untold"]
