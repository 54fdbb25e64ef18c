"""The measured delays as the file that the package ships and shows."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import tradai_lifecycle.control.delays as shipped
from benchmarks.rows import Row

SHIPPED = Path(shipped.__file__).with_name(shipped.FILE_NAME)


def write_delays(rows: Sequence[Row], now: datetime, file: Path = SHIPPED) -> Path | None:
    """Write the latency benchmark's rows into the package; None, and nothing is written, for made-up candles.

    A bot shows these figures to people: they are those of a real market. Each must have been measured at least once.
    """
    measured = [row for row in rows if "onsets" in row.details]
    if not measured or not all(row.details["real"] and row.details["onsets"] for row in measured):
        return None
    timeframes: dict[str, list[dict[str, Any]]] = {}
    for row in measured:
        timeframes.setdefault(row.details["timeframe"], []).append(_fault(row.details))
    known = measured[0].details
    content = {
        "measured_on": f"{known['onsets']} times each, watched for {known['watched_candles']:,} candles, "
        f"real candles of {known['pair']}, {now:%Y-%m-%d}",
        "timeframes": timeframes,
    }
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return file


# rounded as the documents show them: the last digits of one run mean nothing
def _fault(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fault": details["fault"],
        "reduced_share": round(details["found_reduced"], 2),
        "reduced_days": _days(details["median_days_to_reduced"]),
        "paused_share": round(details["found_paused"], 2),
        "paused_days": _days(details["median_days_to_paused"]),
    }


def _days(days: float | None) -> float | None:
    return None if days is None else round(days, 2)


__all__ = ["SHIPPED", "write_delays"]
