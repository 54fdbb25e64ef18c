"""Where model versions come from: the contract that every registry keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tradai_lifecycle.errors import ModelRefusedError

#: Tag of a version that carries the digest of its artefact.
DIGEST_TAG = "tradai.digest"
TIMEFRAME_TAG = "tradai.timeframe"
HORIZON_TAG = "tradai.horizon_candles"
#: Tag under which the caller of `register` names the commit of the training code; MLflow's own word for it.
COMMIT_TAG = "mlflow.source.git.commit"
#: The alias, and the stage, of the version that bots follow.
PRODUCTION_ALIAS = "production"
PRODUCTION_STAGE = "Production"
ARCHIVED_STAGE = "Archived"
NO_STAGE = "None"


class VersionNotReadyError(ModelRefusedError):
    """A version exists, but its registration has not ended, or failed."""

    def __init__(self, name: str, version: str, status: str) -> None:
        super().__init__(f"Version {version} of model {name!r} is not ready ({status}). It is asked for again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """What a registry knows of one version. `created_at` is UTC; `ready` means its files are complete."""

    name: str
    version: str
    stage: str
    aliases: tuple[str, ...]
    run_id: str | None
    created_at: datetime
    tags: Mapping[str, str]
    ready: bool

    @property
    def digest(self) -> str | None:
        """The registered digest of the artefact, or None where the version bears none."""
        return self.tags.get(DIGEST_TAG)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedArtefact:
    """An artefact's files on this machine, not yet checked, and what they should hash to."""

    directory: Path
    version: str
    run_id: str | None
    expected_digest: str | None


class ModelSource(Protocol):
    """The versions of one registered model, and which of them is in production.

    Every adapter keeps these promises; one test-suite runs over all of them.

    - A version is the decimal text of a number that grows with each registration and is given once.
    - Each call ends: it answers, raises RegistryUnreachableError when the registry cannot be reached in time, or raises
      a ModelRefusedError. `production_version` and `describe` do so within ten seconds.
    - Calls block and may be made from any thread, also at the same time.
    - After `close`, calls that are under way end soon. `close` may be called again and never raises.
    """

    @property
    def uri(self) -> str:
        """The address of the registry, for messages. It holds no password."""

    def production_version(self) -> str | None:
        """The version that bots should run, or None: no such model, or none of its versions is in production."""

    def describe(self, version: str) -> VersionRecord:
        """What is known of one version. Raises ModelNotFoundError when there is none."""

    def fetch(self, version: str, destination: Path) -> FetchedArtefact:
        """Put the files of a version into `destination`, in place of what was there, in one step at the end.

        Raises ModelNotFoundError, VersionNotReadyError, or IncompleteArtefactError when the version bears no digest.
        """

    def register(
        self,
        directory: Path,
        *,
        metrics: Mapping[str, float],
        parameters: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> str:
        """Store the artefact in `directory` as a new version, and return it. Nothing is promoted.

        The version bears `tags`, and beside them the artefact's digest, timeframe and horizon.
        """

    def versions(self) -> tuple[VersionRecord, ...]:
        """All versions, newest first; empty where the model does not exist."""

    def promote(self, version: str) -> None:
        """Put a version into production: first its stage, last its alias, which is what counts.

        An older version is promoted like a newer one: that is a rollback. Raises ModelNotFoundError.
        """

    def close(self) -> None:
        """Give up connections and let calls that are under way end."""


__all__ = [
    "ARCHIVED_STAGE",
    "COMMIT_TAG",
    "DIGEST_TAG",
    "HORIZON_TAG",
    "NO_STAGE",
    "PRODUCTION_ALIAS",
    "PRODUCTION_STAGE",
    "TIMEFRAME_TAG",
    "FetchedArtefact",
    "ModelSource",
    "VersionNotReadyError",
    "VersionRecord",
]
