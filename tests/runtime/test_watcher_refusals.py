"""A version that does not fit, is damaged or is dangerous never gets in, and is told of once."""

import json
import os

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import FunctionTransformer

from tests.model.bundles import FEATURES, ROWS, TARGET, artefact, bundle
from tests.runtime.conftest import assert_adopted
from tradai_lifecycle.model import GoldenSample, probe_in_subprocess
from tradai_lifecycle.monitor import ReferenceProfile
from tradai_lifecycle.states import CandidateOutcome


def swapped_features():
    return bundle(feature_names=(FEATURES[1], FEATURES[0], FEATURES[2]))


def other_golden_sample():
    return bundle(golden=GoldenSample(features=ROWS[:8], predictions=np.full(8, 0.25)))


REFUSED = {
    CandidateOutcome.WRONG_FEATURES: swapped_features,
    CandidateOutcome.WRONG_HORIZON: lambda: bundle(horizon_candles=6),
    CandidateOutcome.WRONG_TIMEFRAME: lambda: bundle(timeframe="5m"),
    CandidateOutcome.WRONG_WINDOW: lambda: bundle(
        profile=ReferenceProfile(window_candles=500, feature_names=FEATURES, pairs=())
    ),
    CandidateOutcome.GOLDEN_SAMPLE_DIFFERS: other_golden_sample,
}


@pytest.mark.parametrize("outcome", REFUSED, ids=lambda outcome: outcome.value)
async def test_a_refused_version_leaves_the_current_one_and_is_told_once(stage, outcome):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish(REFUSED[outcome]())
    for _ in range(3):
        assert (await watcher.poll_once()).outcome is outcome
        stage.later(days=30)
    assert stage.decisions[1:] == [("2", outcome)]
    assert stage.source.fetched == ["1", "2"]
    assert (stage.slot.current.version, stage.slot.staged) == ("1", None)


def truncate(stage):
    model = stage.files_of("2") / "model.skops"
    model.write_bytes(model.read_bytes()[:200])


def remove_a_file(stage):
    (stage.files_of("2") / "profile.json").unlink()


def bring_code(stage):
    (stage.files_of("2") / "code").mkdir()


def drop_the_digest(stage):
    path = stage.home / "registry" / "btc" / "registry.json"
    state = json.loads(path.read_text())
    del state["versions"]["2"]["tags"]["tradai.digest"]
    path.write_text(json.dumps(state))


DAMAGED = [
    (truncate, CandidateOutcome.DIGEST_MISMATCH),
    (remove_a_file, CandidateOutcome.INCOMPLETE),
    (bring_code, CandidateOutcome.UNREADABLE),
    (drop_the_digest, CandidateOutcome.INCOMPLETE),
]


@pytest.mark.parametrize(("damage", "outcome"), DAMAGED, ids=lambda case: getattr(case, "__name__", str(case)))
async def test_a_damaged_version_is_refused_and_leaves_no_files(stage, damage, outcome):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    damage(stage)
    assert (await watcher.poll_once()).outcome is outcome
    assert stage.slot.staged is None
    assert sorted(path.name for path in (stage.home / "cache" / "btc").iterdir() if path.is_dir()) == ["1"]


async def test_a_damaged_version_is_tried_again_later_and_taken_once_repaired(stage):
    watcher = stage.make_watcher()
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    sound = (stage.files_of("2") / "model.skops").read_bytes()
    truncate(stage)
    for minutes in (0, 5, 6, 15, 6):  # tried at 0, 11 and 32 minutes: the wait doubles
        stage.later(minutes=minutes)
        assert (await watcher.poll_once()).outcome is CandidateOutcome.DIGEST_MISMATCH
    assert stage.source.fetched == ["1", "2", "2", "2"]
    (stage.files_of("2") / "model.skops").write_bytes(sound)
    stage.later(hours=7)
    await assert_adopted(stage, watcher, "2")
    assert stage.decisions[1:] == [("2", CandidateOutcome.DIGEST_MISMATCH), ("2", CandidateOutcome.STAGED)]


async def test_a_function_of_the_operating_system_is_never_loaded(stage):
    def overwritten(directory):
        (directory / "model.skops").write_bytes(skops.io.dumps(FunctionTransformer(func=os.system)))
        return directory

    watcher = stage.make_watcher()
    directory = overwritten(artefact(stage.home / "made"))
    stage.source.promote(stage.source.register(directory, metrics={}, parameters={}, tags={}))
    poll = await watcher.poll_once()
    assert poll.outcome is CandidateOutcome.UNTRUSTED_TYPE
    assert stage.slot.staged is None


async def test_a_model_that_crashes_its_interpreter_is_refused(stage):
    crafted = HistGradientBoostingRegressor(max_iter=1).fit(ROWS, TARGET)
    golden = bundle(crafted).golden
    nodes = crafted._predictors[0][0].nodes
    nodes["left"][0] = nodes["right"][0] = 2**31
    watcher = stage.make_watcher(probe=probe_in_subprocess)
    stage.publish(bundle(crafted, golden=golden))
    poll = await watcher.poll_once()
    assert poll.outcome is CandidateOutcome.UNREADABLE
    assert "signal 11" in poll.detail


async def test_an_operator_can_have_a_refused_version_tried_again(stage):
    watcher = stage.make_watcher()
    stage.publish(bundle(horizon_candles=6))
    await watcher.poll_once()
    watcher.forget_refusal("v1")
    await watcher.poll_once()
    assert stage.source.fetched == ["1", "1"]


async def test_the_entry_rate_is_compared_with_the_model_in_charge(stage):
    rates = {"1": 0.01, "2": 0.5}
    watcher = stage.make_watcher(entry_rate=lambda made: rates[made.version])
    await assert_adopted(stage, watcher, stage.publish())
    stage.publish()
    assert (await watcher.poll_once()).outcome is CandidateOutcome.ENTRY_RATE_OUT_OF_BAND
