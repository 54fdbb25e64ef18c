"""What changes the model and what happened is read back as it was, with its event or not at all."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.events import Acknowledged, Event, FaultReported, ModelAdopted
from tradai_lifecycle.states import OperatorAction, Reason, TradingState
from tradai_lifecycle.store import (
    AdoptionRecord,
    Ledger,
    PinRecord,
    RetrainingRequest,
)
from tradai_lifecycle.store.rows import utc_datetime, utc_text


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_moments_survive_as_utc_text_that_sorts_as_time(one: datetime, other: datetime) -> None:
    try:
        one, other = one.astimezone(UTC), other.astimezone(UTC)
    except OverflowError:  # the first and last day of the calendar, in another zone
        return
    assert (utc_datetime(utc_text(one)), utc_datetime(utc_text(one)).tzinfo) == (one, UTC)
    assert (utc_text(one) < utc_text(other)) == (one < other)


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
