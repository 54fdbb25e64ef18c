"""`tradai profit`: what each model version earned, from freqtrade's own trades."""

import json
import math
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from tradai_lifecycle.cli.options import DEFAULT_CONFIG, AsJson, ConfigFiles, UserData, load_bot
from tradai_lifecycle.cli.screen import wide_console
from tradai_lifecycle.quiet import quiet

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.version_profit import VersionProfit

TradesUrl = Annotated[str, typer.Option("--db-url", help="trades database; as the bot gets it, if it gets one")]

_NO_TRADES = "no trade yet"
_UNTAGGED = (
    "no trade of this backtest bears a version: tag_model_version was off. Next: set it to true in the section "
    "tradai_lifecycle and run the backtest again"
)


def profit(
    config: ConfigFiles = DEFAULT_CONFIG,
    userdir: UserData = None,
    db_url: TradesUrl = "",
    backtest_result: Annotated[
        Path | None, typer.Option("--backtest-result", help="an exported backtest instead of the bot's trades")
    ] = None,
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="which strategy of a backtest of several")] = "",
    as_json: AsJson = False,
) -> None:
    """Show trades, profit and its certainty per model version, of the bot or of an exported backtest."""
    from tradai_lifecycle.strategy.trades import (  # noqa: PLC0415 - heavy
        backtested_trades,
        shown_url,
        stored_trades,
        trades_url,
    )
    from tradai_lifecycle.strategy.version_profit import profit_by_version  # noqa: PLC0415 - heavy

    with quiet():
        if backtest_result is not None:
            where, trades = str(backtest_result), backtested_trades(backtest_result, strategy)
        else:
            url = trades_url(load_bot(config, userdir).freqtrade_config, db_url)
            where, trades = shown_url(url), stored_trades(url)
    found = profit_by_version(trades)
    untagged = backtest_result is not None and [row.version for row in found] == ["none"]
    notes = [_NO_TRADES] * (not found) + [_UNTAGGED] * untagged
    if as_json:
        typer.echo(json.dumps({"trades": where, "versions": [profit_values(row) for row in found], "notes": notes}))
        return
    console = wide_console()
    if found:
        console.print(profit_table(found))
    for line in (f"trades: {where}", *notes):
        console.print(line, highlight=False, soft_wrap=True)


def profit_values(row: "VersionProfit") -> dict[str, Any]:
    """A version's figures as JSON-ready values; ratios as fractions, durations in seconds, null where unknown."""
    return {
        "version": row.version,
        "currency": row.currency,
        "trades": row.trades,
        "wins": row.wins,
        "profit": row.profit,
        "mean_ratio": _known(row.mean_ratio),
        "mean_ratio_95": [row.lower, row.upper] if row.enough_trades else None,
        "worst_ratio": _known(row.worst_ratio),
        "worst_profit": _known(row.worst_profit),
        "mean_duration_seconds": row.mean_duration.total_seconds() if row.mean_duration is not None else None,
        "open_trades": row.open_trades,
        "open_stake": row.open_stake,
    }


def profit_table(found: "Sequence[VersionProfit]") -> Table:
    """The figures as a table."""
    table = Table("version", "trades", "wins", "profit", "mean per trade (95 %)", "worst", "mean time", "open")
    for row in found:
        figures = _figures(row) if row.trades else ["-"] * 5
        stake = f" ({_money(row.open_stake, row.currency)})" if row.open_trades else ""
        table.add_row(row.version, str(row.trades), *figures, f"{row.open_trades}{stake}")
    return table


def _figures(row: "VersionProfit") -> list[str]:
    sure = f"{row.lower:+.2%} to {row.upper:+.2%}" if row.enough_trades else "too few trades"
    return [
        f"{row.wins} ({row.wins / row.trades:.0%})",
        _money(row.profit, row.currency),
        f"{row.mean_ratio:+.2%} ({sure})",
        f"{row.worst_ratio:+.2%}",
        _time(row.mean_duration),
    ]


def _money(amount: float, currency: str) -> str:
    from freqtrade.util import fmt_coin  # noqa: PLC0415 - heavy

    shown: str = fmt_coin(amount, currency, keep_trailing_zeros=True)
    return shown


def _time(duration: timedelta | None) -> str:
    if duration is None:
        return "-"
    return str(timedelta(seconds=round(duration.total_seconds())))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


__all__ = ["TradesUrl", "profit", "profit_table", "profit_values"]
