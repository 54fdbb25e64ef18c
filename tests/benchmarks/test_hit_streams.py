"""Streams of hits have the accuracy and the dependence they were asked for, and are judged as a bot judges them."""

from dataclasses import fields

import numpy as np
import pytest

from benchmarks.accuracy_candidates import FLOOR, RULES, WHOLE, JudgedHits, evidence_of_fall
from benchmarks.features import HORIZON
from benchmarks.hit_streams import FADED, Dependence, hits_of
from benchmarks.judging import judge_settings
from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.health import HealthColumns
from tradai_lifecycle.policy.trading_state import decide_states
from tradai_lifecycle.states import Reason

LAGS = np.arange(FADED + 1)
SHOWN = Validated(accuracy=0.58, predictions=4_000, effective_predictions=1_200.0, candles=4_000)


@pytest.fixture(scope="module")
def dependence() -> Dependence:
    """Hits whose correlations fall to a half every two candles."""
    return Dependence(
        pair="BTC/USDT", timeframe="1h", real=False, candles=0, accuracy=0.5, correlations=0.5 ** (LAGS / 2.0)
    )


@pytest.mark.parametrize("accuracy", [0.47, 0.55])
def test_hits_have_the_accuracy_and_the_correlations_asked_for(dependence: Dependence, accuracy: float) -> None:
    hits = hits_of(dependence.latent(200_000, np.random.default_rng(1)), accuracy).astype(float)
    apart = hits - hits.mean()
    found = [apart[lag:] @ apart[: len(apart) - lag] / (apart @ apart) for lag in range(13)]
    assert hits.mean() == pytest.approx(accuracy, abs=0.01)
    assert found == pytest.approx(dependence.correlations[:13], abs=0.02)
    assert dependence.inflation == pytest.approx(1.0 + 2.0 / (np.sqrt(2.0) - 1.0), rel=1e-3)


def test_a_better_model_is_right_wherever_a_worse_one_is(dependence: Dependence) -> None:
    latent = dependence.latent(5_000, np.random.default_rng(2))
    assert not (hits_of(latent, 0.50) & ~hits_of(latent, 0.55)).any()


def test_the_rules_reduce_where_the_package_does(dependence: Dependence) -> None:
    settings, _ = judge_settings("1h")
    latent = dependence.latent(9_000, np.random.default_rng(3))
    hits = np.concatenate([hits_of(latent[:4_000], 0.58), hits_of(latent[4_000:], 0.45)])
    judged = JudgedHits.of(hits, SHOWN, settings)
    quiet = {field.name: np.zeros(len(hits)) for field in fields(HealthColumns)}
    persistence = {"market_fast_persistence": 1, "relation_fast_persistence": 1}
    flags = {
        "quality": np.zeros(len(hits), dtype=np.uint32),
        **{name: column != 0 for name, column in quiet.items() if name == "retraining_rule"},
    }
    health = HealthColumns(**{**quiet, **flags, **persistence, "accuracy_verdict": judged.columns.verdict})
    states = decide_states(health, warm=np.ones(len(hits), dtype=bool), settings=settings.policy, adoption=None)
    for name, reasons in ((FLOOR, Reason.ACCURACY_BREACH), (WHOLE, Reason.ACCURACY_BREACH | Reason.ACCURACY_FELL)):
        reduced = RULES[name](judged)
        assert reduced.any()
        assert np.array_equal(reduced, (states.reasons & np.uint32(reasons)) != 0)
    assert (RULES[WHOLE](judged) & ~RULES[FLOOR](judged)).any()


def test_evidence_of_a_fall_is_the_largest_over_all_its_beginnings() -> None:
    hits = np.random.default_rng(4).random(120) < 0.5
    found = evidence_of_fall(hits, 0.55, 0.05, 3.0, 40)
    for row in range(len(hits)):
        known = 0.525 - hits[: max(row + 1 - HORIZON, 0)].astype(float)
        sums = [known[start:].sum() for start in range(max(len(known) - 40, 0), len(known) + 1)]
        assert found[row] == pytest.approx(4.0 * 0.05 * max(sums) / 3.0, abs=1e-9)
