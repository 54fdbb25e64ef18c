"""What a person is told: one frozen value, with everything that decides when it is told and whether it is a repeat."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from tradai_lifecycle.notify.wording import SHOWN_LINES, SHOWN_NAMES, listed, quoted, unique
from tradai_lifecycle.states import TradingState

#: Characters of a title, and of each line below it.
LONGEST_TITLE = 800


class Priority(IntEnum):
    """When a person is told. Ordered by urgency, the most urgent first."""

    NOW = 1
    TODAY = 2
    DIGEST = 3

    @property
    def label(self) -> str:
        """The short name: P1, P2 or P3."""
        return f"P{self.value}"


class Tone(StrEnum):
    """Whether a notice tells of trouble, of its end, or of neither."""

    TROUBLE = "trouble"
    GOOD = "good"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell. Notices of one `key` are the same thing: they fold, and in one batch they become one.

    `what` follows the pairs ("paused"), or stands alone. `topics` name what is wrong; an acknowledgement mutes by them.
    `state` is the trading state that the notice says its pairs (none: the whole bot) are in.
    """

    at: datetime
    priority: Priority
    key: str
    what: str
    pairs: tuple[str, ...] = ()
    because: str = ""
    details: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    tone: Tone = Tone.TROUBLE
    state: TradingState | None = None

    @property
    def title(self) -> str:
        """One line: who, what and why."""
        if len(self.pairs) > 1:
            head = f"{len(self.pairs)} pairs {self.what}: {listed(self.pairs, SHOWN_NAMES)}"
        else:
            head = " ".join((*self.pairs, self.what))
        return quoted(f"{head}: {self.because}" if self.because else head, LONGEST_TITLE)

    @property
    def text(self) -> str:
        """The lines below the title; may be empty."""
        return "\n".join(quoted(line, LONGEST_TITLE) for line in self.details)

    def with_lines(self, *lines: str) -> "Notice":
        """The same notice with more lines below its title."""
        return replace(self, details=(*self.details, *lines))


def merged(first: Notice, later: Notice) -> Notice:
    """Two notices of one key as one: all pairs, a dozen lines, the more urgent priority, the words of the first."""
    return replace(
        first,
        priority=min(first.priority, later.priority),
        pairs=unique((*first.pairs, *later.pairs)),
        details=unique((*first.details, *later.details))[:SHOWN_LINES],
        topics=first.topics | later.topics,
    )


def plain_text(notice: Notice) -> str:
    """A notice for a channel that knows text alone: a mark of its urgency, the title, the lines."""
    return "\n".join(part for part in (f"{_mark(notice)}{notice.title}", notice.text) if part)


def _mark(notice: Notice) -> str:
    if notice.tone is Tone.GOOD and notice.priority is not Priority.DIGEST:
        return "\N{LARGE GREEN CIRCLE} "
    if notice.tone is Tone.TROUBLE:
        return {Priority.NOW: "\N{LARGE RED CIRCLE} ", Priority.TODAY: "\N{LARGE YELLOW CIRCLE} "}.get(
            notice.priority, ""
        )
    return ""


__all__ = ["LONGEST_TITLE", "Notice", "Priority", "Tone", "merged", "plain_text"]
