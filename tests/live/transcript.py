"""A transcript of a shell in a document: its commands, what they printed, and how much time passes between them.

In each `console` block of a section, a line `$ command` is typed, `# 3 candles later` lets time pass before the next
one, and the lines below a command are its output; `[exit code 4]` ends the output of a command that does not end with
0. In documented output `...` stands for whatever a run prints there: within a line for the rest of a word or more, as
a line of its own for any number of lines.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tests.live.shell import Printed

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LATER = re.compile(r"^# (\d+) candles? later$")
ELLIPSIS = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One typed command: the candles that pass before it, and its documented output, line by line."""

    command: str
    candles_before: int = 0
    output: tuple[str, ...] = ()

    def with_output_of(self, printed: Printed) -> "Entry":
        """This entry as a run printed it; unchanged where the document agrees with the run."""
        lines = lines_of(printed)
        return self if agree(self.output, lines) else replace(self, output=lines)

    def __str__(self) -> str:
        count = self.candles_before
        later = [f"# {count} candle{'' if count == 1 else 's'} later"] if count else []
        return "".join(f"{line}\n" for line in (*later, f"$ {self.command}", *self.output))


def section_of(document: str, heading: str) -> str:
    """The text below a heading, up to the next one of the same level."""
    level = heading.partition(" ")[0]
    _, found, rest = document.partition(f"{heading}\n")
    assert found, f"no heading {heading!r}"
    return re.split(rf"^{level} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def entries_of(section: str) -> list[Entry]:
    """Every command of the section's blocks, in their order."""
    return [entry for block in _BLOCK.findall(section) for entry in _entries(block)]


def rewritten(section: str, entry_of: Callable[[Entry], Entry]) -> str:
    """The section with each entry replaced by what `entry_of` makes of it."""
    return _BLOCK.sub(
        lambda block: "```console\n" + "".join(str(entry_of(entry)) for entry in _entries(block[1])) + "```", section
    )


def lines_of(printed: Printed) -> tuple[str, ...]:
    """What was printed, as a document has it."""
    lines = [line.rstrip() for line in printed.text.strip("\n").split("\n")]
    return (*lines, *([f"[exit code {printed.exit_code}]"] if printed.exit_code else []))


def agree(documented: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether a run printed what is documented, line by line."""
    expected = "".join(_pattern(line) for line in documented)
    return re.fullmatch(expected, "".join(f"{line}\n" for line in printed)) is not None


def difference(documented: tuple[str, ...], printed: tuple[str, ...]) -> str:
    """What a run printed otherwise than documented, for a person."""
    return "\n".join(difflib.unified_diff(documented, printed, "documented", "printed", lineterm="", n=1))


def _pattern(line: str) -> str:
    if line.strip() == ELLIPSIS:
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(part) for part in line.split(ELLIPSIS)) + r"\n"


def _entries(block: str) -> Iterator[Entry]:
    waiting, entry = 0, None
    for line in block.splitlines():
        later = _LATER.match(line)
        if later is None and not line.startswith("$ "):
            assert entry is not None, f"output without a command: {line!r}"
            entry = replace(entry, output=(*entry.output, line))
            continue
        if entry is not None:
            yield entry
        entry = None
        if later is not None:
            waiting += int(later[1])
        else:
            entry, waiting = Entry(command=line.removeprefix("$ "), candles_before=waiting), 0
    if entry is not None:
        yield entry
