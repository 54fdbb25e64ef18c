"""What a long command is doing, while it does it: on the terminal alone, never in its output."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Tell = Callable[[str], None]


def untold(_: str) -> None:
    """Nobody looks."""


@contextmanager
def stages() -> Iterator[Tell]:
    """A line on stderr, with the time, that names what is told; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda what: progress.update(task, description=what)


__all__ = ["Tell", "stages", "untold"]
