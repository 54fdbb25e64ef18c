"""Events as rows and back: strict JSON without wording, so that a word may change and old events stay readable."""

import json
import math
from dataclasses import fields
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np

from tradai_lifecycle.events import Event, event_kinds
from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.store.records import StoredEvent
from tradai_lifecycle.store.rows import Row, utc_datetime, utc_text


def event_row(event: Event) -> Row:
    """Strict JSON of the event's fields: flags by their bits and enums by name, so that no wording is stored."""
    body = {spec.name: plain(getattr(event, spec.name)) for spec in fields(event) if spec.name != "at"}
    return {"at": utc_text(event.at), "kind": event.kind, "body": json.dumps(body, allow_nan=False)}


def stored_event(row: Row) -> StoredEvent:
    """The typed event again. A field unknown to its class is left out; one that is missing takes its default."""
    body = json.loads(row["body"])
    values = {name: _typed(hint, body[name]) for name, hint in _field_types(row["kind"]).items() if name in body}
    event = event_kinds()[row["kind"]](at=utc_datetime(row["at"]), **values)
    return StoredEvent(sequence=row["sequence"], event=event)


def plain(value: Any) -> Any:
    """A field's value as it is stored."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Severity | TradingState):
        return value.label
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)  # JSON has no word for it
    return value


def _typed(hint: type, value: Any) -> Any:
    if value is None:
        return None
    if issubclass(hint, Severity | TradingState):
        return hint[value.upper()]
    if issubclass(hint, Reason | StrEnum | float):
        return hint(value)
    return value


@cache
def _field_types(kind: str) -> dict[str, type]:
    event_type = event_kinds()[kind]
    hints = get_type_hints(event_type)
    return {spec.name: _sole_type(hints[spec.name]) for spec in fields(event_type) if spec.name != "at"}


# X of X | None
def _sole_type(hint: Any) -> type:
    (sole,) = [part for part in get_args(hint) or (hint,) if part is not NoneType]
    return sole  # type: ignore[no-any-return]


__all__ = ["event_row", "plain", "stored_event"]
