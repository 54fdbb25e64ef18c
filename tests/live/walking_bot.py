"""A dry-run bot in a process of its own that walks through its candles, a few each second, until its input ends.

It says one line when it is running, and ends with code 0 when it was stopped so.
"""

import select
import sys
from datetime import timedelta

from tests.live.workshop import PAIRS, START, build_workshop_market
from tradai_lifecycle.sandbox import SandboxExchange, SteppedBot, exchange_config, load_freqtrade_config

#: Loops of freqtrade within a candle, and the pause between two of them.
LOOPS, PACE_SECONDS = 3, 0.1


def main(config_file: str, candle: str) -> None:
    # an exchange of its own: the served time must travel with this process
    with SandboxExchange.from_frames(build_workshop_market(), "1h") as exchange:
        config = load_freqtrade_config([config_file], {"exchange": exchange_config(exchange.url, pairs=PAIRS)})
        with SteppedBot(config, START + timedelta(hours=int(candle) + 1, seconds=5)) as bot:
            bot.startup()
            bot.step()
            sys.stdout.write("running\n")
            sys.stdout.flush()
            while not _told_to_stop():
                bot.step()
                for _ in range(LOOPS):
                    bot.process()


def _told_to_stop() -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], PACE_SECONDS * LOOPS)
    return bool(readable)


if __name__ == "__main__":
    main(*sys.argv[1:])
