"""Answers as plain text that reads well on a phone, and as JSON-ready values."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Any

from tradai_lifecycle.control.accuracy_words import beside_lines
from tradai_lifecycle.control.command import Answer
from tradai_lifecycle.control.phrases import (
    accuracy_words,
    clock,
    expected_words,
    figure,
    noteworthy,
    percent,
    reason_words,
    series_words,
    several,
    shift_words,
)
from tradai_lifecycle.control.reports import (
    AccuracyReport,
    BlockedEntry,
    BlockedReport,
    DriftReport,
    HistoryReport,
    PairDrift,
    Report,
    Said,
    StatusReport,
    Step,
    VersionsReport,
    WhyReport,
)
from tradai_lifecycle.control.status_words import status_lines
from tradai_lifecycle.monitor.limits import ENOUGH_TRAINING_WINDOWS
from tradai_lifecycle.states import CommandOutcome, Reason

#: Telegram takes 4,096 characters in a message.
LONGEST_TEXT = 4_000
SERIES_PER_PAIR = 5
LISTED_ENTRIES = 15
MARKED = (
    "Marked to the newest close, without fees: no exit rule of the strategy was applied, and a signal that lasts is "
    "refused anew at each candle."
)


def text_of(answer: Answer) -> str:
    """The answer as lines of plain text without markup, at most 4,000 characters; what is cut off is said."""
    lines = [str(line) for line in _LINES[type(answer.report)](answer.report)]
    if isinstance(answer.report, Said) and answer.outcome is not CommandOutcome.UNCONFIRMED:
        typed = f"{answer.command.name.value} {answer.command.arguments}".strip()
        lines[0] = f"{typed} {answer.outcome.value}: {lines[0]}"
    return shortened("\n".join(lines).strip())


def values_of(answer: Answer) -> dict[str, Any]:
    """The answer as JSON-ready values: command, outcome, and the fields of its report."""
    report: dict[str, Any] = plain(answer.report)
    return {"command": answer.command.name.value, "outcome": answer.outcome.value, **report}


def plain(value: Any) -> Any:
    """A value of reports as JSON has it: enums by name, reasons in words, moments in ISO 8601, NaN as None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {spec.name: plain(getattr(value, spec.name)) for spec in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return _plain_scalar(value)


def shortened(text: str, limit: int = LONGEST_TEXT) -> str:
    """`text` with whole lines left off at its end until it fits, and a last line that says how many."""
    if len(text) <= limit:
        return text
    lines, kept, length = text.split("\n"), list[str](), 0
    for line in lines:
        length += len(line) + 1
        if length > limit - 40:
            break
        kept.append(line)
    if not kept:
        return text[: limit - 3] + "..."
    return "\n".join([*kept, f"... {len(lines) - len(kept)} more lines"])


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, Reason):
        return list(value.words)
    if isinstance(value, Enum):
        return value.name.lower() if isinstance(value, IntEnum) else value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _said(report: Said) -> Iterator[str]:
    yield report.detail
    yield from report.lines


def why_lines(report: WhyReport) -> Iterator[str]:
    """The chains as numbered lines."""
    for pair, chain in report.pairs.items():
        yield f"{pair}: {chain[-1].finding}"
        for number, step in enumerate(chain, start=1):
            yield from _step(f"{number}. ", step)
        yield ""
    if not report.pairs:
        yield "no candle was judged yet"
    yield "for all pairs:"
    for step in report.bot:
        yield from _step("- ", step)


def _step(mark: str, step: Step) -> Iterator[str]:
    before = " or before" if step.since_at_least else ""
    since = f" (since {clock(step.since)}{before})" if step.since is not None else ""
    yield f"{mark}{step.link}: {step.finding}{since}"
    yield from (f"   {detail}" for detail in step.details)


def _versions(report: VersionsReport) -> Iterator[str]:
    yield f"versions of {report.model}, newest first:"
    for row in report.versions:
        marks = [name for name, held in (("production", row.production), ("in charge", row.in_charge)) if held]
        marks += [] if row.ready else ["not ready"]
        marked = f" ({', '.join(marks)})" if marks else ""
        yield f"v{row.version} {clock(row.created_at)} {row.stage}{marked}"
    if not report.versions:
        yield "none is registered. Next: train the first one"


