"""The quick form: a few streams in under three minutes, and the bounds that they must keep."""

from collections.abc import Iterator, Sequence

from benchmarks.drift.cells import Measured
from benchmarks.drift.detectors import DETECTORS
from benchmarks.drift.faults import QUALITY_FAULTS
from benchmarks.drift.figures import AT_ONCE_CANDLES, FalseTriggers, Found, false_triggers, found
from benchmarks.drift.markets import series_of
from benchmarks.drift.plan import Cell, cells_of
from benchmarks.drift.streams import Injected, Kind, NoDrift, Stream
from benchmarks.drift.streams.stream import WINDOW
from benchmarks.rows import Bound, Row

CALIBRATED, PAUSED = "ours calibrated", "ours, paused"
_SHOWN = (CALIBRATED, PAUSED, "rule of thumb")


def quick_plan() -> list[Cell]:
    """Few blocks of two pairs, and the faults of the data."""
    streams: list[Stream] = []
    for series in series_of("1h")[:2]:
        streams += [NoDrift(series=series, trained=trained, blocks=8) for trained in (5_000, 20_000)]
    # the 5m candles have no outage: where training has one, a feature may stand still for half as long again
    for series in series_of("5m")[:2]:
        streams.append(Injected(series=series, trained=20_000, splits=2, runs_per_split=12, faults=QUALITY_FAULTS))
    return list(cells_of(streams, [detector for detector in DETECTORS if detector.name in _SHOWN]))


def bounded_rows(measured: Sequence[Measured]) -> list[Row]:
    """The bounded figures: false triggers of calibrated limits, and faults of the data that pause at once."""
    return [*_trigger_rows(false_triggers(measured)), *_fault_rows(found(measured))]


def _trigger_rows(figures: Sequence[FalseTriggers]) -> Iterator[Row]:
    for figure in figures:
        if figure.kind == Kind.NO_DRIFT and figure.detector == CALIBRATED:
            yield Row(
                name=f"{CALIBRATED}, false triggers, m/n = {figure.trained // WINDOW}",
                figure=figure.rate,
                unit=" per 1,000 candles",
                bound=Bound(most=0.3 if figure.trained >= 40 * WINDOW else 0.6),
                measured=f"{figure.runs} runs, {figure.candles:,} candles",
            )


def _fault_rows(figures: Sequence[Found]) -> Iterator[Row]:
    for figure in figures:
        if figure.detector == PAUSED and figure.at_once is not None:
            yield Row(
                name=f"{PAUSED} within {AT_ONCE_CANDLES} candles: {figure.fault}",
                figure=100 * figure.at_once,
                unit=" % of the runs",
                digits=0,
                bound=Bound(least=100),
                measured=f"{figure.quiet} runs that were quiet before",
            )


__all__ = ["bounded_rows", "quick_plan"]
