"""The figures of drift detection in the documents are those that were measured."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.drift.cells import Measured
from benchmarks.drift.detectors import DETECTORS
from benchmarks.drift.faults import NO_FAULT
from benchmarks.drift.markets import Series
from benchmarks.drift.outcomes import Outcome
from benchmarks.drift.plan import Cell
from benchmarks.drift.report import NAME, in_markdown, ship
from benchmarks.drift.results import SHIPPED, Results
from benchmarks.drift.streams import Injected, NoDrift, Stream
from benchmarks.marked import STATISTICS, markers

SERIES = Series(pair="BTC/USDT", timeframe="1h")
NOW = datetime(2024, 5, 6, tzinfo=UTC)
OURS, BARE = "ours calibrated", "rule of thumb"


def measured(detector: str, stream: Stream, fault: str, *outcomes: Outcome) -> Measured:
    (shown,) = (one for one in DETECTORS if one.name == detector)
    return Measured(cell=Cell(detector=shown, stream=stream, fault=fault), outcomes=outcomes, seconds=1.0)


def outcome(*, triggers: int = 0, already_on: bool = False, delay: int | None = None) -> Outcome:
    return Outcome(candles=1_000, triggers=triggers, alarmed=250 * triggers, already_on=already_on, delay=delay)


def results() -> Results:
    quiet = NoDrift(series=SERIES, trained=20_000, blocks=2)
    faulty = Injected(series=SERIES, trained=20_000, splits=1, runs_per_split=2)
    parts = [
        measured(OURS, quiet, NO_FAULT, outcome(), outcome(triggers=1)),
        measured(BARE, quiet, NO_FAULT, outcome(triggers=4), outcome(triggers=4)),
    ]
    for fault, delay in ((NO_FAULT, None), ("one feature +1 sd", 400)):
        parts.append(measured(OURS, faulty, fault, outcome(delay=delay), outcome(already_on=True, delay=1)))
        parts.append(
            measured(BARE, faulty, fault, outcome(already_on=True, delay=1), outcome(already_on=True, delay=1))
        )
    return Results.of(parts, len(parts) + 1, NOW)


def test_results_come_back_from_json_and_are_rendered_alike(tmp_path: Path) -> None:
    document, shipped = tmp_path / "document.md", tmp_path / "measured.json"
    document.write_text("before\n" + "\n".join(markers(NAME)) + "\nafter\n")
    ship(results(), document, shipped)
    again = Results.from_json(shipped.read_text())
    assert again.to_json() == shipped.read_text()
    assert "\n".join(in_markdown(again)) in document.read_text()
    assert document.read_text().startswith("before\n")
    assert document.read_text().endswith("after\n")


def test_tables_say_what_was_counted() -> None:
    text = "\n".join(in_markdown(results()))
    assert "Of the plan's 7 cells 6 were measured." in text
    assert "| ours calibrated | 0.50 (0.01 to 2.79) | 12 % (1 to 74) | 2 |" in text
    assert "| rule of thumb | 4.00 (1.73 to 7.88) | 100 % (34 to 100) | 2 |" in text
    assert "| one feature +1 sd | 100 % (21 to 100) of 1; 400 (400 to 400) |" in text
    assert "| no fault | 0 % (0 to 79) of 1 |" in text
    assert "rule of thumb (100 %)" in text


def test_the_series_with_most_false_triggers_is_named_beside_the_rate_of_the_others() -> None:
    restless = Series(pair="ETH/USDT", timeframe="1h")
    streams = [NoDrift(series=series, trained=20_000, blocks=2) for series in (SERIES, restless)]
    parts = [
        measured(OURS, streams[0], NO_FAULT, outcome(), outcome(triggers=1)),
        measured(OURS, streams[1], NO_FAULT, outcome(triggers=3)),
    ]
    text = "\n".join(in_markdown(Results.of(parts, len(parts), NOW)))
    assert "Of the triggers of ours calibrated, 3 of 4 at m = 20,000 are of ETH 1h (without it 0.50 per 1,000)." in text
    assert "Of the triggers" not in "\n".join(in_markdown(Results.of(parts[:1], 1, NOW)))


def test_both_halves_of_the_pairs_have_a_rate_where_there_are_two() -> None:
    series = [Series(pair=f"{coin}/USDT", timeframe=timeframe) for timeframe in ("1h", "5m") for coin in ("BTC", "ETH")]
    parts = [
        measured(OURS, NoDrift(series=one, trained=20_000, blocks=2), NO_FAULT, outcome(triggers=triggers), outcome())
        for one, triggers in zip(series, (1, 2, 0, 4), strict=True)
    ]
    text = "\n".join(in_markdown(Results.of(parts, len(parts), NOW)))
    assert "Per 1,000 in the first half of the pairs and in the others: 0.25 and 1.50 at m = 20,000." in text
    assert "half of the pairs" not in "\n".join(in_markdown(Results.of(parts[::2], 2, NOW)))


def test_the_document_shows_the_shipped_figures() -> None:
    text = STATISTICS.read_text(encoding="utf-8")
    begin, end = markers(NAME)
    shown = text[text.index(begin) + len(begin) : text.index(end)]
    assert shown.strip() == "\n".join(in_markdown(Results.from_json(SHIPPED.read_text(encoding="utf-8")))).strip()
