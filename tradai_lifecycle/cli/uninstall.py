"""`tradai uninstall`: leaves freqtrade's database and configuration as if the lifecycle had never been there."""

import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tradai_lifecycle.cli.config_text import without_section
from tradai_lifecycle.cli.options import DEFAULT_CONFIG, Bot, ConfigFiles, UserData, load_bot
from tradai_lifecycle.cli.own_files import OwnFile, Purge, own_files, remove
from tradai_lifecycle.cli.profit import TradesUrl
from tradai_lifecycle.cli.running import require_stopped
from tradai_lifecycle.cli.scaffold import MODE_MARK
from tradai_lifecycle.config import SECTION
from tradai_lifecycle.quiet import quiet

_LAST_STEPS = (
    "next: give the strategy the base class IStrategy alone, with signals that do not read the lifecycle's columns; "
    "then pip uninstall tradai-lifecycle"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What there is to remove: versions noted on trades, new texts of configuration files, own files."""

    trades_url: str
    noted_versions: int
    config_texts: dict[Path, str]
    files: tuple[OwnFile, ...]


def uninstall(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    db_url: TradesUrl = "",
    purge: Annotated[bool, typer.Option("--purge", help="delete the lifecycle's own files as well")] = False,
    purge_registry: Annotated[
        bool, typer.Option("--purge-registry", help="delete the model registry; no other bot may load from it")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
) -> None:
    """Take the lifecycle's traces out of freqtrade's database and of the configuration; the bot must be stopped."""
    bot = load_bot(config, userdir)
    ledger_file = bot.lifecycle.path_in(bot.user_data_dir, bot.lifecycle.store_path)
    typer.echo(f"no bot is running: {require_stopped(ledger_file, datetime.now(UTC))}")
    found = traces(bot, config, db_url)
    asked = {Purge.FILES: purge, Purge.REGISTRY: purge_registry}
    purged = [option for option, given in asked.items() if given]
    _announce(found, purged)
    if not yes:
        typer.confirm("Do this?", abort=True)
    _remove_traces(found, purged)
    typer.echo(_LAST_STEPS)


def traces(bot: Bot, config_files: Sequence[Path], db_url: str = "") -> Traces:
    """Everything there is to remove; nothing is changed.

    Raises TradesUnavailableError, CommentedSectionError or UncertainSectionError for what could not be done cleanly.
    """
    from tradai_lifecycle.strategy.trades import (  # noqa: PLC0415 - heavy
        count_noted_versions,
        database_file,
        trades_url,
    )

    url = trades_url(bot.freqtrade_config, db_url)
    with quiet():
        database = database_file(url)
        absent = database is not None and not database.exists()
        noted = 0 if absent else count_noted_versions(url)
    # freqtrade has followed add_config_files
    named = [Path(name) for name in bot.freqtrade_config.get("config_files", config_files)]
    cut = {file: without_section(file, SECTION, own_comments=(MODE_MARK,)) for file in named}
    return Traces(
        trades_url=url,
        noted_versions=noted,
        config_texts={file: part.text for file, part in cut.items() if part.found},
        files=own_files(bot),
    )


def _announce(found: Traces, purged: Collection[Purge]) -> None:
    from tradai_lifecycle.strategy.trades import shown_url  # noqa: PLC0415 - heavy

    typer.echo(f"{shown_url(found.trades_url)}: the model version of {found.noted_versions} trade(s) is removed")
    for file in found.config_texts:
        typer.echo(f"{file}: the section {SECTION} is removed; the file as it is now is kept beside it")
    for own in found.files:
        typer.echo(f"{own.path} ({own.what}): {_fate(own, purged)}")


def _fate(own: OwnFile, purged: Collection[Purge]) -> str:
    if own.kept_because:
        return f"kept: {own.kept_because}"
    return "deleted" if own.purge in purged else f"kept; {own.purge} deletes it"


def _remove_traces(found: Traces, purged: Collection[Purge]) -> None:
    from tradai_lifecycle.strategy.trades import forget_versions  # noqa: PLC0415 - heavy

    if found.noted_versions:
        typer.echo(f"removed the model version of {forget_versions(found.trades_url)} trade(s)")
    for file, text in found.config_texts.items():
        backup = _backed_up(file)
        file.write_text(text, encoding="utf-8", newline="")
        typer.echo(f"{file}: section removed, {backup} is the file before")
    for own in found.files:
        if own.purge in purged and not own.kept_because:
            remove(own)
            typer.echo(f"deleted {own.path}")


# A configuration holds keys of an exchange: its copy is never readable for more people than it is.
def _backed_up(file: Path) -> Path:
    backup = _unused(file.with_name(f"{file.name}.bak"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(backup, flags, stat.S_IMODE(file.stat().st_mode)), "wb") as copy:
        copy.write(file.read_bytes())
    return backup


def _unused(path: Path) -> Path:
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.name}{number}")
    return candidate


__all__ = ["Traces", "traces", "uninstall"]
