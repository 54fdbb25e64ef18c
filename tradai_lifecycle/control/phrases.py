"""Figures and moments as a person reads them."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from tradai_lifecycle.control.reports import AccuracyFigure, PairDrift, SeriesFigure, ShiftFigure
from tradai_lifecycle.states import AccuracyVerdict, Reason

_MINUTES_AS_HOURS = 90.0
_HOURS_AS_DAYS = 48.0
#: A shift that has come so far towards its limit is shown unasked.
NOTEWORTHY_RATIO = 0.5


def clock(moment: datetime) -> str:
    """A moment to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def span(length: timedelta) -> str:
    """A length of time in the unit that fits it."""
    minutes = length.total_seconds() / 60.0
    if minutes < _MINUTES_AS_HOURS:
        return f"{minutes:.0f} min"
    hours = minutes / 60.0
    return f"{hours:.1f} h" if hours < _HOURS_AS_DAYS else f"{hours / 24.0:.1f} days"


def figure(value: float) -> str:
    """Three digits of a figure, "-" where it is not known."""
    return f"{value:.3g}" if math.isfinite(value) else "-"


def percent(ratio: float) -> str:
    """A signed ratio as per cent."""
    return f"{ratio:+.2%}" if math.isfinite(ratio) else "-"


def series_name(name: str) -> str:
    """A monitored series without freqtrade's mark for features."""
    return name.removeprefix("%-")


def series_words(series: SeriesFigure) -> str:
    """PSI against its limit: "rsi 0.31/0.28"."""
    return f"{series_name(series.name)} {figure(series.psi)}/{figure(series.limit)}"


def noteworthy(shifts: Sequence[ShiftFigure]) -> tuple[ShiftFigure, ...]:
    """The shifts that have come half the way to their limits, or further."""
    return tuple(shift for shift in shifts if shift.ratio >= NOTEWORTHY_RATIO)


def shift_words(shift: ShiftFigure) -> str:
    """A shift by its name, and how far it is towards its limit: "market: range for its volume 0.93 of its limit"."""
    return f"{shift.group}: {series_name(shift.name)} {figure(shift.ratio)} of its limit"


def expected_words(drift: PairDrift) -> str | None:
    """How many pauses these limits cost without drift, as training judged itself; None where it could not."""
    if not math.isfinite(drift.expected_alarms_per_1000):
        return None
    if drift.expected_alarms_per_1000 == 0.0:
        return "expected without drift: no alarm in as many candles as were trained on"
    days = f", one in {drift.days_per_alarm:.0f} days" if math.isfinite(drift.days_per_alarm) else ""
    return f"expected without drift: {figure(drift.expected_alarms_per_1000)} alarms per 1,000 candles{days}"


def reason_words(reasons: Reason) -> str:
    """All reasons in words, "healthy" for none."""
    return "; ".join(reasons.words) or "healthy"


def accuracy_words(accuracy: AccuracyFigure) -> str:
    """The accuracy with its interval, what it is worth, and what its rule says."""
    if not math.isfinite(accuracy.accuracy):
        return "nothing is scored yet"
    verdict = {
        AccuracyVerdict.INSUFFICIENT_DATA: f"too few to judge, {accuracy.minimum} needed",
        AccuracyVerdict.HEALTHY: "not proven below it",
        AccuracyVerdict.BREACHED: "below it",
        AccuracyVerdict.FELL: "not proven below it, but fallen below validation",
    }[accuracy.verdict]
    interval = f" [{accuracy.lower:.3f}, {accuracy.upper:.3f}]" if math.isfinite(accuracy.lower) else ""
    worth = f"{accuracy.effective_predictions:.0f} effective"
    return f"{accuracy.accuracy:.3f}{interval} of {worth}, floor {accuracy.floor:g}: {verdict}"


def several(count: int, one: str) -> str:
    """A count with its noun: "1 pair", "2 pairs"."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


__all__ = [
    "accuracy_words",
    "clock",
    "expected_words",
    "figure",
    "noteworthy",
    "percent",
    "reason_words",
    "series_name",
    "series_words",
    "several",
    "shift_words",
    "span",
]
