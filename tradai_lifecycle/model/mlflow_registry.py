"""MLflow as a registry: a server over HTTP, or a SQLite file on this machine. The only file that imports MLflow."""

import os
import shutil
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import requests
from sqlalchemy.exc import SQLAlchemyError

from tradai_lifecycle.errors import LifecycleError, ModelNotFoundError, RegistryUnreachableError
from tradai_lifecycle.model.artefact import (
    ARTEFACT_FILES,
    ArtefactSummary,
    IncompleteArtefactError,
    asked_types,
    installed_libraries,
    summarise_artefact,
)
from tradai_lifecycle.model.deadline_http import OVERALL_DEADLINE_SECONDS
from tradai_lifecycle.model.file_lock import exclusive, replacing
from tradai_lifecycle.model.mlflow_rest import (
    NOT_FOUND,
    READY,
    MlflowRest,
    utc_of_milliseconds,
    without_credentials,
    without_password,
)
from tradai_lifecycle.model.source import (
    DIGEST_TAG,
    HORIZON_TAG,
    PRODUCTION_ALIAS,
    PRODUCTION_STAGE,
    TIMEFRAME_TAG,
    FetchedArtefact,
    VersionNotReadyError,
    VersionRecord,
)

#: The one answer that is this package's fault and not the registry's: it is raised as it is.
INVALID_PARAMETER = "INVALID_PARAMETER_VALUE"
#: MLflow's own settings are process-wide environment variables, read at each call. Its defaults wait twenty minutes for
#: a server that hangs. A value the operator set stays.
CLIENT_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}


