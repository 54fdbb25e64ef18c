"""The documents name what the code has: every key, reason, outcome and command; links, examples and sums hold."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from pydantic import BaseModel

from tradai_lifecycle.cli.app import app
from tradai_lifecycle.config import (
    SECTION,
    LifecycleConfig,
    NoticesConfig,
    TelegramConfig,
    VersionSpan,
    parse_config,
)
from tradai_lifecycle.events import event_kinds
from tradai_lifecycle.monitor import quality
from tradai_lifecycle.monitor.scales import SCALE_FACTOR
from tradai_lifecycle.states import CandidateOutcome, Reason

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
ALL = "\n".join(TEXTS.values())
REASONS = [word for reason in Reason for word in reason.words]


def blocks(language: str) -> list[Any]:
    """Every fenced block of a language, with its document and place as the test's name."""
    return [
        pytest.param(found.group(1), id=f"{name}:{text[: found.start()].count(chr(10)) + 1}")
        for name, text in TEXTS.items()
        for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def cells(document: str, first: str) -> list[str]:
    """The other cells of the table row whose first cell is `first` in code style."""
    rows = [line for line in TEXTS[document].splitlines() if line.startswith(f"| `{first}` |")]
    assert len(rows) == 1, f"{document} has {len(rows)} rows for {first}"
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", rows[0])[2:-1]]


def default_of(model: Any, key: str) -> str:
    """A key's default as the documents write it."""
    field = model.model_fields[key]
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return "its own defaults"
    return f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"


def anchors(text: str) -> set[str]:
    """The anchors that a web view gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> list[str]:
    """Every command of the console script."""
    return sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", LifecycleConfig.model_fields)
def test_every_configuration_key_is_documented_with_its_default(key: str) -> None:
    assert cells("docs/configuration.md", key)[0] == default_of(LifecycleConfig, key)


@pytest.mark.parametrize("key", VersionSpan.model_fields)
def test_every_key_of_a_version_span_is_documented_with_its_default(key: str) -> None:
    assert cells("docs/configuration.md", key)[0] == default_of(VersionSpan, key)


NESTED = {
    f"{section}.{key}": (model, key)
    for section, model in {"telegram": TelegramConfig, "notices": NoticesConfig}.items()
    for key in model.model_fields
}


@pytest.mark.parametrize("dotted", NESTED)
def test_every_key_of_a_nested_section_is_documented_with_its_default(dotted: str) -> None:
    assert cells("docs/configuration.md", dotted)[0] == default_of(*NESTED[dotted])


@pytest.mark.parametrize(
    ("dotted", "model", "key"),
    [(key, LifecycleConfig, key) for key in LifecycleConfig.model_fields]
    + [(dotted, model, key) for dotted, (model, key) in NESTED.items()],
)
def test_the_range_of_every_number_is_documented(dotted: str, model: Any, key: str) -> None:
    limits = [
        value
        for part in model.model_fields[key].metadata
        for name in ("ge", "gt", "le", "lt")
        if (value := getattr(part, name, None)) is not None
    ]
    described = cells("docs/configuration.md", dotted)[1]
    assert [limit for limit in limits if f"{limit:,g}" not in described] == []


@pytest.mark.parametrize("words", REASONS)
def test_every_reason_is_documented_in_its_words(words: str) -> None:
    assert f"| {words} |" in TEXTS["docs/runbook.md"]


@pytest.mark.parametrize("outcome", CandidateOutcome)
def test_every_outcome_of_a_candidate_is_documented(outcome: CandidateOutcome) -> None:
    assert len(cells("docs/runbook.md", outcome.value)) == 2


@pytest.mark.parametrize("kind", event_kinds())
def test_every_kind_of_event_is_documented(kind: str) -> None:
    assert len(cells("docs/runbook.md", kind)) == 2


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"`tradai {command}`" in TEXTS["README.md"]


def test_no_command_is_documented_that_does_not_exist() -> None:
    named = set(re.findall(r"`tradai ([a-z][a-z-]*)", ALL))
    assert named - set(commands()) == set()


@pytest.mark.parametrize("document", TEXTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    here = ROOT / document
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[document]):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = here if not path else (here.parent / path).resolve()
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("block", blocks("python"))
def test_every_python_block_runs(block: str) -> None:
    names: dict[str, Any] = {"__name__": "document"}
    exec(compile(block, "document", "exec"), names)
    assert names.keys() > {"__name__", "__builtins__"}, "it makes nothing that a reader could use or see"


@pytest.mark.parametrize("block", blocks("json"))
def test_every_json_block_parses_and_is_a_valid_configuration(block: str) -> None:
    section = json.loads(block)[SECTION]
    assert parse_config({SECTION: {"model_name": "m", **section}}).model_fields_set == {"model_name", *section}


def test_the_smallest_configuration_is_small_and_alike_in_both_places() -> None:
    smallest = TEXTS["README.md"].split("```json\n")[1].split("```")[0]
    assert len(smallest.splitlines()) <= 6
    assert parse_config(json.loads(smallest)) == LifecycleConfig(model_name="my_model")
    assert smallest in TEXTS["docs/configuration.md"]


def test_the_strategy_of_the_readme_is_short_and_freqtrade_loads_it(tmp_path: Path) -> None:
    import pandas as pd

    from tradai_lifecycle.strategy.dataset import load_strategy

    source = TEXTS["README.md"].split("```python\n")[1].split("```")[0]
    assert len(source.splitlines()) <= 20
    (tmp_path / "my_model.py").write_text(source, encoding="utf-8")
    config = {
        "strategy": "MyModel",
        "strategy_path": str(tmp_path),
        "user_data_dir": tmp_path,
        "dry_run": True,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "exchange": {"name": "binance", "pair_whitelist": ["BTC/USDT"]},
        SECTION: {"model_name": "my_model"},
    }
    strategy = load_strategy(config)
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(0).normal(0.0, 0.01, 100)))
    dates = pd.date_range("2024-01-01", periods=len(close), freq="1h", tz="UTC")
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    pair, candles = {"pair": "BTC/USDT"}, pd.DataFrame({"date": dates, **prices, "volume": 1.0})
    signalled = strategy.advise_exit(strategy.advise_entry(strategy.advise_indicators(candles, pair), pair), pair)
    assert [name for name in signalled.columns if name.startswith("%-")] == ["%-return_1", "%-return_6", "%-return_24"]
    assert signalled[["enter_long", "exit_long"]].sum().sum() == 0
    assert set(signalled["trading_state"]) == {"paused"}


def test_the_sums_of_startup_candles_are_those_of_the_code() -> None:
    from tradai_lifecycle.strategy.memory import candle_budget, health_settings

    rows = re.findall(r"^\| (\d+[a-z]) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", ALL, re.MULTILINE)
    assert len(rows) > 5
    for timeframe, horizon, warm_up, window, days, documented in rows:
        config = LifecycleConfig(model_name="m", window_candles=int(window), accuracy_window_days=float(days))
        health = health_settings(config, timeframe=timeframe, horizon_candles=int(horizon))
        assert candle_budget(config, health, feature_warm_up=int(warm_up)).startup_candles == int(documented)


def test_the_thresholds_of_the_quality_rules_are_those_of_the_code() -> None:
    text, recent = TEXTS["docs/statistics.md"], quality.recent_candles(500)
    for stated in (
        f"the recent candles ({recent})",
        f"more than R // 2 ({recent // 2})",
        f"more than R // 5 ({recent // 5})",
        f"longest run in training), {quality.SHORTEST_STUCK_RUN})",
        f"above {SCALE_FACTOR:g} times the largest",
    ):
        assert stated in text
