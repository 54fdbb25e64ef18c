"""The running bot's facts as rows and back."""

import json
import math
from collections.abc import Iterable

from tradai_lifecycle.store.records import BotRecord, PairSeries, PositionRecord, SeriesRecord
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
    }


def pair_series(row: Row) -> PairSeries:
    """The series of a row."""
    windows = row["training_windows"]
    return PairSeries(
        pair=row["pair"],
        candle=utc_datetime(row["candle"]),
        version=row["version"],
        training_windows=math.nan if windows is None else windows,
        series=tuple(_series(values) for values in json.loads(row["series"])),
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


# JSON has no word for NaN and the infinities: they are written as text, and float() reads both
def _number(value: float) -> float | str:
    return float(value) if math.isfinite(value) else repr(float(value))


def _strict_json(items: Iterable[Row]) -> str:
    return json.dumps(list(items), allow_nan=False)


__all__ = ["bot_record", "bot_row", "pair_series", "series_row"]
