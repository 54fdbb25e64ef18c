"""What happened, newest first."""

from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.event_words import words_of
from tradai_lifecycle.control.reports import HistoryEntry, HistoryReport
from tradai_lifecycle.control.request import Request

#: Lines where nobody says how many.
USUAL_LINES = 20


def history(request: Request) -> Answer:
    """The newest events, in words."""
    stored = request.ledger.events(limit=request.command.limit or USUAL_LINES)
    events = (one.event for one in stored)
    return request.shown(
        HistoryReport(
            entries=tuple(
                HistoryEntry(at=event.at, kind=event.kind, text=words_of(event), values=event.values())
                for event in events
            )
        )
    )


__all__ = ["USUAL_LINES", "history"]
