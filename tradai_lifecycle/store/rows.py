"""Records as rows and back. What is written in one place is read in the same one."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

import numpy as np

from tradai_lifecycle.events import Event, event_kinds
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store.records import (
    AdoptionRecord,
    BatchRecord,
    BoundReasons,
    OperatorRecord,
    PinRecord,
    PredictionRecord,
    RetrainingRequest,
    StateRecord,
    StoredEvent,
    feature_bytes,
)

Row = dict[str, Any]


def utc_text(at: datetime) -> str:
    """A moment as UTC text of fixed width, to the microsecond, so that text sorts as time.

    Raises ValueError for a datetime without a time zone.
    """
    if at.utcoffset() is None:
        raise ValueError(f"{at!r} has no time zone: the store keeps aware datetimes only")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def utc_datetime(text: str) -> datetime:
    """The moment that `utc_text` wrote."""
    return datetime.fromisoformat(text)


def operator_row(
    *,
    action: OperatorAction,
    who: str,
    note: str,
    at: datetime,
    ratio: float | None,
    candle: datetime | None,
    bound: Mapping[str, BoundReasons] | None,
    expires_at: datetime | None,
) -> Row:
    """An operator's word as a row.

    Raises ValueError for a reduce without a ratio in (0, 1], and for another action with one.
    """
    action = OperatorAction(action)
    if action is OperatorAction.REDUCE and not (ratio is not None and 0.0 < ratio <= 1.0):
        raise ValueError(f"a reduce needs a ratio above 0 and up to 1, not {ratio!r}; to trade nothing, pause")
    if action is not OperatorAction.REDUCE and ratio is not None:
        raise ValueError(f"a {action.value} takes no ratio, but got {ratio!r}")
    evidence = {
        pair: {"reasons": int(given.reasons), "severity": given.severity.label} for pair, given in (bound or {}).items()
    }
    return {
        "at": utc_text(at),
        "action": action.value,
        "who": who,
        "note": note,
        "ratio": ratio,
        "candle": _optional_text(candle),
        "bound": json.dumps(evidence),
        "expires_at": _optional_text(expires_at),
    }


def operator_record(row: Row) -> OperatorRecord:
    """The operator's record of a row."""
    bound = {
        pair: BoundReasons(reasons=Reason(given["reasons"]), severity=Severity[given["severity"].upper()])
        for pair, given in json.loads(row["bound"]).items()
    }
    return OperatorRecord(
        sequence=row["sequence"],
        at=utc_datetime(row["at"]),
        action=OperatorAction(row["action"]),
        who=row["who"],
        note=row["note"],
        ratio=row["ratio"],
        candle=_optional_datetime(row["candle"]),
        bound=bound,
        expires_at=_optional_datetime(row["expires_at"]),
    )


def pin_record(row: Row) -> PinRecord:
    """The pin of a row."""
    return PinRecord(pinned=bool(row["pinned"]), version=row["version"], at=utc_datetime(row["at"]), who=row["who"])


def adoption_row(
    *,
    version: str,
    previous_version: str | None,
    adopted_candle: datetime,
    adopted_at: datetime,
    state_before: Mapping[str, TradingState],
) -> Row:
    """An adoption as a row, its states as JSON by name."""
    return {
        "version": version,
        "previous_version": previous_version,
        "adopted_candle": utc_text(adopted_candle),
        "adopted_at": utc_text(adopted_at),
        "state_before": json.dumps({pair: TradingState(state).label for pair, state in state_before.items()}),
    }


def adoption_record(row: Row) -> AdoptionRecord:
    """The adoption of a row."""
    state_before = {pair: TradingState[label.upper()] for pair, label in json.loads(row["state_before"]).items()}
    return AdoptionRecord(
        sequence=row["sequence"],
        version=row["version"],
        previous_version=row["previous_version"],
        adopted_candle=utc_datetime(row["adopted_candle"]),
        adopted_at=utc_datetime(row["adopted_at"]),
        state_before=state_before,
    )


def batch_record(row: Row) -> BatchRecord:
    """The batch of a row."""
    return BatchRecord(version=row["version"], candle=utc_datetime(row["candle"]), at=utc_datetime(row["at"]))


