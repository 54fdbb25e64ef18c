"""A pair that left the whitelist no longer counts, though its last states are kept."""

from collections.abc import Callable

from tests.control.control_room import bot
from tradai_lifecycle.store import Ledger, StateRecord
from tradai_lifecycle.store.watched import UNWATCHED_AFTER_CANDLES

_NEWEST = 40


def test_a_pair_is_watched_while_its_newest_candle_is_near_the_newest_of_all(
    ledger: Ledger, make_state: Callable[..., StateRecord]
) -> None:
    near, far = _NEWEST - UNWATCHED_AFTER_CANDLES, _NEWEST - UNWATCHED_AFTER_CANDLES - 1
    ledger.record_states([make_state("BTC/USDT", _NEWEST), make_state("ETH/USDT", near), make_state("OLD/USDT", far)])
    ledger.record_bot(bot(timeframe="5m"))
    assert set(ledger.watched_states()) == {"BTC/USDT", "ETH/USDT"}
    assert set(ledger.latest_states()) == {"BTC/USDT", "ETH/USDT", "OLD/USDT"}


def test_without_a_bot_that_has_said_its_timeframe_every_pair_counts(
    ledger: Ledger, make_state: Callable[..., StateRecord]
) -> None:
    assert ledger.watched_states() == {}
    ledger.record_states([make_state("BTC/USDT", _NEWEST), make_state("OLD/USDT", 0)])
    assert set(ledger.watched_states()) == {"BTC/USDT", "OLD/USDT"}
