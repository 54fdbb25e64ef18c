"""Shifts on real candles: what changes in the market or in one feature is found, and the next candles pause nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.faults import volatility_doubled, volume_tripled
from tests.monitor.real_candles import as_candles, indicators, needs_candles, real_candles
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.monitor import PairReference, assess, fit_pair_reference
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy.memory import candle_budget, health_settings, policy_settings

HOUR_NS, HORIZON, WARM_UP, TRAINING = 3_600 * 10**9, 12, 150, 20_000
CONFIG = LifecycleConfig(model_name="demo")
HEALTH = health_settings(CONFIG, timeframe="1h", horizon_candles=HORIZON)
POLICY = policy_settings(CONFIG, candle_ns=HOUR_NS)
HISTORY = candle_budget(CONFIG, HEALTH, feature_warm_up=WARM_UP).predecessors
NEXT, WATCHED = 3_000, 300
ONSETS = tuple(range(200, 2_000, 300))
APART = Reason.RELATION_MODERATE | Reason.RELATION_BROKEN

pytestmark = [pytest.mark.market, needs_candles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """Candles in time order; row `first` is the first after the 20,000 that the reference was fitted on."""

    frame: pd.DataFrame
    names: tuple[str, ...]
    features: Any
    first: int
    reference: PairReference

    def states(self, start: int, features: Any, frame: pd.DataFrame) -> StateColumns:
        """The states of the rows from `start` on, of candles and features that begin HISTORY rows before it."""
        rows, prediction = len(features), predicted(features)
        health = assess(
            features=features,
            prediction=prediction,
            fit=np.isfinite(features).all(axis=1),
            realised=np.full(rows, np.nan),
            dates_ns=HOUR_NS * (start - HISTORY + np.arange(rows)),
            candles=as_candles(frame),
            reference=self.reference,
            settings=HEALTH,
            trained_until_ns=0,
        )
        states = decide_states(health, warm=np.ones(rows, dtype=bool), settings=POLICY, adoption=None)
        return StateColumns(**{name: getattr(states, name)[HISTORY:] for name in StateColumns.__dataclass_fields__})


def predicted(features: Any) -> Any:
    """A model that follows the return of a day."""
    return np.tanh(20.0 * features[:, 4])


@pytest.fixture(scope="module", params=["2021-06-01", "2022-01-01"])
def bitcoin(request: pytest.FixtureRequest) -> Real:
    """BTC at 1h, trained on the 20,000 candles before a date."""
    frame = real_candles("BTC_USDT-1h")
    end = int(frame.index.searchsorted(pd.Timestamp(request.param, tz="UTC")))
    frame = frame.iloc[end - TRAINING - WARM_UP : end + NEXT].reset_index(names="date")
    assert len(frame) == TRAINING + WARM_UP + NEXT
    made = indicators(frame)
    features, first = made.to_numpy(), TRAINING + WARM_UP
    training = slice(WARM_UP, first)
    reference = fit_pair_reference(
        pair="BTC/USDT",
        features=features[training],
        feature_names=tuple(made.columns),
        prediction=predicted(features[training]),
        candles=as_candles(frame).rows(training),
        window_candles=CONFIG.window_candles,
        maximum_share_of_time_reduced=0.1,
    )
    return Real(frame=frame, names=tuple(made.columns), features=features, first=first, reference=reference)


def test_the_next_candles_pause_nothing_and_hardly_cut_the_stake(bitcoin: Real) -> None:
    rows = slice(bitcoin.first - HISTORY, None)
    states = bitcoin.states(bitcoin.first, bitcoin.features[rows], bitcoin.frame.iloc[rows])
    assert len(states.state) == NEXT
    assert not (states.state == TradingState.PAUSED).any()
    assert (states.state == TradingState.REDUCED).mean() < 0.1


@pytest.mark.parametrize("fault", [volatility_doubled, volume_tripled])
def test_a_market_that_changes_cuts_the_stake_within_300_candles(bitcoin: Real, fault: Callable[..., Any]) -> None:
    found = []
    for onset in ONSETS:
        start = bitcoin.first + onset
        part = bitcoin.frame.iloc[start - HISTORY - WARM_UP : start + WATCHED].reset_index(drop=True)
        changed = fault(part, HISTORY + WARM_UP, np.random.default_rng(0))
        known = slice(WARM_UP, None)
        states = bitcoin.states(start, indicators(changed).to_numpy()[known], changed.iloc[known])
        # it is active before, in the candles as they are
        assert states.state[0] == TradingState.ACTIVE
        found.append(bool((states.state >= TradingState.REDUCED).any()))
    assert sum(found) >= 4


@pytest.mark.parametrize(
    "name", ["%-return-6", "%-return-24", "%-rsi-14", "%-volatility-24", "%-range", "%-volume-ratio"]
)
def test_one_deviation_in_one_feature_is_found_within_300_candles(bitcoin: Real, name: str) -> None:
    column = bitcoin.names.index(name)
    deviation = bitcoin.features[WARM_UP : bitcoin.first, column].std()
    found = []
    for onset in ONSETS:
        start = bitcoin.first + onset
        rows = slice(start - HISTORY, start + WATCHED)
        shifted = bitcoin.features[rows].copy()
        shifted[HISTORY:, column] += deviation
        states = bitcoin.states(start, shifted, bitcoin.frame.iloc[rows])
        found.append(bool((states.reasons & np.uint32(APART)).any()))
    assert sum(found) >= 5
