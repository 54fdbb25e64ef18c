"""`tradai doctor` finds what is wrong before the bot does, each check both ways, and keeps secrets to itself."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer
from typer.testing import CliRunner

from tests.cli.trade_books import BookedTrade, write_trades
from tests.strategy.conftest import market_exchange, premises, spot_premises  # noqa: F401 - fixtures
from tests.strategy.premises import Premises, market, variant
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.checks import Finding, Level, _outcome, all_checks, examine, installation, people
from tradai_lifecycle.cli.checks.finding import ok
from tradai_lifecycle.cli.checks.surroundings import Surroundings
from tradai_lifecycle.model.mlflow_registry import MlflowSource
from tradai_lifecycle.sandbox import SandboxExchange
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord
from tradai_lifecycle.store.schema import APPLICATION_ID

NOW = datetime(2024, 6, 1, 12, 0, 30, tzinfo=UTC)
TOKEN, OTHER_TOKEN = "111:AAA-own-token", "222:BBB-freqtrade-token"
MIXIN = "ModelLifecycleMixin, IStrategy"


@dataclass(slots=True, kw_only=True)
class Scene:
    """A bot's directory that a case changes until there is something to find; servers live as long as the test."""

    premises: Premises
    patch: pytest.MonkeyPatch
    servers: ExitStack
    options: dict[str, Any] = field(default_factory=lambda: {"clock": lambda: NOW})

    @property
    def user_data(self) -> Path:
        return self.premises.user_data

    @property
    def artefact(self) -> Path:
        """The files of the version in production."""
        return self.user_data / "registry" / "demo" / "1"

    @property
    def ledger_file(self) -> Path:
        return self.user_data / "tradai_lifecycle.sqlite"

    def configure(self, section: Mapping[str, Any] | None = None, **overrides: Any) -> None:
        self.premises.configure(section, **overrides)

    def strategy(self, source: str) -> None:
        """Another strategy in place of the demo."""
        self.premises = self.premises.add_strategy("Examined", source)
        self.configure()

    def telegram(self) -> str:
        """The address of a Telegram that knows both tokens."""
        return self.servers.enter_context(SandboxTelegram({TOKEN: "own_bot", OTHER_TOKEN: "freqtrade_bot"})).url

    def exchange_ahead_by(self, seconds: float) -> None:
        """An exchange whose clock is ahead of this machine's."""
        clock = lambda: datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: E731
        exchange = SandboxExchange.from_frames(market(), "1h", clock=clock)
        self.premises = replace(self.premises, exchange_url=self.servers.enter_context(exchange).url)
        self.configure()

    def batch(self, *, opened_ago: timedelta, said_ago: timedelta) -> None:
        """A ledger whose newest candle opened, and whose bot last wrote, so long ago."""
        with closing(Ledger(self.ledger_file)) as ledger:
            ledger.open()
            ledger.record_batch(version="v1", candle=NOW - opened_ago, at=NOW)
            ledger.record_bot(bot_record(NOW - said_ago))


def bot_record(at: datetime) -> BotRecord:
    return BotRecord(
        at=at,
        started_at=at,
        timeframe="1h",
        horizon_candles=6,
        window_candles=200,
        freqtrade_state="running",
        dry_run=True,
        stake_currency="USDT",
        registry_seen_at=None,
        registry_problem="",
        awaiting=None,
        positions=(),
    )


