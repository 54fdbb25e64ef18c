"""Checks against the market: enough candles at start, the exchange's clock, and what delays are to be expected."""

import time
from typing import TYPE_CHECKING, Any

from tradai_lifecycle.cli.checks.finding import Finding, fail, ok, warn
from tradai_lifecycle.control.delays import measured_delays, measured_on, measured_with, other_settings

if TYPE_CHECKING:
    from tradai_lifecycle.cli.checks.surroundings import Surroundings

#: Exchanges refuse signed requests whose time is this far off.
REFUSED_OFFSET_SECONDS = 5.0
SUSPICIOUS_OFFSET_SECONDS = 1.0
EXCHANGE_TIMEOUT_MS = 10_000


def startup_candles(at: "Surroundings") -> Finding:
    """Whether the exchange gives the candles that features and monitors need at start."""
    from tradai_lifecycle.strategy.host import available_startup_candles, require_startup_candles  # noqa: PLC0415

    budget, timeframe = at.lifecycle.budget, at.lifecycle.timeframe
    require_startup_candles(budget, at.config, timeframe)
    available = available_startup_candles(at.config, timeframe)
    terms = " + ".join(f"{candles} {name}" for name, candles in budget.parts)
    given = "an unknown number" if available is None else f"{available:,}"
    return ok(f"{budget.startup_candles:,} candles of {timeframe} ({terms}); the exchange gives {given}")


def clock(at: "Surroundings") -> Finding:
    """Whether this machine's clock agrees with the exchange's."""
    try:
        offset = _offset_seconds(at.config["exchange"], str(at.config.get("trading_mode", "spot")))
    except Exception as error:  # noqa: BLE001 - ccxt and its transport raise many kinds
        return warn(f"the exchange did not tell its time ({type(error).__name__})", "look at the network")
    if offset is None:
        return warn("this exchange does not tell its time", "keep the clock with NTP")
    detail = f"{abs(offset):.1f} s {'behind' if offset > 0 else 'ahead of'} the exchange"
    if abs(offset) > REFUSED_OFFSET_SECONDS:
        return fail(detail, "set the clock (NTP): orders are refused, and candles taken for closed too early or late")
    if abs(offset) > SUSPICIOUS_OFFSET_SECONDS:
        return warn(detail, "set the clock (NTP)")
    return ok(detail)


def measured_fault_delays(at: "Surroundings") -> Finding:
    """How soon faults were seen at this timeframe, where it was measured."""
    timeframe = at.lifecycle.timeframe
    found = measured_delays(timeframe)
    if not found:
        return warn(f"not measured at {timeframe}", "how long drift must hold is in tradai status")
    paused = [f"{delay.fault} {_until(delay.paused_days, delay.paused_share)}" for delay in found[1:]]
    others = measured_with(other_settings(at.lifecycle.config))
    return ok(f"median days until paused at {timeframe}{others}: {', '.join(paused)} ({measured_on()})")


# Seconds that the exchange's clock is ahead of ours; None where it has none to ask for.
def _offset_seconds(exchange: dict[str, Any], trading_mode: str) -> float | None:
    import ccxt  # noqa: PLC0415 - heavy
    from freqtrade.misc import deep_merge_dicts  # noqa: PLC0415 - heavy

    options = deep_merge_dicts(exchange.get("ccxt_sync_config", {}), dict(exchange.get("ccxt_config", {})))
    if trading_mode == "futures":
        options = deep_merge_dicts(options, {"options": {"defaultType": "swap"}})
    client = getattr(ccxt, str(exchange["name"]).lower())({"timeout": EXCHANGE_TIMEOUT_MS, **options})
    try:
        if not client.has.get("fetchTime"):
            return None
        before = time.time()
        theirs = client.fetch_time() / 1_000
        return float(theirs - (before + time.time()) / 2)
    finally:
        if client.session is not None:
            client.session.close()


def _until(days: float | None, share: float) -> str:
    return "never" if days is None else f"{days:.2g} ({share:.0%})"


__all__ = ["clock", "measured_fault_delays", "startup_candles"]
