"""Public testing tools: an exchange on loopback, markets made to measure, and a bot stepped faster than the clock."""

from tradai_lifecycle.sandbox.exchange import SandboxExchange, exchange_config
from tradai_lifecycle.sandbox.market import BASE, BROKEN, DRIFTED, REVERSED, Regime, build_market, write_datadir
from tradai_lifecycle.sandbox.stepping import SteppedBot, load_freqtrade_config

__all__ = [
    "BASE",
    "BROKEN",
    "DRIFTED",
    "REVERSED",
    "Regime",
    "SandboxExchange",
    "SteppedBot",
    "build_market",
    "exchange_config",
    "load_freqtrade_config",
    "write_datadir",
]
