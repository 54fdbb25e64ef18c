"""Two ways of doing a thing, timed in turns, so that whatever else the machine does slows both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Work = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Median seconds of either side, and the median of the ratios of each turn."""

    base: float
    other: float
    ratio: float
    turns: int

    @classmethod
    def of(cls, base: Sequence[float], other: Sequence[float]) -> "Paired":
        """From the times of each turn."""
        ratios = [second / first for first, second in zip(base, other, strict=True)]
        return cls(base=median(base), other=median(other), ratio=median(ratios), turns=len(ratios))


def seconds(work: Work) -> float:
    """How long one call takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def in_turns(base: Work, other: Work, turns: int, *, warm_up: int = 3) -> Paired:
    """Time both in turns: base, other, base, other."""
    for _ in range(warm_up):
        base()
        other()
    times = [(seconds(base), seconds(other)) for _ in range(turns)]
    return Paired.of([first for first, _ in times], [second for _, second in times])


__all__ = ["Paired", "Work", "in_turns", "seconds"]
