"""An operator's words are read back as they were, the newest counts, and a reset of drift is no word about trading."""

import math
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.states import OperatorAction, Reason, Severity
from tradai_lifecycle.store import (
    BoundReasons,
    Ledger,
    OperatorRecord,
    deciding_records,
)


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


def test_a_row_that_is_not_ours_is_a_failure_with_a_next_step(ledger: Ledger, noon: datetime) -> None:
    operate(ledger, noon, PAUSE)
    with sqlite3.connect(ledger._database.path) as connection:
        connection.execute("UPDATE operator_records SET bound = 'nonsense'")
    connection.close()
    with pytest.raises(StoreUnavailableError, match=r"a row that is not one of ours.*Next: put a copy back"):
        ledger.operator()
