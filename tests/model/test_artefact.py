"""An artefact gives back the bundle that was written, or nothing."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.model.bundles import ROWS, TARGET, artefact, bundle
from tradai_lifecycle.errors import UnreadableArtefactError, UntrustedTypeError
from tradai_lifecycle.model import (
    DigestMismatchError,
    IncompleteArtefactError,
    ModelTask,
    artefact_digest,
    read_artefact,
    write_artefact,
)
from tradai_lifecycle.model.artefact import ARTEFACT_FILES, installed_libraries


def read(directory, **changes):
    wanted = {"name": "btc", "version": "7", "run_id": "r", "expected_digest": None, "trusted_types": (), **changes}
    return read_artefact(directory, **wanted)


def test_what_was_written_is_read_back(tmp_path):
    written = bundle()
    digest = write_artefact(tmp_path, written)
    found = read(tmp_path, expected_digest=digest)
    for name in (
        "task",
        "feature_names",
        "horizon_candles",
        "timeframe",
        "trained_from",
        "trained_until",
        "training_pairs",
        "profile",
        "metrics",
    ):
        assert getattr(found, name) == getattr(written, name), name
    assert (found.name, found.version, found.run_id, found.digest) == ("btc", "7", "r", digest)
    assert found.libraries == installed_libraries()
    np.testing.assert_array_equal(found.golden.features, written.golden.features)
    np.testing.assert_array_equal(found.golden.predictions, written.golden.predictions)
    np.testing.assert_array_equal(found.predict(ROWS), written.predict(ROWS))


UP = (TARGET > 0).astype(int)
REGRESSORS = [
    Ridge(),
    HistGradientBoostingRegressor(max_iter=3),
    GradientBoostingRegressor(n_estimators=3),
    RandomForestRegressor(n_estimators=3),
    ExtraTreesRegressor(n_estimators=3),
    make_pipeline(StandardScaler(), Ridge()),
    MLPRegressor(hidden_layer_sizes=(4,), max_iter=800, tol=1e-2),
]
CLASSIFIERS = [
    LogisticRegression(),
    HistGradientBoostingClassifier(max_iter=3),
    CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=3), cv=2),
    CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=3), cv=2, method="isotonic"),
]


@pytest.mark.parametrize("estimator", [*REGRESSORS, *CLASSIFIERS], ids=lambda made: type(made).__name__)
def test_the_usual_estimators_need_no_further_trust(tmp_path, estimator):
    classifier = estimator in CLASSIFIERS
    task = ModelTask.CLASSIFICATION if classifier else ModelTask.REGRESSION
    written = bundle(estimator.fit(ROWS, UP if classifier else TARGET), task=task)
    write_artefact(tmp_path, written)
    np.testing.assert_array_equal(read(tmp_path).predict(ROWS), written.predict(ROWS))


def test_the_digest_covers_the_four_files_and_nothing_else(tmp_path):
    digest = write_artefact(tmp_path, bundle())
    (tmp_path / "MLmodel").write_text("flavors: {}")
    assert artefact_digest(tmp_path) == digest
    for name in ARTEFACT_FILES:
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content + b" ")
        assert artefact_digest(tmp_path) != digest
        (tmp_path / name).write_bytes(content)
    assert artefact_digest(tmp_path) == digest


@pytest.mark.parametrize("name", ARTEFACT_FILES)
def test_a_missing_file_is_named(tmp_path, name):
    artefact(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(IncompleteArtefactError, match=name):
        read(tmp_path)


@pytest.mark.parametrize("name", ARTEFACT_FILES)
def test_a_truncated_file_fails_its_digest(tmp_path, name):
    digest = artefact_digest(artefact(tmp_path))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DigestMismatchError):
        read(tmp_path, expected_digest=digest)


@pytest.mark.parametrize("name", ARTEFACT_FILES)
def test_a_truncated_file_without_a_digest_is_unreadable_not_a_crash(tmp_path, name):
    artefact(tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableArtefactError):
        read(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"format_version": 2}, {"task": "dreams"}, {"trained_from": "2025-01-01T00:00:00"}, {"metrics": None}],
    ids=lambda change: next(iter(change)),
)
def test_metadata_that_makes_no_sense_is_unreadable(tmp_path, change):
    path = artefact(tmp_path) / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UnreadableArtefactError):
        read(tmp_path)


@pytest.mark.parametrize("code", ["code", "code_paths"])
def test_an_artefact_that_brings_code_is_refused(tmp_path, code):
    (artefact(tmp_path) / code).mkdir()
    with pytest.raises(UnreadableArtefactError, match="never run"):
        read(tmp_path)


class Uninvited:
    """A type nobody allowed; loading it would show."""

    loaded = False

    def __setstate__(self, state):
        Uninvited.loaded = True

    def predict(self, rows):
        return np.zeros(len(rows))


def test_a_type_of_ones_own_is_refused_before_it_is_loaded(tmp_path):
    artefact(tmp_path, bundle(Uninvited()))
    with pytest.raises(UntrustedTypeError, match="Uninvited"):
        read(tmp_path)
    assert not Uninvited.loaded


def test_a_function_of_the_operating_system_is_refused(tmp_path):
    artefact(tmp_path)
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(FunctionTransformer(func=os.system)))
    (tmp_path / "MLmodel").write_text("flavors: {sklearn: {skops_trusted_types: [posix.system]}}")
    with pytest.raises(UntrustedTypeError, match=r"posix\.system"):
        read(tmp_path)


def test_the_operator_can_trust_a_type_by_name(tmp_path):
    artefact(tmp_path, bundle(Uninvited()))
    name = f"{Uninvited.__module__}.Uninvited"
    np.testing.assert_array_equal(read(tmp_path, trusted_types=(name,)).predict(ROWS[:2]), 0.0)


def test_an_estimator_fitted_on_a_frame_is_refused_when_written(tmp_path):
    estimator = Ridge().fit(ROWS, TARGET)
    estimator.feature_names_in_ = np.array(["a", "b", "c"], dtype=object)
    with pytest.raises(ValueError, match="fitted on a frame"):
        write_artefact(tmp_path, replace(bundle(), estimator=estimator))
