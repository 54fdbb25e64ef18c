"""A candidate takes over only if it fits the strategy and still computes what it did."""

from dataclasses import replace

import numpy as np
import pytest

from tests.model.bundles import EXPECTATIONS, FEATURES, ROWS, bundle, constant
from tradai_lifecycle.model import GoldenSample, check_candidate
from tradai_lifecycle.monitor import ReferenceProfile
from tradai_lifecycle.states import CandidateOutcome


def test_a_fitting_candidate_passes():
    assert check_candidate(bundle(), EXPECTATIONS) == (CandidateOutcome.STAGED, "v1 passed every check")


def test_the_first_feature_that_differs_is_named():
    swapped = (FEATURES[0], FEATURES[2], FEATURES[1])
    outcome, detail = check_candidate(bundle(feature_names=swapped), EXPECTATIONS)
    assert outcome is CandidateOutcome.WRONG_FEATURES
    assert "position 1: strategy '%-ema_ratio', model '%-volume_z'" in detail


def test_a_missing_feature_is_named():
    expected = replace(EXPECTATIONS, feature_names=(*FEATURES, "%-extra"))
    outcome, detail = check_candidate(bundle(), expected)
    assert outcome is CandidateOutcome.WRONG_FEATURES
    assert "position 3: strategy '%-extra', model None" in detail


OTHER_WINDOW = ReferenceProfile(window_candles=500, feature_names=FEATURES, pairs=())


@pytest.mark.parametrize(
    ("change", "outcome", "words"),
    [
        ({"horizon_candles": 6}, CandidateOutcome.WRONG_HORIZON, "6 candles ahead, the strategy needs 12"),
        ({"timeframe": "5m"}, CandidateOutcome.WRONG_TIMEFRAME, "trained on 5m, the bot runs 1h"),
        ({"profile": OTHER_WINDOW}, CandidateOutcome.WRONG_WINDOW, "500 candles, window_candles is 200"),
    ],
    ids=["horizon", "timeframe", "window"],
)
def test_a_bundle_for_another_strategy_is_refused(change, outcome, words):
    found, detail = check_candidate(bundle(**change), EXPECTATIONS)
    assert found is outcome
    assert words in detail


def test_a_model_that_gives_infinities_is_refused():
    class Infinite:
        def predict(self, rows):
            return np.full(len(rows), np.inf)

    outcome, _ = check_candidate(bundle(Infinite(), golden=bundle().golden), EXPECTATIONS)
    assert outcome is CandidateOutcome.NOT_FINITE


def test_a_model_that_raises_is_refused():
    class Raising:
        def predict(self, rows):
            raise RuntimeError("no such node")

    outcome, detail = check_candidate(bundle(Raising(), golden=bundle().golden), EXPECTATIONS)
    assert outcome is CandidateOutcome.UNREADABLE
    assert "no such node" in detail


def test_a_golden_sample_that_is_not_met_tells_the_difference_and_the_libraries():
    made = bundle(libraries={"numpy": "1.0"})
    shifted = made.golden.predictions + np.array([0, 0, 0, 0, 0, 0, 0, 1e-3])
    made = replace(made, golden=GoldenSample(features=ROWS[:8], predictions=shifted))
    outcome, detail = check_candidate(made, EXPECTATIONS)
    assert outcome is CandidateOutcome.GOLDEN_SAMPLE_DIFFERS
    assert "0.001" in detail
    assert f"numpy 1.0 there, {np.__version__} here" in detail


def test_a_golden_sample_may_differ_in_the_last_bits():
    made = bundle()
    nearly = made.golden.predictions * (1 + 1e-12)
    made = replace(made, golden=GoldenSample(features=ROWS[:8], predictions=nearly))
    assert check_candidate(made, EXPECTATIONS)[0] is CandidateOutcome.STAGED


def test_an_empty_golden_sample_proves_nothing():
    empty = GoldenSample(features=np.empty((0, len(FEATURES))), predictions=np.empty(0))
    assert check_candidate(bundle(golden=empty), EXPECTATIONS)[0] is CandidateOutcome.UNREADABLE


@pytest.mark.parametrize(
    ("candidates", "champions", "outcome"),
    [
        (0.10, 0.10, CandidateOutcome.STAGED),
        (0.30, 0.10, CandidateOutcome.STAGED),
        (0.31, 0.10, CandidateOutcome.ENTRY_RATE_OUT_OF_BAND),
        (0.03, 0.10, CandidateOutcome.ENTRY_RATE_OUT_OF_BAND),
        (0.0, 0.10, CandidateOutcome.ENTRY_RATE_OUT_OF_BAND),
        (0.0, 0.0, CandidateOutcome.STAGED),
        (None, 0.10, CandidateOutcome.STAGED),
        (0.99, None, CandidateOutcome.STAGED),
        (float("nan"), 0.10, CandidateOutcome.ENTRY_RATE_OUT_OF_BAND),
    ],
)
def test_the_entry_rate_must_stay_near_the_champions(candidates, champions, outcome):
    rates = {"2": candidates, "1": champions}
    champion, candidate = constant(1), constant(2)
    found, _ = check_candidate(candidate, EXPECTATIONS, champion=champion, entry_rate=lambda made: rates[made.version])
    assert found is outcome


def test_without_a_champion_there_is_no_entry_rate_to_compare():
    assert check_candidate(constant(2), EXPECTATIONS, entry_rate=lambda made: 0.9)[0] is CandidateOutcome.STAGED