def installed(scene: Scene, name: str, version: str) -> None:
    """Another version of a library, as far as its metadata tells."""
    directory = scene.premises.root / "libraries" / f"{name}-{version}.dist-info"
    directory.mkdir(parents=True)
    (directory / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    scene.patch.syspath_prepend(str(directory.parent))


def no_mixin(scene: Scene) -> None:
    body = "def populate_indicators(self, dataframe, metadata):\n    return dataframe"
    scene.strategy(variant("Examined", body, (MIXIN, "IStrategy")))


def mixin_last(scene: Scene) -> None:
    scene.strategy(variant("Examined", "", (MIXIN, "IStrategy, ModelLifecycleMixin")))


def other_base_first(scene: Scene) -> None:
    base = "class Base(IStrategy):\n    def ft_bot_cleanup(self):\n        pass\n\n\nclass Examined("
    scene.strategy(variant("Examined", "", (MIXIN, "Base, ModelLifecycleMixin")).replace("class Examined(", base))


def unreachable_registry(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scene.configure({"registry_uri": f"http://someone:hidden-word@127.0.0.1:{port}"})


def nothing_promoted(scene: Scene) -> None:
    scene.premises.registry.register(scene.artefact, metrics={}, parameters={}, tags={})
    state = scene.user_data / "registry" / "demo" / "registry.json"
    values = json.loads(state.read_text())
    state.write_text(json.dumps({**values, "production": None}))


def alias_and_stage_differ(scene: Scene) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{scene.user_data / 'mlflow.db'}"
    with closing(MlflowSource(uri, "demo")) as source:
        for _ in range(2):
            source.register(scene.artefact, metrics={}, parameters={}, tags={})
        source.promote("1")
    MlflowClient(tracking_uri=uri, registry_uri=uri).set_registered_model_alias("demo", "production", "2")
    scene.configure({"registry_uri": uri})


def changed_file(scene: Scene) -> None:
    profile = scene.artefact / "profile.json"
    profile.write_text(profile.read_text() + " ")


def missing_file(scene: Scene) -> None:
    (scene.artefact / "golden.npz").unlink()


def untrusted_type(scene: Scene) -> None:
    (scene.artefact / "model.skops").write_bytes(skops.io.dumps(FunctionTransformer(func=os.system)))


def newer_schema(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.ledger_file)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 99")


def older_schema(scene: Scene) -> None:
    our_database(scene)
    with closing(sqlite3.connect(scene.ledger_file)) as connection:
        connection.execute("PRAGMA user_version = 1")


def no_database(scene: Scene) -> None:
    scene.ledger_file.write_text("no database", encoding="utf-8")


def foreign_database(scene: Scene) -> None:
    write_trades(scene.ledger_file, [BookedTrade()])


def our_database(scene: Scene) -> None:
    with closing(Ledger(scene.ledger_file)) as ledger:
        ledger.open()


def trades(scene: Scene) -> None:
    file = write_trades(scene.premises.root / "trades.sqlite", [BookedTrade(), BookedTrade(close_rate=None)])
    scene.options["db_url"] = f"sqlite:///{file}"


def no_trades_database(scene: Scene) -> None:
    scene.options["db_url"] = f"sqlite:///{scene.premises.root / 'absent.sqlite'}"


def other_trades_database(scene: Scene) -> None:
    scene.options["db_url"] = f"sqlite:///{scene.premises.root / 'config.json'}"


def own_bot(scene: Scene, **section: Any) -> None:
    own = {"token": TOKEN, "chat_id": "42", "base_url": scene.telegram(), **section}
    scene.configure({"telegram": own}, telegram={"enabled": True, "token": OTHER_TOKEN, "chat_id": "42"})


def joined_bot(scene: Scene) -> None:
    freqtrade = {"enabled": True, "token": OTHER_TOKEN, "chat_id": "42"}
    scene.configure({"telegram": {"base_url": scene.telegram()}}, telegram=freqtrade)


def unheard_bot(scene: Scene) -> None:
    scene.configure({"telegram": {"authorized_users": {"42": "viewer"}}})


def unreachable_telegram(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scene.configure({"telegram": {"token": TOKEN, "chat_id": "42", "base_url": f"http://127.0.0.1:{port}"}})


def other_pair(scene: Scene) -> None:
    scene.premises = replace(scene.premises, pairs=("BTC/USDT", "SOL/USDT"))
    scene.configure()


def pattern_of_pairs(scene: Scene) -> None:
    scene.premises = replace(scene.premises, pairs=(".*/USDT",))
    scene.configure()


def no_exchange(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    scene.premises = replace(scene.premises, exchange_url=f"http://127.0.0.1:{port}")
    scene.configure()


def notify(scene: Scene, *addresses: str) -> None:
    scene.configure({"notices": {"apprise_urls": list(addresses)}})


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

Case = tuple[str, Level, Callable[[Scene], None], str]
CASES: list[Case] = [
    ("versions", Level.OK, Scene.configure, "freqtrade 20"),
    ("versions", Level.WARN, lambda scene: installed(scene, "freqtrade", "2031.1"), "freqtrade 2031.1"),
    (
        "versions",
        Level.FAIL,
        lambda scene: installed(scene, "freqtrade", "2025.1"),
        "freqtrade 2025.1 is installed, >=",
    ),
    ("versions", Level.FAIL, lambda scene: installed(scene, "mlflow", "2.9"), "pip install 'mlflow>="),
    ("configuration", Level.OK, Scene.configure, "dry-run, model demo, mode act, adoption auto"),
    ("configuration", Level.FAIL, lambda scene: scene.configure({"window": 300}), "Did you mean 'window_candles'?"),
    ("configuration", Level.FAIL, lambda scene: scene.configure(exchange={"name": "nowhere"}), "freqtrade refuses"),
    ("strategy", Level.OK, Scene.configure, "LifecycleDemo, 1h, horizon 6 candles"),
    ("strategy", Level.FAIL, no_mixin, "does not derive from ModelLifecycleMixin"),
    ("strategy", Level.FAIL, mixin_last, "class NAME(ModelLifecycleMixin, IStrategy), in this order"),
    ("strategy", Level.FAIL, other_base_first, "Base stands before ModelLifecycleMixin"),
    ("registry", Level.OK, Scene.configure, "model demo: 2 version(s), the newest is v2"),
    ("registry", Level.WARN, lambda scene: scene.configure({"model_name": "another"}), "no version"),
    ("registry", Level.FAIL, unreachable_registry, "cannot be reached"),
    ("production version", Level.OK, Scene.configure, "v1"),
    (
        "production version",
        Level.WARN,
        alias_and_stage_differ,
        "v2 decides, but alias production: v2; stage Production: v1",
    ),
    ("production version", Level.FAIL, nothing_promoted, "no version is in production"),
    ("model files", Level.OK, Scene.configure, "v1, digest "),
    ("model files", Level.FAIL, changed_file, "was registered"),
    ("model files", Level.FAIL, missing_file, "golden.npz is missing"),
    ("model types", Level.OK, Scene.configure, "only types of the built-in list"),
    ("model types", Level.WARN, lambda scene: scene.configure({"trusted_types": ["foo.Bar"]}), "allows foo.Bar"),
    ("model types", Level.FAIL, untrusted_type, "posix.system"),
    ("model fits strategy", Level.OK, Scene.configure, "12 features, v1 passed every check"),
    ("model fits strategy", Level.WARN, lambda scene: scene.strategy(NEEDS_DATA), "need real candles"),
    (
        "model fits strategy",
        Level.FAIL,
        lambda scene: scene.strategy(OTHER_ORDER),
        "wrong_features: it has 12 features",
    ),
    ("model fits strategy", Level.FAIL, lambda scene: scene.configure({"window_candles": 300}), "wrong_window"),
    ("training windows", Level.OK, lambda scene: scene.configure({"thresholds": "fixed"}), "every series counts"),
    ("training windows", Level.WARN, Scene.configure, "limits are loose: BTC/USDT m/n = 15"),
    (
        "training windows",
        Level.WARN,
        lambda scene: scene.configure({"window_candles": 400}),
        "only reported, not acted on",
    ),
    ("training windows", Level.WARN, pattern_of_pairs, "ETH/USDT m/n = 15"),
    ("training windows", Level.FAIL, other_pair, "was not trained on SOL/USDT"),
    ("lifecycle database", Level.OK, our_database, "schema "),
    ("lifecycle database", Level.WARN, Scene.configure, "does not exist yet"),
    ("lifecycle database", Level.WARN, older_schema, "has schema 1, this package's is"),
    ("lifecycle database", Level.FAIL, no_database, "file is not a database"),
    ("lifecycle database", Level.FAIL, newer_schema, "its schema is version 99"),
    ("lifecycle database", Level.FAIL, foreign_database, "it is another program's database"),
    ("trades database", Level.OK, trades, "2 trade(s), 1 open"),
    ("trades database", Level.WARN, no_trades_database, "does not exist yet"),
    ("trades database", Level.FAIL, other_trades_database, "it is not a database of freqtrade"),
    ("newest candle", Level.OK, lambda scene: scene.batch(opened_ago=2 * HOUR, said_ago=MINUTE), "opened 2:00:00 ago"),
    ("newest candle", Level.WARN, Scene.configure, "no batch was judged yet"),
    ("newest candle", Level.WARN, older_schema, "the database is older than this package"),
    ("newest candle", Level.WARN, lambda scene: scene.batch(opened_ago=9 * HOUR, said_ago=HOUR), "no bot has written"),
    (
        "newest candle",
        Level.FAIL,
        lambda scene: scene.batch(opened_ago=9 * HOUR, said_ago=MINUTE),
        "too old to trade on",
    ),
    ("startup candles", Level.OK, Scene.configure, "608 candles of 1h (60 for the features + "),
    ("startup candles", Level.FAIL, lambda scene: scene.configure({"window_candles": 4_000}), "gives at most 4999"),
    ("clock", Level.OK, lambda scene: scene.exchange_ahead_by(0.0), "the exchange"),
    ("clock", Level.WARN, lambda scene: scene.exchange_ahead_by(2.5), "s behind the exchange"),
    ("clock", Level.WARN, no_exchange, "the exchange did not tell its time"),
    ("clock", Level.FAIL, lambda scene: scene.exchange_ahead_by(-30.0), "s ahead of the exchange"),
    ("measured fault delays", Level.OK, Scene.configure, "feed frozen 1.8 (100%)"),
    ("measured fault delays", Level.WARN, lambda scene: scene.configure(timeframe="4h"), "not measured at 4h"),
    ("telegram", Level.OK, Scene.configure, "not used"),
    ("telegram", Level.OK, own_bot, "@own_bot, a bot of its own"),
    ("telegram", Level.OK, joined_bot, "@freqtrade_bot, joins freqtrade's bot"),
    ("telegram", Level.WARN, unheard_bot, "configured without a token"),
    ("telegram", Level.WARN, unreachable_telegram, "did not answer (ConnectionError)"),
    ("telegram", Level.FAIL, lambda scene: own_bot(scene, token=OTHER_TOKEN), "two pollers"),
    ("telegram", Level.FAIL, lambda scene: own_bot(scene, token="333:CCC-unknown"), "refuses the token (401"),
    ("telegram", Level.FAIL, lambda scene: own_bot(scene, chat_id="-42"), "nobody may command"),
    ("channels", Level.OK, Scene.configure, "none beyond"),
    ("channels", Level.OK, lambda scene: notify(scene, "json://someone:word@localhost/path"), "json"),
    (
        "channels",
        Level.FAIL,
        lambda scene: notify(scene, "nowhere://word-of-mouth"),
        "entry 1 (counted from 1, not shown)",
    ),
]

NEEDS_DATA = variant(
    "Examined", "", ('close, volume = dataframe["close"]', 'close, volume = self.dp.ohlcv("A")["close"]')
)
OTHER_ORDER = variant("Examined", "", ("for candles in (1, 3, 6, 12, 24):", "for candles in (3, 1, 6, 12, 24):"))


@pytest.fixture
def scene(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:  # noqa: F811
    premises.configure()
    with ExitStack() as servers:
        yield Scene(premises=premises, patch=monkeypatch, servers=servers)


def look(scene: Scene, check: str) -> Finding:
    with Surroundings([scene.premises.root / "config.json"], **scene.options) as at:
        return at.without_secrets(_outcome(check, all_checks()[check], at))


@pytest.mark.host
@pytest.mark.parametrize(
    ("check", "level", "prepare", "said"), CASES, ids=[f"{check} {level}: {said}" for check, level, _, said in CASES]
)
def test_a_check_finds_what_there_is(
    scene: Scene, check: str, level: Level, prepare: Callable[[Scene], None], said: str
) -> None:
    prepare(scene)
    finding = look(scene, check)
    assert finding.level is level, finding
    assert said in f"{finding.detail} {finding.fix}"
    assert finding.name == check
    assert "word" not in f"{finding.detail} {finding.fix}"
    assert (finding.fix == "") is (level is Level.OK), finding


def test_every_check_is_tried_both_ways() -> None:
    for check in all_checks():
        levels = {level for name, level, _, _ in CASES if name == check}
        assert Level.OK in levels, check
        assert levels & {Level.WARN, Level.FAIL}, check
    assert {check for check, *_ in CASES} == set(all_checks())


def test_every_check_is_documented_in_its_order() -> None:
    text = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
    table = text.split("| Check | What it looks at |")[1].split("\n\n")[0]
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == list(all_checks())


@pytest.mark.host
def test_an_older_ledger_is_not_brought_up_to_date_by_looking(scene: Scene) -> None:
    older_schema(scene)
    before = scene.ledger_file.read_bytes()
    run(scene)
    assert scene.ledger_file.read_bytes() == before


def run(scene: Scene, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["doctor", "-c", str(scene.premises.root / "config.json"), *arguments])


@pytest.mark.host
def test_a_bot_without_a_failure_ends_with_0_and_json_holds_every_row(scene: Scene) -> None:
    result = run(scene, "--json")
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["name"] for row in rows] == list(all_checks())
    assert {row["level"] for row in rows} == {"ok", "warn"}
    assert set(rows[0]) == {"name", "level", "detail", "fix"}


@pytest.mark.host
@pytest.mark.parametrize(
    ("check", "prepare"),
    [
        pytest.param(check, prepare, id=f"{check}: {said}")
        for check, level, prepare, said in CASES
        if (level is Level.FAIL and check in ("configuration", "strategy", "registry", "lifecycle database"))
        or (check.startswith(("model", "production")) and level is Level.FAIL)
    ],
)
def test_what_was_not_looked_at_points_to_a_check_that_failed(
    scene: Scene, check: str, prepare: Callable[[Scene], None]
) -> None:
    prepare(scene)
    with Surroundings([scene.premises.root / "config.json"], **scene.options) as at:
        found = {finding.name: finding for finding in examine(at)}
    pointers = {finding.fix for finding in found.values() if finding.detail == "not looked at"}
    failed = {f"mend {name!r} first" for name, finding in found.items() if finding.level is Level.FAIL}
    assert pointers <= failed
    assert f"mend {check!r} first" in failed


@pytest.mark.host
def test_what_a_broken_part_hides_points_to_it_and_fails_once(scene: Scene) -> None:
    scene.configure({"model_nam": "demo"})
    result = run(scene, "--json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert [name for name, row in rows.items() if row["level"] == "fail"] == ["configuration"]
    assert (rows["registry"]["detail"], rows["registry"]["fix"]) == ("not looked at", "mend 'configuration' first")
    scene.patch.setenv("COLUMNS", "600")
    shown = run(scene)
    assert (shown.exit_code, "Did you mean 'model_name'?" in " ".join(shown.stdout.split())) == (1, True)


def test_a_check_that_breaks_is_a_failed_row_and_the_others_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def telegram(_: Surroundings) -> Finding:
        raise ZeroDivisionError("of its own")

    telegram.__module__ = people.__name__
    monkeypatch.setattr(people, "telegram", telegram)
    monkeypatch.setattr("tradai_lifecycle.cli.checks._modules", lambda: (installation, people))
    with Surroundings([scene.premises.root / "config.json"]) as at:
        found = {finding.name: finding for finding in examine(at)}
    assert (found["telegram"].level, found["telegram"].detail) == (Level.FAIL, "ZeroDivisionError: of its own")
    assert found["channels"].level is Level.OK


@pytest.mark.host
def test_no_secret_is_shown_or_logged_whatever_fails(scene: Scene) -> None:
    secrets = {
        "registry": "hidden-registry",
        "database": "hidden-database",
        "exchange": "hidden-exchange-key",
        "channel": "hidden-channel",
        "hook": "hidden-hook",
    }
    unreachable_registry(scene)
    config = json.loads((scene.premises.root / "config.json").read_text())
    config["tradai_lifecycle"] |= {
        "registry_uri": config["tradai_lifecycle"]["registry_uri"].replace("hidden-word", secrets["registry"]),
        "telegram": {"token": TOKEN, "chat_id": "42", "base_url": "http://127.0.0.1:1"},
        "notices": {"apprise_urls": [f"nowhere://{secrets['channel']}"]},
    }
    config |= {"db_url": f"postgresql://bot:{secrets['database']}@127.0.0.1:1/trades"}
    config["exchange"] |= {"key": secrets["exchange"], "secret": secrets["exchange"]}
    config["webhook"] = {"enabled": False, "url": f"https://example.org/{secrets['hook']}"}
    (scene.premises.root / "config.json").write_text(json.dumps(config))

    command = [str(Path(sys.executable).with_name("tradai")), "doctor", "-c", "config.json"]
    done = subprocess.run(command, cwd=scene.premises.root, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 1
    assert done.stdout.count("fail") >= 3
    for secret in (*secrets.values(), TOKEN):
        assert secret not in done.stdout + done.stderr


def test_a_secret_in_an_error_is_masked() -> None:
    at = Surroundings([])
    at._parts["configuration"] = _bot({"exchange": {"secret": "s3cret-value"}})
    finding = at.without_secrets(ok("POST https://u:pw@host/path with s3cret-value"))
    assert finding.detail == "POST https://***@host/path with ***"


def _bot(config: dict[str, Any]) -> Any:
    from tradai_lifecycle.cli.options import Bot
    from tradai_lifecycle.config import LifecycleConfig

    return Bot(freqtrade_config=config, lifecycle=LifecycleConfig(model_name="demo"))
