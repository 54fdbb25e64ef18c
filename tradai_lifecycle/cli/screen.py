"""How commands look on a screen: its width, and the colours of the trading states."""

from collections.abc import Mapping

from rich.console import Console

#: The colour of each trading state, by its label.
STATE_STYLE: Mapping[str, str] = {"active": "green", "reduced": "yellow", "paused": "red"}
#: Characters in a line of tables that go into a file.
FILE_WIDTH = 140


def wide_console() -> Console:
    """A console as wide as the terminal, and wide enough for a timeline where the output goes into a file."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=max(console.width, FILE_WIDTH))


__all__ = ["FILE_WIDTH", "STATE_STYLE", "wide_console"]
