"""The health of one pair's live frames, one after another: the same as of each frame alone, for a fraction of the work.

A live frame differs from the one before it by a candle, and by the last bits of features whose sums begin elsewhere.
What was known of the older rows is used again only where that is proven to change nothing: a value that moved by less
than its distance from the nearest edge is in the bin it was in, and equal bins give an equal index. Everything else is
computed anew. So nothing depends on which frames were seen before, and a restarted bot decides alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor.accuracy import Validated
from tradai_lifecycle.monitor.drift import DriftColumns
from tradai_lifecycle.monitor.health import (
    ALL_ROWS,
    EvidenceAsked,
    HealthColumns,
    accuracy_rule,
    check_shapes,
    gathered,
    scored_hits,
)
from tradai_lifecycle.monitor.limits import pair_limits
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.monitor.market_shifts import RememberedMarket
from tradai_lifecycle.monitor.psi import Codes, Floats
from tradai_lifecycle.monitor.quality import QualityRules, quality_memory_candles
from tradai_lifecycle.monitor.reference import PairReference
from tradai_lifecycle.monitor.rolling_codes import RememberedCodes
from tradai_lifecycle.monitor.rolling_drift import RememberedDrift
from tradai_lifecycle.monitor.rolling_hits import RememberedAccuracy
from tradai_lifecycle.monitor.scales import RememberedScales
from tradai_lifecycle.monitor.settings import HealthSettings

#: More new candles than this, as after an outage, are judged as a frame of their own.
_MOST_NEW_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Frame:
    """What of the last frame tells whether another one goes on from it, and its bins."""

    dates_ns: NDArray[np.int64]
    asked: EvidenceAsked
    codes: Codes


class RollingHealth:
    """Assesses one pair's frames as `assess` does, to the last bit of every column that is asked for.

    Keeps references to the features, candles and dates of the newest frame, which must not be changed afterwards. Not
    for two threads at once.
    """

    def __init__(self, reference: PairReference, settings: HealthSettings) -> None:
        self._settings, self._limits = settings, pair_limits(reference, settings)
        window = settings.window_candles
        self._codes = RememberedCodes([series.edges for series in reference.series])
        self._drift = RememberedDrift(reference.series, self._limits.series, reference.relations, window)
        self._market = RememberedMarket(reference.market.edges, reference.market.shifts, window)
        self._scales = RememberedScales(reference.features, window)
        self._rules = QualityRules(reference, settings.candle_ns, self._scales)
        self._accuracy, self._rule = RememberedAccuracy(), accuracy_rule(settings, None)
        self._last: _Frame | None = None

    def assess(
        self,
        *,
        features: Floats,
        prediction: Floats,
        fit: NDArray[np.bool_],
        realised: Floats,
        dates_ns: NDArray[np.int64],
        candles: Candles,
        trained_until_ns: int,
        asked: EvidenceAsked = ALL_ROWS,
        validated: Validated | None = None,
    ) -> HealthColumns:
        """As `tradai_lifecycle.monitor.assess` with the reference and settings given here."""
        check_shapes(features, prediction, fit, realised, dates_ns, candles.close)
        judged = np.where(fit, prediction, np.nan)
        if validated != self._rule.validated:
            self._rule = accuracy_rule(self._settings, validated)
        # what fails half-way leaves nothing to go on from
        last, self._last = self._last, None
        gone = -1 if last is None else _rows_gone(last, dates_ns, asked, self._settings.window_candles)
        codes, drift = self._drifted(gone, features, judged, asked)
        scored, hit = scored_hits(judged, np.where(dates_ns > trained_until_ns, realised, np.nan), self._settings)
        health = gathered(
            drift=drift,
            market=self._market.next(candles, gone, asked.drift_from),
            limits=self._limits,
            quality=self._rules.reasons(features, candles.close, dates_ns, asked.quality_from),
            accuracy=self._accuracy.next(scored, hit, self._rule, gone, asked.accuracy_from),
            settings=self._settings,
            asked=asked,
        )
        self._last = _Frame(dates_ns=dates_ns, asked=asked, codes=codes)
        return health

    def _drifted(self, gone: int, features: Floats, judged: Floats, asked: EvidenceAsked) -> tuple[Codes, DriftColumns]:
        if gone >= 0:
            # what is asked for if no ratio has changed
            start = asked.drift_rows_from(self._drift.significant_ratio[gone:])
            binned = self._codes.next(features, judged, gone, self._first_seen(start, asked))
            drift = self._drift.next(binned.codes, binned.crossings, gone, start)
            if asked.drift_rows_from(drift.significant_ratio) >= start:
                self._scales.moved(binned.moves[:-1], binned.codes[:, :-1], self._drift.newest_counts)
                return binned.codes, drift
        codes = self._codes.anew(features, judged, self._first_seen(asked.runs_from, asked))
        self._scales.forget(codes[:, :-1])
        return codes, self._drift.anew(codes, asked.runs_from)

    # the first row that drift from a row on, and anything else that is asked for, depends on
    def _first_seen(self, drift_from: int, asked: EvidenceAsked) -> int:
        quality = quality_memory_candles(self._settings.window_candles)
        return max(0, min(drift_from - self._settings.index_memory, asked.quality_from - quality))


# How many of the last frame's first rows this one no longer has; -1 where it does not go on from it.
def _rows_gone(last: _Frame, dates_ns: NDArray[np.int64], asked: EvidenceAsked, window: int) -> int:
    if not len(dates_ns) or len(dates_ns) < window or last.asked != asked:
        return -1
    gone = int(last.dates_ns.searchsorted(dates_ns[0]))
    known = len(last.dates_ns) - gone
    if not 0 < known <= len(dates_ns) or len(dates_ns) - known > _MOST_NEW_ROWS:
        return -1
    return gone if (last.dates_ns[gone:] == dates_ns[:known]).all() else -1


__all__ = ["RollingHealth"]
