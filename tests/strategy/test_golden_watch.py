"""A running bot looks at one golden pair per loop: at its start, after each swap, and once a day of candle time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tests.strategy.fakes import NOW, PAIR, judgement
from tests.strategy.premises import market
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.events import FaultReported
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.notify.notice import Priority
from tradai_lifecycle.notify.priorities import notice_of
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.golden import GoldenCheck
from tradai_lifecycle.strategy.golden_watch import GoldenWatch

MIDNIGHT = datetime(2024, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Switchable:
    """The demo's features, or with some pairs others; keeps which pairs it was asked for."""

    horizon_candles = 6

    def __init__(self, strategy: Any) -> None:
        self.strategy = strategy
        self.wrong: set[str] = set()
        self.asked: list[str] = []

    def populate_features(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        self.asked.append(metadata["pair"])
        featured = self.strategy.populate_features(dataframe, metadata)
        if metadata["pair"] in self.wrong:
            featured["%-body"] = featured["%-body"].shift(1)
        return featured

    def populate_target(self, dataframe: pd.DataFrame, metadata: dict[str, Any]) -> pd.DataFrame:
        return dataframe


class Watched:
    """A watch over the demo's model with what it reported."""

    def __init__(self, demo: Any) -> None:
        (active,) = demo.lifecycle.supply.versions()
        self.bundle: ModelBundle = active.bundle
        self.strategy = Switchable(demo)
        self.events: list[FaultReported] = []
        self.check = GoldenCheck()
        self.gate = Gate(
            LifecycleConfig(model_name="demo"), candle_ns=3_600 * 10**9, sees_all_pairs=True, judged_ahead=False
        )
        self.gate.publish(judgement(TradingState.ACTIVE))
        self.watch = GoldenWatch(self.check, self.gate, self.strategy, self.events.append)  # type: ignore[arg-type]

    def loops(self, count: int, *, candle: datetime = MIDNIGHT, bundle: ModelBundle | None = None) -> list[str]:
        """What was asked in that many loops at one candle."""
        before = len(self.strategy.asked)
        for _ in range(count):
            self.watch.look(bundle or self.bundle, candle, NOW)
        return self.strategy.asked[before:]

    @property
    def reasons(self) -> Reason:
        return self.gate.decision(PAIR, NOW).reasons

    @property
    def told(self) -> list[tuple[str, bool]]:
        return [(event.message, event.recovered) for event in self.events]


@pytest.fixture
def watched(demo_strategy: Any) -> Watched:
    return Watched(demo_strategy)


def golden_order(watched: Watched) -> list[str]:
    assert watched.bundle.golden_candles is not None
    return [pair.pair for pair in watched.bundle.golden_candles.pairs]


def test_one_pair_is_computed_per_loop_until_each_was(watched: Watched) -> None:
    first, second = golden_order(watched)
    assert {first, second} == set(market())
    assert watched.loops(1) == [first]
    assert watched.loops(1) == [second]
    assert watched.loops(5) == []
    assert (watched.reasons, watched.told) == (Reason.NONE, [])


def test_a_round_begins_again_after_a_day_of_candles_and_after_a_swap(watched: Watched) -> None:
    both = golden_order(watched)
    watched.loops(2)
    assert watched.loops(3, candle=MIDNIGHT + 23 * HOUR) == []
    assert watched.loops(3, candle=MIDNIGHT + 24 * HOUR) == both
    assert watched.loops(3, candle=MIDNIGHT + 25 * HOUR) == []
    other = replace(watched.bundle, version="2")
    assert watched.loops(3, candle=MIDNIGHT + 25 * HOUR, bundle=other) == both
    # a rollback is a swap
    assert watched.loops(3, candle=MIDNIGHT + 25 * HOUR) == both


def test_a_clock_that_was_set_back_does_not_put_the_next_round_off(watched: Watched) -> None:
    both = golden_order(watched)
    watched.loops(2)
    assert watched.loops(2, candle=MIDNIGHT + 400 * 24 * HOUR) == both
    assert watched.loops(3, candle=MIDNIGHT + HOUR) == both
    assert watched.loops(3, candle=MIDNIGHT + 24 * HOUR) == []


def test_a_difference_holds_all_pairs_back_at_once_and_is_told_once(watched: Watched) -> None:
    first, _ = golden_order(watched)
    watched.strategy.wrong = {first}
    watched.loops(1)
    assert watched.gate.decision(PAIR, NOW).state is TradingState.PAUSED
    assert watched.reasons is Reason.FEATURES_DIFFER
    watched.loops(4)
    for day in (1, 2):
        watched.loops(4, candle=MIDNIGHT + day * 24 * HOUR)
    assert watched.reasons is Reason.FEATURES_DIFFER
    ((message, recovered),) = watched.told
    assert not recovered
    assert message.startswith(f"the features are not computed as in training: {first}, 1 of 12 features: %-body is lag")
    notice = notice_of(watched.events[0])
    assert notice is not None
    assert notice.priority is Priority.NOW
    assert notice.what == "All entries are blocked, the strategy does not compute its features as in training"
    assert "%-body is lagged by 1 candle" in notice.because
    assert notice.topics == {"fault features", "features_differ"}


def test_it_is_lifted_when_a_whole_round_went_well(watched: Watched) -> None:
    first, second = golden_order(watched)
    watched.strategy.wrong = {first, second}
    watched.loops(2)
    watched.strategy.wrong = set()
    next_day = MIDNIGHT + 24 * HOUR
    watched.loops(1, candle=next_day)
    assert watched.reasons is Reason.FEATURES_DIFFER
    watched.loops(1, candle=next_day)
    assert watched.reasons is Reason.NONE
    assert [recovered for _, recovered in watched.told] == [False, True]
    assert watched.check.problem(watched.bundle) == ""


def test_while_the_features_differ_a_round_begins_with_each_new_candle_and_no_sooner(watched: Watched) -> None:
    both = golden_order(watched)
    watched.strategy.wrong = {both[1]}
    assert watched.loops(5) == both
    assert watched.loops(5, candle=MIDNIGHT + HOUR) == both
    watched.strategy.wrong = set()
    assert watched.loops(5, candle=MIDNIGHT + 2 * HOUR) == both
    assert watched.reasons is Reason.NONE
    # then it is once a day again
    assert watched.loops(5, candle=MIDNIGHT + 3 * HOUR) == []
    assert watched.loops(5, candle=MIDNIGHT + 26 * HOUR) == both
    assert [recovered for _, recovered in watched.told] == [False, True]


def test_a_swap_to_a_version_that_agrees_lifts_it(watched: Watched) -> None:
    watched.strategy.wrong = set(market())
    watched.loops(2)
    watched.strategy.wrong = set()
    other = replace(watched.bundle, version="2")
    watched.loops(2, bundle=other)
    assert watched.reasons is Reason.NONE
    assert watched.told[-1] == ("computed as in training again", True)


def test_a_version_without_golden_candles_is_never_computed(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    older = replace(watched.bundle, golden_candles=None)
    assert watched.loops(3, bundle=older) == []
    assert watched.loops(3, candle=MIDNIGHT + 48 * HOUR, bundle=older) == []
    assert caplog.text.count("has no golden candles") == 1
    watched.watch.look(None, MIDNIGHT, NOW)
    assert watched.reasons is Reason.NONE
