"""A long measurement as a command: what is asked for is measured once, and only a whole run writes the document."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cells, marked, parts
from benchmarks.parts import run_parts

NAME = "harm"


class Bench:
    """A measurement of two parts, and how often it is really made."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.document = directory / "document.md"
        self.document.write_text("\n".join(marked.markers(NAME)) + "\n", encoding="utf-8")
        self.measured: list[str] = []

    def run(self) -> None:
        run_parts(
            name=NAME,
            about=None,
            own_files=("parts.py",),
            parts={key: self._measure(key) for key in ("1h BTC", "1h ETH")},
            report_of=lambda found: found,
            markdown=_markdown,
            values_of=dict,
            columns=80,
        )

    def _measure(self, key: str) -> Callable[[], float]:
        def measure() -> float:
            self.measured.append(key)
            return float("nan") if "BTC" in key else 2.0

        return measure


def _markdown(found: Mapping[str, Any]) -> list[str]:
    return [f"{key}: {value}" for key, value in found.items()]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    for module in (cells, parts):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(parts, "write_marked", lambda name, lines: marked.write_marked(name, lines, made.document))
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    return made


def test_a_whole_run_goes_on_after_a_part_of_it_and_writes_values_and_document(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = bench.document.read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["benchmark", "--only", "1h", "ETH"])
    bench.run()
    assert bench.measured == ["1h ETH"]
    assert "1h ETH: 2.0" in capsys.readouterr().out
    assert bench.document.read_text(encoding="utf-8") == before
    assert not (bench.directory / f"{NAME}.json").exists()
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    bench.run()
    assert bench.measured == ["1h ETH", "1h BTC"]
    assert "1h BTC: nan\n1h ETH: 2.0" in bench.document.read_text(encoding="utf-8")
    assert json.loads((bench.directory / f"{NAME}.json").read_text(encoding="utf-8")) == {"1h BTC": None, "1h ETH": 2.0}


def test_words_that_no_part_holds_are_refused_with_the_parts_there_are(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmark", "--only", "4h"])
    with pytest.raises(SystemExit):
        bench.run()
    assert "no part holds 4h; there are: 1h BTC; 1h ETH" in capsys.readouterr().err
    assert bench.measured == []
