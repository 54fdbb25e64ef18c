"""A dry-run bot in a process of its own that is told things at random and may be killed at any moment.

`run`: steps candles for ever; between them records operator's commands and says each one after it was recorded.
`look`: starts the bot again at the given candle, lets it process once, and says what it decides.
"""

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.live.workshop import PAIRS, START, build_workshop_market
from tradai_lifecycle.sandbox import SandboxExchange, SteppedBot, exchange_config, load_freqtrade_config
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store.ledger import Ledger

PAIR = "BTC/USDT"


def commands(seed: int):
    """The endless, reproducible sequence of an operator who cannot decide."""
    chance = random.Random(seed)
    while True:
        action = chance.choice([OperatorAction.PAUSE, OperatorAction.RESUME, OperatorAction.REDUCE])
        yield action, chance.choice([0.2, 0.5, 0.9]) if action is OperatorAction.REDUCE else None


def say(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def decided(bot: SteppedBot) -> dict[str, object]:
    decision = bot.strategy.lifecycle.gate.decision(PAIR, datetime.now(UTC))
    return {"state": decision.state.label, "ratio": decision.stake_ratio, "version": decision.version}


def run(bot: SteppedBot, ledger: Ledger, seed: int) -> None:
    for number, (action, ratio) in enumerate(commands(seed)):
        bot.step()
        ledger.record_operator(action=action, who="test", note=str(number), at=datetime.now(UTC), ratio=ratio)
        say(said=number)
        bot.process()
        say(after=number, **decided(bot))


def main(mode: str, config_file: str, candle: str, seed: str) -> None:
    # an exchange of its own: the served time must travel with this process
    with SandboxExchange.from_frames(build_workshop_market(), "1h") as exchange:
        config = load_freqtrade_config([config_file], {"exchange": exchange_config(exchange.url, pairs=PAIRS)})
        with SteppedBot(config, START + timedelta(hours=int(candle) + 1, seconds=5)) as bot:
            bot.startup()
            if mode == "look":
                bot.process()
                say(**decided(bot))
                return
            ledger = Ledger(Path(config["user_data_dir"]) / "tradai_lifecycle.sqlite")
            ledger.open()
            run(bot, ledger, int(seed))


if __name__ == "__main__":
    main(*sys.argv[1:])
