"""`tradai versions, promote, rollback, pin, unpin, timeline`: which version decides."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, Bot, ConfigFiles, UserData, load_bot, operator_name
from tradai_lifecycle.errors import ModelNotFoundError, RegistryUnreachableError
from tradai_lifecycle.states import CommandOutcome
from tradai_lifecycle.store.ledger import Ledger

Version = Annotated[str, typer.Argument(help="version number, with or without a leading v")]
WaitSeconds = Annotated[float, typer.Option("--wait", help="seconds to wait for a running bot to predict with it")]


def versions(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, as_json: AsJson = False) -> None:
    """List the registered versions, newest first."""
    bot = load_bot(config, userdir)
    with bot.source() as source:
        found, production = source.versions(), source.production_version()
    if as_json:
        rows = [
            {
                "version": record.version,
                "stage": record.stage,
                "aliases": list(record.aliases),
                "production": record.version == production,
                "created_at": record.created_at.isoformat(),
                "digest": record.digest,
                "ready": record.ready,
            }
            for record in found
        ]
        typer.echo(json.dumps(rows))
        return
    table = Table("version", "stage", "aliases", "created (UTC)", "digest", title=bot.lifecycle.model_name)
    for record in found:
        mark = "*" if record.version == production else ""
        created = f"{record.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            f"v{record.version}{mark}", record.stage, ", ".join(record.aliases), created, (record.digest or "")[:12]
        )
    Console().print(table)


def promote(
    version: Version, config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None, wait: WaitSeconds = 0.0
) -> None:
    """Put a version into production; done once a running bot has predicted a batch with it."""
    bot = load_bot(config, userdir)
    wanted = version.removeprefix("v")
    with bot.source() as source:
        source.promote(wanted)
    with bot.ledger() as ledger:
        pin_record = ledger.pin()
        if pin_record is not None and pin_record.pinned and pin_record.version != wanted:
            typer.echo(
                f"v{wanted} is in production, but the bot is pinned to {_pinned(pin_record.version)}: tradai unpin"
            )
            raise typer.Exit(1)
        _report_outcome(ledger, wanted, "promotion", wait)


def rollback(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    to: Annotated[str, typer.Option("--to", help="version to go back to; default: the one before")] = "",
    wait: WaitSeconds = 0.0,
) -> None:
    """Go back to an earlier version and pin it, so that no poll brings the bad one back.

    The pin alone brings a running bot back, from its memory or cache: the registry may be down.
    """
    bot = load_bot(config, userdir)
    with bot.ledger() as ledger:
        target = to.removeprefix("v") or _version_before(ledger, bot)
        _require_version(bot, target)
        ledger.record_pin(pinned=True, version=target, at=datetime.now(UTC), who=operator_name())
        try:
            with bot.source() as source:
                source.promote(target)
        except RegistryUnreachableError as error:
            typer.echo(f"the registry still names another production version: {error}")
        _report_outcome(ledger, target, "rollback", wait)
        typer.echo(f"v{target} is pinned: tradai unpin lets later versions in again")


def pin(
    version: Annotated[str, typer.Argument(help="version to hold; default: the one in charge")] = "",
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
) -> None:
    """Hold one version, whatever the registry says."""
    bot = load_bot(config, userdir)
    wanted = version.removeprefix("v") or None
    with bot.ledger() as ledger:
        if wanted is not None:
            _require_version(bot, wanted)
        ledger.record_pin(pinned=True, version=wanted, at=datetime.now(UTC), who=operator_name())
    typer.echo(f"pinned to {_pinned(wanted)}; a running bot follows within one loop")


def unpin(config: ConfigFiles = DEFAULT_CONFIG, userdir: UserData = None) -> None:
    """Follow the production version again."""
    bot = load_bot(config, userdir)
    with bot.ledger() as ledger:
        ledger.record_pin(pinned=False, version=None, at=datetime.now(UTC), who=operator_name())
    typer.echo("unpinned; a running bot follows the production version from its next poll on")


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
    """The ledger's adoptions as values of `version_timeline`."""
    return [
        {
            "version": adoption.version,
            "adopted_candle": adoption.adopted_candle.isoformat(),
            "state_before": {pair: int(state) for pair, state in adoption.state_before.items()},
        }
        for adoption in ledger.adoptions()
    ]


def outcome_of(ledger: Ledger, version: str) -> tuple[CommandOutcome, str]:
    """Whether a running bot predicts with `version`, in words.

    The newest adoption must be that version's: batches are written a little after they were predicted, and the newest
    one written may be older than a swap that has happened since.
    """
    batch, adoptions = ledger.last_batch(), ledger.adoptions(limit=1)
    in_charge = bool(adoptions) and adoptions[-1].version == f"v{version}"
    if (
        batch is not None
        and in_charge
        and batch.version == f"v{version}"
        and batch.candle >= adoptions[-1].adopted_candle
    ):
        return CommandOutcome.DONE, f"the batch of {batch.candle:%Y-%m-%d %H:%M} UTC was predicted by v{version}"
    newest = "no batch was predicted yet" if batch is None else f"the newest batch was predicted by {batch.version}"
    return CommandOutcome.PENDING, f"{newest}; a running bot takes v{version} up at its next poll and candle"


def _report_outcome(ledger: Ledger, version: str, what: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    outcome, detail = outcome_of(ledger, version)
    while outcome is CommandOutcome.PENDING and time.monotonic() < deadline:
        time.sleep(0.2)
        outcome, detail = outcome_of(ledger, version)
    typer.echo(f"{what} of v{version} {outcome.value}: {detail}")


def _version_before(ledger: Ledger, bot: Bot) -> str:
    adoptions = ledger.adoptions(limit=1)
    if not adoptions or adoptions[-1].previous_version is None:
        raise ModelNotFoundError(bot.lifecycle.model_name, "version before the present one")
    return adoptions[-1].previous_version.removeprefix("v")


# A version that does not exist is a typing error; a registry that is down must not stand in the way back.
def _require_version(bot: Bot, version: str) -> None:
    try:
        with bot.source() as source:
            source.describe(version)
    except RegistryUnreachableError:
        return


def _pinned(version: str | None) -> str:
    return f"v{version.removeprefix('v')}" if version else "the version in charge"


__all__ = ["outcome_of", "pin", "promote", "rollback", "timeline", "timeline_of", "unpin", "versions"]
