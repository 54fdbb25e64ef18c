"""`tradai rehearse`: the live bot over candles of the past, faster than the clock."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, ConfigFiles, FreqtradeRefusedError, UserData
from tradai_lifecycle.cli.screen import STATE_STYLE, wide_console
from tradai_lifecycle.errors import ConfigurationError

if TYPE_CHECKING:
    from tradai_lifecycle.sandbox.companion import Companion
    from tradai_lifecycle.sandbox.rehearsal import Moment, OnCandle, Rehearsal, RehearsalPlan
    from tradai_lifecycle.sandbox.timeline import RehearsalResult, TimelineEntry

_PARTS = {"aiohttp": "aiohttp", "time_machine": "time-machine"}
_EVENT_STYLE = {"model_adopted": "bold cyan", "fault_reported": "bold red", "retraining_requested": "magenta"}


def rehearse(
    start: Annotated[str, typer.Option("--from", help="first candle, UTC, such as 2024-01-01 or 2024-01-01T12:00")],
    end: Annotated[str, typer.Option("--to", help="end, UTC, not included")],
    strategy: Annotated[
        str, typer.Option("--strategy", "-s", help="strategy class; default: the configuration's")
    ] = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    datadir: Annotated[Path | None, typer.Option(help="freqtrade data directory; default: user_data/data")] = None,
    compare: Annotated[
        bool, typer.Option("--compare/--no-compare", help="run the bot without its lifecycle beside")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Replay the live bot over past candles: its registry and strategy, a ledger of its own, no real order."""
    from tradai_lifecycle.sandbox.rehearsal import RehearsalPlan  # noqa: PLC0415 - freqtrade takes seconds to import

    plan = RehearsalPlan(
        config_files=tuple(config),
        start=parsed_time("--from", start),
        end=parsed_time("--to", end),
        strategy=strategy or None,
        user_data_dir=userdir,
        datadir=datadir,
    )
    with stepping_a_bot():
        result, without = rehearsed(plan, compare=compare, show=not as_json)
    if as_json:
        for line in json_lines(result, without):
            typer.echo(line)
        return
    print_rehearsal(wide_console(), result, without)


def rehearsed(
    plan: "RehearsalPlan", *, compare: bool, show: bool, on_candle: "OnCandle | None" = None
) -> "tuple[RehearsalResult, RehearsalResult | None]":
    """Rehearse `plan`, and with `compare` the same bot without its lifecycle beside it; `show` draws progress bars."""
    from tradai_lifecycle.sandbox.companion import Companion  # noqa: PLC0415 - freqtrade takes seconds to import
    from tradai_lifecycle.sandbox.rehearsal import Rehearsal  # noqa: PLC0415

    rehearsal = Rehearsal(plan)
    with ExitStack() as stack:
        progress = stack.enter_context(_progress(show=show))
        companion = None
        if compare:
            companion = stack.enter_context(Companion(plan.observing(rehearsal.directory / "without")))
        result = _run(rehearsal, companion, progress, on_candle)
        if companion is None:
            return result, None
        bar = progress.tasks[-1].id
        without = companion.result(lambda done: progress.update(bar, completed=done))
        progress.update(bar, completed=without.candles)
        return result, without


def json_lines(result: "RehearsalResult", without: "RehearsalResult | None") -> Iterator[str]:
    """One JSON object per event, and a last one with the figures."""
    for entry in result.entries:
        yield json.dumps(entry.as_json())
    values = result.summary()
    if without is not None:
        values["without_lifecycle"] = without.summary()
    last = result.equity[-1].candle.isoformat() if result.equity else None
    yield json.dumps({"candle": last, "event": "summary", "values": values})


def print_rehearsal(console: Console, result: "RehearsalResult", without: "RehearsalResult | None") -> None:
    """The timeline, the figures and where to look further."""
    console.print(timeline_table(result))
    console.print(comparison_table(result, without))
    figures = result.summary()
    console.print(
        f"{figures['state_changed']} state changes, {figures['model_adopted']} adoptions, "
        f"{figures['stake_reduced']} cut stakes, {figures['entry_blocked']} blocked entries; "
        f"{result.candles} candles at {result.candles_per_second:.1f} candles/s",
        highlight=False,
    )
    console.print(f"ledger and log: {result.directory}", highlight=False, soft_wrap=True)


