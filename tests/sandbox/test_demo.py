"""The demonstration leaves foreign directories alone, and reports on one self-contained page that a browser likes."""

import math
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradai_lifecycle.sandbox import build_market
from tradai_lifecycle.sandbox.demonstration import PAIRS, Demonstration, ForeignDirectoryError
from tradai_lifecycle.sandbox.page import Report, report_page
from tradai_lifecycle.sandbox.timeline import EquityPoint, RehearsalResult, RehearsedTrade, TimelineEntry
from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.store.records import StateRecord

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROOT = Path(__file__).parents[2]
BROWSER = shutil.which("chromium") or "/usr/bin/chromium"


def small_result(directory: Path) -> RehearsalResult:
    """Sixty candles of two pairs that went through every state, with a trade and a change of the model."""
    states = [
        StateRecord(
            pair=pair,
            candle=START + number * HOUR,
            version="v1" if number < 30 else "v2",
            severity=Severity.NONE,
            state=state,
            effective=state,
            reasons=Reason.NONE if state is TradingState.ACTIVE else Reason.PSI_MODERATE,
            stake_ratio=1.0,
            psi_max=0.1,
            significant_ratio=math.nan if number == 0 else number / 40,
            accuracy=math.nan,
            effective_predictions=0.0,
        )
        for number in range(60)
        for pair in PAIRS
        for state in (list(TradingState)[number // 20],)
    ]
    trade = RehearsedTrade(
        pair=PAIRS[0],
        opened_at=START + 3 * HOUR,
        closed_at=START + 9 * HOUR,
        stake=100.0,
        open_rate=100.0,
        close_rate=104.0,
        profit=4.0,
        version="v1",
        exit_reason="exit_signal",
    )
    adopted = [
        TimelineEntry(candle=START + number * HOUR, kind="model_adopted", before=before, after=after)
        for number, before, after in ((0, None, "v1"), (30, "v1", "v2"))
    ]
    return RehearsalResult(
        directory=directory,
        stake_currency="USDT",
        starting_balance=1_000.0,
        entries=tuple(adopted),
        states=tuple(states),
        trades=(trade,),
        equity=tuple(EquityPoint(candle=START + n * HOUR, equity=1_000.0 + n % 7) for n in range(60)),
        candles=60,
        seconds=6.0,
    )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page of a small result."""
    result = small_result(tmp_path)
    report = Report(
        title="A rehearsal & its <pairs>",
        lead="small",
        result=result,
        without=result,
        candles=build_market(1, PAIRS, "1h", START, 100),
        rows=[("with", len(result.trades), result.profit, 0.01, result.drawdown)],
        notes=["a note"],
    )
    file = tmp_path / "report.html"
    file.write_text(report_page(report), encoding="utf-8")
    return file


def test_the_page_needs_nothing_from_anywhere_and_shows_every_state(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link(?! rel=\"icon\" href=\"data:,\")|https?://|src=|url\(|@import", text)
    for state in ("active", "reduced", "paused"):
        assert f'class="span {state}"' in text
    assert text.count('class="event-name"') >= 2
    assert "A rehearsal &amp; its &lt;pairs&gt;" in text
    assert "nan" not in "".join(re.findall(r' d="([^"]*)"', text)).lower()


@pytest.mark.skipif(not Path(BROWSER).is_file(), reason="no /usr/bin/chromium to load the page in")
def test_a_real_browser_loads_the_page_without_a_complaint(page: Path, tmp_path: Path) -> None:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
    command = [BROWSER, *options, f"--user-data-dir={tmp_path}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<svg") == 5
    assert 'class="span paused"' in done.stdout


def test_a_directory_that_no_demo_made_is_not_wiped(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ForeignDirectoryError, match="not wiped"):
        Demonstration(directory=tmp_path).build()
    assert (tmp_path / "precious.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.soak
@pytest.mark.host
@pytest.mark.timeout(600)
def test_the_whole_demo_ends_within_six_minutes_with_a_backtest_that_agrees(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("tradai")), "demo", "--directory", str(tmp_path / "demo")]
    environment = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=360)
    assert re.search(r"1392\s+equal,\s+0\s+different", done.stdout)
    assert (tmp_path / "demo" / "report.html").is_file()