def _drift(report: DriftReport) -> Iterator[str]:
    for pair, found in report.pairs.items():
        yield f"{pair} {found.version}, {clock(found.candle)}, PSI/limit:"
        yield from _series(found, whole=report.whole)
        yield ""
    if not report.pairs:
        yield "no series was measured yet"


def _series(found: PairDrift, *, whole: bool) -> Iterator[str]:
    watched = [series for series in found.series if series.monitorable]
    shown = watched if whole else watched[:SERIES_PER_PAIR]
    yield from (f"  {series_words(series)} = {figure(series.ratio)}" for series in shown)
    if len(watched) > len(shown):
        yield f"  {len(watched) - len(shown)} more are below these"
    unwatched = [series_words(series) for series in found.series if not series.monitorable]
    if unwatched:
        yield f"  not watched at this window: {', '.join(unwatched if whole else unwatched[:SERIES_PER_PAIR])}"
    yield from (f"  shift, {shift_words(shift)}" for shift in (found.shifts if whole else noteworthy(found.shifts)))
    if (expected := expected_words(found)) is not None:
        yield f"  {expected}"
    if found.training_windows < ENOUGH_TRAINING_WINDOWS:
        yield f"  only {found.training_windows:.1f} training windows: limits are loose"


def _accuracy(report: AccuracyReport) -> Iterator[str]:
    for pair, found in report.pairs.items():
        yield f"{pair} {found.version}: {accuracy_words(found)}"
        yield from (f"  {line}" for line in beside_lines(found))
    if not report.pairs:
        yield "no candle was judged yet"


def blocked_totals(report: BlockedReport) -> Iterator[str]:
    """How many entries were refused and cut, and what they come to."""
    yield f"refused and cut entries since {clock(report.since)}"
    refused = [entry for entry in report.entries if math.isnan(entry.worth)]
    cut = [entry for entry in report.entries if not math.isnan(entry.worth)]
    if refused:
        mean = sum(entry.move for entry in refused) / len(refused)
        won = sum(entry.move > 0.0 for entry in refused)
        yield f"{several(len(refused), 'refusal')}: {percent(mean)} each on average, {won} would be in profit now"
    if cut:
        worth = sum(entry.worth for entry in cut)
        made = f"the parts not traded would have made {worth:+.4g} {report.stake_currency}".rstrip()
        yield f"{several(len(cut), 'cut')}: {made}"
    if report.unpriced:
        yield f"{report.unpriced} more cannot be priced: no rate or no newest close is known"
    if not report.entries:
        yield "none that can be priced"


def _blocked(report: BlockedReport) -> Iterator[str]:
    yield from blocked_totals(report)
    yield from (_blocked_line(entry) for entry in report.entries[:LISTED_ENTRIES])
    if len(report.entries) > LISTED_ENTRIES:
        yield f"... {len(report.entries) - LISTED_ENTRIES} older ones"
    if report.entries:
        yield MARKED


def _blocked_line(entry: BlockedEntry) -> str:
    what = f"{entry.what} refused" if math.isnan(entry.worth) else f"stake cut by {entry.share:.0%}"
    only = " (observed only)" if entry.observed_only else ""
    return (
        f"{entry.at:%m-%d %H:%M} {entry.pair} {entry.side} {what}{only} at {entry.rate:.6g}, now {entry.close:.6g}: "
        f"{percent(entry.move)}; {reason_words(entry.reasons)}"
    )


def _history(report: HistoryReport) -> Iterator[str]:
    yield from (f"{entry.at:%m-%d %H:%M} {entry.text}" for entry in report.entries)
    if not report.entries:
        yield "nothing has happened yet"


_LINES: Mapping[type[Report], Callable[[Any], "Iterator[str] | list[str]"]] = {
    Said: _said,
    StatusReport: status_lines,
    WhyReport: why_lines,
    VersionsReport: _versions,
    DriftReport: _drift,
    AccuracyReport: _accuracy,
    BlockedReport: _blocked,
    HistoryReport: _history,
}

__all__ = ["LONGEST_TEXT", "MARKED", "blocked_totals", "plain", "shortened", "text_of", "values_of", "why_lines"]
