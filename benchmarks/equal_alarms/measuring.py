"""All detectors let loose on the runs of a part, at all factors at once; what came of it, plain and back."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

from benchmarks.drift.cells import Measured
from benchmarks.drift.outcomes import Outcome, outcome_of
from benchmarks.drift.plan import Cell
from benchmarks.drift.scenes import Scene
from benchmarks.equal_alarms.plan import Part
from benchmarks.equal_alarms.scaling import FACTORS, AtFactor, Evidence, ScaledDetector, ScaledWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One detector on the runs of one part: the outcome of each run at each of FACTORS."""

    part: Part
    detector: ScaledDetector
    outcomes: tuple[tuple[Outcome, ...], ...]

    def at(self, place: int) -> Measured:
        """As a cell of `benchmarks.drift`, at the factor that stands at `place`."""
        scaled = AtFactor(scaled=self.detector, factor=FACTORS[place])
        cell = Cell(detector=scaled, stream=self.part.stream, fault=self.part.fault)
        return Measured(cell=cell, outcomes=tuple(run[place] for run in self.outcomes), seconds=0.0)


def curves_as_values(part: Part, detectors: Sequence[ScaledDetector]) -> dict[str, Any]:
    """By detector, run and factor, up to the first silent one: the numbers of an Outcome. JSON-ready."""
    runs = part.stream.runs(part.fault)
    values: dict[str, Any] = {detector.name: [] for detector in detectors}
    # run by run: the detectors that share columns of a run take them from it while they are kept
    for run in runs:
        for detector in detectors:
            evidence = _watch(detector, run.scene).evidence(run.live, run.onset - 1)
            values[detector.name].append([list(astuple(one)) for one in outcomes_over(evidence, run.onset)])
    return values


def curves_from(part: Part, values: Mapping[str, Any], detectors: Sequence[ScaledDetector]) -> list[Curve]:
    """What `curves_as_values` made, read again."""
    return [
        Curve(
            part=part,
            detector=detector,
            outcomes=tuple(_at_all_factors([_outcome(*numbers) for numbers in run]) for run in values[detector.name]),
        )
        for detector in detectors
    ]


def outcomes_over(evidence: Evidence, onset: int) -> list[Outcome]:
    """The outcome of one run at each of FACTORS, up to the first that no row is in alarm at, as at any larger one."""
    outcomes: list[Outcome] = []
    for factor in FACTORS:
        alarm = evidence.alarm(factor)
        outcomes.append(outcome_of(alarm, onset))
        if not alarm.any():
            break
    return outcomes


def _at_all_factors(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    return (*outcomes, *[outcomes[-1]] * (len(FACTORS) - len(outcomes)))


# the scenes of one stream are the same for all its faults
@lru_cache(maxsize=32)
def _watch(detector: ScaledDetector, scene: Scene) -> ScaledWatch:
    return detector.fit(scene)


def _outcome(candles: int, triggers: int, alarmed: int, already_on: bool, delay: int | None) -> Outcome:  # noqa: FBT001 - as stored
    return Outcome(candles=candles, triggers=triggers, alarmed=alarmed, already_on=already_on, delay=delay)


__all__ = ["Curve", "curves_as_values", "curves_from", "outcomes_over"]
