"""The console script `tradai`: one file per group of commands."""

import sys

from tradai_lifecycle.cli.answers import exit_code_of
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.errors import LifecycleError


def main() -> None:
    """Run a command; an error of ours or of freqtrade is one line on stderr and a code of `answers.exit_code_of`."""
    from rich.console import Console  # noqa: PLC0415 - only where something is printed

    try:
        app()
    except LifecycleError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(exit_code_of(error))


__all__ = ["app", "main"]
