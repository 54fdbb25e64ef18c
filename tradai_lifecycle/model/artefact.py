"""A bundle as a directory of four files, and the only way back: digest, then types, then loading."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

from tradai_lifecycle.errors import UnreadableArtefactError, UntrustedTypeError
from tradai_lifecycle.model.bundle import ModelBundle, ModelTask
from tradai_lifecycle.model.golden import golden_file, read_golden
from tradai_lifecycle.monitor.reference import ReferenceProfile

FORMAT_VERSION = 1
MODEL_FILE = "model.skops"
METADATA_FILE = "bundle.json"
PROFILE_FILE = "profile.json"
GOLDEN_FILE = "golden.npz"
#: All that is read, and all that the digest covers, in the digest's order.
ARTEFACT_FILES = (METADATA_FILE, GOLDEN_FILE, MODEL_FILE, PROFILE_FILE)
#: Names under which a registry's artefact may bring Python code of its own.
CODE_NAMES = ("code", "code_paths")
#: Libraries whose versions a bundle records: another one may predict otherwise.
RECORDED_LIBRARIES = ("numpy", "scikit-learn", "scipy", "skops", "tradai-lifecycle")

#: Types of numpy and scikit-learn that skops asks about, allowed here: data holders of fitted estimators without code
#: of their own. The list an artefact brings along is never read.
TRUSTED_TYPES = frozenset(
    {
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)


class IncompleteArtefactError(UnreadableArtefactError):
    """A file of the artefact, or the digest it should be compared with, is missing."""


class DigestMismatchError(UnreadableArtefactError):
    """The files are not the ones that were registered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtefactSummary:
    """What a registry wants to know of an artefact without loading its model."""

    digest: str
    timeframe: str
    horizon_candles: int
    feature_names: tuple[str, ...]


def write_artefact(directory: Path, bundle: ModelBundle) -> str:
    """Write `bundle` into `directory` (made if absent) and return the digest of what was written.

    Name, version, run and digest of the bundle are not written: the registry gives them. `bundle.libraries` is
    recorded, or the installed versions where it is empty. Raises ValueError for an estimator that was fitted on a
    frame, since predictions are made from plain arrays in the bundle's own order.
    """
    import skops.io  # noqa: PLC0415 - two seconds of imports, only where a model is written or read

    if hasattr(bundle.estimator, "feature_names_in_"):
        raise ValueError("the estimator was fitted on a frame: fit it on features.to_numpy(), in feature_names' order")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MODEL_FILE).write_bytes(skops.io.dumps(bundle.estimator))
    (directory / METADATA_FILE).write_text(json.dumps(_metadata(bundle), indent=2) + "\n", encoding="utf-8")
    (directory / PROFILE_FILE).write_text(bundle.profile.to_json(), encoding="utf-8")
    (directory / GOLDEN_FILE).write_bytes(golden_file(bundle.golden, bundle.golden_candles))
    return artefact_digest(directory)


def artefact_digest(directory: Path) -> str:
    """SHA-256, in hex, over the four files of an artefact, ordered by name.

    Each file counts as its name, a zero byte, its length as eight big-endian bytes, and its content. Whatever else
    lies in the directory (an `MLmodel` file, requirements) is neither covered nor ever read. Raises
    IncompleteArtefactError when one of the four is missing.
    """
    return _digest(_contents(directory))


