"""The trades of freqtrade's own database, read beside a bot that writes it, and those of an exported backtest."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from freqtrade.constants import DEFAULT_DB_DRYRUN_URL, DEFAULT_DB_PROD_URL
from freqtrade.data.btanalysis import load_backtest_data, load_backtest_stats
from freqtrade.exceptions import FreqtradeException
from freqtrade.persistence import Trade
from freqtrade.persistence.custom_data import _CustomData
from sqlalchemy import Engine, create_engine, delete, func, make_url, select
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session

from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.strategy.columns import NO_VERSION
from tradai_lifecycle.strategy.trade_version import VERSION_KEY

_TAGGED = re.compile(r"\|(v\d+)$")


class TradesUnavailableError(ConfigurationError):
    """freqtrade's trades are not where they were looked for, or are not freqtrade's."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The trades in {where} cannot be read: {problem}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTrade:
    """One trade of a bot. While it is open `profit` and `profit_ratio` are NaN and `closed_at` is None.

    `version` is that of the model whose signal opened it, `none` where nobody wrote it down; `profit` is in `currency`.
    """

    pair: str
    version: str
    currency: str
    is_open: bool
    stake: float
    profit: float
    profit_ratio: float
    opened_at: datetime
    closed_at: datetime | None


def trades_url(config: Mapping[str, Any], named: str = "") -> str:
    """Where the live or dry-run bot of this configuration keeps its trades, by freqtrade's own rule.

    `named` is what the bot was given as `--db-url`.
    """
    # keep in sync with freqtrade's Configuration: _process_common_options and _process_trading_options
    url = named if named and named != DEFAULT_DB_PROD_URL else config.get("db_url")
    if config.get("dry_run", False):
        return DEFAULT_DB_DRYRUN_URL if url in (None, DEFAULT_DB_PROD_URL) else str(url)
    return str(url or DEFAULT_DB_PROD_URL)


def shown_url(url: str) -> str:
    """A database's address for messages: the file's whole path, or the server without its password.

    Raises TradesUnavailableError for a database in memory, and for what is no address.
    """
    path = database_file(url)
    return make_url(url).render_as_string(hide_password=True) if path is None else str(path)


def database_file(url: str) -> Path | None:
    """The file behind a database's address; None where it is a server's.

    Raises TradesUnavailableError for a database in memory, and for what is no address.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise TradesUnavailableError("db_url", f"it is no address of a database ({error})") from error
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise TradesUnavailableError("memory", _IN_MEMORY)
    return Path(parsed.database).absolute()


def stored_trades(url: str) -> tuple[BotTrade, ...]:
    """All trades of a bot's database, oldest first. Nothing is written, nothing is locked for longer than a read.

    Raises TradesUnavailableError: no database there, another program's, or an older freqtrade's.
    """
    with _opened(url, writable=False) as session:
        noted = select(_CustomData.ft_trade_id, _CustomData.cd_value).where(_CustomData.cd_key == VERSION_KEY)
        versions = {trade: str(version) for trade, version in session.execute(noted)}
        return tuple(_stored_trade(row, versions.get(row.id)) for row in session.execute(_ALL_TRADES))


def count_noted_versions(url: str) -> int:
    """Trades of a bot's database that bear a model version. Raises TradesUnavailableError."""
    with _opened(url, writable=False) as session:
        counted = select(func.count()).select_from(_CustomData).where(_CustomData.cd_key == VERSION_KEY)
        return int(session.scalar(counted) or 0)


def forget_versions(url: str) -> int:
    """Delete the model versions from a bot's database, in one transaction; gives their number.

    Raises TradesUnavailableError, also where the bot is writing at this moment.
    """
    with _opened(url, writable=True) as session:
        deleted = session.execute(delete(_CustomData).where(_CustomData.cd_key == VERSION_KEY))
        session.commit()
        return int(deleted.rowcount)  # type: ignore[attr-defined]


def backtested_trades(result: Path, strategy: str = "") -> tuple[BotTrade, ...]:
    """The trades of an exported backtest, oldest first, with the versions that `tag_model_version` put into their tags.

    `result` is freqtrade's file, or its directory for the newest one. Raises TradesUnavailableError.
    """
    try:
        frame = load_backtest_data(result, strategy or None)
        runs: Mapping[str, Any] = load_backtest_stats(result)["strategy"]
        currency = str(runs[strategy or next(iter(runs))]["stake_currency"])
    except (ValueError, KeyError, TypeError, OSError, FreqtradeException) as error:
        raise TradesUnavailableError(str(result), f"{error}".rstrip(".") or type(error).__name__) from error
    return tuple(_backtested_trade(row, currency) for row in frame.to_dict("records"))


