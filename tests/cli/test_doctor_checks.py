"""Each check of `tradai doctor` finds what there is to find, both ways, and what it hides points to it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.doctor_scene import (
    OTHER_TOKEN,
    Scene,
    alias_and_stage_differ,
    changed_file,
    empty_database,
    foreign_database,
    installed,
    joined_bot,
    missing_file,
    mixin_last,
    newer_schema,
    no_database,
    no_exchange,
    no_mixin,
    no_trades_database,
    nothing_promoted,
    notify,
    older_schema,
    other_base_first,
    other_pair,
    other_trades_database,
    our_database,
    own_bot,
    pattern_of_pairs,
    trades,
    unheard_bot,
    unreachable_registry,
    unreachable_telegram,
    untrusted_type,
)
from tests.strategy.premises import variant
from tradai_lifecycle.cli.checks import Finding, Level, _outcome, all_checks, examine
from tradai_lifecycle.cli.checks.surroundings import Surroundings

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
    ("accuracy rule", Level.OK, Scene.configure, "BTC/USDT accuracy is judged over 14.0 days"),
    (
        "accuracy rule",
        Level.WARN,
        lambda scene: scene.configure({"minimum_effective_predictions": 5_000}),
        "accuracy cannot be judged at this timeframe: needs ",
    ),
    (
        "accuracy rule",
        Level.WARN,
        lambda scene: scene.configure({"prediction_dead_band": 0.001}),
        "a fall of the accuracy will not be seen",
    ),
    ("lifecycle database", Level.OK, our_database, "schema "),
    ("lifecycle database", Level.WARN, Scene.configure, "does not exist yet"),
    ("lifecycle database", Level.WARN, older_schema, "has schema 1, this package's is"),
    ("lifecycle database", Level.WARN, empty_database, "is empty: an operator's pause that it held is lost"),
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
    (
        "measured fault delays",
        Level.OK,
        lambda scene: scene.configure({"thresholds": "dynamic"}),
        "median days until paused at 1h, with the default of window_candles, thresholds, not yours: volatility x2",
    ),
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
