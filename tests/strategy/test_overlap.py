"""An offline run says, once and exactly, where it trades the candles its model was trained on."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.strategy.fakes import HOUR_NS
from tradai_lifecycle.strategy.columns import ActiveVersion
from tradai_lifecycle.strategy.overlap import TrainingOverlap

DAY = datetime(2024, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return DAY + timedelta(days=number)


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


@dataclass(frozen=True)
class Trained:
    """What the comparison reads of a bundle."""

    label: str
    trained_from: datetime
    trained_until: datetime


def frame(first: int, end: int) -> Any:
    return SimpleNamespace(dates_ns=np.arange(nanoseconds(day(first)), nanoseconds(day(end)), HOUR_NS))


def version(label: str, first: int, end: int, adopted: int | None = None) -> ActiveVersion:
    bundle: Any = Trained(label, day(first), day(end))
    return ActiveVersion(bundle=bundle, adopted_ns=None if adopted is None else nanoseconds(day(adopted)))


def warnings(
    caplog: pytest.LogCaptureFixture, *versions: ActiveVersion, first: int, end: int, timerange: str | None = None
) -> list[str]:
    caplog.set_level(logging.WARNING)
    overlap = TrainingOverlap(24, timerange)
    for _ in range(2):
        overlap.look_at(frame(first, end), versions)
    return [record.getMessage() for record in caplog.records]


def test_the_first_decided_candle_is_the_one_after_the_warm_up(caplog: pytest.LogCaptureFixture) -> None:
    (said,) = warnings(caplog, version("v1", 0, 10), first=7, end=20)
    assert f"decides candles from {day(8).isoformat()} to {day(10).isoformat()} inside that range (2.0 days)" in said
    assert "start the time range at 2024-01-11" in said


def test_the_time_range_counts_where_it_starts_later(caplog: pytest.LogCaptureFixture) -> None:
    (said,) = warnings(caplog, version("v1", 0, 10), first=0, end=20, timerange="20240110-20240115")
    assert f"from {day(9).isoformat()} to {day(10).isoformat()} inside that range (1.0 days)" in said


@pytest.mark.parametrize(("first", "end"), [(9, 20), (10, 20)])
def test_candles_from_the_end_of_the_training_on_are_no_overlap(
    caplog: pytest.LogCaptureFixture, first: int, end: int
) -> None:
    # the first day of the frame is its warm-up
    assert warnings(caplog, version("v1", 0, 10), first=first, end=end) == []


def test_a_single_candle_of_overlap_is_said(caplog: pytest.LogCaptureFixture) -> None:
    bundle: Any = Trained("v1", day(0), day(10) + timedelta(hours=1))
    assert len(warnings(caplog, ActiveVersion(bundle=bundle), first=9, end=20)) == 1


def test_in_a_timeline_each_version_answers_for_its_own_span(caplog: pytest.LogCaptureFixture) -> None:
    timeline = (version("v1", 0, 5, adopted=6), version("v2", 0, 12, adopted=10), version("v3", 0, 14, adopted=15))
    (said,) = warnings(caplog, *timeline, first=5, end=20)
    assert said.startswith("TRAINING OVERLAP: model v2 ")
    assert f"from {day(10).isoformat()} to {day(12).isoformat()}" in said


def test_a_frame_that_is_all_warm_up_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings(caplog, version("v1", 0, 10), first=3, end=4) == []
