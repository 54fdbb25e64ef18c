"""The golden candles of a model through a strategy's own feature code: is it still the code of training?"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradai_lifecycle.model.bundle import GoldenPair, ModelBundle
from tradai_lifecycle.states import Reason
from tradai_lifecycle.strategy.columns import ActiveVersion
from tradai_lifecycle.strategy.differences import difference_words, differences
from tradai_lifecycle.strategy.frame import FeatureStrategy, computed_features

logger = logging.getLogger(__name__)


class GoldenOutcome(StrEnum):
    """What computing a golden pair again showed."""

    AGREES = "agrees"
    DIFFERS = "differs"
    FAILED = "failed"
    OTHER_FEATURES = "other_features"

    @property
    def holds_back(self) -> bool:
        """Whether it is a reason to pause. Other features are one already, by a word of their own."""
        return self in (GoldenOutcome.DIFFERS, GoldenOutcome.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenFinding:
    """The outcome for one pair, and in words what was found; empty where nothing was."""

    outcome: GoldenOutcome
    detail: str = ""


def golden_frame(columns: dict[str, NDArray[Any]]) -> pd.DataFrame:
    """The candles as the feature code got them: a frame of its own, with times in UTC."""
    return pd.DataFrame(
        {
            name: pd.Series(np.array(values)).dt.tz_localize("UTC") if values.dtype.kind == "M" else np.array(values)
            for name, values in columns.items()
        }
    )


def compare_golden_pair(strategy: FeatureStrategy, bundle: ModelBundle, golden: GoldenPair) -> GoldenFinding:
    """Compute one golden pair with `strategy` and compare. Never raises: code that fails is a finding, too.

    Runs user code: for the thread that runs the strategy.
    """
    try:
        candles = golden_frame(dict(golden.columns))
        _, names, values = computed_features(strategy, candles, {"pair": golden.pair})
    except Exception as error:  # noqa: BLE001 - user code raises anything; a check that cannot be made has failed
        return GoldenFinding(outcome=GoldenOutcome.FAILED, detail=f"{golden.pair}: computing them raised {error!r}")
    if names != bundle.feature_names:
        return GoldenFinding(outcome=GoldenOutcome.OTHER_FEATURES)
    left_out = frozenset(bundle.golden_candles.unchecked if bundle.golden_candles is not None else ())
    found = differences(golden.features, values[-len(golden.features) :], names, unchecked=left_out)
    if not found:
        return GoldenFinding(outcome=GoldenOutcome.AGREES)
    detail = f"{golden.pair}, {len(found)} of {len(names)} features: {difference_words(found)}"
    return GoldenFinding(outcome=GoldenOutcome.DIFFERS, detail=detail)


class GoldenCheck:
    """What is known of each version by one strategy instance: a pair is computed when asked, and remembered."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], dict[str, GoldenFinding]] = {}

    def compare(self, strategy: FeatureStrategy, bundle: ModelBundle, golden: GoldenPair) -> GoldenFinding:
        """Compute one golden pair of `bundle` anew and remember what was found."""
        finding = compare_golden_pair(strategy, bundle, golden)
        self._found.setdefault(_key(bundle), {})[golden.pair] = finding
        return finding

    def compare_once(self, strategy: FeatureStrategy, versions: Sequence[ActiveVersion]) -> None:
        """Compute the golden pairs of every version that was never looked at, and log what is wrong."""
        for bundle in (active.bundle for active in versions):
            if _key(bundle) in self._found:
                continue
            self._found[_key(bundle)] = {}
            for golden in golden_pairs(bundle):
                self.compare(strategy, bundle, golden)
            problem = self.problem(bundle)
            if problem:
                logger.error("%s: %s: %s", bundle.label, Reason.FEATURES_DIFFER.words[0], problem)

    def problem(self, bundle: ModelBundle) -> str:
        """What is wrong with the features for `bundle`, in words; empty where nothing is known."""
        found = self._found.get(_key(bundle), {}).values()
        return "; ".join(finding.detail for finding in found if finding.outcome.holds_back)

    def marked(self, versions: Sequence[ActiveVersion]) -> tuple[ActiveVersion, ...]:
        """The versions, those for which the features are wrong with that as their fault."""
        return tuple(
            replace(active, fault=Reason.FEATURES_DIFFER) if self.problem(active.bundle) else active
            for active in versions
        )


def golden_pairs(bundle: ModelBundle) -> tuple[GoldenPair, ...]:
    """The golden pairs of a version; none where it was trained without, which is logged."""
    golden = bundle.golden_candles
    if golden is not None and golden.pairs:
        return golden.pairs
    why = golden.problem if golden is not None and golden.problem else "it was trained before there were any"
    logger.warning(
        "%s has no golden candles (%s): that its features are those of training is not checked.", bundle.label, why
    )
    return ()


def _key(bundle: ModelBundle) -> tuple[str, str]:
    return bundle.version, bundle.digest


__all__ = [
    "GoldenCheck",
    "GoldenFinding",
    "GoldenOutcome",
    "compare_golden_pair",
    "golden_frame",
    "golden_pairs",
]