def timeline_table(result: "RehearsalResult") -> Table:
    """The turning points of a rehearsal, oldest first."""
    from tradai_lifecycle.sandbox.timeline import turning_points  # noqa: PLC0415 - its room imports pandas

    table = Table("candle (UTC)", "event", "pair", "change", "model", "why", title="timeline", title_justify="left")
    for entry, count in turning_points(result.entries):
        times = f" x {count}" if count > 1 else ""
        style = _EVENT_STYLE.get(entry.kind, "")
        what = Text(entry.kind.replace("_", " ") + times, style=style)
        table.add_row(
            f"{entry.candle:%Y-%m-%d %H:%M}", what, entry.pair or "", _change(entry), entry.version, _why(entry)
        )
    return table


def comparison_table(result: "RehearsalResult", without: "RehearsalResult | None") -> Table:
    """Trades, profit and drawdown, with the lifecycle and without."""
    table = Table("", "trades", "profit", "of the wallet", "largest drawdown")
    runs = (("with the lifecycle", result), ("without (observe, first model)", without))
    for name, run in runs:
        if run is not None:
            ratio = run.profit / run.starting_balance if run.starting_balance else 0.0
            profit = f"{run.profit:+.2f} {run.stake_currency}"
            table.add_row(name, str(len(run.trades)), profit, f"{ratio:+.2%}", f"{run.drawdown:.2%}")
    return table


def parsed_time(option: str, text: str) -> datetime:
    """An ISO date or time in UTC. Raises InvalidTimeError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidTimeError(option, text) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


class InvalidTimeError(ConfigurationError):
    """An option that should be a date is none."""

    def __init__(self, option: str, text: str) -> None:
        super().__init__(f"{option} {text!r} is no date. Next: write it like 2024-01-01 or 2024-01-01T12:00, in UTC.")


class RehearsalPartsMissingError(ConfigurationError):
    """What a rehearsal needs beyond a bot is not installed."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"A rehearsal needs {' and '.join(missing)}. Next: pip install 'tradai-lifecycle[rehearsal]'.")


@contextmanager
def stepping_a_bot() -> Iterator[None]:
    """Before a rehearsal: its parts are there, or RehearsalPartsMissingError. In it: freqtrade's errors become ours."""
    missing = [name for module, name in _PARTS.items() if find_spec(module) is None]
    if missing:
        raise RehearsalPartsMissingError(missing)
    from freqtrade.exceptions import FreqtradeException  # noqa: PLC0415 - freqtrade takes seconds to import

    try:
        yield
    except FreqtradeException as error:
        raise FreqtradeRefusedError(str(error)) from error


def _progress(*, show: bool) -> Progress:
    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, TextColumn("{task.fields[note]}"), console=Console(stderr=True), disable=not show)


def _run(
    rehearsal: "Rehearsal", companion: "Companion | None", progress: Progress, on_candle: "OnCandle | None"
) -> "RehearsalResult":
    bar = progress.add_task("rehearsing", total=None, note="starting the bot")
    beside = progress.add_task("without the lifecycle", total=None, note="") if companion is not None else None
    if companion is not None:
        # it takes the model in production when it starts: nothing may be promoted before
        companion.wait_until_running()

    def show(moment: "Moment") -> None:
        """Move both bars to a candle that was just judged, then hand it on."""
        progress.update(bar, total=moment.candles, completed=moment.number, note=_note(moment))
        if companion is not None and beside is not None:
            progress.update(beside, total=moment.candles, completed=companion.poll())
        if on_candle is not None:
            on_candle(moment)

    return rehearsal.run(show)


def _note(moment: "Moment") -> str:
    states = ", ".join(f"{pair} [{STATE_STYLE[state.label]}]{state.label}[/]" for pair, state in moment.states.items())
    return f"{moment.candle:%Y-%m-%d %H:%M} {moment.version} {states}"


def _change(entry: "TimelineEntry") -> Text:
    if entry.kind == "candidate_decided":
        return Text(str(entry.details["outcome"]))
    if entry.after is None:
        return Text("")
    before = Text(entry.before or "-", style=STATE_STYLE.get(entry.before or "", ""))
    return before + Text(" -> ") + Text(entry.after, style=STATE_STYLE.get(entry.after, ""))


def _why(entry: "TimelineEntry") -> str:
    if entry.reasons:
        return "; ".join(entry.reasons)
    details = (entry.details.get(name) for name in ("detail", "message"))
    return next((str(text) for text in details if text), "healthy" if entry.after == "active" else "")


__all__ = [
    "InvalidTimeError",
    "RehearsalPartsMissingError",
    "comparison_table",
    "json_lines",
    "parsed_time",
    "print_rehearsal",
    "rehearse",
    "rehearsed",
    "stepping_a_bot",
    "timeline_table",
]
