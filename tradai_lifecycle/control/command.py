"""A command, who gives it, and what became of it: the values that every transport speaks in."""

from dataclasses import dataclass
from datetime import datetime

from tradai_lifecycle.control.reports import Report
from tradai_lifecycle.states import CommandName, CommandOutcome, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who gives a command: `who` for the record ("shell:anna"), over which transport, and what they may do.

    `place` is where they are answered later, as the transport has it; "" where nobody waits.
    """

    who: str
    transport: str
    role: Role
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command with its arguments. `version` is kept as the registry has it: "3", also when it was given as "v3".

    `ratio` is a share of the stake, `hours` a span of time, `limit` a number of lines, `note` says why, for the record.
    """

    name: CommandName
    version: str | None = None
    ratio: float | None = None
    hours: float | None = None
    pair: str | None = None
    limit: int | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if self.version is not None:
            object.__setattr__(self, "version", self.version.removeprefix("v") or None)

    @property
    def arguments(self) -> str:
        """The arguments as they would be typed, without the note."""
        parts = (
            f"v{self.version}" if self.version is not None else None,
            _number(self.ratio) if self.ratio is not None else None,
            self.pair,
            f"{_number(self.hours)}h" if self.hours is not None else None,
            f"{self.limit}" if self.limit is not None else None,
        )
        return " ".join(part for part in parts if part)


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """What a pending answer waits for: a batch predicted by `version` ("3"). The command was given at `since`."""

    command: Command
    version: str
    since: datetime
    caller: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a command. `follow` is there while it is pending."""

    command: Command
    outcome: CommandOutcome
    report: Report
    follow: Follow | None = None


__all__ = ["Answer", "Caller", "Command", "Follow"]
