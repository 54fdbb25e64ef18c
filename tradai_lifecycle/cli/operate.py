"""`tradai status, why, pause, ...`: see a bot and tell it what to do, from another process."""

from pathlib import Path
from typing import Annotated

import typer

from tradai_lifecycle.cli.answers import Yes, obey
from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, ConfigFiles, Note, UserData, load_bot
from tradai_lifecycle.control.charts import accuracy_chart, drift_chart
from tradai_lifecycle.control.commands import Command
from tradai_lifecycle.control.syntax import span_hours
from tradai_lifecycle.states import CommandName

Pair = Annotated[str, typer.Argument(help="pair, or its base where one pair has it; default: all")]
Chart = Annotated[Path | None, typer.Option("--chart", help="write a picture (PNG) into this file")]
Span = Annotated[str, typer.Argument(help="a span of time such as 24h, 90m or 2d")]


def status(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, as_json: AsJson = False) -> None:
    """Show each pair's state and why, the model in charge, and what operators said."""
    obey(Command(name=CommandName.STATUS), config, userdir, as_json=as_json)


def why(
    pair: Pair = "", config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, as_json: AsJson = False
) -> None:
    """Show the chain of reasons from the evidence to the state that holds now."""
    obey(Command(name=CommandName.WHY, pair=pair or None), config, userdir, as_json=as_json)


def pause(
    config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, note: Note = "", as_json: AsJson = False
) -> None:
    """Stop entries of the whole bot until `tradai resume`. Exits run on."""
    obey(Command(name=CommandName.PAUSE, note=note), config, userdir, as_json=as_json)


def resume(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Lift an operator's pause and reduce, and trade on over the drift present now, for a limited time.

    A new reason or a higher severity ends that; so does time. A fault of the lifecycle itself cannot be resumed over.
    """
    obey(Command(name=CommandName.RESUME, note=note), config, userdir, as_json=as_json, yes=yes)


def reduce(
    ratio: Annotated[float, typer.Argument(help="share of the stake, above 0 up to 1; 1 lifts the reduction")],
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Cut the stake of every entry to RATIO."""
    obey(Command(name=CommandName.REDUCE, ratio=ratio, note=note), config, userdir, as_json=as_json)


def drift(
    pair: Pair = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Show the PSI of each feature against its limit."""
    _measured(Command(name=CommandName.DRIFT, pair=pair or None), config, userdir, chart, as_json=as_json)


def accuracy(
    pair: Pair = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    chart: Chart = None,
    as_json: AsJson = False,
) -> None:
    """Show the directional accuracy with its interval, what it is worth, and the floor."""
    _measured(Command(name=CommandName.ACCURACY, pair=pair or None), config, userdir, chart, as_json=as_json)


def blocked(
    pair: Pair = "",
    since: Annotated[str, typer.Option("--since", help="how far back, such as 24h or 7d")] = "7d",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    as_json: AsJson = False,
) -> None:
    """Show entries that were refused or cut, and what they would be worth at the newest close."""
    hours = span_hours(CommandName.BLOCKED, since)
    obey(Command(name=CommandName.BLOCKED, pair=pair or None, hours=hours), config, userdir, as_json=as_json)


def retrain(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Ask for a new model: an open request, as drift makes them."""
    obey(Command(name=CommandName.RETRAIN, note=note), config, userdir, as_json=as_json, yes=yes)


def ack(
    span: Span = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Take notice of what is wrong: notices are muted for a while, then you are reminded."""
    hours = span_hours(CommandName.ACK, span) if span else None
    obey(Command(name=CommandName.ACK, hours=hours, note=note), config, userdir, as_json=as_json)


def resolve(
    note: Annotated[str, typer.Argument(help="what it was, for the record")],
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    as_json: AsJson = False,
) -> None:
    """Close the open incident with a note."""
    obey(Command(name=CommandName.RESOLVE, note=note), config, userdir, as_json=as_json)


def reset_drift(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Count drift anew from the newest candle. Faults of the data and an operator's pause stay."""
    obey(Command(name=CommandName.RESET_DRIFT, note=note), config, userdir, as_json=as_json, yes=yes)


def history(
    lines: Annotated[int, typer.Argument(help="how many events")] = 20,
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    as_json: AsJson = False,
) -> None:
    """Show what happened, newest first."""
    obey(Command(name=CommandName.HISTORY, limit=lines), config, userdir, as_json=as_json)


def _measured(command: Command, config: list[Path], userdir: Path | None, chart: Path | None, *, as_json: bool) -> None:
    if chart is not None:
        _draw(command, config, userdir, chart)
    obey(command, config, userdir, as_json=as_json)


def _draw(command: Command, config: list[Path], userdir: Path | None, file: Path) -> None:
    bot = load_bot(config, userdir)
    with bot.ledger() as ledger:
        drawn = (
            drift_chart(ledger, command.pair)
            if command.name is CommandName.DRIFT
            else accuracy_chart(ledger, bot.lifecycle, command.pair)
        )
    if drawn is None:
        typer.echo("there is nothing to draw yet", err=True)
    else:
        file.write_bytes(drawn)


__all__ = [
    "accuracy",
    "ack",
    "blocked",
    "drift",
    "history",
    "pause",
    "reduce",
    "reset_drift",
    "resolve",
    "resume",
    "retrain",
    "status",
    "why",
]
