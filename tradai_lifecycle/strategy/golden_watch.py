"""When a running bot computes the golden candles again, and what follows: at a start, after a swap, and once a day.

While they differ, with each new candle: what failed once must not hold the bot back for a day.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tradai_lifecycle.events import FEATURES_PART, Event, FaultReported
from tradai_lifecycle.model.bundle import GoldenPair, ModelBundle
from tradai_lifecycle.states import Reason
from tradai_lifecycle.strategy.frame import FeatureStrategy
from tradai_lifecycle.strategy.gate import Gate
from tradai_lifecycle.strategy.golden import GoldenCheck, golden_pairs

#: Candle time from the end of one round over the golden pairs to the next.
AGAIN_AFTER = timedelta(days=1)


class GoldenWatch:
    """Computes one golden pair per loop while a round is open; holds every pair back where the features differ."""

    def __init__(
        self, check: GoldenCheck, gate: Gate, strategy: FeatureStrategy, report: Callable[[Event], None]
    ) -> None:
        self._check = check
        self._gate = gate
        self._strategy = strategy
        self._report = report
        self._bundle: ModelBundle | None = None
        self._waiting: list[GoldenPair] = []
        self._next_round = datetime.max.replace(tzinfo=UTC)
        self._told = ""

    def look(self, bundle: ModelBundle | None, candle: datetime, now: datetime) -> None:
        """Compute the next golden pair, if one is due at `candle`, and act on what was found. For the bot's thread."""
        if bundle is None:
            return
        if bundle is not self._bundle:
            self._bundle, self._waiting = bundle, list(golden_pairs(bundle))
        elif not self._waiting:
            # no round is further off than that, but by a clock that was set back
            if timedelta() < self._next_round - candle <= AGAIN_AFTER or not _has_pairs(bundle):
                return
            self._waiting = list(golden_pairs(bundle))
        if self._waiting:
            self._check.compare(self._strategy, bundle, self._waiting.pop(0))
        problem = self._check.problem(bundle)
        if not self._waiting:
            self._next_round = candle + (timedelta.resolution if problem else AGAIN_AFTER)
        self._conclude(problem, now)

    # What holds the pairs back is lifted when a round has ended well, not by its first pair.
    def _conclude(self, problem: str, now: datetime) -> None:
        if problem:
            self._gate.set_fault(Reason.FEATURES_DIFFER, present=True)
        elif not self._waiting:
            self._gate.set_fault(Reason.FEATURES_DIFFER, present=False)
        if problem and not self._is_told(problem):
            self._say(f"{Reason.FEATURES_DIFFER.words[0]}: {problem}", now, recovered=False)
        elif not problem and not self._waiting and self._told:
            self._say("computed as in training again", now, recovered=True)
        if problem or not self._waiting:
            self._told = problem

    # One pair more or less with the same fault is no news: the code is one.
    def _is_told(self, problem: str) -> bool:
        return bool(self._told) and (self._told in problem or problem in self._told)

    def _say(self, message: str, now: datetime, *, recovered: bool) -> None:
        self._report(FaultReported(at=now, part=FEATURES_PART, message=message, recovered=recovered))


def _has_pairs(bundle: ModelBundle) -> bool:
    return bundle.golden_candles is not None and bool(bundle.golden_candles.pairs)


__all__ = ["AGAIN_AFTER", "GoldenWatch"]
