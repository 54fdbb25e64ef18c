"""The factor that gives each detector the target of false triggers, what it then finds, and how ours compare."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from benchmarks.drift.cells import Measured
from benchmarks.drift.figures import FalseTriggers, Found, false_triggers, found
from benchmarks.drift.intervals import Interval, of_median
from benchmarks.drift.outcomes import Outcome
from benchmarks.drift.streams import Kind
from benchmarks.drift.streams.stream import WATCHED_CANDLES
from benchmarks.equal_alarms.measuring import Curve
from benchmarks.equal_alarms.scaling import FACTORS, UNSCALED

#: False triggers per 1,000 candles that every detector is set to.
TARGET = 0.05
POOLED = "all"
_DEVIATES = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One detector on the candles that followed: at its own limits and at the chosen factor, None where none is.

    `by_series` are the triggers of each series at the factor; empty where there is none.
    """

    detector: str
    about: str
    own: FalseTriggers
    factor: float | None
    scaled: FalseTriggers | None
    by_series: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIn:
    """What a detector found in one series, or in all."""

    series: str
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One detector less another over the runs that were quiet before for both.

    `share` is the difference of the shares found; `delay` the median difference in candles over the runs that both
    found, None where there is none: below 0, the first is sooner.
    """

    kind: str
    series: str
    fault: str
    detector: str
    base: str
    runs: int
    share: float | None
    share_interval: Interval
    both_found: int
    delay: float | None
    delay_interval: Interval | None


def place_for(curves: Sequence[Curve], target: float) -> int | None:
    """Where in FACTORS the smallest stands from which on pooled false triggers are at most `target` per 1,000 candles.

    `curves` are one detector's; those of candles that followed count. None where the largest factor has more.
    """
    quiet = [curve for curve in curves if curve.part.stream.kind is Kind.NEXT]
    found_place = None
    for place in reversed(range(len(FACTORS))):
        outcomes = [run[place] for curve in quiet for run in curve.outcomes]
        candles, triggers = (sum(getattr(one, name) for one in outcomes) for name in ("candles", "triggers"))
        if 1_000 * triggers > target * candles:
            break
        found_place = place
    return found_place


def scale_of(curves: Sequence[Curve], place: int | None) -> Scale:
    """One detector's false triggers, before and after."""
    quiet = [curve for curve in curves if curve.part.stream.kind is Kind.NEXT]
    (own,) = false_triggers(curve.at(UNSCALED) for curve in quiet)
    (scaled,) = (None,) if place is None else false_triggers(curve.at(place) for curve in quiet)
    detector = curves[0].detector
    return Scale(
        detector=detector.name,
        about=detector.about,
        own=own,
        factor=None if place is None else FACTORS[place],
        scaled=scaled,
        by_series={} if place is None else _triggers_by_series(quiet, place),
    )


def _triggers_by_series(quiet: Sequence[Curve], place: int) -> dict[str, int]:
    return {str(curve.part.stream.series): sum(run[place].triggers for run in curve.outcomes) for curve in quiet}


def found_in(measured: Sequence[Measured]) -> list[FoundIn]:
    """By series and pooled: what was found of each fault, in the order measured. One series alone is not pooled."""
    return [FoundIn(series=name, found=one) for name, some in _by_series(measured) for one in found(some)]


def differences(measured: Sequence[Measured], base: Sequence[Measured]) -> list[Difference]:
    """One detector's cells less those of another, of the same streams and faults, by series and pooled."""
    others = {_cell(part): part for part in base}
    result = []
    for series, some in _by_series(measured):
        for kind, fault in dict.fromkeys((part.cell.stream.kind, part.cell.fault) for part in some):
            own = [part for part in some if (part.cell.stream.kind, part.cell.fault) == (kind, fault)]
            pairs = [pair for part in own for pair in _paired(part, others[_cell(part)])]
            names = own[0].cell.detector.name, base[0].cell.detector.name
            result.append(_difference(pairs, kind.value, series, fault, names))
    return result


def of_paired_difference(only_first: int, only_second: int, pairs: int) -> Interval:
    """The 95 % interval of a difference of two shares of the same runs (Bonett and Price 2012, adjusted Wald)."""
    first, second = (only_first + 1) / (pairs + 2), (only_second + 1) / (pairs + 2)
    half = _DEVIATES * sqrt((first + second - (first - second) ** 2) / (pairs + 2))
    return max(-1.0, first - second - half), min(1.0, first - second + half)


def _by_series(measured: Sequence[Measured]) -> Iterator[tuple[str, Sequence[Measured]]]:
    faulty = [part for part in measured if part.cell.stream.kind in (Kind.INJECTED, Kind.RAW)]
    for kind in dict.fromkeys(part.cell.stream.kind for part in faulty):
        of_kind = [part for part in faulty if part.cell.stream.kind is kind]
        names = list(dict.fromkeys(str(part.cell.stream.series) for part in of_kind))
        if len(names) > 1:
            yield POOLED, of_kind
        for name in names:
            yield name, [part for part in of_kind if str(part.cell.stream.series) == name]


def _cell(part: Measured) -> tuple[str, str, str]:
    return part.cell.stream.kind.value, str(part.cell.stream.series), part.cell.fault


def _paired(part: Measured, other: Measured) -> Iterable[tuple[Outcome, Outcome]]:
    pairs = zip(part.outcomes, other.outcomes, strict=True)
    return [pair for pair in pairs if not any(one.already_on for one in pair)]


def _difference(
    pairs: Sequence[tuple[Outcome, Outcome]], kind: str, series: str, fault: str, names: tuple[str, str]
) -> Difference:
    seen = [(_seen(first), _seen(second)) for first, second in pairs]
    only_first, only_second = seen.count((True, False)), seen.count((False, True))
    sooner = [
        first.delay - second.delay
        for first, second in pairs
        if first.delay is not None and second.delay is not None and _seen(first) and _seen(second)
    ]
    return Difference(
        kind=kind,
        series=series,
        fault=fault,
        detector=names[0],
        base=names[1],
        runs=len(pairs),
        share=(only_first - only_second) / len(pairs) if pairs else None,
        share_interval=of_paired_difference(only_first, only_second, len(pairs)),
        both_found=len(sooner),
        delay=median(sooner) if sooner else None,
        delay_interval=of_median(sooner) if sooner else None,
    )


def _seen(outcome: Outcome) -> bool:
    return outcome.delay is not None and outcome.delay <= WATCHED_CANDLES


__all__ = [
    "POOLED",
    "TARGET",
    "Difference",
    "FoundIn",
    "Scale",
    "differences",
    "found_in",
    "of_paired_difference",
    "place_for",
    "scale_of",
]
