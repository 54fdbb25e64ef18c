"""The warning of a backtest that trades the candles its model was trained on."""

import logging
from collections.abc import Sequence

from freqtrade.configuration import TimeRange

from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, moment

logger = logging.getLogger(__name__)


class TrainingOverlap:
    """Says once per version how much of an offline run lies inside the range its model was trained on."""

    def __init__(self, predecessors: int, timerange: str | None) -> None:
        self._predecessors = predecessors
        self._start = TimeRange.parse_timerange(timerange).startts if timerange else 0
        self._said: set[str] = set()

    def look_at(self, frame: Frame, versions: Sequence[ActiveVersion]) -> None:
        """Compare the decided candles of one pair with the training range of each version."""
        decided = frame.dates_ns[self._predecessors :]
        decided = decided[decided >= self._start * 1_000_000_000]
        if len(decided) == 0:
            return
        following = [*versions[1:], None]
        for active, after in zip(versions, following, strict=True):
            start = max(int(decided[0]), active.adopted_ns or int(decided[0]))
            end = int(decided[-1]) if after is None or after.adopted_ns is None else after.adopted_ns
            self._compare(active, start, end)

    def _compare(self, active: ActiveVersion, start_ns: int, end_ns: int) -> None:
        bundle = active.bundle
        start = max(start_ns, int(bundle.trained_from.timestamp()) * 1_000_000_000)
        end = min(end_ns, int(bundle.trained_until.timestamp()) * 1_000_000_000)
        if start >= end or bundle.label in self._said:
            return
        self._said.add(bundle.label)
        days = (end - start) / 86_400e9
        logger.warning(
            "TRAINING OVERLAP: model %s was trained on %s to %s, and this run decides candles from %s to %s inside "
            "that range (%.1f days). Its results there are not evidence of skill: start the time range at %s.",
            bundle.label,
            bundle.trained_from.isoformat(),
            bundle.trained_until.isoformat(),
            moment(start).isoformat(),
            moment(end).isoformat(),
            days,
            bundle.trained_until.date().isoformat(),
        )


__all__ = ["TrainingOverlap"]
