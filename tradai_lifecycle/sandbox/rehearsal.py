"""A rehearsal: the live path of a real bot over candles of the past, replayed faster than the clock.

The bot is freqtrade's own, its exchange a Binance on loopback that shows each candle only once it has opened. Registry
and strategy are the bot's own too; ledger, model cache and trades are the rehearsal's, so nothing the live bot
remembers is touched.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from tradai_lifecycle.config import REHEARSALS_FOLDER, SECTION, STORE_FILE, candle_seconds
from tradai_lifecycle.errors import ConfigurationError, ModelNotFoundError
from tradai_lifecycle.quiet import quiet
from tradai_lifecycle.sandbox.candles import read_datadir
from tradai_lifecycle.sandbox.exchange import SandboxExchange, exchange_config
from tradai_lifecycle.sandbox.stepping import SteppedBot, load_freqtrade_config
from tradai_lifecycle.sandbox.timeline import (
    EquityPoint,
    RehearsalResult,
    RehearsedTrade,
    entry_of,
    trade_entries,
)
from tradai_lifecycle.states import Adoption, Mode, TradingState
from tradai_lifecycle.strategy.dataset import load_strategy

#: The travelled clock does not move the watcher's own timer: the rehearsal asks the registry once per candle instead.
_WATCHER_ASLEEP_SECONDS = 86_400.0


class RehearsalRangeError(ConfigurationError):
    """The range cannot be rehearsed with the candles at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPlan:
    """What is rehearsed: the candles that open from `start` on and before `end`, by the bot of `config_files`.

    `overrides` are keys of a freqtrade configuration and win over the files. `directory` takes ledger, model cache and
    log; by default a new one below user_data/rehearsals.
    """

    config_files: tuple[Path, ...]
    start: datetime
    end: datetime
    strategy: str | None = None
    user_data_dir: Path | None = None
    datadir: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    directory: Path | None = None

    def observing(self, directory: Path) -> "RehearsalPlan":
        """The same bot without its lifecycle: decisions are only shown, and the first model stays."""
        section = {**self.overrides.get(SECTION, {}), "mode": Mode.OBSERVE.value, "adoption": Adoption.PINNED.value}
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return RehearsalPlan(**{**values, "overrides": {**self.overrides, SECTION: section}, "directory": directory})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The bot right after it processed a candle. `number` counts from 1 to `candles`.

    `states` are the automatic states of the pairs judged so far. `bot` and `session` are live objects, to act on.
    """

    candle: datetime
    number: int
    candles: int
    states: Mapping[str, TradingState]
    version: str
    equity: float
    bot: SteppedBot
    session: Any


OnCandle = Callable[[Moment], None]


class Rehearsal:
    """One rehearsal of a plan. `run` may be called once.

    Raises RehearsalRangeError for a range that the data directory cannot serve, as early as possible.
    """

    def __init__(self, plan: RehearsalPlan) -> None:
        self.plan = plan
        if plan.start >= plan.end:
            raise RehearsalRangeError(
                f"--from {plan.start:%Y-%m-%d %H:%M} must lie before --to {plan.end:%Y-%m-%d %H:%M}."
            )
        with quiet():
            config = load_freqtrade_config(plan.config_files, self._overrides())
            strategy = load_strategy(config)
        self.pairs: tuple[str, ...] = tuple(config["exchange"].get("pair_whitelist", ()))
        self.datadir = Path(config["datadir"])
        self.stake_currency = str(config["stake_currency"])
        self.directory = plan.directory or _fresh_directory(Path(config["user_data_dir"]) / REHEARSALS_FOLDER)
        self._trading_mode = str(config.get("trading_mode", "spot"))
        self._candles = dict(read_datadir(self.datadir))
        self._interval = self._require_candles(strategy)
        self._spent = 0.0

    @property
    def settings_file(self) -> Path:
        """A configuration that points `tradai status` and `tradai timeline` at this rehearsal's ledger."""
        return self.directory / "rehearsal.json"

    def run(self, on_candle: OnCandle | None = None) -> RehearsalResult:
        """Step the bot through the whole range, calling `on_candle` after each candle, and gather what happened.

        The process's clock is travelled meanwhile: what `on_candle` runs in another process has the real time.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.settings_file.write_text(json.dumps({SECTION: self._own_files()}, indent=2), encoding="utf-8")
        with ExitStack() as stack:
            served = {key: _with_running_candle(frame, self.plan.end) for key, frame in self._candles.items()}
            exchange = stack.enter_context(SandboxExchange(served))
            with quiet():
                config = load_freqtrade_config(self.plan.config_files, self._overrides(exchange.url))
            stack.enter_context(_one_thread())
            stack.enter_context(_logged_to(self.directory / "rehearsal.log"))
            bot = stack.enter_context(SteppedBot(config, self.plan.start))
            bot.startup()
            session = _session(bot.strategy)
            equity = list(self._steps(bot, session, on_candle))
            return self._result(bot, session, equity)

    def _own_files(self) -> dict[str, Any]:
        return {
            "store_path": str((self.directory / STORE_FILE).absolute()),
            "model_cache_path": str((self.directory / "models").absolute()),
        }

    def _overrides(self, exchange_url: str | None = None) -> dict[str, Any]:
        plan = self.plan
        wanted: dict[str, Any] = {"fiat_display_currency": "", **plan.overrides}
        named = {"strategy": plan.strategy, "user_data_dir": plan.user_data_dir, "datadir": plan.datadir}
        wanted |= {name: str(value) for name, value in named.items() if value is not None}
        if exchange_url is not None:
            own = {**self._own_files(), "poll_interval_seconds": _WATCHER_ASLEEP_SECONDS}
            wanted[SECTION] = {**plan.overrides.get(SECTION, {}), **own}
            wanted["exchange"] = exchange_config(exchange_url, trading_mode=self._trading_mode, pairs=self.pairs)
        return wanted

    def _require_candles(self, strategy: Any) -> timedelta:
        plan, interval = self.plan, timedelta(seconds=candle_seconds(strategy.timeframe))
        needed = int(strategy.lifecycle.budget.predecessors)
        for pair in self.pairs:
            frame = self._candles.get((pair, strategy.timeframe))
            if frame is None or frame.empty:
                raise RehearsalRangeError(
                    f"{self.datadir} has no {strategy.timeframe} candles of {pair}. "
                    f"Next: freqtrade download-data --timeframes {strategy.timeframe} --pairs {pair}."
                )
            require_range(frame["date"], pair, start=plan.start, end=plan.end, interval=interval, needed=needed)
        return interval

    def _steps(self, bot: SteppedBot, session: Any, on_candle: OnCandle | None) -> Iterator[EquityPoint]:
        candles = int((self.plan.end - self.plan.start) / self._interval)
        for number in range(1, candles + 1):
            began = time.perf_counter()
            session.poll_registry()
            candle = bot.step()
            equity = _equity(bot)
            self._spent += time.perf_counter() - began
            if on_candle is not None:
                on_candle(_moment(bot, session, candle, number, candles, equity))
            yield EquityPoint(candle=candle, equity=equity)

    def _result(self, bot: SteppedBot, session: Any, equity: list[EquityPoint]) -> RehearsalResult:
        session.flush_evidence()
        trades = tuple(_trades(bot))
        stored = sorted(session.ledger.events(limit=None), key=lambda stored: stored.sequence)
        entries = [entry_of(found.event, self._interval) for found in stored]
        entries += trade_entries(trades, self._interval)
        return RehearsalResult(
            directory=self.directory,
            stake_currency=self.stake_currency,
            starting_balance=float(bot.bot.wallets.get_starting_balance()),
            entries=tuple(sorted(entries, key=lambda entry: entry.candle)),
            states=session.ledger.states(limit=None),
            trades=trades,
            equity=tuple(equity),
            candles=len(equity),
            seconds=self._spent,
        )


def require_range(
    dates: pd.Series, pair: str, *, start: datetime, end: datetime, interval: timedelta, needed: int
) -> None:
    """Raise RehearsalRangeError where `dates` do not hold `needed` candles before `start` and all of the range."""
    opened = pd.DatetimeIndex(dates)
    first, last = opened[0].to_pydatetime(), opened[-1].to_pydatetime()
    if last < end - interval or first >= end:
        raise RehearsalRangeError(
            f"{pair} has candles from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, but the rehearsal asks for "
            f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}. Next: freqtrade download-data, or another range."
        )
    before = int((opened < pd.Timestamp(start)).sum())
    if before < needed:
        earliest = opened[needed].to_pydatetime() if needed < len(opened) else first + needed * interval
        raise RehearsalRangeError(
            f"{pair} has {before} candles before --from, but the monitors need {needed}: {needed - before} missing. "
            f"The earliest possible --from is {earliest:%Y-%m-%dT%H:%M}."
        )


def _one_thread() -> Any:
    # a candle's batch is small: threads gain nothing, and where cores are busy they wait for each other
    import sklearn.ensemble  # noqa: F401, PLC0415 - loads the libraries whose threads are limited
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - comes with scikit-learn

    return threadpool_limits(limits=1)


@contextmanager
def _logged_to(file: Path) -> Iterator[None]:
    # a bot speaks hundreds of lines an hour: into a file, not over the progress bar
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        handler.close()


def _with_running_candle(frame: pd.DataFrame, end: datetime) -> pd.DataFrame:
    # a market never ends, a data file does: freqtrade drops the newest row as unfinished, so one must be running
    last = frame.iloc[-1:]
    if len(frame) < 2 or last["date"].iloc[0] + (last["date"].iloc[0] - frame["date"].iloc[-2]) != pd.Timestamp(end):
        return frame
    prices = dict.fromkeys(("open", "high", "low"), float(last["close"].iloc[0]))
    running = last.assign(date=pd.Timestamp(end), volume=0.0, **prices)
    return pd.concat([frame, running.astype({"date": frame["date"].dtype})], ignore_index=True)


def _session(strategy: Any) -> Any:
    session = strategy.lifecycle.supply
    if session.slot.staged is None and session.slot.current is None:
        raise ModelNotFoundError(strategy.lifecycle.config.model_name, "production version")
    return session


def _moment(bot: SteppedBot, session: Any, candle: datetime, number: int, candles: int, equity: float) -> Moment:
    rows = bot.strategy.lifecycle.gate.view.rows
    versions = session.versions()
    return Moment(
        candle=candle,
        number=number,
        candles=candles,
        states={pair: TradingState(int(judged.state[-1])) for pair, judged in rows.items()},
        version=versions[-1].bundle.label if versions else "none",
        equity=equity,
        bot=bot,
        session=session,
    )


def _equity(bot: SteppedBot) -> float:
    from freqtrade.persistence import Trade  # noqa: PLC0415 - freqtrade takes seconds to import

    open_profit = sum(trade.calc_profit(_last_close(bot, trade)) for trade in Trade.get_open_trades())
    return float(bot.bot.wallets.get_starting_balance() + Trade.get_total_closed_profit() + open_profit)


def _last_close(bot: SteppedBot, trade: Any) -> float:
    frame, _ = bot.strategy.dp.get_analyzed_dataframe(trade.pair, bot.strategy.timeframe)
    return float(frame["close"].iloc[-1]) if len(frame) else float(trade.open_rate)


def _trades(bot: SteppedBot) -> Iterator[RehearsedTrade]:
    from freqtrade.persistence import Trade  # noqa: PLC0415 - freqtrade takes seconds to import

    for trade in sorted(Trade.get_trades([]).all(), key=lambda trade: trade.id):
        profit = trade.calc_profit(_last_close(bot, trade)) if trade.is_open else trade.close_profit_abs
        yield RehearsedTrade(
            pair=trade.pair,
            opened_at=trade.open_date_utc,
            closed_at=None if trade.is_open else trade.close_date_utc,
            stake=float(trade.stake_amount),
            open_rate=float(trade.open_rate),
            close_rate=None if trade.is_open else float(trade.close_rate),
            profit=float(profit or 0.0),
            version=trade.get_custom_data("model_version"),
            exit_reason=trade.exit_reason,
        )


def _fresh_directory(parent: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    candidates = (parent / (stamp if number == 1 else f"{stamp}-{number}") for number in range(1, 1_000))
    return next(directory for directory in candidates if not directory.exists())


__all__ = ["Moment", "OnCandle", "Rehearsal", "RehearsalPlan", "RehearsalRangeError", "require_range"]
