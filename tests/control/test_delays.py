"""The delays that a bot shows are those of the documents, and those that the benchmark measured."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.delays import write_delays
from benchmarks.faults import CANDLE_FAULTS, FEATURE_FAULTS
from benchmarks.latency import NO_FAULT, TIMEFRAMES
from benchmarks.rows import Row
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control import delays
from tradai_lifecycle.control.delays import (
    DECISIVE_SETTINGS,
    FaultDelay,
    measured_delays,
    measured_on,
    measured_with,
    other_settings,
)

ROOT = Path(__file__).parents[2]
STATISTICS = ROOT / "docs" / "statistics.md"
OF_DATA = "NaN, x1000, stuck feature"
#: A fault as README calls it, where that is not its own name.
SHORT = {
    "none (false alarms)": NO_FAULT,
    "momentum destroyed": "returns permuted",
    "one feature + 1 sd": "one feature +1 sd",
}
FAULTS = [NO_FAULT, *CANDLE_FAULTS, *FEATURE_FAULTS]


def documented(timeframe: str) -> list[tuple[str, ...]]:
    """The rows of the timeframe's table of delays, as they are written."""
    text = STATISTICS.read_text(encoding="utf-8")
    (table,) = re.findall(rf"^### {timeframe}: found within .*?(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.splitlines()]
    return [row for row in rows if len(row) == 6 and row[1].isdigit()]


def written(delay: FaultDelay, runs: str) -> tuple[str, ...]:
    """A delay as a row of that table."""

    def days(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    shares = f"{delay.reduced_share:.0%}", f"{delay.paused_share:.0%}"
    reduced, paused = (share.replace("%", " %") for share in shares)
    return delay.fault, runs, reduced, days(delay.reduced_days), paused, days(delay.paused_days)


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_what_is_shown_is_what_is_documented(timeframe: str) -> None:
    rows = documented(timeframe)
    runs = measured_on().split()[0]
    assert [written(delay, runs) for delay in measured_delays(timeframe)] == rows
    assert [row[0] for row in rows] == FAULTS


def in_short(days: float | None, share: float, timeframe: str) -> str:
    """A delay as README has it: hundredths of a day at 5m, two digits at 1h."""
    percent = f"{share:.0%}".replace("%", " %")
    return percent if days is None else f"{days:.2f}, {percent}" if timeframe == "5m" else f"{days:.2g}, {percent}"


def test_readme_shows_what_was_measured() -> None:
    """Faults of the data are one row there: each is seen in all runs, the stuck feature last."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| Fault \| 5m.*?\n\n", text, re.MULTILINE | re.DOTALL)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:] if line]
    shown = {SHORT.get(name, name): tuple(cells) for name, *cells in rows}
    expected: dict[str, tuple[str, ...]] = {}
    for timeframe in ("5m", "1h"):
        known = {delay.fault: delay for delay in measured_delays(timeframe)}
        of_data = [known.pop(fault) for fault in ("one feature NaN 50 %", "one feature x1000", "one feature stuck")]
        assert {(one.reduced_share, one.paused_share) for one in of_data} == {(1.0, 1.0)}
        days = [one.reduced_days or 0.0 for one in of_data]
        assert days == [one.paused_days for one in of_data]
        assert days == sorted(days)
        for fault, one in known.items():
            cut = in_short(one.reduced_days, one.reduced_share, timeframe)
            expected[fault] = (*expected.get(fault, ()), cut, in_short(one.paused_days, one.paused_share, timeframe))
        expected[OF_DATA] = (*expected.get(OF_DATA, ()), f"{days[-1]:.2f} or sooner, 100 %", "the same")
    assert shown == expected


def test_a_timeframe_that_was_not_measured_has_no_delays() -> None:
    assert measured_delays("4h") == ()


def test_every_setting_of_the_evidence_that_decides_delays_is_compared() -> None:
    fields = list(LifecycleConfig.model_fields)
    evidence = fields[fields.index("window_candles") : fields.index("mode")]
    # these decide what is asked for, not what is held back
    assert [name for name in evidence if name not in DECISIVE_SETTINGS] == ["retrain_psi", "retrain_feature_count"]
    assert set(DECISIVE_SETTINGS) <= set(evidence)


def test_only_what_is_not_the_default_is_named() -> None:
    default = LifecycleConfig(model_name="demo")
    assert other_settings(default) == ()
    assert measured_with(()) == ""
    changed = default.model_copy(update={"accuracy_floor": 0.5, "retrain_psi": 0.3})
    assert other_settings(changed) == ("accuracy_floor",)
    assert measured_with(("accuracy_floor",)) == ", with the default of accuracy_floor, not yours"


def row(timeframe: str, fault: str, **details: Any) -> Row:
    known: Mapping[str, Any] = {
        "timeframe": timeframe,
        "pair": "BTC/USDT",
        "real": True,
        "fault": fault,
        "onsets": 20,
        "watched_candles": 1_500,
        "found_reduced": 0.85,
        "median_days_to_reduced": 21.504,
        "found_paused": 0.0,
        "median_days_to_paused": None,
    }
    return Row(name=fault, figure=85.0, unit=" %", measured="here", details={**known, **details})


def test_the_benchmark_writes_the_file_that_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share_of_time = Row(name="share", figure=1.0, unit=" %", measured="here", details={"timeframe": "1h"})
    rows = [share_of_time, row("5m", "stuck"), row("1h", "stuck", found_paused=1.0, median_days_to_paused=0.0625)]

    file = write_delays(rows, datetime(2030, 1, 2, tzinfo=UTC), tmp_path / "delays.json")

    assert file == tmp_path / "delays.json"
    monkeypatch.setattr(delays, "files", lambda _: tmp_path)
    monkeypatch.setattr(delays, "FILE_NAME", "delays.json")
    monkeypatch.setattr(delays, "_content", delays._content.__wrapped__)
    assert asdict(measured_delays("1h")[0]) == {
        "fault": "stuck",
        "reduced_share": 0.85,
        "reduced_days": 21.5,
        "paused_share": 1.0,
        "paused_days": 0.06,
    }
    assert measured_delays("5m")[0].paused_days is None
    assert measured_on() == "20 times each, watched for 1,500 candles, real candles of BTC/USDT, 2030-01-02"


@pytest.mark.parametrize("details", [{"real": False}, {"onsets": 0, "found_reduced": None, "found_paused": None}])
def test_made_up_candles_and_empty_measurements_do_not_replace_figures(tmp_path: Path, details: dict[str, Any]) -> None:
    rows = [row("5m", "stuck"), row("1h", "stuck", **details)]
    assert write_delays(rows, datetime(2030, 1, 2, tzinfo=UTC), tmp_path / "delays.json") is None
    assert list(tmp_path.iterdir()) == []
