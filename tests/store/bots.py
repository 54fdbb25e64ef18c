"""What a running bot says of itself, for the tests that need one or wait for one."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord

PATIENCE_SECONDS = 30.0


def running_bot(at: datetime, **changes: Any) -> BotRecord:
    """A dry run that wrote at `at`, two days after its start, with changes."""
    values: dict[str, Any] = {
        "started_at": at - timedelta(days=2),
        "timeframe": "1h",
        "horizon_candles": 6,
        "window_candles": 500,
        "freqtrade_state": "running",
        "dry_run": True,
        "stake_currency": "USDT",
        "registry_seen_at": None,
        "registry_problem": "",
        "awaiting": None,
        "positions": (),
    }
    return BotRecord(at=at, **{**values, **changes})


def wait_for_bot(ledger: Ledger, condition: Callable[[BotRecord], bool]) -> BotRecord:
    """What the bot says of itself as soon as `condition` holds for it; on the monotonic clock, a bot's may stand."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := ledger.bot()) is None or not condition(found):
        assert time.monotonic() < deadline, found
        time.sleep(0.005)
    return found
