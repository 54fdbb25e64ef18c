"""One command on its way: everything its execution needs, and how its answer and its event are made."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.command import Answer, Caller, Command, Follow
from tradai_lifecycle.control.reports import Report, Said
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.states import CommandOutcome
from tradai_lifecycle.store.ledger import Ledger

#: Opens the bot's registry; the caller of it closes it.
OpenSource = Callable[[], ModelSource]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command given by `caller` at `now`, with what it is carried out on."""

    command: Command
    caller: Caller
    now: datetime
    ledger: Ledger
    config: LifecycleConfig
    open_source: OpenSource

    def event(self, outcome: CommandOutcome, detail: str, *, version: str | None = None) -> CommandAnswered:
        """The event of this command; `version` ("3") is the one it came to mean where none was given."""
        return CommandAnswered(
            at=self.now,
            command=self.command.name,
            arguments=f"v{version}" if version is not None else self.command.arguments,
            who=self.caller.who,
            transport=self.caller.transport,
            note=self.command.note,
            outcome=outcome,
            detail=detail,
            place=self.caller.place,
        )

    def said(self, outcome: CommandOutcome, detail: str, *lines: str, follow: Follow | None = None) -> Answer:
        """An answer in words."""
        return Answer(
            command=self.command, outcome=outcome, report=Said(detail=detail, lines=tuple(lines)), follow=follow
        )

    def done(self, detail: str, *lines: str) -> Answer:
        """A command that is carried out, in words."""
        return self.said(CommandOutcome.DONE, detail, *lines)

    def failed(self, detail: str, *lines: str, version: str | None = None) -> Answer:
        """A command that changed nothing of what it was to change; it is written down."""
        self.ledger.record_events([self.event(CommandOutcome.FAILED, detail, version=version)])
        return self.said(CommandOutcome.FAILED, detail, *lines)

    def shown(self, report: Report) -> Answer:
        """What a command that only shows has found."""
        return Answer(command=self.command, outcome=CommandOutcome.DONE, report=report)

    def follow(self, version: str) -> Follow:
        """What this command waits for, once it is pending."""
        return Follow(command=self.command, version=version, since=self.now, caller=self.caller)


__all__ = ["OpenSource", "Request"]
