"""Checked model versions on this machine's disk, so that a bot can start while its registry is down."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradai_lifecycle.errors import UnreadableArtefactError
from tradai_lifecycle.model.artefact import artefact_digest
from tradai_lifecycle.model.file_lock import exclusive, write_json
from tradai_lifecycle.model.source import FetchedArtefact

INDEX_FILE = "index.json"
#: Versions kept beside the last good one: what a rollback may want.
KEPT_VERSIONS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedVersion:
    """An entry of the cache: which version, what its files must hash to, and the run it came from."""

    version: str
    digest: str
    run_id: str | None


class ModelCache:
    """DIRECTORY/NAME/VERSION/ for each version, and DIRECTORY/NAME/index.json with their digests and the last good.

    The index is only a promise: whoever reads an entry compares its digest again. An index that cannot be read counts
    as an empty one, and a damaged entry as absent.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self._home = Path(directory) / name

    def path_of(self, version: str) -> Path:
        """The directory of a version's files, whether they are there or not."""
        return self._home / version

    def arrival(self, version: str) -> Path:
        """Where this process may put files of a version that are not checked yet."""
        return self._home / f".arrival-{version}-{os.getpid()}"

    def last_good(self) -> CachedVersion | None:
        """The version that was in charge last, or None."""
        index = self._index()
        return _entry(index, index.get("last_good"))

    def entry(self, version: str) -> CachedVersion | None:
        """What the index says of a version, or None."""
        return _entry(self._index(), version)

    def holds(self, version: str, digest: str) -> FetchedArtefact | None:
        """The checked files of this version with this digest, or None when they are absent, others, or damaged."""
        entry = self.entry(version)
        if entry is None or entry.digest != digest:
            return None
        try:
            if artefact_digest(self.path_of(version)) != digest:
                return None
        except UnreadableArtefactError:
            return None
        return FetchedArtefact(
            directory=self.path_of(version), version=version, run_id=entry.run_id, expected_digest=digest
        )

    def add(self, entry: CachedVersion, directory: Path) -> None:
        """Move a version's files, which passed every check, from `directory` into the cache."""
        with exclusive(self._home / ".lock"):
            index = self._index()
            shutil.rmtree(self.path_of(entry.version), ignore_errors=True)
            directory.replace(self.path_of(entry.version))
            index["checked"].pop(entry.version, None)
            index["checked"][entry.version] = {"digest": entry.digest, "run_id": entry.run_id}
            self._drop_old(index)
            write_json(self._home / INDEX_FILE, index)

    def set_last_good(self, version: str) -> None:
        """Note which checked version is in charge; one that is not in the cache is ignored."""
        with exclusive(self._home / ".lock"):
            index = self._index()
            if version in index["checked"] and index.get("last_good") != version:
                write_json(self._home / INDEX_FILE, {**index, "last_good": version})

    def _index(self) -> dict[str, Any]:
        try:
            index = json.loads((self._home / INDEX_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {"checked": {}, "last_good": None}
        return index if isinstance(index, dict) and isinstance(index.get("checked"), dict) else {"checked": {}}

    def _drop_old(self, index: dict[str, Any]) -> None:
        oldest_first = [version for version in index["checked"] if version != index.get("last_good")]
        for version in oldest_first[:-KEPT_VERSIONS]:
            del index["checked"][version]
            shutil.rmtree(self.path_of(version), ignore_errors=True)


def _entry(index: dict[str, Any], version: str | None) -> CachedVersion | None:
    known = index["checked"].get(version)
    if version is None or not isinstance(known, dict) or not isinstance(known.get("digest"), str):
        return None
    return CachedVersion(version=version, digest=known["digest"], run_id=known.get("run_id"))


__all__ = ["KEPT_VERSIONS", "CachedVersion", "ModelCache"]
