"""What the tables show, summed up over the series: false triggers without drift, and faults found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from benchmarks.drift.cells import Measured
from benchmarks.drift.intervals import Interval, of_median, of_rate, of_share
from benchmarks.drift.outcomes import Outcome
from benchmarks.drift.streams import Kind
from benchmarks.drift.streams.stream import WATCHED_CANDLES

#: Faults of the data should be seen within so many candles.
AT_ONCE_CANDLES = 25
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseTriggers:
    """A detector without drift: triggers per 1,000 candles and the share of time in alarm, with 95 % intervals.

    Neighbouring candles are no independent observations of the time in alarm: a whole run counts as one. The noisiest
    series is that with the most triggers, the first of several; `rate_of_others` leaves it out, None where it is alone.
    `rates_of_halves` are those of the first half of the pairs, as measured, and of the others; None for a single pair.
    """

    kind: str
    trained: int
    detector: str
    runs: int
    candles: int
    triggers: int
    rate: float
    rate_interval: Interval
    alarmed: float
    alarmed_interval: Interval
    noisiest_series: str
    noisiest_triggers: int
    rate_of_others: float | None
    rates_of_halves: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A detector and a fault: of the runs that were quiet before the fault, those with an alarm, and how soon.

    `at_once` is the share found within 25 candles; delays are in candles, None where nothing was found.
    """

    kind: str
    trained: int
    fault: str
    detector: str
    runs: int
    already_on: int
    quiet: int
    found: int
    share: float | None
    share_interval: Interval
    at_once: float | None
    median_delay: float | None
    median_interval: Interval | None


def false_triggers(measured: Iterable[Measured]) -> list[FalseTriggers]:
    """By kind of stream, training candles and detector, in the order measured."""
    groups: dict[tuple[Kind, int, str], dict[str, list[Outcome]]] = {}
    for part in measured:
        stream = part.cell.stream
        if part.outcomes and stream.kind in (Kind.NO_DRIFT, Kind.NEXT):
            of_group = groups.setdefault((stream.kind, stream.trained, part.cell.detector.name), {})
            of_group.setdefault(str(stream.series), []).extend(part.outcomes)
    return [
        _false_triggers(kind.value, trained, detector, by_series)
        for (kind, trained, detector), by_series in groups.items()
    ]


def found(measured: Iterable[Measured]) -> list[Found]:
    """By kind of stream, training candles, fault and detector, in the order measured."""
    faulty = [part for part in measured if part.cell.stream.kind in (Kind.INJECTED, Kind.RAW)]
    groups = _grouped(
        faulty,
        lambda part: (part.cell.stream.kind, part.cell.stream.trained, part.cell.fault, part.cell.detector.name),
    )
    return [
        _found(kind.value, trained, fault, detector, outcomes)
        for (kind, trained, fault, detector), outcomes in groups.items()
    ]


def _grouped(measured: Iterable[Measured], key: Callable[[Measured], Key]) -> dict[Key, list[Outcome]]:
    groups: dict[Key, list[Outcome]] = {}
    for part in measured:
        if part.outcomes:
            groups.setdefault(key(part), []).extend(part.outcomes)
    return groups


def _false_triggers(
    kind: str, trained: int, detector: str, by_series: Mapping[str, Sequence[Outcome]]
) -> FalseTriggers:
    counted = {series: _counted(outcomes) for series, outcomes in by_series.items()}
    triggers, candles = (sum(part) for part in zip(*counted.values(), strict=True))
    noisiest = max(counted, key=lambda series: counted[series][0])
    own_triggers, own_candles = counted[noisiest]
    outcomes = [outcome for own in by_series.values() for outcome in own]
    alarmed = sum(outcome.alarmed for outcome in outcomes) / candles
    return FalseTriggers(
        kind=kind,
        trained=trained,
        detector=detector,
        runs=len(outcomes),
        candles=candles,
        triggers=triggers,
        rate=1_000 * triggers / candles,
        rate_interval=of_rate(triggers, candles / 1_000),
        alarmed=alarmed,
        alarmed_interval=of_share(alarmed * len(outcomes), len(outcomes)),
        noisiest_series=noisiest,
        noisiest_triggers=own_triggers,
        rate_of_others=1_000 * (triggers - own_triggers) / (candles - own_candles) if candles > own_candles else None,
        rates_of_halves=_rates_of_halves(counted),
    )


def _rates_of_halves(counted: Mapping[str, tuple[int, int]]) -> tuple[float, float] | None:
    pairs = list(dict.fromkeys(series.split()[0] for series in counted))
    first = pairs[: (len(pairs) + 1) // 2]
    halves = [[0, 0], [0, 0]]
    for series, (triggers, candles) in counted.items():
        half = halves[series.split()[0] not in first]
        half[0] += triggers
        half[1] += candles
    one, other = halves
    return (1_000 * one[0] / one[1], 1_000 * other[0] / other[1]) if other[1] else None


def _counted(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    return sum(outcome.triggers for outcome in outcomes), sum(outcome.candles for outcome in outcomes)


def _found(kind: str, trained: int, fault: str, detector: str, outcomes: Sequence[Outcome]) -> Found:
    quiet = [outcome for outcome in outcomes if not outcome.already_on]
    delays = [outcome.delay for outcome in quiet if outcome.delay is not None and outcome.delay <= WATCHED_CANDLES]
    at_once = sum(delay <= AT_ONCE_CANDLES for delay in delays)
    return Found(
        kind=kind,
        trained=trained,
        fault=fault,
        detector=detector,
        runs=len(outcomes),
        already_on=len(outcomes) - len(quiet),
        quiet=len(quiet),
        found=len(delays),
        share=len(delays) / len(quiet) if quiet else None,
        share_interval=of_share(len(delays), len(quiet)),
        at_once=at_once / len(quiet) if quiet else None,
        median_delay=median(delays) if delays else None,
        median_interval=of_median(delays) if delays else None,
    )


__all__ = ["AT_ONCE_CANDLES", "FalseTriggers", "Found", "false_triggers", "found"]
