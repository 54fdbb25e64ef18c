"""Entries that the gate refused or cut, and what they would be worth now: a mark to market, with no exit rule."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.reports import BlockedEntry, BlockedReport
from tradai_lifecycle.control.request import Request
from tradai_lifecycle.control.standing import meant_pairs
from tradai_lifecycle.events import EntryBlocked, Event, StakeReduced
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import StateRecord

#: How far back is looked where nobody says.
USUAL_HOURS = 7 * 24.0


def blocked(request: Request) -> Answer:
    """The refused and cut entries of one pair or of all, newest first."""
    since = request.now - timedelta(hours=request.command.hours or USUAL_HOURS)
    states, events = request.ledger.latest_states(), _events(request.ledger, since)
    asked = meant_pairs({*states, *(event.pair for event in events)}, request.command.pair)
    found = [event for event in events if event.pair in asked]
    entries = tuple(entry for event in found if (entry := entry_of(event, states)) is not None)
    bot = request.ledger.bot()
    return request.shown(
        BlockedReport(
            since=since,
            stake_currency=bot.stake_currency if bot is not None else "",
            entries=entries,
            unpriced=len(found) - len(entries),
        )
    )


def entry_of(event: EntryBlocked | StakeReduced, states: Mapping[str, StateRecord]) -> BlockedEntry | None:
    """An event priced at the newest close of its pair; None without a rate or a close, or where nothing was cut."""
    close = states[event.pair].close if event.pair in states else math.nan
    if event.rate is None or not event.rate > 0.0 or not math.isfinite(close):
        return None
    move = (close / event.rate - 1.0) * (-1.0 if event.side == "short" else 1.0)
    stake = event.proposed - event.granted if isinstance(event, StakeReduced) else math.nan
    return BlockedEntry(
        at=event.at,
        pair=event.pair,
        side=event.side,
        what=event.what if isinstance(event, EntryBlocked) else "stake",
        share=stake / event.proposed if isinstance(event, StakeReduced) and event.proposed > 0.0 else 1.0,
        rate=event.rate,
        close=close,
        move=move,
        worth=stake * move,
        reasons=event.reasons,
        observed_only=event.observed_only,
    )


def _events(ledger: Ledger, since: datetime) -> list[EntryBlocked | StakeReduced]:
    stored = (
        *ledger.events(kind=EntryBlocked.kind, since=since, limit=None),
        *ledger.events(kind=StakeReduced.kind, since=since, limit=None),
    )
    newest_first = sorted(stored, key=lambda one: one.sequence, reverse=True)
    return list(_gated(one.event for one in newest_first))


def _gated(events: Iterable[Event]) -> Iterable[EntryBlocked | StakeReduced]:
    return (event for event in events if isinstance(event, EntryBlocked | StakeReduced))


__all__ = ["USUAL_HOURS", "blocked", "entry_of"]
