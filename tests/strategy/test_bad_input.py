"""What is wrong is named, with where it is and what to do next; live it pauses, offline it stops the run."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from freqtrade.enums import RunMode
from freqtrade.exceptions import OperationalException

from tests.strategy.fakes import PAIR, Plain, made
from tests.strategy.premises import (
    STARTUP_CANDLES,
    Premises,
    candle_time,
    market,
    offline_strategy,
    time_range,
    variant,
)
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.states import Reason, TradingState
from tradai_lifecycle.strategy import ModelLifecycleMixin


def refusal(premises: Premises, section: dict[str, Any] | None = None, **overrides: Any) -> str:
    """How freqtrade is told why an offline run of these premises cannot start."""
    premises.configure(section, **overrides)
    with pytest.raises(OperationalException) as raised:
        offline_strategy(premises)
    return str(raised.value)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"poll_intervall_seconds": 5},
            (
                "tradai_lifecycle: unknown key 'poll_intervall_seconds' in the configuration. "
                "Did you mean 'poll_interval_seconds'?"
            ),
        ),
        (
            {"xyzzy": 5},
            "tradai_lifecycle: unknown key 'xyzzy' in the configuration. docs/configuration.md lists every key.",
        ),
        (
            {"window_candles": "wide"},
            (
                "tradai_lifecycle.window_candles: 'wide' is not valid: "
                "input should be a valid integer, unable to parse string as an integer."
            ),
        ),
        (
            {"reduced_stake_ratio": 1.5},
            "tradai_lifecycle.reduced_stake_ratio: 1.5 is not valid: input should be less than or equal to 1.",
        ),
        ({"model_name": None}, "tradai_lifecycle.model_name: '(missing)' is not valid: field required."),
        (
            {"model_name": "absent"},
            (
                "The registry has no production version of model 'absent'. Next: `tradai train` registers one, "
                "`tradai promote VERSION` puts it into production."
            ),
        ),
        (
            {"backtest_model": "v9"},
            (
                "The registry has no version 9 of model 'demo'. Next: `tradai train` registers one, "
                "`tradai promote VERSION` puts it into production."
            ),
        ),
        (
            {"window_candles": 300},
            (
                "Model demo v1 was trained for window_candles 200, but this run has 300. "
                "Next: train a model for it, or change the setting."
            ),
        ),
    ],
)
def test_a_wrong_setting_stops_the_start(premises: Premises, section: dict[str, Any], message: str) -> None:
    assert refusal(premises, section) == message


@pytest.mark.host
def test_the_real_command_says_it_in_one_line(premises: Premises) -> None:
    premises.configure({"window_candels": 300})
    with pytest.raises(AssertionError) as failed:
        premises.command("backtesting", timerange=time_range(3_700, 3_800))
    shown = str(failed.value)
    assert "unknown key 'window_candels' in the configuration. Did you mean 'window_candles'?" in " ".join(
        shown.split()
    )
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (
            ("horizon_candles = 6", "horizon_candles = 12"),
            (
                "Model demo v1 was trained for horizon_candles 6, but this run has 12. "
                "Next: train a model for it, or change the setting."
            ),
        ),
        (
            ("horizon_candles = 6", "unset = 6"),
            "The strategy must set horizon_candles, the number of candles its target looks ahead, to at least 1.",
        ),
        (
            ("startup_candle_count = 60", "startup_candle_count = 4452"),
            (
                "This strategy needs 5000 candles of 1h at start (4452 for the features + 199 for drift and accuracy + "
                "348 for persistence, latch and recovery + 1 for the candle itself), but binance gives at most 4999. "
                "Shorten window_candles or accuracy_window_days in the tradai_lifecycle section, or the strategy's own "
                "startup_candle_count."
            ),
        ),
    ],
)
def test_a_strategy_that_does_not_fit_its_model_stops_the_start(
    premises: Premises, replaced: tuple[str, str], message: str
) -> None:
    assert refusal(premises.add_strategy("Other", variant("Other", "", replaced))) == message


def test_another_timeframe_stops_the_start(premises: Premises) -> None:
    assert refusal(premises, {"accuracy_window_days": 1.0}, timeframe="5m") == (
        "Model demo v1 was trained for timeframe 1h, but this run has 5m. "
        "Next: train a model for it, or change the setting."
    )


def changed_bundle(strategy: Any, root: Path, **changes: Any) -> Path:
    bundle: ModelBundle = strategy.lifecycle.supply.versions()[0].bundle
    write_artefact(root / "changed", replace(bundle, **changes))
    return root / "changed"


def test_other_features_pause_the_pair_and_name_the_schema(premises: Premises) -> None:
    other = ("%-body", "%-corpus")
    strategy = premises.add_strategy("Other", variant("Other", "", other))
    strategy.configure()
    loaded = offline_strategy(strategy)
    analysed = loaded.advise_indicators(market()[PAIR].copy(), {"pair": PAIR})
    assert set(analysed["trading_state"]) == {"paused"}
    assert Reason(int(loaded.lifecycle.gate.view.rows[PAIR].reasons[-1])) is Reason.SCHEMA_MISMATCH


def test_a_truncated_artefact_stops_the_start(premises: Premises) -> None:
    files = [path for path in (premises.user_data / "registry").rglob("*") if path.is_file() and "1" in path.parts]
    largest = max(files, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:-200])
    said = refusal(premises)
    assert said.startswith("The model artefact at ")
    assert said.endswith("Next: train and register it again.")


class Unheard:
    """A type that nobody has allowed."""

    classes_ = (-1, 1)

    def predict_proba(self, rows: Any) -> Any:
        return np.full((len(rows), 2), 0.5)


def test_an_untrusted_type_is_not_loaded(premises: Premises, demo_strategy: Any, tmp_path: Path) -> None:
    directory = changed_bundle(demo_strategy, tmp_path, estimator=Unheard())
    version = premises.registry.register(directory, metrics={}, parameters={}, tags={})
    premises.registry.promote(version)
    said = refusal(premises)
    assert "holds types that are not trusted: " in said
    assert "Unheard" in said
    assert said.endswith("Next: if you know where it comes from, add them to tradai_lifecycle.trusted_types.")


def test_an_old_freqtrade_stops_the_start(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradai_lifecycle.strategy.host import require_supported_freqtrade

    monkeypatch.setattr(
        "tradai_lifecycle.strategy.mixin.require_supported_freqtrade", lambda: require_supported_freqtrade("2025.1")
    )
    assert refusal(premises).startswith("freqtrade 2025.1 is installed, but tradai-lifecycle needs 2026.3 or newer.")


@pytest.mark.host
def test_a_lowered_startup_count_stops_a_bot(premises: Premises) -> None:
    config = load_freqtrade_config([premises.configure(startup_candle_count=400)])
    with pytest.raises(OperationalException) as raised, SteppedBot(config, candle_time(3_900)):
        pass
    assert str(raised.value).startswith(
        f"This strategy needs {STARTUP_CANDLES} candles of 1h at start (60 for the features + 199 for drift and "
        "accuracy + 348 for persistence, latch and recovery + 1 for the candle itself), but startup_candle_count in "
        "the configuration (400) gives at most 400."
    )


@pytest.mark.host
def test_a_store_that_cannot_be_used_blocks_entries_until_it_can(premises: Premises) -> None:
    (premises.user_data / "store.sqlite").mkdir()
    premises.configure({"store_path": "store.sqlite"})
    with premises.bot(3_900) as bot:
        bot.step()
        decided = bot.strategy.lifecycle.gate.decision(PAIR, bot.now)
        # a model that could not be written down does not take over
        assert decided.reasons == Reason.STORE_FAILED | Reason.MODEL_MISSING
        assert decided.state is TradingState.PAUSED
        shutil.rmtree(premises.user_data / "store.sqlite")
        for _ in bot.steps(2):
            pass
        healed = bot.strategy.lifecycle.gate.decision(PAIR, bot.now)
        assert Reason.STORE_FAILED not in healed.reasons
        assert healed.state is not TradingState.PAUSED
        assert healed.version == "v1"


def analysed_with(strategy: Any, candles: pd.DataFrame) -> Reason:
    """The reasons at the newest of these candles."""
    strategy.lifecycle.analyse(strategy, candles.reset_index(drop=True), {"pair": PAIR})
    return Reason(int(strategy.lifecycle.gate.view.rows[PAIR].reasons[-1]))


def test_candles_that_are_missing_doubled_or_flat_are_named(demo_strategy: Any) -> None:
    candles = market()[PAIR].iloc[:4_000]
    assert analysed_with(demo_strategy, candles) is Reason.NONE
    gapped = candles.drop(index=range(3_990, 3_995))
    assert Reason.CANDLES_IRREGULAR in analysed_with(demo_strategy, gapped)
    doubled = pd.concat([candles.iloc[:3_996], candles.iloc[3_995:]])
    assert Reason.CANDLES_IRREGULAR in analysed_with(demo_strategy, doubled)
    flat = candles.copy()
    flat.loc[3_960:, ["open", "high", "low", "close"]] = flat["close"].iloc[3_959]
    flat.loc[3_960:, "volume"] = 0.0
    assert Reason.FROZEN_FEED in analysed_with(demo_strategy, flat)


@pytest.mark.parametrize(
    "rows",
    [
        1,
        9,
        10,
        59,
        STARTUP_CANDLES - 1,
    ],
)
def test_too_few_candles_are_warming_up(demo_strategy: Any, rows: int) -> None:
    assert Reason.WARMING_UP in analysed_with(demo_strategy, market()[PAIR].iloc[:rows])


def test_a_strategy_without_features_or_target_is_told_what_to_define() -> None:
    class Bare(ModelLifecycleMixin):
        horizon_candles = 1
        timeframe = "1h"

    strategy = made(Bare)
    for name in ("populate_features", "populate_target"):
        with pytest.raises(NotImplementedError) as raised:
            getattr(strategy, name)(market()[PAIR], {"pair": PAIR})
        assert str(raised.value) == f"Bare must define {name}(dataframe, metadata)."


def test_listing_and_training_need_no_model() -> None:
    section = {"model_name": "absent", "registry_uri": "directory:nowhere"}
    strategy = Plain({"runmode": RunMode.OTHER, "timeframe": "1h", "tradai_lifecycle": section})
    assert strategy.version().endswith("absent no model")
