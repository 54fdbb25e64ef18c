"""The console script `tradai`: one file per group of commands."""

import sys

from tradai_lifecycle.cli.app import app
from tradai_lifecycle.errors import LifecycleError


def main() -> None:
    """Run a command; an error of ours or of freqtrade is one line on stderr and exit code 2."""
    from rich.console import Console  # noqa: PLC0415 - only where something is printed

    try:
        app()
    except LifecycleError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


__all__ = ["app", "main"]
