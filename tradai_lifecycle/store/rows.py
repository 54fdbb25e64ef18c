"""Records as rows and back. What is written in one place is read in the same one."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

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


def optional_text(at: datetime | None) -> str | None:
    """As `utc_text`; None for none."""
    return None if at is None else utc_text(at)


def optional_datetime(text: str | None) -> datetime | None:
    """As `utc_datetime`; None for none."""
    return None if text is None else utc_datetime(text)


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

    Raises ValueError for a reduce without a ratio in (0, 1], for another action with one, and for a reset of drift
    without a candle.
    """
    action = OperatorAction(action)
    if action is OperatorAction.REDUCE and not (ratio is not None and 0.0 < ratio <= 1.0):
        raise ValueError(f"a reduce needs a ratio above 0 and up to 1, not {ratio!r}; to trade nothing, pause")
    if action is not OperatorAction.REDUCE and ratio is not None:
        raise ValueError(f"a {action.value} takes no ratio, but got {ratio!r}")
    if action is OperatorAction.RESET_DRIFT and candle is None:
        raise ValueError("a reset_drift needs the candle from which evidence of drift counts anew")
    evidence = {
        pair: {"reasons": int(given.reasons), "severity": given.severity.label} for pair, given in (bound or {}).items()
    }
    return {
        "at": utc_text(at),
        "action": action.value,
        "who": who,
        "note": note,
        "ratio": ratio,
        "candle": optional_text(candle),
        "bound": json.dumps(evidence),
        "expires_at": optional_text(expires_at),
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
        candle=optional_datetime(row["candle"]),
        bound=bound,
        expires_at=optional_datetime(row["expires_at"]),
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
        closed_at=optional_datetime(row["closed_at"]),
    )


_STATE_FIGURES = (
    "stake_ratio",
    "psi_max",
    "significant_ratio",
    "accuracy",
    "effective_predictions",
    "close",
    "accuracy_lower",
    "accuracy_upper",
)


# SQLite has no NaN: it stores one as NULL
def _figure(value: float | None) -> float:
    return math.nan if value is None else value


__all__ = [
    "Row",
    "adoption_record",
    "adoption_row",
    "batch_record",
    "operator_record",
    "operator_row",
    "optional_datetime",
    "optional_text",
    "pin_record",
    "prediction_record",
    "prediction_row",
    "retraining_request",
    "retraining_row",
    "state_record",
    "state_row",
    "utc_datetime",
    "utc_text",
]
