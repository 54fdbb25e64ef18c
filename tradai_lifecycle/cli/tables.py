"""Reports as tables for a terminal; what is no table is the text that every transport shows."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradai_lifecycle.cli.screen import STATE_STYLE, wide_console
from tradai_lifecycle.control.accuracy_words import beside_lines
from tradai_lifecycle.control.phrases import (
    accuracy_words,
    clock,
    expected_words,
    figure,
    percent,
    reason_words,
    series_words,
)
from tradai_lifecycle.control.reports import (
    AccuracyFigure,
    AccuracyReport,
    BlockedReport,
    DriftReport,
    HistoryReport,
    PairDrift,
    Report,
    StatusReport,
    VersionsReport,
    WhyReport,
)
from tradai_lifecycle.control.status_words import (
    delay_lines,
    headline,
    persistence_words,
    since_words,
    unwatched_words,
    warnings,
)
from tradai_lifecycle.control.words import MARKED, blocked_totals, why_lines
from tradai_lifecycle.states import AccuracyVerdict, TradingState


def print_report(report: Report) -> None:
    """Print what a command has found, as wide as the terminal."""
    console = wide_console()
    for part in _PARTS[type(report)](report):
        if isinstance(part, str):
            # figures in brackets and names of series are no markup
            console.print(part, markup=False, highlight=False, soft_wrap=True)
        else:
            _print_table(console, part)


def _print_table(console: Console, table: Table) -> None:
    if table.row_count:
        console.print(table)


def _status(report: StatusReport) -> list[str | Table]:
    pairs = Table("pair", "state", "since (UTC)", "stake", "accuracy", "PSI/limit", "worst series", "why")
    for pair, held in report.pairs.items():
        worst = ", ".join(series_words(series) for series in held.worst_series)
        pairs.add_row(
            pair,
            _state(held.state),
            since_words(held).removeprefix("since ").removesuffix(" UTC"),
            f"{held.stake_ratio:g}",
            Text(_accuracy_cell(held.accuracy)),
            figure(held.psi_over_limit),
            worst or "-",
            reason_words(held.reasons),
        )
    positions = Table("position", "side", "stake", "profit", "opened (UTC)", "model", title_justify="left")
    for position in report.positions:
        opened, stake = f"{position.opened_at:%Y-%m-%d %H:%M}", figure(position.stake)
        profit = percent(position.profit_ratio)
        positions.add_row(position.pair, position.side, stake, profit, opened, position.version)
    unwatched = [f"{pair}: {words}" for pair, held in report.pairs.items() if (words := unwatched_words(held))]
    must_hold = persistence_words(dict(report.drift_must_hold))
    return [*headline(report), *warnings(report), pairs, *unwatched, positions, must_hold, *delay_lines(report)]


def _state(state: TradingState) -> Text:
    return Text(state.label, style=STATE_STYLE[state.label])


# Short enough for a column: the floor stands in `tradai accuracy`.
def _accuracy_cell(accuracy: AccuracyFigure) -> str:
    few = ", too few" if accuracy.verdict is AccuracyVerdict.INSUFFICIENT_DATA else ""
    interval = f"[{figure(accuracy.lower)}, {figure(accuracy.upper)}]"
    return f"{figure(accuracy.accuracy)} {interval} of {figure(accuracy.effective_predictions)}{few}"


def _versions(report: VersionsReport) -> list[str | Table]:
    table = Table("version", "stage", "aliases", "created (UTC)", "digest", title=report.model)
    for row in report.versions:
        mark = "*" if row.production else ""
        charge = " in charge" if row.in_charge else ""
        created, digest = f"{row.created_at:%Y-%m-%d %H:%M}", (row.digest or "")[:12]
        table.add_row(f"v{row.version}{mark}{charge}", row.stage, ", ".join(row.aliases), created, digest)
    return [table] if report.versions else ["none is registered. Next: tradai train"]


def _drift(report: DriftReport) -> list[str | Table]:
    parts: list[str | Table] = []
    for pair, found in report.pairs.items():
        title = f"{pair} {found.version}, {clock(found.candle)}, {found.training_windows:.1f} training windows"
        table = Table("series", "PSI", "moderate", "limit", "ratio", "watched", title=title)
        for series in found.series:
            style = "red" if series.monitorable and series.ratio >= 1.0 else ""
            table.add_row(
                Text(series.name),
                figure(series.psi),
                figure(series.moderate_limit),
                figure(series.limit),
                Text(figure(series.ratio), style=style),
                "yes" if series.monitorable else "no: its limit is too wide at this window",
            )
        parts += [table, *_shifts(found)]
    return parts or ["no series was measured yet"]


def _shifts(found: PairDrift) -> list[str | Table]:
    table = Table("shift", "of", "strayed", "limit", "ratio")
    for shift in found.shifts:
        style = "red" if shift.ratio >= 1.0 else ""
        figures = figure(shift.strayed), figure(shift.limit), Text(figure(shift.ratio), style=style)
        table.add_row(Text(shift.name), shift.group, *figures)
    expected = expected_words(found)
    return [*([table] if found.shifts else []), *([expected] if expected is not None else [])]


def _accuracy(report: AccuracyReport) -> list[str | Table]:
    table = Table("pair", "model", "candle (UTC)", "accuracy")
    for pair, found in report.pairs.items():
        table.add_row(pair, found.version, f"{found.candle:%Y-%m-%d %H:%M}", Text(accuracy_words(found)))
    beside = [f"{pair}: {line}" for pair, found in report.pairs.items() for line in beside_lines(found)]
    return [table, *beside] if report.pairs else ["no candle was judged yet"]


def _blocked(report: BlockedReport) -> list[str | Table]:
    table = Table("at (UTC)", "pair", "side", "what", "rate", "close", "move", "worth", "why")
    for entry in report.entries:
        cut = "" if entry.share == 1.0 else f", {entry.share:.0%} cut"
        only = ", observed only" if entry.observed_only else ""
        figures = (f"{entry.rate:.6g}", f"{entry.close:.6g}", percent(entry.move), figure(entry.worth))
        at, why = f"{entry.at:%Y-%m-%d %H:%M}", reason_words(entry.reasons)
        table.add_row(at, entry.pair, entry.side, f"{entry.what}{cut}{only}", *figures, why)
    return [*blocked_totals(report), table, *([MARKED] if report.entries else [])]


def _history(report: HistoryReport) -> list[str | Table]:
    table = Table("at (UTC)", "event", "what")
    for entry in report.entries:
        table.add_row(f"{entry.at:%Y-%m-%d %H:%M}", entry.kind.replace("_", " "), Text(entry.text))
    return [table] if report.entries else ["nothing has happened yet"]


def _why(report: WhyReport) -> list[str | Table]:
    return list(why_lines(report))


_PARTS: Mapping[type[Report], Callable[[Any], list[str | Table]]] = {
    StatusReport: _status,
    VersionsReport: _versions,
    DriftReport: _drift,
    AccuracyReport: _accuracy,
    BlockedReport: _blocked,
    HistoryReport: _history,
    WhyReport: _why,
}

__all__ = ["print_report"]
