"""An event that may be written by several is kept once, whoever comes first."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from tradai_lifecycle.events import IncidentResolved, StrangerIgnored
from tradai_lifecycle.store import Ledger

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESOLVED = IncidentResolved(at=NOON, who='an "odd" name', note="first", opened_at=NOON.isoformat())
BY = ("who", "opened_at")


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        (replace(RESOLVED, at=NOON + timedelta(hours=1), note="second"), False),
        (replace(RESOLVED, who="bob"), True),
        (replace(RESOLVED, opened_at=""), True),
    ],
    ids=["the same", "another person", "another incident"],
)
def test_an_event_is_kept_unless_its_like_is(tmp_path: Path, later: IncidentResolved, kept: bool) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.open()
        ledger.record_events([StrangerIgnored(at=NOON, who=RESOLVED.who, transport="telegram", messages=1)])
        assert ledger.record_event_once(RESOLVED, by=BY)
        assert ledger.record_event_once(later, by=BY) is kept
        stored = [one.event for one in reversed(ledger.events(kind=RESOLVED.kind))]
    assert stored == [RESOLVED, later][: 1 + kept]


def test_of_several_writers_at_once_one_keeps_its_event(tmp_path: Path) -> None:
    at_once = Barrier(6)

    def write(number: int) -> bool:
        with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
            ledger.open()
            at_once.wait()
            return ledger.record_event_once(replace(RESOLVED, note=f"{number}"), by=BY)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(write, range(6))) == [False] * 5 + [True]