def summarise_artefact(directory: Path) -> ArtefactSummary:
    """Digest, timeframe, horizon and feature names of an artefact, without loading its model."""
    contents = _contents(directory)
    try:
        metadata = json.loads(contents[METADATA_FILE])
        return ArtefactSummary(
            digest=_digest(contents),
            timeframe=str(metadata["timeframe"]),
            horizon_candles=int(metadata["horizon_candles"]),
            feature_names=tuple(metadata["feature_names"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableArtefactError(str(directory), f"{METADATA_FILE} is not readable ({error!r})") from error


def asked_types(directory: Path) -> set[str]:
    """The types in an artefact's model that skops does not trust by itself. Nothing is loaded."""
    return _types_of(directory, _contents(directory)[MODEL_FILE])


def inspect_artefact(directory: Path, *, expected_digest: str | None, trusted_types: Sequence[str]) -> str:
    """Check an artefact's files, digest and types without loading anything, and return its digest.

    With `expected_digest` None the digest is not compared. Raises IncompleteArtefactError, DigestMismatchError,
    UnreadableArtefactError or UntrustedTypeError.
    """
    return _inspected(directory, expected_digest, trusted_types)[1]


def read_artefact(
    directory: Path,
    *,
    name: str,
    version: str,
    run_id: str | None,
    expected_digest: str | None,
    trusted_types: Sequence[str],
) -> ModelBundle:
    """Load the bundle in `directory`: first the digest, then the types, and only then the model.

    Each file is read once, so what is loaded is what was checked. Types are allowed by `TRUSTED_TYPES` and
    `trusted_types` (full dotted names) and by nothing else. With `expected_digest` None the digest is not compared.
    Raises UnreadableArtefactError (or its children IncompleteArtefactError, DigestMismatchError), UntrustedTypeError.
    """
    contents, digest = _inspected(directory, expected_digest, trusted_types)
    try:
        golden, golden_candles = read_golden(contents[GOLDEN_FILE])
        return ModelBundle(
            name=name,
            version=version,
            run_id=run_id,
            digest=digest,
            estimator=_load_estimator(contents[MODEL_FILE], trusted_types),
            profile=ReferenceProfile.from_json(contents[PROFILE_FILE].decode("utf-8")),
            golden=golden,
            golden_candles=golden_candles,
            **_metadata_fields(json.loads(contents[METADATA_FILE])),
        )
    except Exception as error:  # skops, numpy and json raise whatever a damaged file makes them raise
        raise UnreadableArtefactError(str(directory), f"loading it raised {error!r}") from error


def installed_libraries() -> dict[str, str]:
    """The installed version of each library that a bundle records; one that is missing is left out."""
    found = {}
    for library in RECORDED_LIBRARIES:
        try:
            found[library] = installed_version(library)
        except PackageNotFoundError:
            continue
    return found


def _contents(directory: Path) -> dict[str, bytes]:
    for code in CODE_NAMES:
        if (directory / code).exists():
            raise UnreadableArtefactError(str(directory), f"it brings code of its own ({code}/), which is never run")
    try:
        return {name: (directory / name).read_bytes() for name in ARTEFACT_FILES}
    except FileNotFoundError as error:
        raise IncompleteArtefactError(str(directory), f"{Path(str(error.filename)).name} is missing") from error
    except OSError as error:
        raise UnreadableArtefactError(str(directory), f"{error}") from error


def _digest(contents: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name in sorted(contents):
        total.update(name.encode() + b"\0" + len(contents[name]).to_bytes(8, "big"))
        total.update(contents[name])
    return total.hexdigest()


def _inspected(
    directory: Path, expected_digest: str | None, trusted_types: Sequence[str]
) -> tuple[dict[str, bytes], str]:
    contents = _contents(directory)
    digest = _digest(contents)
    if expected_digest is not None and digest != expected_digest:
        raise DigestMismatchError(
            str(directory), f"its digest is {digest[:12]}..., but {expected_digest[:12]}... was registered"
        )
    unknown = sorted(_types_of(directory, contents[MODEL_FILE]) - TRUSTED_TYPES - set(trusted_types))
    if unknown:
        raise UntrustedTypeError(str(directory), unknown)
    return contents, digest


# Reads the skops file's schema only: nothing is imported or constructed on its behalf.
def _types_of(directory: Path, model: bytes) -> set[str]:
    import skops.io  # noqa: PLC0415 - see write_artefact

    try:
        return set(skops.io.get_untrusted_types(data=model))
    except Exception as error:  # zip, json and skops raise whatever a damaged file makes them raise
        raise UnreadableArtefactError(str(directory), f"{MODEL_FILE} is not a skops file ({error!r})") from error


def _load_estimator(model: bytes, trusted_types: Sequence[str]) -> object:
    import skops.io  # noqa: PLC0415 - see write_artefact

    estimator: object = skops.io.loads(model, trusted=sorted(TRUSTED_TYPES | set(trusted_types)))
    return estimator


def _metadata(bundle: ModelBundle) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "task": bundle.task.value,
        "feature_names": list(bundle.feature_names),
        "horizon_candles": bundle.horizon_candles,
        "timeframe": bundle.timeframe,
        "trained_from": bundle.trained_from.isoformat(),
        "trained_until": bundle.trained_until.isoformat(),
        "training_pairs": list(bundle.training_pairs),
        "metrics": dict(bundle.metrics),
        "libraries": dict(bundle.libraries) or installed_libraries(),
    }


def _metadata_fields(metadata: Mapping[str, Any]) -> dict[str, Any]:
    if metadata["format_version"] != FORMAT_VERSION:
        raise ValueError(f"format_version is {metadata['format_version']!r}, this package reads {FORMAT_VERSION}")
    return {
        "task": ModelTask(metadata["task"]),
        "feature_names": tuple(metadata["feature_names"]),
        "horizon_candles": int(metadata["horizon_candles"]),
        "timeframe": str(metadata["timeframe"]),
        "trained_from": _aware(metadata["trained_from"]),
        "trained_until": _aware(metadata["trained_until"]),
        "training_pairs": tuple(metadata["training_pairs"]),
        "metrics": {str(key): float(value) for key, value in metadata["metrics"].items()},
        "libraries": {str(key): str(value) for key, value in metadata["libraries"].items()},
    }


def _aware(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return when


__all__ = [
    "ARTEFACT_FILES",
    "FORMAT_VERSION",
    "TRUSTED_TYPES",
    "ArtefactSummary",
    "DigestMismatchError",
    "IncompleteArtefactError",
    "artefact_digest",
    "asked_types",
    "inspect_artefact",
    "installed_libraries",
    "read_artefact",
    "summarise_artefact",
    "write_artefact",
]
