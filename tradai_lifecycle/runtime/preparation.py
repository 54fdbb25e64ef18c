"""From a version number to a bundle that may take over: fetch, check, try out, load, check again. Blocking."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradai_lifecycle.errors import ModelNotFoundError, ModelRefusedError, UnreadableArtefactError, UntrustedTypeError
from tradai_lifecycle.model.artefact import (
    DigestMismatchError,
    IncompleteArtefactError,
    inspect_artefact,
    read_artefact,
)
from tradai_lifecycle.model.bundle import ModelBundle, ModelOutputError
from tradai_lifecycle.model.candidate import EntryRate, Expectations, check_candidate
from tradai_lifecycle.model.source import FetchedArtefact, ModelSource, VersionNotReadyError, VersionRecord
from tradai_lifecycle.runtime.model_cache import CachedVersion, ModelCache
from tradai_lifecycle.states import CandidateOutcome

Probe = Callable[..., None]

#: What each refusal of the model room is called in events; the first that matches counts.
OUTCOME_OF_ERROR: tuple[tuple[type[ModelRefusedError], CandidateOutcome], ...] = (
    (VersionNotReadyError, CandidateOutcome.NOT_READY),
    (IncompleteArtefactError, CandidateOutcome.INCOMPLETE),
    (ModelNotFoundError, CandidateOutcome.INCOMPLETE),
    (DigestMismatchError, CandidateOutcome.DIGEST_MISMATCH),
    (UntrustedTypeError, CandidateOutcome.UNTRUSTED_TYPE),
    (ModelOutputError, CandidateOutcome.NOT_FINITE),
    (UnreadableArtefactError, CandidateOutcome.UNREADABLE),
    (ModelRefusedError, CandidateOutcome.UNREADABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of a version: `bundle` is there exactly when `outcome` is STAGED, that is, ready to be staged."""

    outcome: CandidateOutcome
    detail: str
    bundle: ModelBundle | None = None


class Preparation:
    """Turns versions of one source into checked bundles, with a cache of those that passed.

    `probe` tries an artefact out in another process (`probe_in_subprocess`); a version from the cache has been
    through it and skips it.
    """

    def __init__(
        self,
        source: ModelSource,
        cache: ModelCache,
        *,
        name: str,
        expectations: Expectations,
        trusted_types: Sequence[str],
        entry_rate: EntryRate | None,
        probe: Probe,
    ) -> None:
        self._source = source
        self._cache = cache
        self._name = name
        self._expectations = expectations
        self._trusted_types = tuple(trusted_types)
        self._entry_rate = entry_rate
        self._probe = probe

    def prepare(self, record: VersionRecord, champion: ModelBundle | None) -> Prepared:
        """Fetch and check one version against the strategy and the champion. Every refusal is an outcome.

        Raises RegistryUnreachableError when the registry failed meanwhile.
        """
        arrival = self._cache.arrival(record.version)
        try:
            cached = self._cache.holds(record.version, record.digest) if record.ready and record.digest else None
            artefact = cached or self._fetched(record.version, arrival)
            prepared = self._checked(artefact, champion)
            if cached is None and prepared.bundle is not None:
                entry = CachedVersion(
                    version=record.version, digest=prepared.bundle.digest, run_id=prepared.bundle.run_id
                )
                self._cache.add(entry, artefact.directory)
        except ModelRefusedError as error:
            return Prepared(outcome=outcome_of(error), detail=str(error))
        finally:
            shutil.rmtree(arrival, ignore_errors=True)
        return prepared

    def from_cache(self, version: str | None) -> Prepared | None:
        """A version from the cache alone, or with None the one that was in charge last; None where there is none."""
        entry = self._cache.last_good() if version is None else self._cache.entry(version)
        artefact = self._cache.holds(entry.version, entry.digest) if entry else None
        if artefact is None:
            return None
        try:
            return self._checked(artefact, champion=None)
        except ModelRefusedError as error:
            return Prepared(outcome=outcome_of(error), detail=str(error))

    def _fetched(self, version: str, arrival: Path) -> FetchedArtefact:
        artefact = self._source.fetch(version, arrival)
        inspect_artefact(
            artefact.directory, expected_digest=artefact.expected_digest, trusted_types=self._trusted_types
        )
        self._probe(artefact.directory, expected_digest=artefact.expected_digest, trusted_types=self._trusted_types)
        return artefact

    def _checked(self, artefact: FetchedArtefact, champion: ModelBundle | None) -> Prepared:
        bundle = read_artefact(
            artefact.directory,
            name=self._name,
            version=artefact.version,
            run_id=artefact.run_id,
            expected_digest=artefact.expected_digest,
            trusted_types=self._trusted_types,
        )
        outcome, detail = check_candidate(bundle, self._expectations, champion=champion, entry_rate=self._entry_rate)
        return Prepared(outcome=outcome, detail=detail, bundle=bundle if outcome is CandidateOutcome.STAGED else None)


def outcome_of(error: ModelRefusedError) -> CandidateOutcome:
    """The word for a refusal."""
    return next(outcome for kind, outcome in OUTCOME_OF_ERROR if isinstance(error, kind))


__all__ = ["OUTCOME_OF_ERROR", "Preparation", "Prepared", "Probe", "outcome_of"]
