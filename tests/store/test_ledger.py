"""What is recorded is read back as it was, and the rules of each kind of record hold."""

import dataclasses
import math
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import Acknowledged, Event, FaultReported, ModelAdopted
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store import (
    AdoptionRecord,
    BatchRecord,
    BoundReasons,
    Ledger,
    OperatorRecord,
    PinRecord,
    PredictionRecord,
    RetrainingRequest,
    StateRecord,
    deciding_records,
    feature_hash,
)
from tradai_lifecycle.store.rows import utc_datetime, utc_text


def operate(ledger: Ledger, at: datetime, *actions: tuple[OperatorAction, float | None]) -> list[OperatorRecord]:
    return [ledger.record_operator(action=action, who="ann", note="", at=at, ratio=ratio) for action, ratio in actions]


def test_an_operators_record_comes_back_whole_after_a_restart(ledger: Ledger, store_path: Path, noon: datetime) -> None:
    bound = {
        "BTC/USDT": BoundReasons(reasons=Reason.PSI_SIGNIFICANT | Reason.NO_REFERENCE, severity=Severity.SIGNIFICANT),
        "ETH/USDT": BoundReasons(reasons=Reason.NONE, severity=Severity.NONE),
    }
    written = ledger.record_operator(
        action=OperatorAction.RESUME,
        who="@änn_",
        note="line 1\n'; DROP TABLE pins",
        at=noon,
        candle=noon - timedelta(minutes=5),
        bound=bound,
        expires_at=noon + timedelta(hours=24, microseconds=1),
    )
    ledger.close()
    again = Ledger(store_path)
    again.open()
    expected = OperatorRecord(
        sequence=1,
        at=noon,
        action=OperatorAction.RESUME,
        who="@änn_",
        note="line 1\n'; DROP TABLE pins",
        ratio=None,
        candle=noon - timedelta(minutes=5),
        bound=bound,
        expires_at=noon + timedelta(hours=24, microseconds=1),
    )
    assert (written, again.operator()) == (expected, (expected,))
    again.close()


PAUSE, RESUME, REDUCE, FULL = (
    (OperatorAction.PAUSE, None),
    (OperatorAction.RESUME, None),
    (OperatorAction.REDUCE, 0.25),
    (OperatorAction.REDUCE, 1.0),
)


@pytest.mark.parametrize(
    ("said", "counting"),
    [
        ((), ()),
        ((PAUSE, PAUSE), (1,)),
        ((PAUSE, RESUME), (1,)),
        ((RESUME, PAUSE), (1,)),
        ((PAUSE, REDUCE), (0, 1)),
        ((REDUCE, PAUSE), (0, 1)),
        ((REDUCE, FULL), ()),
        ((PAUSE, REDUCE, FULL), (0,)),
        ((REDUCE, RESUME), (1,)),
        ((REDUCE, RESUME, PAUSE), (2,)),
        ((RESUME, REDUCE), (0, 1)),
        ((REDUCE, FULL, REDUCE), (2,)),
    ],
)
def test_the_newest_word_counts_and_a_resume_lifts_pause_and_reduce(
    ledger: Ledger,
    noon: datetime,
    said: tuple[tuple[OperatorAction, float | None], ...],
    counting: tuple[int, ...],
) -> None:
    records = operate(ledger, noon, *said)
    assert ledger.operator() == tuple(records[index] for index in counting)
    assert deciding_records(reversed(records)) == ledger.operator()


@pytest.mark.parametrize(
    ("action", "ratio"),
    [
        (OperatorAction.REDUCE, None),
        (OperatorAction.REDUCE, 0.0),
        (OperatorAction.REDUCE, 1.5),
        (OperatorAction.REDUCE, math.nan),
        (OperatorAction.PAUSE, 0.5),
        (OperatorAction.RESUME, 1.0),
    ],
)
def test_a_ratio_that_makes_no_sense_is_refused_and_nothing_is_kept(
    ledger: Ledger, noon: datetime, action: OperatorAction, ratio: float | None
) -> None:
    with pytest.raises(ValueError, match="ratio"):
        operate(ledger, noon, (action, ratio))
    assert ledger.operator() == ()


def test_a_datetime_without_a_zone_is_refused(ledger: Ledger, noon: datetime) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        operate(ledger, noon.replace(tzinfo=None), PAUSE)


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_moments_survive_as_utc_text_that_sorts_as_time(one: datetime, other: datetime) -> None:
    try:
        one, other = one.astimezone(UTC), other.astimezone(UTC)
    except OverflowError:  # the first and last day of the calendar, in another zone
        return
    assert (utc_datetime(utc_text(one)), utc_datetime(utc_text(one)).tzinfo) == (one, UTC)
    assert (utc_text(one) < utc_text(other)) == (one < other)


