"""A detector let loose on the runs of a stream."""

from dataclasses import replace
from time import perf_counter

import numpy as np

from benchmarks.drift.detectors import Detector
from benchmarks.drift.outcomes import Outcome, outcome_of
from benchmarks.drift.scenes import Run
from benchmarks.drift.streams.stream import WATCHED_CANDLES


def outcomes_of(detector: Detector, runs: list[Run]) -> tuple[tuple[Outcome, ...], float]:
    """What came of each run that the detector is shown, and the seconds that took."""
    began = perf_counter()
    outcomes, watch, scene = [], None, None
    for run in _shown(detector, runs):
        if watch is None or scene is not run.scene:
            watch, scene = detector.fit(run.scene), run.scene
        alarm = watch.alarm(run.live, run.onset - 1)
        assert alarm.shape == (len(run.live),)
        outcomes.append(outcome_of(alarm, run.onset))
    return tuple(outcomes), perf_counter() - began


# some runs from all over the stream where not all can be shown
def _shown(detector: Detector, runs: list[Run]) -> list[Run]:
    most = len(runs) if detector.most_runs is None else min(detector.most_runs, len(runs))
    picked = [runs[place] for place in np.linspace(0, len(runs) - 1, most).astype(int)]
    return [_beginning(run) for run in picked] if detector.sparse else picked


def _beginning(run: Run) -> Run:
    return replace(run, live=run.live.at(slice(0, run.onset + WATCHED_CANDLES)))


__all__ = ["outcomes_of"]
