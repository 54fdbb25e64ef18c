"""What this package asks of the freqtrade it runs in: its version, its run mode, and how many candles it can give."""

from collections.abc import Mapping
from typing import Any

import ccxt
import freqtrade
from freqtrade import exchange as exchanges
from freqtrade.enums import RunMode

from tradai_lifecycle.errors import StartupCandlesError, UnsupportedHostError
from tradai_lifecycle.strategy.memory import CandleBudget

OLDEST_FREQTRADE = "2026.3"
LIVE_MODES = (RunMode.LIVE, RunMode.DRY_RUN)
#: Offline modes that judge dataframes; every other mode (training, listing, downloading) needs no model.
OFFLINE_MODES = (RunMode.BACKTEST, RunMode.HYPEROPT, RunMode.UTIL_NO_EXCHANGE, RunMode.PLOT, RunMode.WEBSERVER)
#: Modes that trade all pairs of the bot together; the others look at one pair, in frames of their own.
TRADING_MODES = (*LIVE_MODES, RunMode.BACKTEST, RunMode.HYPEROPT)
#: freqtrade fetches at most this many pages of candles per pair at start.
STARTUP_PAGES = 5
DEFAULT_PAGE_CANDLES = 500


def require_supported_freqtrade(found: str = freqtrade.__version__) -> None:
    """Raise UnsupportedHostError where the installed freqtrade is too old; unnumbered builds pass."""
    release = found.removeprefix("develop-").split("-")[0].split(".")
    if len(release) < 2 or not all(part.isdigit() for part in release[:2]):
        return
    if (int(release[0]), int(release[1])) < tuple(int(part) for part in OLDEST_FREQTRADE.split(".")):
        raise UnsupportedHostError(found, OLDEST_FREQTRADE)


def run_mode(config: Mapping[str, Any]) -> RunMode:
    """The run mode of a freqtrade configuration; OTHER where none is set."""
    return RunMode(config.get("runmode", RunMode.OTHER))


def available_startup_candles(config: Mapping[str, Any], timeframe: str) -> int | None:
    """Candles per pair that freqtrade can fetch at start from the configured exchange; None where it is not known."""
    name = str(config.get("exchange", {}).get("name", "")).lower()
    if name not in ccxt.exchanges:
        return None
    host = getattr(exchanges, name.title(), exchanges.Exchange)
    futures = config.get("trading_mode", "spot") != "spot"
    features: dict[str, Any] = {**exchanges.Exchange._ft_has_default, **host._ft_has}  # noqa: SLF001 - no public way
    if futures:
        features |= host._ft_has_futures  # noqa: SLF001 - the same
    per_timeframe = features.get("ohlcv_candle_limit_per_timeframe", {}).get(timeframe)
    page = per_timeframe or features.get("ohlcv_candle_limit") or _ccxt_page_candles(name, futures=futures)
    pages = STARTUP_PAGES if features.get("ohlcv_has_history", True) else 1
    return int(page) * pages - 1


def require_startup_candles(budget: CandleBudget, config: Mapping[str, Any], timeframe: str) -> None:
    """Raise StartupCandlesError, with the sum, where the exchange cannot give what the strategy needs at start."""
    available = available_startup_candles(config, timeframe)
    if available is not None and budget.startup_candles > available:
        name = str(config.get("exchange", {}).get("name"))
        raise StartupCandlesError(exchange=name, timeframe=timeframe, available=available, parts=budget.parts)


def _ccxt_page_candles(name: str, *, futures: bool) -> int:
    features = getattr(ccxt, name)().features or {}
    market = features.get("swap", {}).get("linear", {}) if futures else features.get("spot", {})
    limit = ((market or {}).get("fetchOHLCV") or {}).get("limit")
    return int(limit) if limit else DEFAULT_PAGE_CANDLES


__all__ = [
    "LIVE_MODES",
    "OFFLINE_MODES",
    "OLDEST_FREQTRADE",
    "TRADING_MODES",
    "available_startup_candles",
    "require_startup_candles",
    "require_supported_freqtrade",
    "run_mode",
]
