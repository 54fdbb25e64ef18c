"""The results as tables: headings and cells of text, whatever they are then drawn with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.figures import FalseTriggers, Found
from benchmarks.drift.intervals import Interval
from benchmarks.drift.results import Results
from benchmarks.drift.streams import Kind
from benchmarks.drift.streams.stream import WATCHED_CANDLES, WINDOW

#: A detector that was on before the fault in so many of its runs says nothing by being on after it.
USELESS_SHARE = 0.95
#: The detector whose false triggers are told apart by series.
SPREAD_OUT = "ours calibrated"

_TITLES = {
    Kind.NO_DRIFT: "Blocks left out of the training range: no drift",
    Kind.NEXT: "The candles that followed the training",
    Kind.INJECTED: "Faults in the features",
    Kind.RAW: "Faults in the raw candles",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table with a line under it."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def tables_of(results: Results) -> list[Table]:
    """False triggers, then faults; a table per kind of stream, and for faults per length of training."""
    return [*_quiet_tables(results), *_fault_tables(results)]


def rules_of(results: Results) -> Table:
    """What each detector does."""
    rules = [(name, about) for name, about in results.detectors.items()]
    return Table(title="Detectors", headings=("detector", "in alarm where"), rows=tuple(rules + _missing(results, 1)))


def _quiet_tables(results: Results) -> Iterator[Table]:
    for kind in (Kind.NO_DRIFT, Kind.NEXT):
        of_kind = [figure for figure in results.false_triggers if figure.kind == kind.value]
        if not of_kind:
            continue
        lengths = sorted({figure.trained for figure in of_kind})
        headings = ["detector", *(f"{words}, m = {m:,}" for m in lengths for words in ("triggers", "in alarm", "runs"))]
        by_detector = {
            name: {figure.trained: figure for figure in of_kind if figure.detector == name}
            for name in results.detectors
        }
        rows = [
            (name, *(cell for m in lengths for cell in _quiet_cells(known.get(m))))
            for name, known in by_detector.items()
            if known
        ]
        candles = ", ".join(f"{_most_candles(of_kind, m):,} for m = {m:,}" for m in lengths)
        yield Table(
            title=_TITLES[kind],
            headings=tuple(headings),
            rows=tuple(rows + _missing(results, len(headings) - 1)),
            note=f"Triggers per 1,000 candles and share of time in alarm, n = {WINDOW}. Candles watched: {candles}."
            + _noisiest(of_kind)
            + _halves(of_kind),
        )


# a series whose market changed for good can hold most of the alarms
def _noisiest(figures: Sequence[FalseTriggers]) -> str:
    words = [
        f"{figure.noisiest_triggers} of {figure.triggers} at m = {figure.trained:,} are of {figure.noisiest_series} "
        f"(without it {figure.rate_of_others:.2f} per 1,000)"
        for figure in sorted(figures, key=lambda figure: figure.trained)
        if figure.detector == SPREAD_OUT and figure.triggers and figure.rate_of_others is not None
    ]
    return f" Of the triggers of {SPREAD_OUT}, {', '.join(words)}." if words else ""


# what was chosen on some of the pairs flatters by what it makes of others
def _halves(figures: Sequence[FalseTriggers]) -> str:
    words = [
        f"{figure.rates_of_halves[0]:.2f} and {figure.rates_of_halves[1]:.2f} at m = {figure.trained:,}"
        for figure in sorted(figures, key=lambda figure: figure.trained)
        if figure.detector == SPREAD_OUT and figure.triggers and figure.rates_of_halves is not None
    ]
    return f" Per 1,000 in the first half of the pairs and in the others: {', '.join(words)}." if words else ""


def _quiet_cells(figure: FalseTriggers | None) -> tuple[str, str, str]:
    if figure is None:
        return "-", "-", "-"
    low, high = figure.rate_interval
    rate = f"{figure.rate:.2f} ({low:.2f} to {high:.2f})"
    return rate, f"{percent(figure.alarmed)} {_spread(figure.alarmed_interval)}", str(figure.runs)


def _most_candles(figures: Sequence[FalseTriggers], trained: int) -> int:
    return max(figure.candles for figure in figures if figure.trained == trained)


def _fault_tables(results: Results) -> Iterator[Table]:
    for kind in (Kind.INJECTED, Kind.RAW):
        of_kind = [figure for figure in results.found if figure.kind == kind.value]
        for trained in sorted({figure.trained for figure in of_kind}, reverse=True):
            figures = [figure for figure in of_kind if figure.trained == trained]
            yield _fault_table(f"{_TITLES[kind]}, m = {trained:,}", figures, results)


def _fault_table(title: str, figures: Sequence[Found], results: Results) -> Table:
    faults = list(dict.fromkeys(figure.fault for figure in figures))
    measured = {(figure.fault, figure.detector): figure for figure in figures}
    names = [name for name in results.detectors if any(figure.detector == name for figure in figures)]
    on_before = {name: _on_before(figures, name) for name in names}
    telling = [name for name in names if on_before[name] < USELESS_SHARE]
    rows = [(fault, *(fault_cell(measured.get((fault, name))) for name in telling)) for fault in faults]
    return Table(
        title=title, headings=("fault", *telling), rows=tuple(rows), note=_fault_note(figures, on_before, results)
    )


def _fault_note(figures: Sequence[Found], on_before: dict[str, float], results: Results) -> str:
    quiet = f"the runs that were quiet before (at most {max(figure.runs for figure in figures)})"
    notes = [f"Share of {quiet} with an alarm within {WATCHED_CANDLES:,} candles; then the median delay in candles."]
    useless = [f"{name} ({percent(share)})" for name, share in on_before.items() if share >= USELESS_SHARE]
    if useless:
        notes.append(f"On before the fault already, so that they tell nothing: {', '.join(useless)}.")
    notes += [f"{name}: {words}." for name, words in results.missing.items()]
    return " ".join(notes)


# in how many of its runs without a fault, or of all where there is none
def _on_before(figures: Sequence[Found], detector: str) -> float:
    own = [figure for figure in figures if figure.detector == detector]
    own = [figure for figure in own if figure.fault == NO_FAULT] or own
    return sum(figure.already_on for figure in own) / sum(figure.runs for figure in own)


def fault_cell(figure: Found | None) -> str:
    """The share found, then the median delay, each with its interval; `-` where nothing was measured."""
    if figure is None:
        return "-"
    if figure.share is None:
        return f"on before, {figure.already_on} of {figure.runs}"
    words = f"{percent(figure.share)} {_spread(figure.share_interval)} of {figure.quiet}"
    if figure.median_delay is None or figure.median_interval is None:
        return words
    low, high = figure.median_interval
    return f"{words}; {figure.median_delay:,.0f} ({low:,.0f} to {high:,.0f})"


def _missing(results: Results, columns: int) -> list[tuple[str, ...]]:
    return [(name, words, *[""] * (columns - 1)) for name, words in results.missing.items()]


def percent(share: float) -> str:
    """A share in percent, with a digit after the point near 0 and 1."""
    return f"{100 * share:.0f} %" if share in (0.0, 1.0) or 0.1 <= share <= 0.99 else f"{100 * share:.1f} %"


def _spread(interval: Interval) -> str:
    low, high = interval
    return f"({100 * low:.0f} to {100 * high:.0f})"


__all__ = ["Table", "fault_cell", "percent", "rules_of", "tables_of"]
