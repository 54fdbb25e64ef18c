"""Model versions: what a bundle is, where it comes from, what it must show, and the slot of the one in charge."""

from tradai_lifecycle.model.artefact import (
    DigestMismatchError,
    IncompleteArtefactError,
    artefact_digest,
    inspect_artefact,
    read_artefact,
    write_artefact,
)
from tradai_lifecycle.model.bundle import GoldenSample, ModelBundle, ModelOutputError, ModelTask
from tradai_lifecycle.model.candidate import EntryRate, Expectations, check_candidate
from tradai_lifecycle.model.probe import probe_in_subprocess
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.model.slot import EmptySlotError, ModelSlot, SlotState
from tradai_lifecycle.model.source import (
    COMMIT_TAG,
    DIGEST_TAG,
    FetchedArtefact,
    ModelSource,
    VersionNotReadyError,
    VersionRecord,
)

__all__ = [
    "COMMIT_TAG",
    "DIGEST_TAG",
    "DigestMismatchError",
    "EmptySlotError",
    "EntryRate",
    "Expectations",
    "FetchedArtefact",
    "GoldenSample",
    "IncompleteArtefactError",
    "ModelBundle",
    "ModelOutputError",
    "ModelSlot",
    "ModelSource",
    "ModelTask",
    "SlotState",
    "VersionNotReadyError",
    "VersionRecord",
    "artefact_digest",
    "check_candidate",
    "inspect_artefact",
    "open_source",
    "probe_in_subprocess",
    "read_artefact",
    "write_artefact",
]
