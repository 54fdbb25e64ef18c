"""A registry that is a folder: one directory per version, and a small state file that is written in one step."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradai_lifecycle.errors import ModelNotFoundError, RegistryUnreachableError
from tradai_lifecycle.model.artefact import ARTEFACT_FILES, IncompleteArtefactError, summarise_artefact
from tradai_lifecycle.model.file_lock import exclusive, replacing, write_json
from tradai_lifecycle.model.source import (
    ARCHIVED_STAGE,
    DIGEST_TAG,
    HORIZON_TAG,
    NO_STAGE,
    PRODUCTION_ALIAS,
    PRODUCTION_STAGE,
    TIMEFRAME_TAG,
    FetchedArtefact,
    VersionRecord,
)

STATE_FILE = "registry.json"


class LocalDirectorySource:
    """A `ModelSource` on DIRECTORY/NAME/VERSION/, with production and its history in DIRECTORY/NAME/registry.json.

    Several processes may use one folder on a local disk: writers take turns by a lock file, readers never wait.
    """

    def __init__(self, directory: Path, name: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._home = Path(directory) / name
        self._name = name
        self._clock = clock
        self.uri = f"directory:{directory}"

    def production_version(self) -> str | None:
        """See `ModelSource.production_version`."""
        production: str | None = self._state()["production"]
        return production

    def describe(self, version: str) -> VersionRecord:
        """See `ModelSource.describe`."""
        return self._record(self._state(), version)

    def fetch(self, version: str, destination: Path) -> FetchedArtefact:
        """See `ModelSource.fetch`."""
        record = self.describe(version)
        if record.digest is None:
            raise IncompleteArtefactError(f"{self._home / version}", f"the version bears no {DIGEST_TAG} tag")
        try:
            with replacing(destination) as fresh:
                shutil.copytree(self._home / version, fresh, dirs_exist_ok=True)
        except FileNotFoundError as error:
            raise IncompleteArtefactError(f"{self._home / version}", "its directory is missing") from error
        except OSError as error:
            raise RegistryUnreachableError(self.uri, f"{error}") from error
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
        """See `ModelSource.register`."""
        summary = summarise_artefact(directory)
        with exclusive(self._home / ".lock"):
            state = self._state()
            version = str(state["last_version"] + 1)
            with replacing(self._home / version) as fresh:
                for name in ARTEFACT_FILES:
                    shutil.copyfile(directory / name, fresh / name)
            state["last_version"] += 1
            state["versions"][version] = {
                "created_at": self._clock().isoformat(),
                "metrics": dict(metrics),
                "parameters": dict(parameters),
                "tags": {
                    **tags,
                    DIGEST_TAG: summary.digest,
                    TIMEFRAME_TAG: summary.timeframe,
                    HORIZON_TAG: str(summary.horizon_candles),
                },
            }
            write_json(self._home / STATE_FILE, state)
        return version

    def versions(self) -> tuple[VersionRecord, ...]:
        """See `ModelSource.versions`."""
        state = self._state()
        return tuple(self._record(state, version) for version in sorted(state["versions"], key=int, reverse=True))

    def promote(self, version: str) -> None:
        """See `ModelSource.promote`. Stage and alias are one write here."""
        with exclusive(self._home / ".lock"):
            state = self._state()
            self._record(state, version)
            state["production"] = version
            state["history"].append({"version": version, "at": self._clock().isoformat()})
            write_json(self._home / STATE_FILE, state)

    def close(self) -> None:
        """See `ModelSource.close`. Nothing is held open."""

    def _state(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self._home / STATE_FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"production": None, "history": [], "last_version": 0, "versions": {}}
        except (OSError, ValueError) as error:
            raise RegistryUnreachableError(self.uri, f"{STATE_FILE} of {self._name} cannot be read: {error}") from error
        return state

    def _record(self, state: Mapping[str, Any], version: str) -> VersionRecord:
        known = state["versions"].get(version)
        if known is None:
            raise ModelNotFoundError(self._name, f"version {version}")
        in_production = state["production"] == version
        was_in_production = any(entry["version"] == version for entry in state["history"])
        return VersionRecord(
            name=self._name,
            version=version,
            stage=PRODUCTION_STAGE if in_production else ARCHIVED_STAGE if was_in_production else NO_STAGE,
            aliases=(PRODUCTION_ALIAS,) if in_production else (),
            run_id=None,
            created_at=datetime.fromisoformat(known["created_at"]),
            tags=dict(known["tags"]),
            ready=True,
        )


__all__ = ["STATE_FILE", "LocalDirectorySource"]
