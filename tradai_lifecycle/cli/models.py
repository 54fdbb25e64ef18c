"""`tradai versions, promote, rollback, pin, unpin, adopt, timeline`: which version decides."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tradai_lifecycle.cli.answers import WaitSeconds, Yes, conclude, is_interactive, ledger_path, obey
from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, Bot, ConfigFiles, Note, UserData, load_bot
from tradai_lifecycle.control.commands import Answer, Command
from tradai_lifecycle.control.reports import Said
from tradai_lifecycle.control.syntax import check_command
from tradai_lifecycle.states import CommandName, CommandOutcome
from tradai_lifecycle.store.ledger import Ledger

Version = Annotated[str, typer.Argument(help="version number, with or without a leading v")]


def versions(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, as_json: AsJson = False) -> None:
    """List the registered versions, newest first."""
    obey(Command(name=CommandName.VERSIONS), config, userdir, as_json=as_json)


def promote(
    version: Version,
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    wait: WaitSeconds = 0.0,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put a version into production; done once a running bot has predicted a batch with it."""
    command = Command(name=CommandName.PROMOTE, version=version, note=note)
    check_command(command)
    bot = load_bot(config, userdir)
    if ledger_path(bot).exists():
        obey(command, config, userdir, as_json=as_json, yes=yes, wait_seconds=wait)
    else:
        conclude(_first_promotion(bot, command, yes=yes, as_json=as_json), as_json=as_json)


def rollback(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    to: Annotated[str, typer.Option("--to", help="version to go back to; default: the one before")] = "",
    wait: WaitSeconds = 0.0,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Go back to an earlier version and pin it, so that no poll brings the bad one back.

    The pin alone brings a running bot back, from its memory or cache: the registry may be down.
    """
    command = Command(name=CommandName.ROLLBACK, version=to or None, note=note)
    obey(command, config, userdir, as_json=as_json, yes=yes, wait_seconds=wait)


def pin(
    version: Annotated[str, typer.Argument(help="version to hold; default: the one in charge")] = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    wait: WaitSeconds = 0.0,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Hold one version, whatever the registry says."""
    command = Command(name=CommandName.PIN, version=version or None, note=note)
    obey(command, config, userdir, as_json=as_json, yes=yes, wait_seconds=wait)


def unpin(
    config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, note: Note = "", as_json: AsJson = False
) -> None:
    """Follow the production version again."""
    obey(Command(name=CommandName.UNPIN, note=note), config, userdir, as_json=as_json)


def adopt(
    version: Annotated[str, typer.Argument(help="version to let in; default: the one that waits")] = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    wait: WaitSeconds = 0.0,
    note: Note = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Let in the version that passed the checks and waits for a person (`adoption: confirm`)."""
    command = Command(name=CommandName.ADOPT, version=version or None, note=note)
    obey(command, config, userdir, as_json=as_json, yes=yes, wait_seconds=wait)


def timeline(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file to write; default: print")] = None,
) -> None:
    """Print the adoptions of a bot as a configuration that lets a backtest replay them."""
    bot = load_bot(config, userdir)
    with bot.ledger() as ledger:
        text = json.dumps({"tradai_lifecycle": {"version_timeline": timeline_of(ledger)}}, indent=2)
    if output is None:
        typer.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
        typer.echo(f"next: freqtrade backtesting -c {config[0]} -c {output} ...")


def timeline_of(ledger: Ledger) -> list[dict[str, Any]]:
    """The ledger's adoptions and resets of drift as values of `version_timeline`."""
    resets = [reset.candle.isoformat() for reset in ledger.drift_resets() if reset.candle is not None]
    return [
        {
            "version": adoption.version,
            "adopted_candle": adoption.adopted_candle.isoformat(),
            "state_before": {pair: int(state) for pair, state in adoption.state_before.items()},
            # each version judges a frame by itself, with every reset that lies in it
            "drift_resets": resets,
        }
        for adoption in ledger.adoptions()
    ]


# Before the bot has run there is no database to write into, and none is made here: a lost one may have held a pause.
def _first_promotion(bot: Bot, command: Command, *, yes: bool, as_json: bool) -> Answer:
    question = f"Put v{command.version} of {bot.lifecycle.model_name} into production? The bot has not run yet."
    if not yes and not (is_interactive(as_json=as_json) and typer.confirm(question)):
        return Answer(command=command, outcome=CommandOutcome.UNCONFIRMED, report=Said(detail=question))
    with bot.source() as source:
        source.promote(str(command.version))
    detail = f"v{command.version} is in production; the bot has not run yet and starts with it"
    return Answer(command=command, outcome=CommandOutcome.PENDING, report=Said(detail=detail))


__all__ = ["adopt", "pin", "promote", "rollback", "timeline", "timeline_of", "unpin", "versions"]