def tagged_version(tag: str | None) -> str:
    """The version at the end of an enter tag; `none` where there is none."""
    found = _TAGGED.search(tag or "")
    return found.group(1) if found else NO_VERSION


# a closed trade without a profit is an entry that was never filled
_ALL_TRADES = (
    select(
        Trade.id,
        Trade.pair,
        Trade.stake_currency,
        Trade.is_open,
        Trade.stake_amount,
        Trade.close_profit_abs,
        Trade.close_profit,
        Trade.open_date,
        Trade.close_date,
        Trade.enter_tag,
    )
    .where(Trade.is_open.is_(True) | Trade.close_profit.is_not(None))
    .order_by(Trade.id)
)


def _stored_trade(row: Any, version: str | None) -> BotTrade:
    return BotTrade(
        pair=row.pair,
        version=version or tagged_version(row.enter_tag),
        currency=row.stake_currency or "",
        is_open=bool(row.is_open),
        stake=float(row.stake_amount),
        profit=_figure(row.close_profit_abs, known=not row.is_open),
        profit_ratio=_figure(row.close_profit, known=not row.is_open),
        opened_at=row.open_date.replace(tzinfo=UTC),
        closed_at=None if row.is_open or row.close_date is None else row.close_date.replace(tzinfo=UTC),
    )


def _backtested_trade(row: Mapping[Any, Any], currency: str) -> BotTrade:
    is_open = bool(row["is_open"])
    return BotTrade(
        pair=str(row["pair"]),
        version=tagged_version(row["enter_tag"]),
        currency=currency,
        is_open=is_open,
        stake=float(row["stake_amount"]),
        profit=_figure(row["profit_abs"], known=not is_open),
        profit_ratio=_figure(row["profit_ratio"], known=not is_open),
        opened_at=pd.Timestamp(row["open_date"]).to_pydatetime(),
        closed_at=None if is_open else pd.Timestamp(row["close_date"]).to_pydatetime(),
    )


# An open trade has figures of its partial exits in these columns, or old ones: neither is what it will have earned.
def _figure(value: float | None, *, known: bool) -> float:
    return float(value) if known and value is not None else float("nan")


@contextmanager
def _opened(url: str, *, writable: bool) -> Iterator[Session]:
    where = shown_url(url)
    engine = _engine(url, where, writable=writable)
    try:
        with Session(engine) as session:
            yield session
    except SQLAlchemyError as error:
        raise TradesUnavailableError(where, _problem(error)) from error
    finally:
        engine.dispose()


def _engine(url: str, where: str, *, writable: bool) -> Engine:
    path = database_file(url)
    if path is None:
        try:
            return create_engine(url)
        except (NoSuchModuleError, ImportError) as error:
            raise TradesUnavailableError(where, f"db_url cannot be used ({error})") from error
    if not path.is_file():
        raise TradesUnavailableError(where, f"there is no such file. {_ABSENT}")
    address = f"{path.as_uri()}?mode={'rw' if writable else 'ro'}"
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True))


_ABSENT = (
    "Next: start the bot once; or run this where the bot is started, since freqtrade's default is relative to that; "
    "or give --db-url as the bot gets it"
)
_IN_MEMORY = "this bot keeps them in its own memory. Next: set db_url to a file, such as sqlite:///trades.sqlite"


def _problem(error: SQLAlchemyError) -> str:
    cause = str(getattr(error, "orig", None) or error)
    if "no such table" in cause or "not a database" in cause:
        return f"it is not a database of freqtrade ({cause}). Next: name the bot's in db_url or --db-url"
    if "no such column" in cause:
        return f"it was made by another version of freqtrade ({cause}). Next: start the bot once with this version"
    return cause


__all__ = [
    "BotTrade",
    "TradesUnavailableError",
    "backtested_trades",
    "count_noted_versions",
    "database_file",
    "forget_versions",
    "shown_url",
    "stored_trades",
    "tagged_version",
    "trades_url",
]
