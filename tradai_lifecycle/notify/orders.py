"""What people told the bot, as far as it explains what happens next; and what is heard of from the ledger."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tradai_lifecycle.events import (
    Acknowledged,
    CommandAnswered,
    Event,
    IncidentResolved,
    RetrainingRequested,
    StrangerIgnored,
)
from tradai_lifecycle.states import CommandName, CommandOutcome

#: An event of `LEDGER_KINDS` may arrive by two ways; so many are recognised.
RECOGNISED_EVENTS = 500
REMEMBERED_ORDERS = 50
#: How long an order explains that an older version takes over.
EXPLAINS_FOR = timedelta(hours=24)

#: Kinds that are heard of from the ledger: what people did, in any process, and the requests that the ledger kept.
LEDGER_KINDS = (Acknowledged, CommandAnswered, IncidentResolved, RetrainingRequested, StrangerIgnored)
_ANY_VERSION = frozenset({CommandName.ROLLBACK, CommandName.UNPIN})
_NAMED_VERSION = frozenset({CommandName.PROMOTE, CommandName.PIN, CommandName.ADOPT})


class Effect(StrEnum):
    """What an answered command changes: something with this event, with an earlier, pending one, or nothing."""

    NOW = "now"
    EARLIER = "earlier"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    at: datetime
    command: CommandName
    versions: frozenset[str]


class Orders:
    """Remembers the newest commands, and which events of `LEDGER_KINDS` it has seen."""

    def __init__(self) -> None:
        self._recognised: deque[Event] = deque(maxlen=RECOGNISED_EVENTS)
        self._pending: deque[tuple[CommandName, str, str]] = deque(maxlen=REMEMBERED_ORDERS)
        self._orders: deque[_Order] = deque(maxlen=REMEMBERED_ORDERS)

    def __len__(self) -> int:
        return len(self._recognised) + len(self._pending) + len(self._orders)

    def recognises(self, event: Event) -> bool:
        """Whether this very event of `LEDGER_KINDS` was here before; from now on it was."""
        if not isinstance(event, LEDGER_KINDS):
            return False
        if event in self._recognised:
            return True
        self._recognised.append(event)
        return False

    def hear(self, event: CommandAnswered, now: datetime) -> Effect:
        """Note a command; gives whether it takes effect with this event."""
        order = (event.command, event.who, event.begun_at or event.at.isoformat())
        if event.outcome not in (CommandOutcome.DONE, CommandOutcome.PENDING):
            return Effect.NONE
        if order in self._pending:
            return Effect.EARLIER
        if event.outcome is CommandOutcome.PENDING:
            self._pending.append(order)
        versions = frozenset(word.removeprefix("v") for word in event.arguments.split())
        self._orders.append(_Order(at=now, command=event.command, versions=versions))
        return Effect.NOW

    def explain(self, version: str, now: datetime) -> bool:
        """Whether a person asked for this version, or for the way back, not long ago."""
        recent = (order for order in self._orders if now - order.at <= EXPLAINS_FOR)
        return any(
            order.command in _ANY_VERSION
            or (order.command in _NAMED_VERSION and version.removeprefix("v") in order.versions)
            for order in recent
        )


__all__ = ["EXPLAINS_FOR", "LEDGER_KINDS", "RECOGNISED_EVENTS", "REMEMBERED_ORDERS", "Effect", "Orders"]
