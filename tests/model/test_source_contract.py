"""Every registry keeps the promises of `ModelSource`: a folder, an MLflow database, an MLflow server over HTTP."""

import threading
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.model.bundles import ROWS, artefact, bundle, constant
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.errors import ModelNotFoundError
from tradai_lifecycle.model import (
    COMMIT_TAG,
    DIGEST_TAG,
    IncompleteArtefactError,
    artefact_digest,
    open_source,
    read_artefact,
)


@pytest.fixture(params=["directory", "sqlite", "server"])
def opened(request, tmp_path):
    """A factory of handles on one new registered model of the parametrised registry."""
    name = f"model-{uuid.uuid4().hex[:8]}"
    uri = {
        "directory": lambda: f"directory:{tmp_path / 'registry'}",
        "sqlite": lambda: request.getfixturevalue("mlflow_database"),
        "server": lambda: request.getfixturevalue("mlflow_server"),
    }[request.param]()
    handles = []

    def make():
        handles.append(open_source(LifecycleConfig(model_name=name, registry_uri=uri), tmp_path))
        return handles[-1]

    yield make
    for handle in handles:
        handle.close()
        handle.close()


@pytest.fixture
def source(opened):
    return opened()


def register(source, directory, **changes):
    return source.register(
        directory, **{"metrics": {"accuracy": 0.56}, "parameters": {"seed": "1"}, "tags": {}, **changes}
    )


def test_a_model_that_does_not_exist_has_no_versions(source, tmp_path):
    assert source.production_version() is None
    assert source.versions() == ()
    for call in (
        lambda: source.describe("1"), lambda: source.promote("1"), lambda: source.fetch("1", tmp_path / "there"),
    ):  # fmt: skip
        with pytest.raises(ModelNotFoundError):
            call()
    assert not (tmp_path / "there").exists()


def test_versions_count_up_and_registering_promotes_nothing(source, tmp_path):
    directory = artefact(tmp_path / "made")
    assert [register(source, directory) for _ in range(2)] == ["1", "2"]
    assert source.production_version() is None
    assert [record.version for record in source.versions()] == ["2", "1"]


def test_a_version_bears_its_tags_and_digest(source, tmp_path):
    directory = artefact(tmp_path / "made")
    version = register(source, directory, tags={COMMIT_TAG: "0" * 40, "trigger": "drift"})
    record = source.describe(version)
    assert dict(record.tags) == {
        COMMIT_TAG: "0" * 40,
        "trigger": "drift",
        DIGEST_TAG: artefact_digest(directory),
        "tradai.timeframe": "1h",
        "tradai.horizon_candles": "12",
    }
    assert record.digest == artefact_digest(directory)
    assert record.ready
    assert abs(datetime.now(UTC) - record.created_at) < timedelta(minutes=5)
    assert source.versions() == (record,)


def test_production_is_what_was_promoted_last_also_when_that_is_older(opened, tmp_path):
    writer, reader = opened(), opened()
    directory = artefact(tmp_path / "made")
    for _ in range(3):
        register(writer, directory)
    for version in ("2", "3", "1"):
        writer.promote(version)
        assert reader.production_version() == version
    stages = {record.version: (record.stage, record.aliases) for record in reader.versions()}
    assert stages == {"3": ("Archived", ()), "2": ("Archived", ()), "1": ("Production", ("production",))}
    with pytest.raises(ModelNotFoundError):
        writer.promote("9")
    assert reader.production_version() == "1"


def test_a_fetched_version_is_the_registered_one(opened, tmp_path):
    made = bundle()
    version = register(opened(), artefact(tmp_path / "made", made))
    destination = tmp_path / "cache" / "here"
    destination.mkdir(parents=True)
    (destination / "left over").touch()
    fetched = opened().fetch(version, destination)
    assert (fetched.directory, fetched.version) == (destination, version)
    assert fetched.expected_digest == artefact_digest(destination)
    assert not (destination / "left over").exists()
    assert [path.name for path in destination.parent.iterdir()] == ["here"]
    found = read_artefact(
        destination,
        name=made.name,
        version=version,
        run_id=fetched.run_id,
        expected_digest=fetched.expected_digest,
        trusted_types=(),
    )
    np.testing.assert_array_equal(found.predict(ROWS), made.predict(ROWS))


def test_a_version_is_fetched_by_its_number_not_by_its_stage(source, tmp_path):
    for number in (1, 2):
        register(source, artefact(tmp_path / f"made{number}", constant(number)))
    source.promote("2")
    fetched = source.fetch("1", tmp_path / "one")
    assert fetched.expected_digest == artefact_digest(tmp_path / "made1") == artefact_digest(tmp_path / "one")


def test_an_incomplete_artefact_is_not_registered(source, tmp_path):
    directory = artefact(tmp_path / "made")
    (directory / "profile.json").unlink()
    with pytest.raises(IncompleteArtefactError):
        register(source, directory)
    assert source.versions() == ()


def test_only_the_artefacts_own_files_are_registered(source, tmp_path):
    directory = artefact(tmp_path / "made")
    (directory / "notes.txt").write_text("private")
    source.fetch(register(source, directory), tmp_path / "there")
    assert not (tmp_path / "there" / "notes.txt").exists()


def test_several_threads_may_ask_at_the_same_time(source, tmp_path):
    source.promote(register(source, artefact(tmp_path / "made")))
    together, answers = threading.Barrier(6), []

    def ask():
        together.wait()
        answers.append((source.production_version(), source.describe("1").ready))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [("1", True)] * 6
