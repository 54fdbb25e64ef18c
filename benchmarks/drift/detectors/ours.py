"""The package's own monitors and policy, through their public functions, with the default settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import tradai_lifecycle
from benchmarks import judging
from benchmarks.drift.rows import Flags, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.judging import judge_settings
from tradai_lifecycle.monitor import PairReference, assess, fit_pair_reference
from tradai_lifecycle.policy.trading_state import StateColumns, decide_states
from tradai_lifecycle.states import Reason, Thresholds, TradingState

Reading = Callable[[StateColumns], Flags]

_PACKAGE = Path(tradai_lifecycle.__file__).parent
SOURCES = (
    *(_PACKAGE / part for part in ("monitor", "policy", "config.py", "states.py")),
    Path(judging.__file__),
    Path(__file__),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """One reading of the package's states."""

    name: str
    about: str
    reading: Reading
    thresholds: Thresholds = Thresholds.CALIBRATED
    most_runs: int | None = None
    sparse: bool = False
    sources: tuple[Path, ...] = SOURCES

    def missing(self) -> str | None:
        """Nothing."""
        return None

    def fit(self, scene: Scene) -> "OursWatch":
        """As at the end of a training."""
        return OursWatch(scene=scene, detector=self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OursWatch:
    """The package beside a bot whose model was trained on the scene."""

    scene: Scene
    detector: Ours

    def alarm(self, live: Rows, from_row: int) -> Flags:  # noqa: ARG002 - one pass judges all rows
        """Where the reading of the states says so."""
        return self.detector.reading(_states(self.scene, live, self.detector.thresholds))


@lru_cache(maxsize=16)
def reference_of(scene: Scene) -> PairReference:
    """The pair's reference as the end of a training makes it, one for all runs of the scene."""
    settings = judge_settings(scene.series.timeframe)[0].health
    return fit_pair_reference(
        pair=scene.series.pair,
        features=scene.reference.features,
        feature_names=scene.feature_names,
        prediction=scene.reference.prediction,
        candles=scene.reference.candles,
        window_candles=settings.window_candles,
        maximum_share_of_time_reduced=settings.maximum_share_of_time_reduced,
    )


# all readings of one run share this: they differ in what they look at only
@lru_cache(maxsize=48)
def _states(scene: Scene, live: Rows, thresholds: Thresholds) -> StateColumns:
    settings, _ = judge_settings(scene.series.timeframe, thresholds=thresholds.value)
    health = assess(
        features=live.features,
        prediction=live.prediction,
        fit=np.isfinite(live.prediction),
        realised=live.realised,
        dates_ns=live.dates_ns,
        candles=live.candles,
        reference=reference_of(scene),
        settings=settings.health,
        # no live row of these streams was trained on, but for the history of next candles, whose accuracy flatters
        trained_until_ns=trained_until_ns(scene, live),
    )
    warm = np.ones(len(live), dtype=np.bool_)
    return decide_states(health, warm=warm, settings=settings.policy, adoption=None)


def trained_until_ns(scene: Scene, live: Rows) -> int:
    """The newest live row that the model was trained on; a block out of the middle of the training is all live."""
    known = np.isin(live.dates_ns, scene.reference.dates_ns)
    return int(live.dates_ns[known].max()) if known.any() else int(live.dates_ns[0]) - 1


# any kind of evidence that is latched at one of these levels, whatever it is called
def _drift(*levels: str) -> Reading:
    bits = np.uint32(sum(int(reason) for reason in Reason if str(reason.name).endswith(levels)))
    return lambda states: (states.reasons & bits) != 0


def _at_least(state: TradingState) -> Reading:
    return lambda states: states.state >= state


OURS = (
    Ours(
        name="ours calibrated",
        about="significant drift by calibrated limits, latched; no accuracy, no faults of the data",
        reading=_drift("_SIGNIFICANT"),
    ),
    Ours(
        name="ours calibrated, moderate",
        about="moderate or significant drift by calibrated limits, latched",
        reading=_drift("_MODERATE", "_SIGNIFICANT"),
    ),
    Ours(
        name="ours, fast alarms",
        about="a fast shift of the market or of relations, latched, and no slow one of the market",
        reading=_drift("MARKET_MODERATE", "RELATION_MODERATE"),
    ),
    Ours(
        name="ours, stake reduced",
        about="the whole policy: stake reduced or pair paused, for drift, accuracy or faults of the data",
        reading=_at_least(TradingState.REDUCED),
    ),
    Ours(
        name="ours, paused",
        about="the whole policy: pair paused, for drift or faults of the data",
        reading=_at_least(TradingState.PAUSED),
    ),
    Ours(
        name="ours fixed",
        about="significant drift by fixed limits, latched",
        reading=_drift("_SIGNIFICANT"),
        thresholds=Thresholds.FIXED,
    ),
    Ours(
        name="ours dynamic",
        about="significant drift of the index alone by limits that follow its recent past, latched",
        reading=_drift("PSI_SIGNIFICANT"),
        thresholds=Thresholds.DYNAMIC,
    ),
)

__all__ = ["OURS", "Ours", "reference_of", "trained_until_ns"]