class MlflowSource:
    """A `ModelSource` on one registered model of an MLflow registry.

    Over HTTP the questions of every poll (`production_version`, `describe`) are single REST calls with a deadline, and
    MLflow itself is imported only to fetch, register or promote. A SQLite registry is used through MLflow's client;
    one process at a time initialises it, under a lock file beside it, since several at once can ruin a new database.
    A SQLite file that does not exist is an empty registry until something is registered.
    """

    def __init__(self, uri: str, name: str, *, deadline_seconds: float = OVERALL_DEADLINE_SECONDS) -> None:
        self._name = name
        self._database = Path(uri.removeprefix("sqlite:///")).absolute() if uri.startswith("sqlite:///") else None
        self._address = f"sqlite:///{self._database}" if self._database else uri.rstrip("/")
        self._rest = MlflowRest(self._address, name, deadline_seconds)
        self._connecting = threading.Lock()
        self._connected: Any = None
        self.uri = without_password(uri)

    def production_version(self) -> str | None:
        """See `ModelSource.production_version`. The alias `production` counts, else the stage "Production"."""
        if self._is_absent():
            return None
        try:
            aliases, stages = self._aliases_and_stages()
        except ModelNotFoundError:
            return None
        return aliases.get(PRODUCTION_ALIAS) or stages.get(PRODUCTION_STAGE)

    def describe(self, version: str) -> VersionRecord:
        """See `ModelSource.describe`."""
        if self._is_absent():
            raise ModelNotFoundError(self._name, f"version {version}")
        if self._database is None:
            return self._rest.describe(version)
        with self._answering(f"version {version}"):
            return _record_of_entity(self._client().get_model_version(self._name, version))

    def fetch(self, version: str, destination: Path) -> FetchedArtefact:
        """See `ModelSource.fetch`."""
        record = self.describe(version)
        if not record.ready:
            raise VersionNotReadyError(self._name, version, "its status is not READY")
        if record.digest is None:
            raise IncompleteArtefactError(f"version {version} in {self.uri}", f"it bears no {DIGEST_TAG} tag")
        with self._answering(f"artefact of version {version}"), replacing(destination) as fresh:
            self._download(version, fresh)
        return FetchedArtefact(
            directory=destination, version=version, run_id=record.run_id, expected_digest=record.digest
        )

    def register(
        self,
        directory: Path,
        *,
        metrics: Mapping[str, float],
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> str:
        """See `ModelSource.register`. The run bears metrics, parameters and tags, and has the model as its output."""
        summary = summarise_artefact(directory)
        all_tags = {
            **tags,
            DIGEST_TAG: summary.digest,
            TIMEFRAME_TAG: summary.timeframe,
            HORIZON_TAG: str(summary.horizon_candles),
        }
        with self._answering("registered model"):
            client = self._client()
            experiment_id = self._experiment_id(client)
            run_id: str = client.create_run(experiment_id, tags=all_tags).info.run_id
            try:
                _log_run(client, run_id, metrics, parameters)
                model = _log_model(client, experiment_id, run_id, directory, summary)
                version = self._create_version(client, model, run_id, all_tags)
            except BaseException:
                client.set_terminated(run_id, "FAILED")
                raise
            client.set_terminated(run_id)
        return version

    def versions(self) -> tuple[VersionRecord, ...]:
        """See `ModelSource.versions`."""
        if self._is_absent():
            return ()
        with self._answering("registered model"):
            client = self._client()
            aliases: dict[str, str] = dict(self._aliases_and_stages()[0]) if self._exists(client) else {}
            found: list[VersionRecord] = []
            token: str | None = None
            while True:
                page = client.search_model_versions(f"name='{self._name}'", max_results=1_000, page_token=token)
                found.extend(_record_of_entity(entity, aliases) for entity in page)
                token = page.token
                if not token:
                    return tuple(sorted(found, key=lambda record: int(record.version), reverse=True))

    def promote(self, version: str) -> None:
        """See `ModelSource.promote`. Earlier Production versions are archived, so that the stage names this one."""
        self.describe(version)
        with self._answering(f"version {version}"):
            client = self._client()
            with warnings.catch_warnings():  # stages are deprecated, and still what many tools show
                warnings.filterwarnings("ignore", message=".*transition_model_version_stage", category=FutureWarning)
                client.transition_model_version_stage(
                    self._name, version, PRODUCTION_STAGE, archive_existing_versions=True
                )
            client.set_registered_model_alias(self._name, PRODUCTION_ALIAS, version)

    def close(self) -> None:
        """See `ModelSource.close`."""
        self._rest.close()

    def _is_absent(self) -> bool:
        return self._database is not None and not self._database.exists()

    # MLflow's client, made once: two threads that make one at the same time race in its initialisation.
    def _client(self) -> Any:
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def _connect(self) -> Any:
        for name, value in CLIENT_SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient  # noqa: PLC0415 - three seconds of imports

        if self._database is None:
            return MlflowClient(tracking_uri=self._address, registry_uri=self._address)
        with exclusive(self._database.with_name(f"{self._database.name}.lock")):
            client = MlflowClient(tracking_uri=self._address, registry_uri=self._address)
            client.search_registered_models(max_results=1)  # this, not the constructor, creates the tables
            _use_write_ahead_log(self._database)
        return client

    def _aliases_and_stages(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        if self._database is None:
            return self._rest.aliases_and_stages()
        with self._answering("registered model"):
            entity = self._client().get_registered_model(self._name)
            return (
                {alias: str(version) for alias, version in entity.aliases.items()},
                {latest.current_stage: str(latest.version) for latest in entity.latest_versions},
            )

    # Turns what MLflow, its database and its transport raise into this package's words.
    @contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        try:
            yield
        except LifecycleError:
            raise
        except (requests.RequestException, OSError, sqlite3.Error, SQLAlchemyError) as error:
            raise self._unreachable(f"{type(error).__name__}: {error}") from self._cause(error)
        except Exception as error:
            code = getattr(error, "error_code", None)  # MlflowException, which only MLflow's import could name
            if code == NOT_FOUND:
                raise ModelNotFoundError(self._name, what) from self._cause(error)
            if code in (None, INVALID_PARAMETER) and self._cause(error) is not None:
                raise
            raise self._unreachable(f"{code or type(error).__name__}: {error}") from self._cause(error)

    # MLflow and requests quote the address, and with it the password that it may carry.
    def _unreachable(self, cause: str) -> RegistryUnreachableError:
        return RegistryUnreachableError(self.uri, without_credentials(cause, self._address))

    # None with a password in the address: a traceback would show the texts of all causes.
    def _cause(self, error: Exception) -> Exception | None:
        return error if self._address == without_password(self._address) else None

    def _exists(self, client: Any) -> bool:
        return bool(client.search_registered_models(f"name='{self._name}'", max_results=1))

    # The source is resolved here: MLflow would look models:/ addresses up in its process-wide registry.
    def _download(self, version: str, directory: Path) -> None:
        from mlflow.artifacts import download_artifacts  # noqa: PLC0415 - see _connect

        client = self._client()
        source: str = client.get_model_version(self._name, version).source
        if source.startswith("models:/"):
            source = client.get_logged_model(source.removeprefix("models:/")).artifact_location
        elif source.startswith("runs:/"):
            run_id, _, path = source.removeprefix("runs:/").partition("/")
            source = f"{client.get_run(run_id).info.artifact_uri}/{path}"
        landing = directory / ".landing"
        landed: str = download_artifacts(artifact_uri=source, dst_path=str(landing), tracking_uri=self._address)
        for entry in list(Path(landed).iterdir()):
            entry.replace(directory / entry.name)
        shutil.rmtree(landing)

    # One experiment per model. Without a location of our own, MLflow would take the working directory's.
    def _experiment_id(self, client: Any) -> str:
        experiment = client.get_experiment_by_name(self._name)
        if experiment is not None:
            found: str = experiment.experiment_id
            return found
        location = (self._database.parent / "mlartifacts" / self._name).as_uri() if self._database else None
        created: str = client.create_experiment(self._name, artifact_location=location)
        return created

    # A server accepts the model's location as a source only together with the model's id.
    def _create_version(self, client: Any, model: Any, run_id: str, tags: Mapping[str, str]) -> str:
        if not self._exists(client):
            client.create_registered_model(self._name)
        created = client.create_model_version(
            self._name, source=model.artifact_location, run_id=run_id, tags=dict(tags), model_id=model.model_id
        )
        return str(created.version)


def _log_run(client: Any, run_id: str, metrics: Mapping[str, float], parameters: Mapping[str, str]) -> None:
    from mlflow.entities import Metric, Param  # noqa: PLC0415 - see _connect

    now = int(datetime.now(UTC).timestamp() * 1_000)
    client.log_batch(
        run_id,
        metrics=[Metric(key, float(value), now, 0) for key, value in metrics.items()],
        params=[Param(key, str(value)) for key, value in parameters.items()],
    )


# A logged model of MLflow 3: our four files, and an MLmodel file by which MLflow's own tools load the estimator.
def _log_model(client: Any, experiment_id: str, run_id: str, directory: Path, summary: ArtefactSummary) -> Any:
    from mlflow.entities import LoggedModelOutput  # noqa: PLC0415 - see _connect

    model = client.create_logged_model(experiment_id, name="model", source_run_id=run_id)
    with tempfile.TemporaryDirectory() as staging:
        for name in ARTEFACT_FILES:
            shutil.copyfile(directory / name, Path(staging) / name)
        _write_mlmodel(Path(staging), model.model_id, run_id, summary)
        client.log_model_artifacts(model.model_id, staging)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    return model


def _write_mlmodel(directory: Path, model_id: str, run_id: str, summary: ArtefactSummary) -> None:
    import sklearn  # noqa: PLC0415 - see _connect
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415 - see _connect
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec  # noqa: PLC0415 - see _connect

    inputs = Schema([ColSpec(DataType.double, name) for name in summary.feature_names])
    outputs = Schema([TensorSpec(np.dtype(np.float64), (-1,))])
    model = Model(
        run_id=run_id,
        model_id=model_id,
        signature=ModelSignature(inputs=inputs, outputs=outputs),
        metadata={"feature_names": list(summary.feature_names)},
    )
    model.add_flavor(
        "sklearn",
        pickled_model="model.skops",
        serialization_format="skops",
        sklearn_version=sklearn.__version__,
        code=None,
        skops_trusted_types=sorted(asked_types(directory)),
    )
    model.save(str(directory / "MLmodel"))
    pinned = [f"{name}=={version}" for name, version in sorted(installed_libraries().items())]
    (directory / "requirements.txt").write_text("\n".join(pinned) + "\n", encoding="utf-8")


def _use_write_ahead_log(database: Path) -> None:
    connection = sqlite3.connect(database)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _record_of_entity(entity: Any, aliases: Mapping[str, str] | None = None) -> VersionRecord:
    of_model = [alias for alias, version in (aliases or {}).items() if version == str(entity.version)]
    return VersionRecord(
        name=entity.name,
        version=str(entity.version),
        stage=entity.current_stage,
        aliases=tuple(sorted({*entity.aliases, *of_model})),
        run_id=entity.run_id or None,
        created_at=utc_of_milliseconds(entity.creation_timestamp),
        tags=dict(entity.tags),
        ready=entity.status == READY,
    )


__all__ = ["MlflowSource"]
