"""Positions are left at a pause for drift or accuracy only, and never for a fault of ours."""

from typing import Any

import pandas as pd
import pytest

from tests.strategy.fakes import PAIR, Plain, judgement, made
from tradai_lifecycle.states import Reason, TradingState

ACTIVE, PAUSED = TradingState.ACTIVE, TradingState.PAUSED
STATES = (ACTIVE, PAUSED, PAUSED, PAUSED, PAUSED, PAUSED)
REASONS = (
    Reason.NONE,
    Reason.PSI_SIGNIFICANT,
    Reason.ACCURACY_BREACH | Reason.RECOVERING,
    Reason.PSI_SIGNIFICANT | Reason.WARMING_UP,
    Reason.CANDLES_IRREGULAR,
    Reason.MODEL_FAILED,
)


class Exiting(Plain):
    """Sets the exits it is told."""

    own: tuple[int, ...] = ()

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["exit_long"] = self.own
        return dataframe


def exits(*, own: tuple[int, ...] = (1, 0, 0, 0, 0, 0), trimmed: int = 0, **section: Any) -> pd.DataFrame:
    """What is left of a strategy's `own` exits; the third candle has no prediction."""
    strategy = made(Exiting, **section)
    strategy.own = own[trimmed:]
    judged = judgement(*STATES, reasons=REASONS)
    strategy.lifecycle.gate.publish(judged)
    frame = pd.DataFrame({"date": pd.to_datetime(judged.dates_ns, utc=True), "do_predict": [1, 1, 0, 1, 1, 1]})
    signalled: pd.DataFrame = strategy.populate_exit_trend(frame.iloc[trimmed:].reset_index(drop=True), {"pair": PAIR})
    return signalled


def test_by_default_every_exit_is_the_strategys_own() -> None:
    left = exits()
    assert left["exit_long"].tolist() == [1, 0, 0, 0, 0, 0]
    assert "exit_short" not in left


def test_positions_leave_on_drift_and_accuracy_and_on_no_fault() -> None:
    left = exits(positions_at_pause="exit")
    assert left["exit_long"].tolist() == [1, 1, 1, 0, 0, 0]
    assert left["exit_short"].tolist() == [0, 1, 1, 0, 0, 0]
    assert left["exit_tag"].tolist() == ["", "lifecycle_drift", "lifecycle_drift", "", "", ""]


def test_a_trimmed_frame_is_matched_by_date() -> None:
    assert exits(positions_at_pause="exit", trimmed=2)["exit_long"].tolist() == [1, 0, 0, 0]


def test_a_pair_that_was_never_judged_gets_no_exit() -> None:
    strategy = made(positions_at_pause="exit")
    frame = pd.DataFrame({"date": pd.to_datetime([0], utc=True), "do_predict": [1]})
    assert strategy.populate_exit_trend(frame, {"pair": PAIR})["exit_long"].tolist() == [0]


@pytest.mark.parametrize(
    ("policy", "own", "expected"),
    [
        ("strategy", (0, 0, 1, 0, 0, 0), [0, 0, 1, 0, 0, 0]),
        ("hold", (1, 0, 1, 0, 0, 0), [1, 0, 0, 0, 0, 0]),
        ("exit", (1, 0, 0, 0, 0, 0), [1, 0, 1, 0, 0, 0]),
    ],
)
def test_candles_without_a_prediction_hold_leave_or_follow_the_strategy(
    policy: str, own: tuple[int, ...], expected: list[int]
) -> None:
    left = exits(exits_without_prediction=policy, own=own)
    assert left["exit_long"].tolist() == expected
    if policy == "exit":
        assert left["exit_tag"].tolist()[2] == "lifecycle_no_prediction"


def test_observing_adds_no_exit() -> None:
    left = exits(positions_at_pause="exit", exits_without_prediction="exit", mode="observe")
    assert left["exit_long"].tolist() == [1, 0, 0, 0, 0, 0]
