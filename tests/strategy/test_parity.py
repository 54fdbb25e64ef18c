"""Rows that change after they were decided on hold their pair back; rounding, revised candles apart, is none of it."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.strategy.fakes import HOUR_NS, PAIR, judgement
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.events import FaultReported, ParityAlarm
from tradai_lifecycle.model.bundle import GoldenCandles
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.notify.notice import Priority
from tradai_lifecycle.notify.priorities import notice_of
from tradai_lifecycle.states import Reason, TradingState, Unchecked
from tradai_lifecycle.store.records import PredictionRecord
from tradai_lifecycle.strategy.columns import Frame
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.parity import CHANGED_ROWS, OF_LAST_ROWS, UNCHANGED_ROWS, ParityCheck

NAMES = ("%-rsi", "%-body")
ROWS = 40
START = datetime(2024, 6, 1, tzinfo=UTC)
VALUES = np.random.default_rng(7).normal(50.0, 10.0, (500, 2))


class Pair:
    """A pair whose frames come one candle after the other; each may rewrite the candle before."""

    def __init__(self, golden: GoldenCandles | None = None) -> None:
        self.gate = Gate(LifecycleConfig(model_name="demo"), candle_ns=HOUR_NS, sees_all_pairs=True, judged_ahead=False)
        self.events: list[Any] = []
        self.check = ParityCheck(self.gate, self.events.append)
        self.bundle: Any = SimpleNamespace(golden_candles=golden)
        self.candle = 0

    def frame(self, candle: int) -> Frame:
        """The frame that ends with this candle."""
        rows = np.arange(candle, candle + ROWS)
        prices = dict.fromkeys(("open", "high", "low", "close", "volume"), rows.astype(np.float64))
        return Frame(
            pair=PAIR,
            dates_ns=int(START.timestamp()) * 10**9 + rows * HOUR_NS,
            candles=Candles(**prices),
            feature_names=NAMES,
            features=VALUES[rows].copy(),
            realised=np.full(ROWS, np.nan),
        )

    def judged(self, *, predicted: bool = True, version: str = "v1") -> Any:
        plain = judgement(*[TradingState.ACTIVE] * ROWS, version=version)
        return replace(plain, do_predict=np.full(ROWS, int(predicted), dtype=np.int8))

    def next(self, moved: float = 0.0, *, column: int = 1, volume: float = 0.0, **judged: Any) -> None:
        """One more candle, in whose frame the row before it has moved by so much in one feature."""
        frame = self.frame(self.candle)
        frame.features[-2, column] += moved
        if volume:
            frame.candles.volume[-2] += volume
        self.check.look_at(frame, self.judged(**judged), self.bundle)
        self.candle += 1

    @property
    def held(self) -> bool:
        return bool(self.gate.view.lasting_pair_faults.get(PAIR, Reason.NONE) & Reason.FEATURES_DIFFER)

    def faults(self) -> list[FaultReported]:
        return [event for event in self.events if isinstance(event, FaultReported)]


def test_rows_that_stay_as_they_were_hold_nothing_back() -> None:
    pair = Pair()
    for _ in range(30):
        pair.next()
    assert not pair.held
    assert pair.events == []


def test_one_changed_row_is_an_alarm_and_two_hold_the_pair_back() -> None:
    pair = Pair()
    pair.next()
    pair.next(moved=3.0)
    assert not pair.held
    assert [type(event) for event in pair.events] == [ParityAlarm]
    pair.next()
    pair.next(moved=3.0)
    assert pair.held
    (fault,) = pair.faults()
    assert (fault.part, fault.recovered) == (PAIR, False)
    assert fault.message == (
        "the features are not computed as in training: changes after the fact, at 2024-06-02 17:00 UTC again: %-body"
    )
    notice = notice_of(fault)
    assert notice is not None
    assert (notice.priority, notice.pairs, notice.topics) == (Priority.NOW, (PAIR,), {"features_differ"})


def test_changes_far_apart_hold_nothing_back() -> None:
    pair = Pair()
    pair.next()
    for _ in range(4):
        pair.next(moved=3.0)
        for _ in range(OF_LAST_ROWS - 1):
            pair.next()
    assert not pair.held
    assert CHANGED_ROWS == 2


def test_the_pair_is_let_go_after_enough_rows_in_turn_that_stayed() -> None:
    pair = Pair()
    for _ in range(3):
        pair.next(moved=3.0)
    assert pair.held
    for _ in range(UNCHANGED_ROWS - 1):
        pair.next()
    pair.next(moved=3.0)
    for _ in range(UNCHANGED_ROWS):
        assert pair.held
        pair.next()
    assert not pair.held
    assert [fault.recovered for fault in pair.faults()] == [False, True]
    # a new change is a new finding
    pair.next(moved=3.0)
    pair.next(moved=3.0)
    assert pair.held


def test_a_revised_candle_is_named_as_the_cause() -> None:
    pair = Pair()
    pair.next()
    pair.next(moved=3.0, volume=1.0)
    pair.next(moved=3.0, volume=1.0)
    (fault,) = pair.faults()
    assert "with the candle itself, which the exchange revised: %-body" in fault.message


@pytest.mark.parametrize(
    ("moved", "alarms", "held"),
    [(1e-8, 0, False), (0.05, 4, False), (0.2, 4, True), (np.nan, 4, True), (np.inf, 4, True)],
)
def test_rounding_is_no_alarm_and_what_is_small_beside_the_features_spread_holds_nothing_back(
    moved: float, alarms: int, held: bool
) -> None:
    pair = Pair()
    pair.next()
    for _ in range(4):
        pair.next(moved=moved)
    assert pair.held is held
    assert sum(isinstance(event, ParityAlarm) for event in pair.events) == alarms


def test_a_feature_that_depends_on_the_frames_start_holds_nothing_back() -> None:
    pair = Pair(GoldenCandles(unchecked={"%-body": Unchecked.FRAME_START, "%-rsi": Unchecked.NOT_REPEATABLE}))
    for _ in range(4):
        pair.next(moved=3.0)
    assert not pair.held
    for _ in range(4):
        pair.next(moved=3.0, column=0)
    assert pair.held


def test_rows_of_another_version_and_rows_without_a_prediction_are_not_compared() -> None:
    pair = Pair()
    pair.next()
    pair.next(moved=3.0, version="v2")
    pair.next(moved=3.0, version="v3")
    for _ in range(4):
        pair.next(moved=3.0, predicted=False)
    assert not [event for event in pair.events if isinstance(event, FaultReported)]


def test_a_candle_that_is_looked_at_again_before_the_next_one_counts_for_nothing() -> None:
    pair = Pair()
    pair.next()
    pair.next(moved=3.0)
    for _ in range(2 * OF_LAST_ROWS):
        pair.check.look_at(pair.frame(pair.candle - 1), pair.judged(), pair.bundle)
    pair.next(moved=3.0)
    assert pair.held


def logged(candle: int, moved: float) -> PredictionRecord:
    return PredictionRecord(
        pair=PAIR,
        candle=datetime.fromtimestamp(START.timestamp() + candle * 3_600, tz=UTC),
        version="v1",
        features=VALUES[candle] + moved,
        prediction=0.0,
        do_predict=1,
        effective=TradingState.ACTIVE,
    )


@pytest.mark.parametrize(("moved", "held"), [(0.0, False), (3.0, True)])
def test_rows_logged_before_a_restart_are_compared_with_the_first_frame(moved: float, held: bool) -> None:
    pair = Pair()
    # newest first, as the database gives them
    pair.check.remember([logged(candle, moved if candle > 30 else 0.0) for candle in range(38, 20, -1)])
    pair.next()
    assert pair.held is held
