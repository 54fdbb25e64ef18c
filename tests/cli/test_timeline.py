"""`tradai timeline`: what a bot lived through, as a configuration that a backtest replays."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradai_lifecycle.cli.models import timeline_of
from tradai_lifecycle.config import SECTION, VersionSpan, parse_config
from tradai_lifecycle.states import OperatorAction, TradingState
from tradai_lifecycle.store.ledger import Ledger

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_adoptions_and_resets_of_drift_are_read_back_as_they_were(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.open()
    try:
        for days, version in enumerate(("v1", "v2")):
            ledger.record_adoption(
                version=version,
                previous_version=None,
                adopted_candle=NOON + timedelta(days=days),
                adopted_at=NOON + timedelta(days=days),
                state_before={"BTC/USDT": TradingState.PAUSED},
            )
        ledger.record_operator(
            action=OperatorAction.RESET_DRIFT, who="shell:anna", note="", at=NOON, candle=NOON + timedelta(hours=30)
        )
        section = {"model_name": "m", "version_timeline": timeline_of(ledger)}
    finally:
        ledger.close()
    spans = parse_config({SECTION: section}).version_timeline
    assert spans == tuple(
        VersionSpan(
            version=version,
            adopted_candle=NOON + timedelta(days=days),
            state_before={"BTC/USDT": TradingState.PAUSED},
            drift_resets=(NOON + timedelta(hours=30),),
        )
        for days, version in enumerate(("v1", "v2"))
    )
