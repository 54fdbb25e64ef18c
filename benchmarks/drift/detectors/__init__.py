"""Ways to tell drift: the package's own, and others to compare it with."""

from benchmarks.drift.detectors.detector import Detector, Watch
from benchmarks.drift.detectors.kolmogorov_smirnov import KolmogorovSmirnov
from benchmarks.drift.detectors.ours import OURS
from benchmarks.drift.detectors.peer import PEERS
from benchmarks.drift.detectors.rule_of_thumb import RuleOfThumb

#: Every detector, in the order of the tables.
DETECTORS: tuple[Detector, ...] = (*OURS, RuleOfThumb(), KolmogorovSmirnov(), *PEERS)

__all__ = ["DETECTORS", "Detector", "Watch"]
