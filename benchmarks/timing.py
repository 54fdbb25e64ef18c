"""Two ways of doing a thing, timed in turns, so that whatever else the machine does slows both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Work = Callable[[], object]
Timed = Callable[[], float]


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
    """Time both in turns, as `taken_in_turns` does, after some untimed ones."""
    for _ in range(warm_up):
        base()
        other()
    return taken_in_turns(lambda: seconds(base), lambda: seconds(other), turns)


def taken_in_turns(base: Timed, other: Timed, turns: int) -> Paired:
    """Let both be measured in turns, each by itself; which goes first alternates, for the second has warmer caches."""
    first, second = [], []
    for turn in range(turns):
        if turn % 2:
            second.append(other())
            first.append(base())
        else:
            first.append(base())
            second.append(other())
    return Paired.of(first, second)


__all__ = ["Paired", "Timed", "Work", "in_turns", "seconds", "taken_in_turns"]
