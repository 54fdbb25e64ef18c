"""A model that would crash the interpreter crashes another one first."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

from tests.model.bundles import ROWS, TARGET, artefact, bundle, trees
from tradai_lifecycle.errors import UnreadableArtefactError
from tradai_lifecycle.model import artefact_digest, probe_in_subprocess


class Telltale(BaseEstimator):
    """Predicts zeros, and leaves the process's id where it did so."""

    def __init__(self, trace):
        self.trace = trace

    def predict(self, rows):
        Path(self.trace).write_text(str(os.getpid()), encoding="utf-8")
        return np.zeros(len(rows))


def test_a_sound_model_passes_after_predicting_in_another_process(tmp_path):
    trace = tmp_path / "trace"
    directory = artefact(tmp_path / "made", bundle(Telltale(str(trace))))
    trace.unlink()
    probe_in_subprocess(
        directory, expected_digest=artefact_digest(directory), trusted_types=[f"{__name__}.{Telltale.__name__}"]
    )
    assert int(trace.read_text(encoding="utf-8")) != os.getpid()


def test_a_tree_that_reads_outside_its_memory_ends_only_the_trial(tmp_path):
    crafted = HistGradientBoostingRegressor(max_iter=1).fit(ROWS, TARGET)
    golden = bundle(crafted).golden
    nodes = crafted._predictors[0][0].nodes
    nodes["left"][0] = nodes["right"][0] = 2**31
    directory = artefact(tmp_path / "made", bundle(crafted, golden=golden))
    with pytest.raises(UnreadableArtefactError, match="signal 11"):
        probe_in_subprocess(directory, expected_digest=None)


def test_a_trial_that_raises_tells_why(tmp_path):
    directory = artefact(tmp_path / "made", bundle(trees()))
    with pytest.raises(UnreadableArtefactError, match="its digest is"):
        probe_in_subprocess(directory, expected_digest="0" * 64)


def test_a_trial_that_takes_too_long_is_ended(tmp_path):
    directory = artefact(tmp_path / "made", bundle())
    with pytest.raises(UnreadableArtefactError, match=r"within 0\.05 seconds"):
        probe_in_subprocess(directory, expected_digest=None, timeout_seconds=0.05)