def state_row(record: StateRecord) -> Row:
    """A state as a row: enums and flags by number, NaN as NULL."""
    return {
        "pair": record.pair,
        "candle": utc_text(record.candle),
        "version": record.version,
        "severity": int(record.severity),
        "state": int(record.state),
        "effective": int(record.effective),
        "reasons": int(record.reasons),
        **{name: float(getattr(record, name)) for name in _STATE_FIGURES},
    }


def state_record(row: Row) -> StateRecord:
    """The state of a row."""
    return StateRecord(
        pair=row["pair"],
        candle=utc_datetime(row["candle"]),
        version=row["version"],
        severity=Severity(row["severity"]),
        state=TradingState(row["state"]),
        effective=TradingState(row["effective"]),
        reasons=Reason(row["reasons"]),
        **{name: _figure(row[name]) for name in _STATE_FIGURES},
    )


def prediction_row(record: PredictionRecord) -> Row:
    """A prediction as a row, its features as bytes."""
    return {
        "pair": record.pair,
        "candle": utc_text(record.candle),
        "version": record.version,
        "features": feature_bytes(record.features),
        "feature_hash": record.feature_hash,
        "prediction": float(record.prediction),
        "do_predict": int(record.do_predict),
        "effective": int(record.effective),
    }


def prediction_record(row: Row) -> PredictionRecord:
    """The prediction of a row, with the hash it was written with."""
    return PredictionRecord(
        pair=row["pair"],
        candle=utc_datetime(row["candle"]),
        version=row["version"],
        features=np.frombuffer(row["features"], dtype="<f8"),
        feature_hash=row["feature_hash"],
        prediction=_figure(row["prediction"]),
        do_predict=row["do_predict"],
        effective=TradingState(row["effective"]),
    )


def retraining_row(*, at: datetime, pair: str, candle: datetime, version: str, reasons: Reason, detail: str) -> Row:
    """An open request as a row."""
    return {
        "at": utc_text(at),
        "pair": pair,
        "candle": utc_text(candle),
        "version": version,
        "reasons": int(reasons),
        "detail": detail,
        "closed_at": None,
    }


def retraining_request(row: Row) -> RetrainingRequest:
    """The retraining request of a row."""
    return RetrainingRequest(
        sequence=row["sequence"],
        at=utc_datetime(row["at"]),
        pair=row["pair"],
        candle=utc_datetime(row["candle"]),
        version=row["version"],
        reasons=Reason(row["reasons"]),
        detail=row["detail"],
        closed_at=_optional_datetime(row["closed_at"]),
    )


def event_row(event: Event) -> Row:
    """Strict JSON of the event's fields: flags by their bits and enums by name, so that no wording is stored."""
    body = {spec.name: _plain(getattr(event, spec.name)) for spec in fields(event) if spec.name != "at"}
    return {"at": utc_text(event.at), "kind": event.kind, "body": json.dumps(body, allow_nan=False)}


def stored_event(row: Row) -> StoredEvent:
    """The typed event again. A field unknown to its class is left out; one that is missing takes its default."""
    body = json.loads(row["body"])
    values = {name: _typed(hint, body[name]) for name, hint in _field_types(row["kind"]).items() if name in body}
    event = event_kinds()[row["kind"]](at=utc_datetime(row["at"]), **values)
    return StoredEvent(sequence=row["sequence"], event=event)


_STATE_FIGURES = ("stake_ratio", "psi_max", "significant_ratio", "accuracy", "effective_predictions")


def _optional_text(at: datetime | None) -> str | None:
    return None if at is None else utc_text(at)


def _optional_datetime(text: str | None) -> datetime | None:
    return None if text is None else utc_datetime(text)


# SQLite has no NaN: it stores one as NULL
def _figure(value: float | None) -> float:
    return math.nan if value is None else value


def _plain(value: Any) -> Any:
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


__all__ = [
    "Row",
    "adoption_record",
    "adoption_row",
    "batch_record",
    "event_row",
    "operator_record",
    "operator_row",
    "pin_record",
    "prediction_record",
    "prediction_row",
    "retraining_request",
    "retraining_row",
    "state_record",
    "state_row",
    "stored_event",
    "utc_datetime",
    "utc_text",
]
