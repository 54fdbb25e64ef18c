"""Shifts in a made-up market of related features: what breaks between features is told from what the market does."""

from functools import cache

import numpy as np
import pytest

from tests.candles import rows_of
from tests.monitor.related_market import HOUR_NS, NAMES, faulty, market
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.monitor import HealthColumns, PairReference, assess, expected_alarms_per_1000, fit_pair_reference
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states
from tradai_lifecycle.states import QUALITY_REASONS, Reason, TradingState
from tradai_lifecycle.strategy.memory import health_settings, policy_settings

WINDOW, TRAINING, LIVE, HISTORY = 200, 6_000, 3_000, 600
#: The row at which faults begin, of the whole market and of what is judged.
ONSET = TRAINING + 1_000
AT = ONSET - TRAINING + HISTORY
CONFIG = LifecycleConfig(model_name="demo", window_candles=WINDOW)
SETTINGS = health_settings(CONFIG, timeframe="1h", horizon_candles=6)
POLICY = policy_settings(CONFIG, candle_ns=HOUR_NS)
SEEDS = (0, 1, 2)
FAULTS = ("mean shifted", "sign flipped", "columns swapped")
PAUSING = Reason.RELATION_BROKEN | Reason.PSI_SIGNIFICANT | Reason.MARKET_SIGNIFICANT | Reason.ACCURACY_BREACH


@cache
def frame(seed: int, volatility: float = 1.0, volume: float = 1.0):
    """A market whose regime changes at the onset."""
    changed = np.arange(TRAINING + LIVE + 50) >= ONSET + 50
    return market(
        TRAINING + LIVE,
        seed=seed,
        volatility=np.where(changed, volatility, 1.0),
        volume=np.where(changed, volume, 1.0),
    )


@cache
def reference(seed: int) -> PairReference:
    """Fitted on the first 6,000 candles, none of which any change reaches."""
    training = rows_of(frame(seed), slice(0, TRAINING))
    return fit_pair_reference(
        pair="BTC/USDT",
        features=training["features"],
        feature_names=NAMES,
        prediction=training["prediction"],
        candles=training["candles"],
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )


def judged(seed: int, live) -> tuple[HealthColumns, StateColumns]:
    """Health and states of the last of the training's candles and all that follow."""
    shown = rows_of(live, slice(TRAINING - HISTORY, None))
    health = assess(**shown, reference=reference(seed), settings=SETTINGS, trained_until_ns=0)
    warm = np.ones(len(health.psi_max), dtype=bool)
    return health, decide_states(health, warm=warm, settings=POLICY, adoption=None)


def first(states: StateColumns, reason: Reason, after: int = AT) -> float:
    """How many candles after the onset the reason is first given; infinity where it never is."""
    rows = np.flatnonzero(states.reasons[after:] & np.uint32(reason))
    return float(rows[0]) if len(rows) else np.inf


@pytest.mark.parametrize("seed", SEEDS)
def test_candles_like_those_of_training_pause_nothing_and_hardly_cut_the_stake(seed):
    _, states = judged(seed, frame(seed))
    seen = Reason(int(np.bitwise_or.reduce(states.reasons[HISTORY:])))
    assert not seen & (PAUSING | QUALITY_REASONS)
    assert not states.retraining[HISTORY:].any()
    # the fast limits are those at which a twentieth and a fiftieth of training were on
    assert (states.state[HISTORY:] == TradingState.REDUCED).mean() < 0.15
    assert expected_alarms_per_1000(reference(seed), SETTINGS) < 0.5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_feature_breaks_its_relations_before_anything_else_sees_it(fault, seed):
    _, states = judged(seed, faulty(frame(seed), ONSET, fault))
    _, sound = judged(seed, frame(seed))
    delay = first(states, Reason.RELATION_BROKEN)
    assert delay <= 120
    assert first(states, Reason.RELATION_MODERATE) < delay
    # of all else only what the same market without the fault shows as well
    before = slice(AT, AT + int(delay) + 1)
    told = Reason(int(np.bitwise_or.reduce(states.reasons[before] & ~sound.reasons[before])))
    assert told == Reason.RELATION_BROKEN | Reason.RELATION_MODERATE
    assert states.state[AT + int(delay)] == TradingState.PAUSED


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_relation_never_asks_for_retraining(fault, seed):
    _, states = judged(seed, faulty(frame(seed), ONSET, fault))
    broken = (states.reasons & np.uint32(Reason.RELATION_BROKEN)) != 0
    assert broken.any()
    assert not states.retraining[broken].any()
    # nor do fast alarms on their own
    slow = np.uint32(Reason.PSI_SIGNIFICANT | Reason.PSI_MODERATE | Reason.MARKET_SIGNIFICANT | Reason.ACCURACY_BREACH)
    assert not states.retraining[(states.reasons & slow) == 0].any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("regime", [{"volume": 3.0}, {"volatility": 3.0}], ids=["volume x3", "volatility x3"])
def test_a_market_that_changes_cuts_the_stake_first_and_then_pauses_and_asks_for_retraining(regime, seed):
    _, states = judged(seed, frame(seed, **regime))
    cut, paused = first(states, Reason.MARKET_MODERATE), first(states, Reason.MARKET_SIGNIFICANT)
    assert cut <= 60
    assert cut < paused <= 150
    assert states.state[AT + int(cut)] == TradingState.REDUCED
    assert states.state[AT + int(paused)] == TradingState.PAUSED
    # training on candles that are out of range or on another scale would learn what may be a fault
    sound = (states.reasons & np.uint32(QUALITY_REASONS)) == 0
    significant = (states.reasons & np.uint32(Reason.MARKET_SIGNIFICANT)) != 0
    assert (significant & sound).any()
    assert states.retraining[significant & sound].all()
    assert not states.retraining[~sound].any()
    assert first(states, Reason.RELATION_BROKEN) == np.inf


@pytest.mark.parametrize("seed", SEEDS)
def test_a_relation_that_breaks_while_the_market_changes_is_the_markets(seed):
    _, states = judged(seed, faulty(frame(seed, volatility=3.0), ONSET, "sign flipped"))
    known = first(states, Reason.MARKET_SIGNIFICANT)
    assert known <= 150
    assert first(states, Reason.RELATION_MODERATE) < known
    restless = (states.reasons & np.uint32(Reason.MARKET_SIGNIFICANT)) != 0
    assert not (states.reasons[: AT + int(known)] & np.uint32(Reason.RELATION_BROKEN)).any()
    # the latch remembers the market longer than it is restless: the first half of it is
    rows = np.flatnonzero(restless)
    assert not (states.reasons[rows[: len(rows) // 2]] & np.uint32(Reason.RELATION_BROKEN)).any()
    # once the market is what it lately was, the relation is still apart
    assert first(states, Reason.RELATION_BROKEN) < 600


@pytest.mark.parametrize("seed", SEEDS)
def test_a_market_that_changes_is_not_known_before_it_does(seed):
    _, changed = judged(seed, frame(seed, volatility=3.0, volume=3.0))
    _, sound = judged(seed, frame(seed))
    for name in StateColumns.__dataclass_fields__:
        assert np.array_equal(getattr(changed, name)[:AT], getattr(sound, name)[:AT]), name
