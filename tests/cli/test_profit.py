"""`tradai profit` counts a bot's own trades by the version that opened them, and writes nothing."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.cli.trade_books import BookedTrade, write_trades
from tests.live.workshop import DRIFT_AT, PAIRS, START, Workshop
from tests.strategy.premises import Premises, time_range
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.strategy.trades import TradesUnavailableError, stored_trades, trades_url
from tradai_lifecycle.strategy.version_profit import FEWEST_TRADES, mean_interval, profit_by_version


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """A dry-run bot whose trades are in `trades.sqlite` beside it."""
    return configured(tmp_path, f"sqlite:///{tmp_path / 'trades.sqlite'}")


def configured(directory: Path, url: str) -> Path:
    file = directory / "config.json"
    config = {"dry_run": True, "db_url": url, "tradai_lifecycle": {"model_name": "demo"}}
    file.write_text(json.dumps(config), encoding="utf-8")
    return file


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["profit", *map(str, arguments)])


def versions(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return {row["version"]: row for row in json.loads(result.stdout)["versions"]}


def test_trades_are_counted_by_the_version_noted_on_them_then_by_their_tag(tmp_path: Path, config_file: Path) -> None:
    trades = [
        BookedTrade(version="v1", enter_tag="dip|v9"),
        BookedTrade(version="v1", close_rate=95.0, stake=200.0, hours=4.0),
        BookedTrade(version="v10"),
        BookedTrade(enter_tag="dip|v2", close_rate=None, stake=300.0),
        BookedTrade(enter_tag="|vx"),
        BookedTrade(),
    ]
    write_trades(tmp_path / "trades.sqlite", trades)

    found = versions("-c", config_file)

    assert list(found) == ["v1", "v2", "v10", "none"]
    assert found["v1"] == {
        "version": "v1",
        "currency": "USDT",
        "trades": 2,
        "wins": 1,
        "profit": pytest.approx(0.0),
        "mean_ratio": pytest.approx(0.025),
        "mean_ratio_95": None,
        "worst_ratio": pytest.approx(-0.05),
        "worst_profit": pytest.approx(-10.0),
        "mean_duration_seconds": timedelta(hours=3).total_seconds(),
        "open_trades": 0,
        "open_stake": 0,
    }
    assert (found["v2"]["trades"], found["v2"]["open_trades"], found["v2"]["open_stake"]) == (0, 1, 300.0)
    assert (found["v2"]["mean_ratio"], found["v2"]["mean_duration_seconds"]) == (None, None)
    assert found["none"]["trades"] == 2
    shown = " ".join(run("-c", config_file).stdout.split())
    assert "+2.50% (too few trades)" in shown
    assert "1 (300.000 USDT)" in shown


def test_currencies_are_not_added_to_each_other(tmp_path: Path) -> None:
    file = write_trades(
        tmp_path / "trades.sqlite", [BookedTrade(version="v1"), BookedTrade(version="v1", currency="BTC")]
    )
    found = profit_by_version(stored_trades(f"sqlite:///{file}"))
    assert [(row.version, row.currency, row.trades) for row in found] == [("v1", "BTC", 1), ("v1", "USDT", 1)]


def test_the_interval_holds_the_true_mean_as_often_as_it_says_and_is_left_out_for_few_trades() -> None:
    generator = np.random.default_rng(5)
    runs = generator.normal(0.003, 0.02, (2_000, FEWEST_TRADES))
    intervals = np.array([mean_interval(ratios) for ratios in runs])
    held = (intervals[:, 0] <= 0.003) & (intervals[:, 1] >= 0.003)
    assert held.mean() == pytest.approx(0.95, abs=0.015)
    assert np.isnan(mean_interval(runs[0][:-1])).all()


def test_the_fewest_trades_of_an_interval_are_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert f"Fewer than {FEWEST_TRADES} closed trades" in text


def test_enough_trades_show_the_interval(tmp_path: Path, config_file: Path) -> None:
    rates = [95.0 + 10.0 * (number % 3 > 0) for number in range(FEWEST_TRADES + 1)]
    write_trades(tmp_path / "trades.sqlite", [BookedTrade(version="v1", close_rate=rate) for rate in rates])

    found = versions("-c", config_file)["v1"]
    assert found["mean_ratio_95"][0] < found["mean_ratio"] < found["mean_ratio_95"][1]
    low, high = found["mean_ratio_95"]
    assert f"({low:+.2%} to {high:+.2%})" in run("-c", config_file).stdout


def test_reading_writes_nothing_and_works_beside_a_writer(tmp_path: Path, config_file: Path) -> None:
    file = write_trades(tmp_path / "trades.sqlite", [BookedTrade(version="v1")])
    before = file.read_bytes()
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert versions("-c", config_file)["v1"]["trades"] == 1
        writer.rollback()
    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "trades.sqlite"]


def test_an_entry_that_was_never_filled_is_no_trade(tmp_path: Path, config_file: Path) -> None:
    file = write_trades(tmp_path / "trades.sqlite", [BookedTrade(version="v1"), BookedTrade(version="v1")])
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("UPDATE trades SET close_profit = NULL, close_profit_abs = NULL WHERE id = 2")
        writer.commit()
    assert versions("-c", config_file)["v1"]["trades"] == 1


def test_a_database_without_trades_says_so(tmp_path: Path, config_file: Path) -> None:
    write_trades(tmp_path / "trades.sqlite", [])
    assert "no trade yet" in run("-c", config_file).stdout


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{directory}/absent.sqlite", "absent.sqlite cannot be read: there is no such file. Next: start"),
        ("sqlite://", "this bot keeps them in its own memory. Next: set db_url"),
        ("sqlite:///{directory}/config.json", "it is not a database of freqtrade (file is not a database)"),
        ("sqlite:///{directory}/ledger.sqlite", "it is not a database of freqtrade (no such table"),
        ("sqlite:///{directory}/old.sqlite", "it was made by another version of freqtrade"),
        ("postgresql://bot:secret@localhost/trades", "postgresql://bot:***@localhost/trades cannot be read"),
        ("nonsense", "The trades in db_url cannot be read: it is no address of a database"),
        ("foo://bot", "db_url cannot be used"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_next_step(tmp_path: Path, url: str, said: str) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.open()
    with closing(sqlite3.connect(write_trades(tmp_path / "old.sqlite", [BookedTrade()]))) as writer:
        writer.execute("ALTER TABLE trades DROP COLUMN close_profit_abs")
        writer.commit()

    error = run("-c", configured(tmp_path, url.format(directory=tmp_path))).exception

    assert isinstance(error, TradesUnavailableError)
    assert said in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("configured_url", [None, "sqlite:///tradesv3.sqlite", "sqlite:///mine.sqlite"])
@pytest.mark.parametrize("named", ["", "sqlite:///tradesv3.sqlite", "sqlite:///named.sqlite"])
def test_the_database_is_the_one_that_freqtrade_would_open(
    tmp_path: Path, dry_run: bool, configured_url: str | None, named: str
) -> None:
    from freqtrade.configuration import Configuration
    from freqtrade.enums import RunMode

    values = {"dry_run": dry_run, "exchange": {"name": "binance"}, "user_data_dir": str(tmp_path)}
    values |= {"db_url": configured_url} if configured_url else {}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(values), encoding="utf-8")
    mode = RunMode.DRY_RUN if dry_run else RunMode.LIVE

    opened = Configuration({"config": [str(file)], "db_url": named or None}, mode).get_config()["db_url"]

    assert trades_url(values, named) == opened


@pytest.mark.host
def test_a_bots_trades_are_seen_while_it_runs_and_after(workshop: Workshop) -> None:
    workshop.register()
    workshop.configure(poll_interval_seconds=0.05)
    file = workshop.user_data / "trades.sqlite"
    config = load_freqtrade_config([workshop.config_file], {"db_url": f"sqlite:///{file}"})
    asked = ("profit", "--json", "--db-url", f"sqlite:///{file}")
    with SteppedBot(config, START + timedelta(hours=DRIFT_AT - 400, seconds=5)) as bot:
        bot.startup()
        for _ in bot.steps(60):
            pass
        workshop.register()
        bot.strategy.lifecycle.supply.poll_registry()
        for _ in bot.steps(60):
            pass
        during = json.loads(workshop.tradai(*asked).stdout)
    after = json.loads(workshop.tradai(*asked).stdout)

    assert during == after
    assert [row["version"] for row in after["versions"]] == ["v1", "v2"]
    assert sum(row["trades"] for row in after["versions"]) > 5
    assert after["trades"] == str(file)
    assert {trade.pair for trade in stored_trades(f"sqlite:///{file}")} == set(PAIRS)


@pytest.mark.host
def test_a_backtest_is_counted_by_its_tags_and_says_where_the_switch_was_off(premises: Premises) -> None:
    from freqtrade.data.btanalysis import load_backtest_stats

    results = premises.user_data / "backtest_results"

    def backtest(**section: bool) -> dict[str, Any]:
        premises.configure(section)
        premises.command("backtesting", "--cache", "none", timerange=time_range(3_700, 4_000))
        stats: dict[str, Any] = load_backtest_stats(results)["strategy"][premises.strategy]
        return stats

    stats = backtest(tag_model_version=True)
    found = versions("--backtest-result", results, "--strategy", premises.strategy)
    assert list(found) == ["v1"]
    assert found["v1"]["trades"] == stats["total_trades"] >= FEWEST_TRADES
    assert found["v1"]["profit"] == pytest.approx(stats["profit_total_abs"])
    assert (found["v1"]["currency"], found["v1"]["mean_ratio_95"] is not None) == ("USDT", True)
    assert "tag_model_version was off" not in run("--backtest-result", results).stdout

    backtest()
    assert list(versions("--backtest-result", results)) == ["none"]
    shown = run("--backtest-result", results).stdout
    assert "no trade of this backtest bears a version: tag_model_version was off. Next: set it to true" in shown


def test_a_file_that_is_no_backtest_is_named(config_file: Path, tmp_path: Path) -> None:
    for file in (config_file, tmp_path / "absent.zip"):
        error = run("--backtest-result", file).exception
        assert isinstance(error, TradesUnavailableError)
        assert str(file) in str(error)
