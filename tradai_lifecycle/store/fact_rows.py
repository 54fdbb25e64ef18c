"""The running bot's facts as rows and back."""

import json
import math
from collections.abc import Iterable
from typing import Any

from tradai_lifecycle.store.records import (
    AccuracyRecord,
    BotRecord,
    DirectionRecord,
    PairSeries,
    PositionRecord,
    SeriesRecord,
    ShiftRecord,
)
from tradai_lifecycle.store.rows import Row, optional_datetime, optional_text, utc_datetime, utc_text


def bot_row(record: BotRecord) -> Row:
    """The bot's facts as a row, its positions as JSON."""
    return {
        "only": 1,
        "at": utc_text(record.at),
        "started_at": utc_text(record.started_at),
        "timeframe": record.timeframe,
        "horizon_candles": int(record.horizon_candles),
        "window_candles": int(record.window_candles),
        "freqtrade_state": record.freqtrade_state,
        "dry_run": bool(record.dry_run),
        "stake_currency": record.stake_currency,
        "registry_seen_at": optional_text(record.registry_seen_at),
        "registry_problem": record.registry_problem,
        "awaiting": record.awaiting,
        "positions": _strict_json(_position_values(position) for position in record.positions),
    }


def bot_record(row: Row) -> BotRecord:
    """The bot's facts of a row."""
    return BotRecord(
        at=utc_datetime(row["at"]),
        started_at=utc_datetime(row["started_at"]),
        timeframe=row["timeframe"],
        horizon_candles=row["horizon_candles"],
        window_candles=row["window_candles"],
        freqtrade_state=row["freqtrade_state"],
        dry_run=bool(row["dry_run"]),
        stake_currency=row["stake_currency"],
        registry_seen_at=optional_datetime(row["registry_seen_at"]),
        registry_problem=row["registry_problem"],
        awaiting=row["awaiting"],
        positions=tuple(_position(values) for values in json.loads(row["positions"])),
    )


def series_row(record: PairSeries) -> Row:
    """A pair's series as a row, the figures as JSON."""
    return {
        "pair": record.pair,
        "candle": utc_text(record.candle),
        "version": record.version,
        "training_windows": float(record.training_windows),
        "series": _strict_json(_series_values(series) for series in record.series),
        "accuracy": None if record.accuracy is None else json.dumps(_accuracy_values(record.accuracy), allow_nan=False),
        "shifts": _strict_json(_shift_values(shift) for shift in record.shifts),
        "expected_alarms_per_1000": float(record.expected_alarms_per_1000),
    }


def pair_series(row: Row) -> PairSeries:
    """The series of a row."""
    return PairSeries(
        pair=row["pair"],
        candle=utc_datetime(row["candle"]),
        version=row["version"],
        training_windows=_or_nan(row["training_windows"]),
        series=tuple(_series(values) for values in json.loads(row["series"])),
        accuracy=None if row["accuracy"] is None else _accuracy(json.loads(row["accuracy"])),
        shifts=tuple(_shift(values) for values in json.loads(row["shifts"] or "[]")),
        expected_alarms_per_1000=_or_nan(row["expected_alarms_per_1000"]),
    )


def _position_values(position: PositionRecord) -> Row:
    return {
        "pair": position.pair,
        "side": position.side,
        "stake": _number(position.stake),
        "profit_ratio": _number(position.profit_ratio),
        "opened_at": utc_text(position.opened_at),
        "version": position.version,
    }


def _position(values: Row) -> PositionRecord:
    return PositionRecord(
        pair=values["pair"],
        side=values["side"],
        stake=float(values["stake"]),
        profit_ratio=float(values["profit_ratio"]),
        opened_at=utc_datetime(values["opened_at"]),
        version=values["version"],
    )


def _series_values(series: SeriesRecord) -> Row:
    return {
        "name": series.name,
        "psi": _number(series.psi),
        "moderate_limit": _number(series.moderate_limit),
        "significant_limit": _number(series.significant_limit),
        "monitorable": bool(series.monitorable),
    }


def _series(values: Row) -> SeriesRecord:
    return SeriesRecord(
        name=values["name"],
        psi=float(values["psi"]),
        moderate_limit=float(values["moderate_limit"]),
        significant_limit=float(values["significant_limit"]),
        monitorable=values["monitorable"],
    )


def _shift_values(shift: ShiftRecord) -> Row:
    return {"name": shift.name, "group": shift.group, "ratio": _number(shift.ratio), "limit": _number(shift.limit)}


def _shift(values: Row) -> ShiftRecord:
    return ShiftRecord(
        name=values["name"], group=values["group"], ratio=float(values["ratio"]), limit=float(values["limit"])
    )


_COUNTED = ("window_candles", "widest_window_candles", "predictions")
_MEASURED = (
    "needed_candles",
    "always_up",
    "pesaran_timmermann",
    "p_value",
    "coverage",
    "validated_accuracy",
    "validated_effective_predictions",
)
_OF_A_DIRECTION = ("accuracy", "effective_predictions", "lower", "upper")


def _accuracy_values(accuracy: AccuracyRecord) -> Row:
    return {
        **{name: int(getattr(accuracy, name)) for name in _COUNTED},
        **{name: _number(getattr(accuracy, name)) for name in _MEASURED},
        "up": _direction_values(accuracy.up),
        "down": _direction_values(accuracy.down),
    }


def _accuracy(values: Row) -> AccuracyRecord:
    counted = {name: int(values[name]) for name in _COUNTED}
    measured = {name: float(values[name]) for name in _MEASURED}
    directions = {name: _direction(values[name]) for name in ("up", "down")}
    known: dict[str, Any] = {**counted, **measured, **directions}
    return AccuracyRecord(**known)


def _direction_values(direction: DirectionRecord) -> Row:
    figures = {name: _number(getattr(direction, name)) for name in _OF_A_DIRECTION}
    return {**figures, "predictions": int(direction.predictions)}


def _direction(values: Row) -> DirectionRecord:
    return DirectionRecord(
        predictions=int(values["predictions"]), **{name: float(values[name]) for name in _OF_A_DIRECTION}
    )


# SQLite keeps NaN as NULL
def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


# JSON has no word for NaN and the infinities: they are written as text, and float() reads both
def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else repr(float(value))


def _strict_json(items: Iterable[Row]) -> str:
    return json.dumps(list(items), allow_nan=False)


__all__ = ["bot_record", "bot_row", "pair_series", "series_row"]
