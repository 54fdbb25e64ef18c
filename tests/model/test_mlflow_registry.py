"""What only an MLflow registry does: stages, its own tools, its traps."""

import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

from tests.model.bundles import ROWS, artefact, bundle
from tradai_lifecycle.errors import ModelNotFoundError
from tradai_lifecycle.model import DigestMismatchError, IncompleteArtefactError, inspect_artefact
from tradai_lifecycle.model.mlflow_registry import MlflowSource


@pytest.fixture
def source(mlflow_database):
    made = MlflowSource(mlflow_database, f"model-{uuid.uuid4().hex[:8]}")
    yield made
    made.close()


@pytest.fixture
def client(mlflow_database):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=mlflow_database, registry_uri=mlflow_database)


def register(source, directory):
    return source.register(directory, metrics={"accuracy": 0.5}, parameters={"seed": "1"}, tags={})


def test_the_alias_counts_before_the_stage(source, client, tmp_path):
    directory = artefact(tmp_path / "made")
    for _ in range(2):
        register(source, directory)
    with pytest.warns(FutureWarning, match="stages"):
        client.transition_model_version_stage(source._name, "2", "Production")
    assert source.production_version() == "2"
    client.set_registered_model_alias(source._name, "production", "1")
    assert source.production_version() == "1"
    client.delete_registered_model_alias(source._name, "production")
    assert source.production_version() == "2"


def test_the_run_bears_metrics_and_parameters_and_the_model_is_its_output(source, client, tmp_path):
    version = register(source, artefact(tmp_path / "made"))
    run = client.get_run(source.describe(version).run_id)
    assert (run.info.status, run.data.metrics, run.data.params) == ("FINISHED", {"accuracy": 0.5}, {"seed": "1"})
    assert len(run.outputs.model_outputs) == 1


def test_mlflows_own_tools_load_the_estimator(source, tmp_path):
    import mlflow.sklearn

    made = bundle()
    source.fetch(register(source, artefact(tmp_path / "made", made)), tmp_path / "there")
    loaded = mlflow.sklearn.load_model(str(tmp_path / "there"))
    np.testing.assert_array_equal(loaded.predict(ROWS[:64]), made.predict(ROWS[:64]))


def test_the_signature_names_the_features_in_order(source, tmp_path):
    from mlflow.models import Model

    made = bundle()
    source.fetch(register(source, artefact(tmp_path / "made", made)), tmp_path / "there")
    signature = Model.load(str(tmp_path / "there" / "MLmodel")).signature
    assert tuple(signature.inputs.input_names()) == made.feature_names
    assert {str(kind) for kind in signature.inputs.input_types()} == {"DataType.double"}


def test_artefacts_lie_beside_the_database_wherever_the_process_runs(source, mlflow_database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    register(source, artefact(tmp_path / "made"))
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
    database = Path(mlflow_database.removeprefix("sqlite:///"))
    assert (database.parent / "mlartifacts" / source._name).is_dir()


def test_a_truncated_artefact_is_ready_but_fails_its_digest(source, client, tmp_path):
    version = register(source, artefact(tmp_path / "made"))
    model = Path(client.get_model_version(source._name, version).source.removeprefix("file://")) / "model.skops"
    model.write_bytes(model.read_bytes()[:100])
    assert source.describe(version).ready
    fetched = source.fetch(version, tmp_path / "there")
    with pytest.raises(DigestMismatchError):
        inspect_artefact(fetched.directory, expected_digest=fetched.expected_digest, trusted_types=())


def test_a_version_without_a_digest_is_incomplete(source, client, tmp_path):
    version = register(source, artefact(tmp_path / "made"))
    client.delete_model_version_tag(source._name, version, "tradai.digest")
    with pytest.raises(IncompleteArtefactError, match=r"tradai\.digest"):
        source.fetch(version, tmp_path / "there")


def test_a_version_whose_files_are_gone_leaves_nothing_behind(source, mlflow_database, tmp_path):
    version = register(source, artefact(tmp_path / "made"))
    shutil.rmtree(Path(mlflow_database.removeprefix("sqlite:///")).parent / "mlartifacts" / source._name)
    with pytest.raises(ModelNotFoundError, match="artefact of version 1"):
        source.fetch(version, tmp_path / "cache" / "there")
    assert list((tmp_path / "cache").iterdir()) == []


def test_versions_registered_by_other_tools_are_fetched_too(source, client, tmp_path):
    version = register(source, artefact(tmp_path / "made"))
    run_id = source.describe(version).run_id
    client.log_artifacts(run_id, str(tmp_path / "made"), "model")
    tags = dict(source.describe(version).tags)
    registered = client.create_model_version(source._name, f"runs:/{run_id}/model", run_id=run_id, tags=tags)
    fetched = source.fetch(str(registered.version), tmp_path / "there")
    assert inspect_artefact(fetched.directory, expected_digest=fetched.expected_digest, trusted_types=())


def test_the_database_writes_ahead(source, mlflow_database, tmp_path):
    register(source, artefact(tmp_path / "made"))
    connection = sqlite3.connect(mlflow_database.removeprefix("sqlite:///"))
    try:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        connection.close()


def test_processes_that_open_a_new_database_together_all_succeed(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from tradai_lifecycle.model.mlflow_registry import MlflowSource\n"
        "source = MlflowSource(sys.argv[1], 'btc')\n"
        "print(source.register(Path(sys.argv[2]), metrics={}, parameters={}, tags={}))\n"
    )
    arguments = [f"sqlite:///{tmp_path / 'mlflow.db'}", str(artefact(tmp_path / "made"))]
    processes = [
        subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = sorted(process.communicate(timeout=120)[0].strip() for process in processes)
    assert answers == ["1", "2"]


def test_the_operators_own_client_settings_stay(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "33")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    register(MlflowSource(f"sqlite:///{tmp_path / 'mlflow.db'}", "btc"), artefact(tmp_path / "made"))
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "33"
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
