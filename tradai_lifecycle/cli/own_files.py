"""The files that the lifecycle made on this machine, and their removal."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tradai_lifecycle.cli.options import Bot
from tradai_lifecycle.config import REHEARSALS_FOLDER, STORE_FILE
from tradai_lifecycle.model.local_directory import STATE_FILE
from tradai_lifecycle.runtime.model_cache import INDEX_FILE
from tradai_lifecycle.store.schema import APPLICATION_ID

_BESIDE_SQLITE = ("", "-wal", "-shm", "-journal", ".lock")


class Purge(StrEnum):
    """The option that deletes a file."""

    #: What this bot alone made and reads.
    FILES = "--purge"
    #: What other bots may load their models from: nothing on this machine says which do.
    REGISTRY = "--purge-registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFile:
    """A file or folder of the lifecycle.

    `purge` is the option that deletes it; `kept_because` says why it is never removed, "" where it may be;
    `with_parent` that its folder was made for it.
    """

    path: Path
    what: str
    purge: Purge = Purge.FILES
    kept_because: str = ""
    with_parent: bool = False


def own_files(bot: Bot) -> tuple[OwnFile, ...]:
    """What is there of a bot's ledger, model cache, rehearsals and registry.

    Another bot of the same user_data directory may share the cache, and any bot the registry.
    """
    return tuple(_found(bot))


def remove(file: OwnFile) -> None:
    """Delete it, unless it is to be kept, and the folder that was made for it once that is empty. Raises OSError."""
    if file.kept_because:
        return
    if file.path.is_dir():
        shutil.rmtree(file.path)
    else:
        file.path.unlink()
    if file.with_parent and not any(file.path.parent.iterdir()):
        file.path.parent.rmdir()


def _found(bot: Bot) -> Iterator[OwnFile]:
    settings, directory = bot.lifecycle, bot.user_data_dir
    ledger = settings.path_in(directory, settings.store_path)
    yield from _database_files(ledger, "the lifecycle's database")
    cache = settings.path_in(directory, settings.model_cache_path) / settings.model_name
    other = _ledger_of_another(directory, ledger) if cache.is_dir() else None
    kept = f"{other} may be the database of another bot that reads it" if other else ""
    yield from _folder(cache, INDEX_FILE, "the model cache", kept_because=kept)
    yield from _rehearsals(directory / REHEARSALS_FOLDER)
    uri = settings.registry_uri
    if uri.startswith("directory:"):
        registry = settings.path_in(directory, uri.removeprefix("directory:")) / settings.model_name
        yield from _folder(registry, STATE_FILE, "the model registry", purge=Purge.REGISTRY)
    elif uri.startswith("sqlite:///"):
        yield from _mlflow_files(Path(uri.removeprefix("sqlite:///")).absolute(), settings.model_name)


def _database_files(path: Path, what: str, *, purge: Purge = Purge.FILES, kept_because: str = "") -> Iterator[OwnFile]:
    for suffix in _BESIDE_SQLITE:
        file = path.with_name(path.name + suffix)
        if file.is_file():
            yield OwnFile(path=file, what=what, purge=purge, kept_because=kept_because)


# A folder is ours when it holds the file that we keep in it: a path in a configuration may name anything.
def _folder(
    path: Path, marker: str, what: str, *, purge: Purge = Purge.FILES, kept_because: str = ""
) -> Iterator[OwnFile]:
    if path.is_dir():
        ours = (path / marker).is_file()
        kept = kept_because if ours else f"it holds no {marker}: not ours"
        yield OwnFile(path=path, what=what, purge=purge, kept_because=kept, with_parent=True)


def _rehearsals(parent: Path) -> Iterator[OwnFile]:
    for path in sorted(parent.iterdir()) if parent.is_dir() else ():
        ours = not path.is_symlink() and path.is_dir() and _may_be_ledger(path / STORE_FILE, doubtful=False)
        kept = "" if ours else f"it holds no {STORE_FILE} of ours"
        yield OwnFile(path=path, what="a rehearsal", kept_because=kept, with_parent=True)


# Rehearsals have caches of their own.
def _ledger_of_another(directory: Path, ledger: Path) -> Path | None:
    rehearsals, own = directory / REHEARSALS_FOLDER, ledger.resolve()
    others = (
        path
        for path in sorted(directory.rglob("*"))
        if rehearsals not in path.parents
        and not path.name.endswith(_BESIDE_SQLITE[1:])
        and _may_be_ledger(path, doubtful=True)
        and path.resolve() != own
    )
    return next(others, None)


# `doubtful` is the answer for a file that cannot be read.
def _may_be_ledger(path: Path, *, doubtful: bool) -> bool:
    if not path.is_file():
        return False
    try:
        # opened otherwise, a file in write-ahead mode would get companions that stay
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.Error as error:
        return doubtful and error.sqlite_errorcode != sqlite3.SQLITE_NOTADB
    return bool(found == APPLICATION_ID)


def _mlflow_files(database: Path, model: str) -> Iterator[OwnFile]:
    if not database.is_file():
        return
    others = _other_uses(database, model)
    kept = f"it is used for {others} as well" if others else ""
    yield from _database_files(database, "the model registry", purge=Purge.REGISTRY, kept_because=kept)
    artefacts = database.parent / "mlartifacts" / model
    if artefacts.is_dir():
        what = "the registered models' files"
        yield OwnFile(path=artefacts, what=what, purge=Purge.REGISTRY, kept_because=kept, with_parent=True)


# What else the registry holds, in words; "" where it holds this model alone.
def _other_uses(database: Path, model: str) -> str:
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            models = {name for (name,) in connection.execute("SELECT name FROM registered_models")} - {model}
            found = connection.execute("SELECT name FROM experiments WHERE lifecycle_stage = 'active'")
            experiments = {name for (name,) in found} - {model, "Default"}
    except sqlite3.Error as error:
        return f"something that cannot be read ({error})"
    return ", ".join(
        [*(f"model {name}" for name in sorted(models)), *(f"experiment {name}" for name in sorted(experiments))]
    )


__all__ = ["OwnFile", "Purge", "own_files", "remove"]
