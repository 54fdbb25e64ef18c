"""`tradai doctor`: everything a bot needs, looked at from outside, one row each."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from tradai_lifecycle.cli.checks.finding import Finding, Level
from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, ConfigFiles, UserData
from tradai_lifecycle.cli.profit import TradesUrl
from tradai_lifecycle.cli.screen import wide_console

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def doctor(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    strategy: Annotated[
        str, typer.Option("--strategy", "-s", help="strategy class; default: the configuration's")
    ] = "",
    db_url: TradesUrl = "",
    as_json: AsJson = False,
) -> None:
    """Check installation, configuration, strategy, model, databases, clock and channels; ends with 1 if any fails."""
    from tradai_lifecycle.cli.checks import examine  # noqa: PLC0415 - heavy
    from tradai_lifecycle.cli.checks.surroundings import Surroundings  # noqa: PLC0415 - heavy

    with Surroundings(config, userdir, strategy=strategy, db_url=db_url) as at:
        findings = examine(at)
    if as_json:
        typer.echo(json.dumps([{**asdict(finding), "level": finding.level.value} for finding in findings]))
    else:
        wide_console().print(findings_table(findings))
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row per finding."""
    table = Table("check", "", "found", "what to do")
    for finding in findings:
        level = f"[{_STYLES[finding.level]}]{finding.level.value}[/]"
        table.add_row(finding.name, level, escape(finding.detail), escape(finding.fix))
    return table


__all__ = ["doctor", "findings_table"]
