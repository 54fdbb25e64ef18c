"""The bot as a person runs it: `freqtrade trade` in a process of its own, on the real clock."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.live.trading import trading, wait_for, words
from tests.live.workshop import PAIRS, Workshop
from tradai_lifecycle.sandbox import SandboxExchange, build_market
from tradai_lifecycle.states import TradingState

pytestmark = pytest.mark.host


def test_a_real_dry_run_judges_its_pairs_obeys_and_ends_cleanly(workshop: Workshop) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    market = build_market(11, PAIRS, "1h", hour - timedelta(hours=2_000), 2_010)
    with SandboxExchange.from_frames(market, "1h") as exchange:
        shop = replace(workshop, market=market, exchange=exchange)
        shop.register()
        config = json.loads(shop.configure().read_text(encoding="utf-8"))
        shop.config_file.write_text(json.dumps({**config, "initial_state": "running"}), encoding="utf-8")
        with trading(shop) as log:
            store = shop.user_data / "tradai_lifecycle.sqlite"
            wait_for(lambda: store.exists() and "demo v1" in words(log), log)
            with closing(shop.ledger()) as ledger:
                wait_for(lambda: set(ledger.latest_states()) == set(PAIRS), log)
                states = ledger.latest_states()
                assert {state.version for state in states.values()} == {"v1"}
                assert {state.state for state in states.values()} <= set(TradingState)
                wait_for(lambda: set(ledger.series()) == set(PAIRS), log)
                told = ledger.bot()
                assert told is not None
                assert (told.freqtrade_state, told.dry_run, told.registry_problem) == ("running", True, "")
                assert hour < told.started_at <= told.at <= datetime.now(UTC)

            shop.tradai("pause", "--note", "by hand")
            wait_for(lambda: "still stands: pause by shell:" in words(log), log)
            shop.tradai("resume")
            wait_for(lambda: "still stands: resume by shell:" in words(log), log)
    assert "Traceback" not in words(log)
