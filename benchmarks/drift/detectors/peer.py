"""Detectors of other libraries, each in a virtual environment of its own: arrays out, alarms back."""

import atexit
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.drift.outcomes import COOL_DOWN
from benchmarks.drift.rows import Flags, Floats, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.drift.streams.stream import WINDOW

ENVIRONMENTS = Path(__file__).parents[2] / "results" / "peers"
SCRIPTS = Path(__file__).parents[1] / "peers"
INSTALL = "make bench-drift-peers"
#: No figure of a benchmark is anybody's to collect.
_QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A script of `benchmarks/drift/peers`, run by the python of an environment that `make bench-drift-peers` makes.

    An alarm of a detector that knows moments only, not states, is taken to last `held_candles`.
    """

    name: str
    about: str
    script: str
    environment: str
    held_candles: int = 1
    most_runs: int | None = 8
    sparse: bool = False

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return ENVIRONMENTS / self.environment / "bin" / "python"

    @property
    def sources(self) -> tuple[Path, ...]:
        """Its script, what the script shares, and the versions it was pinned to."""
        shared = SCRIPTS / "serving.py", SCRIPTS / f"{self.environment}.txt", Path(__file__)
        each = sorted(SCRIPTS.glob(f"{self.environment}_each.py"))
        return (SCRIPTS / f"{self.script}.py", *shared, *each)

    def missing(self) -> str | None:
        """What installs it."""
        installed = self.python.parents[1] / ".installed"
        return None if installed.exists() else f"not installed: {INSTALL}"

    def fit(self, scene: Scene) -> "PeerWatch":
        """The other process learns when it is first asked."""
        return PeerWatch(peer=self, scene=scene)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeerWatch:
    """A peer that is told of one scene."""

    peer: Peer
    scene: Scene

    def alarm(self, live: Rows, from_row: int) -> Flags:
        """As the other process says."""
        flags = _worker(self.peer).ask(self.scene.reference, live, from_row)
        until = np.concatenate([[0], np.cumsum(flags)])
        starts = np.maximum(np.arange(len(flags)) + 1 - self.peer.held_candles, 0)
        return until[1:] > until[starts]


class _Worker:
    """One process of a peer, and the folder through which arrays go. Ends with this process."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._folder = tempfile.TemporaryDirectory(prefix="tradai-drift-")
        self._errors = Path(self._folder.name, "errors.txt")
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [peer.python, SCRIPTS / f"{peer.script}.py"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **_QUIET},
            )
        self._stored: tuple[Rows, Path] | None = None
        self._number = 0
        atexit.register(self.close)

    def ask(self, reference: Rows, live: Rows, from_row: int) -> Flags:
        folder = Path(self._folder.name)
        answer = folder / "answer.npz"
        question = {
            "reference": str(self._path_of(reference)),
            "live": str(_save(folder / "live.npz", "live", live.features)),
            "answer": str(answer),
            "window": WINDOW,
            "from_row": from_row,
        }
        if not self._answers(json.dumps(question)):
            raise RuntimeError(
                f"{self._peer.name} failed: {self._errors.read_text(errors='replace')[-2_000:]}\n"
                f"Next: {INSTALL}, or leave it out."
            )
        with np.load(answer) as stored:
            flags: Flags = stored["alarm"]
        return flags

    def _answers(self, question: str) -> bool:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{question}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return False
        return self._process.stdout.readline() == "answered\n"

    def close(self) -> None:
        self._process.kill()
        # closes the pipes, too
        self._process.communicate()
        self._folder.cleanup()

    # runs of one scene follow each other: only its reference is kept, under a name that was never used before
    def _path_of(self, reference: Rows) -> Path:
        if self._stored is None or self._stored[0] is not reference:
            if self._stored is not None:
                self._stored[1].unlink()
            self._number += 1
            path = Path(self._folder.name, f"reference-{self._number}.npz")
            self._stored = reference, _save(path, "reference", reference.features)
        return self._stored[1]


@cache
def _worker(peer: Peer) -> _Worker:
    return _Worker(peer)


def _save(path: Path, name: str, values: Floats) -> Path:
    arrays: Mapping[str, Any] = {name: values}
    np.savez(path, **arrays)
    return path


PEERS = (
    Peer(
        name="river ADWIN",
        about=f"ADWIN with its defaults on each standardised feature; a change counts for {COOL_DOWN} candles",
        script="river_adwin",
        environment="river",
        held_candles=COOL_DOWN,
    ),
    Peer(
        name="river Page-Hinkley",
        about=f"Page-Hinkley with its defaults on each standardised feature; a change counts for {COOL_DOWN} candles",
        script="river_page_hinkley",
        environment="river",
        held_candles=COOL_DOWN,
    ),
    Peer(
        name="NannyML",
        about="UnivariateDriftCalculator, Jensen-Shannon, chunks of 500, its own thresholds, an alert of any feature",
        script="nannyml_chunks",
        environment="nannyml",
    ),
    Peer(
        name="Evidently",
        about="DataDriftPreset's verdict (half of the columns), window of 500, judged every 125 candles",
        script="evidently_preset",
        environment="evidently",
        most_runs=2,
        sparse=True,
    ),
)

__all__ = ["INSTALL", "PEERS", "Peer"]
