"""The results as tables: factors and rates, then what was found, and ours less the index alone."""

from collections.abc import Iterator

from benchmarks.drift.figures import FalseTriggers
from benchmarks.drift.streams import Kind
from benchmarks.drift.streams.stream import WATCHED_CANDLES
from benchmarks.drift.tables import Table, fault_cell, percent
from benchmarks.equal_alarms.detectors import BASE
from benchmarks.equal_alarms.figures import POOLED, Difference, Scale
from benchmarks.equal_alarms.results import EqualAlarms
from benchmarks.equal_alarms.scaling import FACTORS

_TITLES = {Kind.INJECTED: "Faults in the features", Kind.RAW: "Faults in the raw candles"}


def tables_of(results: EqualAlarms) -> list[Table]:
    """The factors, and a table per kind of fault and series, the pooled one first."""
    return [_scale_table(results), *_fault_tables(results)]


def _scale_table(results: EqualAlarms) -> Table:
    return Table(
        title="The factor of each detector",
        headings=(
            "detector",
            "own limits",
            "factor",
            "triggers at the factor",
            "of these",
            "time in alarm",
            "in alarm where",
        ),
        rows=tuple(_scale_row(scale) for scale in results.scales),
        note=f"Triggers per 1,000 candles that followed the training, {_candles(results)}, and their number; at the "
        f"factor at most {results.target:g} per 1,000. Factors are 1.5 % apart up to 2.8, then 6 %.",
    )


def _candles(results: EqualAlarms) -> str:
    return " or ".join(sorted({f"{scale.own.candles:,} in {scale.own.runs} runs" for scale in results.scales}))


def _scale_row(scale: Scale) -> tuple[str, ...]:
    if scale.factor is None or scale.scaled is None:
        return scale.detector, _rate(scale.own), "none keeps it", "-", "-", "-", scale.about
    lowest = "at most " if scale.factor == FACTORS[0] else ""
    return (
        scale.detector,
        _rate(scale.own),
        f"{lowest}{scale.factor:.2f}",
        _rate(scale.scaled),
        ", ".join(f"{series} {triggers}" for series, triggers in scale.by_series.items()),
        percent(scale.scaled.alarmed),
        scale.about,
    )


def _rate(figure: FalseTriggers) -> str:
    low, high = figure.rate_interval
    return f"{figure.rate:.3f} ({low:.3f} to {high:.3f}), {figure.triggers}"


def _fault_tables(results: EqualAlarms) -> Iterator[Table]:
    for kind, title in _TITLES.items():
        of_kind = [one for one in results.found if one.found.kind == kind.value]
        for series in dict.fromkeys(one.series for one in of_kind):
            # faults of the features are many, and shown pooled where they can be
            if kind is Kind.RAW or series == POOLED or not any(one.series == POOLED for one in of_kind):
                yield _fault_table(results, kind, series, title)


def _fault_table(results: EqualAlarms, kind: Kind, series: str, title: str) -> Table:
    shown = [one.found for one in results.found if (one.found.kind, one.series) == (kind.value, series)]
    found = {(one.fault, one.detector): one for one in shown}
    less = [one for one in results.differences if (one.kind, one.series) == (kind.value, series)]
    compared = {(one.fault, one.detector): one for one in less}
    names, ours = (list(dict.fromkeys(one.detector for one in ones)) for ones in (shown, less))
    rows = [
        (
            fault,
            *(fault_cell(found.get((fault, name))) for name in names),
            *(_difference(compared.get((fault, name))) for name in ours),
        )
        for fault in dict.fromkeys(one.fault for one in shown)
    ]
    runs = max(one.runs for one in shown)
    return Table(
        title=f"{title}, {'pooled' if series == POOLED else series}",
        headings=("fault", *names, *(f"{name}, less {BASE.name}" for name in ours)),
        rows=tuple(rows),
        note=f"Share of the runs that were quiet before (at most {runs}) with an alarm within {WATCHED_CANDLES:,} "
        "candles; then the median delay in candles. Less: difference of the shares in percentage points over the same "
        "runs; then the median difference in delay over the runs that both found, below 0 where ours are sooner.",
    )


def _difference(one: Difference | None) -> str:
    if one is None or one.share is None:
        return "-"
    low, high = one.share_interval
    words = f"{100 * one.share:+.0f} ({100 * low:+.0f} to {100 * high:+.0f}) of {one.runs}"
    if one.delay is None or one.delay_interval is None:
        return words
    sooner, later = one.delay_interval
    return f"{words}; {one.delay:+,.0f} ({sooner:+,.0f} to {later:+,.0f}) of {one.both_found}"


__all__ = ["tables_of"]
