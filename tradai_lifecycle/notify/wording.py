"""Words for a phone: short, plain, without line breaks from outside."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tradai_lifecycle.store.records import PositionRecord

#: Names, and lines below a title, that a notice spells out; of the rest it gives the number.
SHOWN_NAMES = 10
SHOWN_LINES = 12
#: Characters of a word that comes from outside: an exception's message, a note, a stranger's name.
LONGEST_QUOTE = 300


def quoted(text: str, longest: int = LONGEST_QUOTE) -> str:
    """Text from outside on one line, without control characters, cut to `longest` characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def fitting(text: str, longest: int) -> str:
    """`text`, cut where it is longer than `longest` characters, which it then says."""
    note = "\n(cut short)"
    return text if len(text) <= longest else text[: longest - len(note)] + note


def listed(names: Sequence[str], shown: int) -> str:
    """Names joined by commas; beyond `shown` of them, how many more there are."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def unique(items: Iterable[str]) -> tuple[str, ...]:
    """Each item once, in the order of its first place."""
    return tuple(dict.fromkeys(items))


def figure(value: float) -> str:
    """A measured figure to three places; a dash where it is not known."""
    return "-" if math.isnan(value) else f"{value:.3f}"


def span(duration: timedelta) -> str:
    """A duration as a person would say it: 45 minutes, 3 hours, 2 days."""
    minutes = max(0, round(duration.total_seconds() / 60))
    if minutes < 120:
        return f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
    return f"{minutes / 60:.0f} hours" if minutes < 2_880 else f"{minutes / 1_440:.0f} days"


def moment(at: datetime) -> str:
    """A time of day with its date, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def person(who: str) -> str:
    """The name within a caller such as "shell:anna" or "telegram:12345 anna"; the whole word where there is none."""
    words = who.partition(":")[2].split()
    names = [word for word in words if not word.isdigit()]
    return quoted(" ".join(names) or who, 60)


def sentence(words: str) -> str:
    """Words with which a sentence can begin."""
    return words[:1].upper() + words[1:]


def version_label(version: str) -> str:
    """A version as it is shown: "v16"."""
    return version if version == "none" else f"v{quoted(version.removeprefix('v'), 40)}"


def position_lines(positions: Iterable[PositionRecord]) -> tuple[str, ...]:
    """Open positions, one a line: profit, stake, and the version that entered; beyond a dozen, how many more."""
    lines = tuple(_position(position) for position in positions)
    if len(lines) > SHOWN_LINES:
        return (*lines[:SHOWN_LINES], f"and {len(lines) - SHOWN_LINES} more open positions")
    return lines or ("No open position.",)


def _position(position: PositionRecord) -> str:
    profit = "profit unknown" if math.isnan(position.profit_ratio) else f"{position.profit_ratio:+.2%}"
    entered = "by an unknown version" if position.version == "none" else f"by {position.version}"
    return f"Open: {position.pair} {position.side}, {profit}, stake {position.stake:g}, entered {entered}"


__all__ = [
    "LONGEST_QUOTE",
    "SHOWN_LINES",
    "SHOWN_NAMES",
    "figure",
    "fitting",
    "listed",
    "moment",
    "person",
    "position_lines",
    "quoted",
    "sentence",
    "span",
    "unique",
    "version_label",
]
