"""The rule of thumb of the stability index, both its limits multiplied."""

from dataclasses import dataclass

import numpy as np

from benchmarks.drift.detectors.rule_of_thumb import (
    NOTABLE,
    NOTABLE_FEATURES,
    SIGNIFICANT,
    RuleOfThumb,
    RuleOfThumbWatch,
)
from benchmarks.drift.rows import Rows
from benchmarks.drift.scenes import Scene
from benchmarks.equal_alarms.scaling import BareRatio


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledRuleOfThumb:
    """The largest index over 0.25, or the fourth largest over 0.2, whichever is more."""

    name: str = "rule of thumb"
    about: str = RuleOfThumb().about

    def fit(self, scene: Scene) -> "ScaledRuleOfThumbWatch":
        """Cut each feature at its deciles."""
        return ScaledRuleOfThumbWatch(watch=RuleOfThumb().fit(scene))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaledRuleOfThumbWatch:
    """The deciles of every feature."""

    watch: RuleOfThumbWatch

    def evidence(self, live: Rows, from_row: int) -> BareRatio:  # noqa: ARG002 - one pass judges all rows
        """The factor up to which each row is in alarm."""
        columns = zip(self.watch.features, live.features.T, strict=True)
        psi = np.sort(np.stack([deciles.rolling(column) for deciles, column in columns]), axis=0)
        ratio = psi[-1] / SIGNIFICANT
        if len(psi) > NOTABLE_FEATURES:
            ratio = np.maximum(ratio, psi[-1 - NOTABLE_FEATURES] / NOTABLE)
        return BareRatio(ratio=ratio)


__all__ = ["ScaledRuleOfThumb"]
