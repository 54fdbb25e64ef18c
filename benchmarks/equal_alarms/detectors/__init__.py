"""The detectors that are put on one scale."""

from benchmarks.equal_alarms.detectors.domain_classifier import DomainClassifier
from benchmarks.equal_alarms.detectors.ours import MARKET_TOO, RELATIONS_TOO
from benchmarks.equal_alarms.detectors.series_index import INDEX_ALONE, INNOVATIONS
from benchmarks.equal_alarms.detectors.thumb import ScaledRuleOfThumb
from benchmarks.equal_alarms.scaling import ScaledDetector

#: Every detector, in the order of the tables.
SCALED: tuple[ScaledDetector, ...] = (
    INDEX_ALONE,
    ScaledRuleOfThumb(),
    INNOVATIONS,
    DomainClassifier(),
    MARKET_TOO,
    RELATIONS_TOO,
)
#: The one that ours are compared with, and ours.
BASE: ScaledDetector = INDEX_ALONE
OURS: tuple[ScaledDetector, ...] = (MARKET_TOO, RELATIONS_TOO)

__all__ = ["BASE", "OURS", "SCALED"]