def test_another_zone_is_returned_as_utc(ledger: Ledger, noon: datetime) -> None:
    (record,) = operate(ledger, noon.astimezone(timezone(timedelta(hours=5, minutes=45))), PAUSE)
    assert (record.at, record.at.tzinfo) == (noon, UTC)


def reset(ledger: Ledger, at: datetime, candle: datetime | None) -> OperatorRecord:
    return ledger.record_operator(action=OperatorAction.RESET_DRIFT, who="ann", note="split", at=at, candle=candle)


@pytest.mark.parametrize(
    "said", [(), (PAUSE,), (PAUSE, REDUCE), (REDUCE, RESUME), (RESUME, (OperatorAction.END_RESUME, None))]
)
def test_a_reset_of_drift_changes_nothing_of_what_stands(
    ledger: Ledger, noon: datetime, said: tuple[tuple[OperatorAction, float | None], ...]
) -> None:
    reset(ledger, noon, noon)
    operate(ledger, noon, *said)
    standing = ledger.operator()
    assert len(standing) == len(said) - (said == (REDUCE, RESUME))
    reset(ledger, noon, noon)
    assert ledger.operator() == standing


def test_the_newest_reset_of_drift_is_found_among_other_words(ledger: Ledger, noon: datetime) -> None:
    assert (ledger.drift_reset(), ledger.drift_resets()) == (None, ())
    first = reset(ledger, noon, noon)
    second = reset(ledger, noon, noon + timedelta(hours=1))
    operate(ledger, noon, PAUSE, RESUME)
    assert ledger.drift_reset() == second
    assert (ledger.drift_resets(), ledger.drift_resets(limit=1)) == ((first, second), (second,))


def test_a_reset_of_drift_without_a_candle_is_refused(ledger: Ledger, noon: datetime) -> None:
    with pytest.raises(ValueError, match="needs the candle"):
        reset(ledger, noon, None)
    assert ledger.drift_reset() is None


def writes_with_an_event(noon: datetime) -> dict[str, tuple[str, Callable[[Ledger, Event], object]]]:
    """Per call that takes an event: its table, and the call."""
    asked = {"at": noon, "pair": "BTC/USDT", "candle": noon, "version": "15", "reasons": Reason.NONE, "detail": ""}
    return {
        "operator": (
            "operator_records",
            lambda ledger, event: ledger.record_operator(
                action=OperatorAction.PAUSE, who="ann", note="", at=noon, event=event
            ),
        ),
        "pin": (
            "pins",
            lambda ledger, event: ledger.record_pin(pinned=True, version="15", at=noon, who="ann", event=event),
        ),
        "retraining": ("retraining_requests", lambda ledger, event: ledger.request_retraining(**asked, event=event)),
    }


@pytest.mark.parametrize("refusing", ["events", "the record's own"])
@pytest.mark.parametrize("call", ["operator", "pin", "retraining"])
def test_a_record_and_its_event_are_kept_both_or_neither(
    ledger: Ledger, noon: datetime, call: str, refusing: str
) -> None:
    table, write = writes_with_an_event(noon)[call]
    event = Acknowledged(at=noon, who="ann", until=noon.isoformat())
    refused = "events" if refusing == "events" else table

    def kept() -> tuple[int, list[Event]]:
        with ledger._database.reading() as connection:
            rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()
        return int(rows), [stored.event for stored in ledger.events()]

    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute(
            f"CREATE TRIGGER refuse AFTER INSERT ON {refused} BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
        )
    with pytest.raises(StoreUnavailableError, match="refused by the test"):
        write(ledger, event)
    assert kept() == (0, [])
    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute("DROP TRIGGER refuse")
    connection.close()
    assert write(ledger, event) is not None
    assert kept() == (1, [event])


def test_a_request_that_is_open_already_tells_no_event(ledger: Ledger, noon: datetime) -> None:
    _, write = writes_with_an_event(noon)["retraining"]
    first, second = (Acknowledged(at=noon, who=who, until="") for who in ("ann", "bob"))
    write(ledger, first)
    assert write(ledger, second) is None
    assert [stored.event for stored in ledger.events()] == [first]


def test_the_newest_pin_counts(ledger: Ledger, noon: datetime) -> None:
    assert ledger.pin() is None
    ledger.record_pin(pinned=True, version="15", at=noon, who="ann")
    written = ledger.record_pin(pinned=False, version=None, at=noon, who="bob")
    assert written == ledger.pin() == PinRecord(pinned=False, version=None, at=noon, who="bob")


