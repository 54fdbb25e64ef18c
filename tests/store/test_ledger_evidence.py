"""Batches, states and predictions are read back to the last bit, as they were first decided, and pruned by age."""

import dataclasses
import math
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import FaultReported
from tradai_lifecycle.states import TradingState
from tradai_lifecycle.store import (
    BatchRecord,
    Ledger,
    PredictionRecord,
    StateRecord,
    feature_hash,
)


def test_the_last_batch_is_the_one_recorded_last(ledger: Ledger, noon: datetime) -> None:
    assert ledger.last_batch() is None
    ledger.record_batch(version="15", candle=noon, at=noon)
    written = ledger.record_batch(version="14", candle=noon, at=noon + timedelta(seconds=9))
    assert written == ledger.last_batch() == BatchRecord(version="14", candle=noon, at=noon + timedelta(seconds=9))


def test_a_batch_and_its_evidence_are_one_transaction(
    ledger: Ledger,
    noon: datetime,
    make_state: Callable[..., StateRecord],
    make_prediction: Callable[..., PredictionRecord],
) -> None:
    event = FaultReported(at=noon, part="registry", message="refused")
    evidence = {"states": [make_state()], "predictions": [make_prediction()], "events": [event]}
    ledger.record_batch(version="15", candle=noon, at=noon, **evidence)
    before = ledger.last_batch()
    broken = dataclasses.replace(make_state("ETH/USDT"), pair=None)  # violates NOT NULL after the batch was written
    with pytest.raises(StoreUnavailableError):
        ledger.record_batch(version="16", candle=noon + timedelta(minutes=5), at=noon, states=[broken])
    assert ledger.last_batch() == before
    assert (len(ledger.states()), ledger.predictions("BTC/USDT")) == (1, (make_prediction(),))
    assert [stored.event for stored in ledger.events()] == [event]


def test_states_stay_as_they_were_first_decided(ledger: Ledger, make_state: Callable[..., StateRecord]) -> None:
    first, replayed = make_state(), make_state(version="16")
    ledger.record_states([first, replayed])
    ledger.record_states([replayed, make_state(index=1)])
    # repr: two NaN are the same value here
    assert repr(ledger.states()) == repr((first, make_state(index=1)))


def test_states_are_found_by_pair_and_since_and_the_newest_are_kept_by_a_limit(
    ledger: Ledger, noon: datetime, make_state: Callable[..., StateRecord]
) -> None:
    ledger.record_states([make_state(pair, index) for index in (2, 0, 1) for pair in ("ETH/USDT", "BTC/USDT")])

    def found(**asked: object) -> list[tuple[str, int]]:
        return [(state.pair[:3], (state.candle - noon) // timedelta(minutes=5)) for state in ledger.states(**asked)]

    assert found() == [(pair, index) for index in (0, 1, 2) for pair in ("BTC", "ETH")]
    assert found(pair="ETH/USDT", limit=2) == [("ETH", 1), ("ETH", 2)]
    assert found(since=noon + timedelta(minutes=10)) == [("BTC", 2), ("ETH", 2)]
    assert found(pair="XRP/USDT") == []


def test_the_latest_states_are_each_pairs_newest_candle(ledger: Ledger, make_state: Callable[..., StateRecord]) -> None:
    assert ledger.latest_states() == {}
    newest = {"ADA/USDT": 3, "BTC/USDT": 1, "ETH/USDT": 2}
    ledger.record_states([make_state(pair, index) for pair, last in newest.items() for index in range(last + 1)])
    expected = {pair: make_state(pair, last) for pair, last in newest.items()}
    assert repr(ledger.latest_states()) == repr(expected)


def test_predictions_come_back_to_the_last_bit(
    ledger: Ledger, make_prediction: Callable[..., PredictionRecord]
) -> None:
    written = make_prediction()
    mute = dataclasses.replace(make_prediction(index=1), prediction=math.nan, do_predict=0)
    ledger.record_predictions([written, mute])
    assert ledger.predictions("BTC/USDT") == (written, mute)
    read = ledger.predictions("BTC/USDT")[0]
    assert feature_hash(read.features) == read.feature_hash == written.feature_hash
    assert not read.features.flags.writeable


def test_a_prediction_is_never_overwritten(ledger: Ledger, make_prediction: Callable[..., PredictionRecord]) -> None:
    first = make_prediction()
    ledger.record_predictions([first])
    ledger.record_predictions([dataclasses.replace(first, prediction=9.0), make_prediction(version="16")])
    assert ledger.predictions("BTC/USDT") == (first, make_prediction(version="16"))
    assert ledger.predictions("BTC/USDT", version="15") == (first,)
    assert ledger.predictions("BTC/USDT", since=first.candle + timedelta(seconds=1)) == ()


def test_damaged_features_are_seen_by_their_hash(
    ledger: Ledger, store_path: Path, make_prediction: Callable[..., PredictionRecord]
) -> None:
    ledger.record_predictions([make_prediction(features=2)])
    with sqlite3.connect(store_path) as connection:
        connection.execute("UPDATE predictions SET features = ?", (np.array([1.0, 2.0]).tobytes(),))
    connection.close()
    (read,) = ledger.predictions("BTC/USDT")
    assert feature_hash(read.features) != read.feature_hash


def test_a_recorded_feature_row_cannot_change_under_its_hash() -> None:
    row = np.array([1.0, 2.0])
    record = PredictionRecord(
        pair="BTC/USDT",
        candle=datetime(2026, 1, 1, tzinfo=UTC),
        version="1",
        features=row,
        prediction=0.0,
        do_predict=1,
        effective=TradingState.ACTIVE,
    )
    row[0] = 5.0
    assert record.features.tolist() == [1.0, 2.0]
    assert len({record, dataclasses.replace(record), dataclasses.replace(record, prediction=-0.0)}) == 1


def test_pruning_deletes_what_is_old_and_nothing_else(
    ledger: Ledger,
    noon: datetime,
    make_state: Callable[..., StateRecord],
    make_prediction: Callable[..., PredictionRecord],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tradai_lifecycle.store.ledger._PRUNED_AT_ONCE", 3)
    ledger.record_predictions([make_prediction(index=index) for index in range(10)])
    ledger.record_states([make_state(index=index) for index in range(10)])
    assert ledger.prune(predictions_before=noon + timedelta(minutes=35)) == 7
    assert ledger.predictions("BTC/USDT") == tuple(make_prediction(index=index) for index in (7, 8, 9))
    assert len(ledger.states()) == 10
    assert ledger.prune(predictions_before=noon, states_before=noon + timedelta(minutes=45)) == 9
    assert repr(ledger.states()) == repr((make_state(index=9),))


def test_a_states_close_and_bounds_come_back(ledger: Ledger, make_state: Callable[..., StateRecord]) -> None:
    known = dataclasses.replace(make_state(), accuracy=0.55, close=0.1 + 0.2, accuracy_lower=0.5, accuracy_upper=0.6)
    ledger.record_states([known])
    assert ledger.states() == (known,)
