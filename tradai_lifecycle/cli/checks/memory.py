"""Checks of the databases: the lifecycle's own, freqtrade's, and how old the newest judged candle is."""

from datetime import timedelta
from typing import TYPE_CHECKING

from tradai_lifecycle.cli.checks.finding import Finding, fail, ok, warn
from tradai_lifecycle.cli.running import RUNNING_WITHIN, said_recently
from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.store.schema import SCHEMA_VERSION

if TYPE_CHECKING:
    from tradai_lifecycle.cli.checks.surroundings import Surroundings


def lifecycle_database(at: "Surroundings") -> Finding:
    """Whether the lifecycle's own database is there and usable. Nothing is made."""
    memory = at.memory
    if not memory.path.is_file():
        return warn(f"{memory.path} does not exist yet", "the bot makes it at its first start")
    if not memory.schema:
        fix = "put a copy back; else the bot begins it anew at its next start"
        return warn(f"{memory.path} is empty: an operator's pause that it held is lost", fix)
    if memory.schema < SCHEMA_VERSION:
        detail = f"{memory.path} has schema {memory.schema}, this package's is {SCHEMA_VERSION}"
        return warn(detail, "copy the file; the bot brings it up to date at its next start")
    return ok(f"{memory.path}, schema {memory.schema}")


def trades_database(at: "Surroundings") -> Finding:
    """Whether freqtrade's trades can be read."""
    from tradai_lifecycle.strategy.trades import (  # noqa: PLC0415 - heavy
        database_file,
        shown_url,
        stored_trades,
        trades_url,
    )

    url = trades_url(at.config, at.db_url)
    file = database_file(url)
    if file is not None and not file.exists():
        return warn(f"{file} does not exist yet", "the bot makes it; look here where the bot is started, or --db-url")
    trades = stored_trades(url)
    opened = sum(trade.is_open for trade in trades)
    return ok(f"{shown_url(url)}: {len(trades)} trade(s), {opened} open")


def newest_candle(at: "Surroundings") -> Finding:
    """Whether a running bot judges the newest candle, as its gate would see it."""
    now, memory = at.clock(), at.memory
    running = memory.bot is not None and said_recently(memory.bot, now)
    if memory.batch is None:
        why = (
            "the database is older than this package"
            if 0 < memory.schema < SCHEMA_VERSION
            else "no batch was judged yet"
        )
        return warn(why, "start the bot, and wait for a candle")
    span = timedelta(seconds=candle_seconds(at.lifecycle.timeframe))
    age = now - memory.batch.candle
    detail = f"{memory.batch.candle:%Y-%m-%d %H:%M} UTC by {memory.batch.version}, opened {_shown(age)} ago"
    if not running:
        return warn(
            f"{detail}; no bot has written within {RUNNING_WITHIN}", "start the bot, unless it is stopped on purpose"
        )
    if age > 2 * span + _allowance():
        return fail(f"{detail}, which is too old to trade on", "look at the bot's log, the exchange and the network")
    return ok(detail)


def _allowance() -> timedelta:
    from tradai_lifecycle.strategy.gate import OUTDATED_ALLOWANCE_NS  # noqa: PLC0415 - heavy

    return timedelta(microseconds=OUTDATED_ALLOWANCE_NS // 1_000)


def _shown(age: timedelta) -> str:
    return str(timedelta(seconds=round(age.total_seconds())))


__all__ = ["lifecycle_database", "newest_candle", "trades_database"]