def test_adoptions_are_the_version_timeline_oldest_first(ledger: Ledger, noon: datetime) -> None:
    states = {"BTC/USDT": TradingState.PAUSED, "ETH/USDT": TradingState.ACTIVE}
    written = tuple(
        ledger.record_adoption(
            version=str(version),
            previous_version=str(version - 1) if version else None,
            adopted_candle=noon + timedelta(hours=version),
            adopted_at=noon + timedelta(hours=version, seconds=2),
            state_before=states if version else {},
        )
        for version in range(4)
    )
    assert written[2] == AdoptionRecord(
        sequence=3,
        version="2",
        previous_version="1",
        adopted_candle=noon + timedelta(hours=2),
        adopted_at=noon + timedelta(hours=2, seconds=2),
        state_before=states,
    )
    assert (ledger.adoptions(), ledger.adoptions(2)) == (written, written[2:])


def test_an_adoption_closes_the_requests_it_is_told_to_or_nothing_happens(ledger: Ledger, noon: datetime) -> None:
    asked = {"at": noon, "pair": "BTC/USDT", "candle": noon, "reasons": Reason.NONE, "detail": ""}
    first, second = (ledger.request_retraining(version=version, **asked) for version in ("15", "16"))
    assert first
    adopting = {"version": "16", "previous_version": "15", "adopted_candle": noon, "state_before": {}}
    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON adoptions BEGIN SELECT RAISE(ABORT, 'no'); END")
    with pytest.raises(StoreUnavailableError):
        ledger.record_adoption(**adopting, adopted_at=noon, closing=[first.sequence])
    assert ledger.open_retraining_requests() == (first, second)
    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute("DROP TRIGGER refuse")
    connection.close()
    ledger.record_adoption(**adopting, adopted_at=noon, closing=[first.sequence, 99])
    assert (len(ledger.adoptions()), ledger.open_retraining_requests()) == (1, (second,))


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


def test_one_request_is_open_per_version(ledger: Ledger, noon: datetime) -> None:
    asked = {"at": noon, "pair": "BTC/USDT", "candle": noon, "reasons": Reason.ACCURACY_BREACH, "detail": "0.49"}
    first = ledger.request_retraining(version="15", **asked)
    assert first == RetrainingRequest(sequence=1, version="15", closed_at=None, **asked)
    assert ledger.request_retraining(version="15", **{**asked, "pair": "ETH/USDT"}) is None
    other = ledger.request_retraining(version="16", **asked)
    assert ledger.open_retraining_requests() == (first, other)

    ledger.close_retraining_request(1, noon + timedelta(hours=1))
    ledger.close_retraining_request(1, noon + timedelta(hours=2))
    ledger.close_retraining_request(99, noon)
    assert ledger.open_retraining_requests() == (other,)
    assert ledger.request_retraining(version="15", **asked) == RetrainingRequest(sequence=3, version="15", **asked)
    with sqlite3.connect(ledger._database.path) as connection:
        closed = connection.execute("SELECT closed_at FROM retraining_requests WHERE sequence = 1").fetchone()
    connection.close()
    assert closed == (utc_text(noon + timedelta(hours=1)),)


def test_events_are_found_newest_first_by_kind_and_since(ledger: Ledger, noon: datetime) -> None:
    faults = [FaultReported(at=noon + timedelta(hours=hour), part="store", message=str(hour)) for hour in range(3)]
    adopted = ModelAdopted(at=noon, version="15", previous_version=None, candle="2026-03-01 12:00")
    ledger.record_events([*faults, adopted])
    ledger.record_events([])
    stored = ledger.events()
    assert [one.event for one in stored] == [adopted, *reversed(faults)]
    assert all(newer.sequence > older.sequence for newer, older in pairwise(stored))
    assert [one.event for one in ledger.events(kind="fault_reported", since=noon + timedelta(hours=1), limit=1)] == [
        faults[2]
    ]


def test_events_of_a_newer_version_of_the_package_are_left_out(ledger: Ledger, noon: datetime) -> None:
    fault = FaultReported(at=noon, part="store", message="locked")
    ledger.record_events([fault])
    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute("INSERT INTO events (at, kind, body) VALUES ('2027', 'invented_later', '{}')")
        connection.execute("UPDATE events SET body = json_set(body, '$.added_later', 1)")
    connection.close()
    assert [one.event for one in ledger.events()] == [fault]


def test_a_row_that_is_not_ours_is_a_failure_with_a_next_step(ledger: Ledger, noon: datetime) -> None:
    operate(ledger, noon, PAUSE)
    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute("UPDATE operator_records SET bound = 'nonsense'")
    connection.close()
    with pytest.raises(StoreUnavailableError, match=r"a row that is not one of ours.*Next: put a copy back"):
        ledger.operator()


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
