"""A trial in another process: a crafted model can crash the interpreter, so the bot's is not the first to load it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tradai_lifecycle.errors import UnreadableArtefactError
from tradai_lifecycle.model.artefact import read_artefact

#: Time for the interpreter, its imports (three seconds when idle), loading and one prediction.
PROBE_TIMEOUT_SECONDS = 120.0
#: What the trial may know of the environment: nothing that could be a secret.
PASSED_ENVIRONMENT = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TMPDIR")


def probe_in_subprocess(
    directory: Path,
    *,
    expected_digest: str | None,
    trusted_types: Sequence[str] = (),
    timeout_seconds: float = PROBE_TIMEOUT_SECONDS,
) -> None:
    """Load the artefact in `directory` and predict its golden sample in a process of its own.

    Returns when that went well. Raises UnreadableArtefactError when it raised, crashed, or took too long. Check digest
    and types before (`inspect_artefact`): this guards the interpreter, not the machine.
    """
    request = json.dumps(
        {"directory": str(directory), "expected_digest": expected_digest, "trusted_types": list(trusted_types)}
    )
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", "from tradai_lifecycle.model import probe; probe.run_trial()"],
            input=request,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_seconds,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise UnreadableArtefactError(
            str(directory), f"a trial process did not load and predict within {timeout_seconds:g} seconds"
        ) from None
    if ended.returncode < 0:
        raise UnreadableArtefactError(str(directory), f"a trial process was ended by signal {-ended.returncode}")
    if ended.returncode > 0:
        last_line = ended.stderr.strip().rpartition("\n")[2]
        raise UnreadableArtefactError(str(directory), f"a trial process failed: {last_line[:500]}")


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
    search_path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**kept, "PYTHONPATH": search_path, "OMP_NUM_THREADS": "1"}


def run_trial() -> None:
    """The other process's part: read a request from standard input, load, predict, and end. Raises on any failure."""
    request = json.load(sys.stdin)
    bundle = read_artefact(
        Path(request["directory"]),
        name="probe",
        version="0",
        run_id=None,
        expected_digest=request["expected_digest"],
        trusted_types=request["trusted_types"],
    )
    bundle.predict(bundle.golden.features)


__all__ = ["PROBE_TIMEOUT_SECONDS", "probe_in_subprocess", "run_trial"]
