"""The incident of the runbook: a model of quiet months alone meets a lively market, which the one before it knows.

The market alternates between quiet and lively spells, is quiet for a year, and gets lively again. v1 was trained on the
alternating spells, v2 on the quiet year. With v2 in charge, the pairs drift one after the other.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path

import pandas as pd

from tests.hosts import user_data
from tests.live.workshop import DEMO_STRATEGY, PAIRS, START, Workshop, plan
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.retraining.training import train_bundle
from tradai_lifecycle.sandbox import (
    BASE,
    Regime,
    SandboxExchange,
    SteppedBot,
    build_market,
    load_freqtrade_config,
    write_datadir,
)
from tradai_lifecycle.states import TradingState
from tradai_lifecycle.strategy.dataset import load_strategy, training_samples

LIVELY = Regime(volatility=0.0065, volume=950.0)
SPELL, SPELLS, QUIET_YEAR, KNOWN_QUIET = 1_000, 9, 9_300, 8_400
LIVELY_AGAIN = SPELL * SPELLS + QUIET_YEAR
CANDLES = LIVELY_AGAIN + 250
#: The bot starts when the first candles of the lively market are in its window and nothing drifts yet.
STARTS_AT = LIVELY_AGAIN + 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A bot's surroundings with the two versions, of which v1 is in production."""

    shop: Workshop
    second: ModelBundle

    @contextmanager
    def bot(self) -> Iterator[SteppedBot]:
        """The bot with v1 and then v2 adopted, before anything drifts. Drift has to hold a day before it pauses."""
        settings = {"moderate_persistence_candles": 12, "significant_persistence_candles": 24, "bot_pause_share": 1.0}
        with self.shop.bot(STARTS_AT, **settings) as bot:
            # where `tradai` looks for it unless told otherwise
            shutil.copy(self.shop.config_file, self.shop.user_data / "config.json")
            bot.step()
            self.shop.register(self.second)
            bot.strategy.lifecycle.supply.poll_registry()
            bot.step()
            assert [version_of(bot, pair) for pair in PAIRS] == ["v2", "v2"]
            yield bot


@contextmanager
def drift_story(root: Path) -> Iterator[Story]:
    """The story's market on an exchange, its two versions trained, and v1 promoted, below `root`."""
    market = build_market(1, PAIRS, "1h", START, CANDLES, _regimes())
    with SandboxExchange.from_frames(market, "1h") as exchange:
        user_data(root, DEMO_STRATEGY)
        bare = Workshop(root=root, market=market, exchange=exchange, bundle=None)  # type: ignore[arg-type]
        first = _trained(bare, 0, SPELL * SPELLS)
        second = _trained(bare, SPELL * SPELLS, SPELL * SPELLS + KNOWN_QUIET)
        shop = Workshop(root=root, market=market, exchange=exchange, bundle=first)
        shop.register()
        yield Story(shop=shop, second=second)


def step_to_the_alert(bot: SteppedBot) -> None:
    """Step until the lifecycle has paused a pair by itself."""
    for _ in bot.steps(CANDLES - STARTS_AT - 50):
        if TradingState.PAUSED in [state_of(bot, pair) for pair in PAIRS]:
            return
    raise AssertionError("nothing was paused")


def state_of(bot: SteppedBot, pair: str) -> TradingState:
    """What the bot's gate decides for a pair."""
    return bot.strategy.lifecycle.gate.decision(pair, datetime.now(UTC)).state


def version_of(bot: SteppedBot, pair: str) -> str:
    """The version that judges a pair."""
    return bot.strategy.lifecycle.gate.decision(pair, datetime.now(UTC)).version


def _regimes() -> Sequence[Regime]:
    spells = islice(cycle((BASE.lasting(SPELL), LIVELY.lasting(SPELL))), SPELLS)
    return (*spells, BASE.lasting(QUIET_YEAR), LIVELY)


def _trained(shop: Workshop, first: int, end: int) -> ModelBundle:
    config = load_freqtrade_config([shop.configure()])
    candles: dict[str, pd.DataFrame] = {pair: frame.iloc[first:end] for pair, frame in shop.market.items()}
    write_datadir(candles, shop.user_data / "data/binance", "1h")
    names, samples = training_samples(config, load_strategy(config))
    return train_bundle(samples, plan(names))
