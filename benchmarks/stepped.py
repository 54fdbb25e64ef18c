"""A stepped dry-run bot in a process of its own, commanded over a pipe: so two bots can take turns.

Time is travelled for a whole process, and freqtrade keeps its trades in a global: there is room for one bot in each.
"""

import logging
import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.surroundings import START, Surroundings, market
from tradai_lifecycle.sandbox import SandboxExchange, SteppedBot, load_freqtrade_config

ANSWER_SECONDS = 120.0


class BotFailedError(Exception):
    """A stepped bot ended, or did not answer."""


class BotProcess:
    """The commanding side. Raises BotFailedError with the bot's own error when it fails."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ask("ready")

    def new_candle(self) -> float:
        """Seconds of one `process` with a new candle."""
        return self._ask("new candle")

    def idle(self) -> float:
        """Seconds of one `process` without one."""
        return self._ask("idle")

    def polls(self) -> int:
        """How often the registry was asked so far."""
        return int(self._ask("polls"))

    def trades(self) -> int:
        """How many trades the bot has made."""
        return int(self._ask("trades"))

    def poll_and_wait(self) -> None:
        """One poll of the registry, to its end."""
        self._ask("poll and wait")

    def _ask(self, command: str) -> float:
        self._connection.send(command)
        if not self._connection.poll(ANSWER_SECONDS):
            raise BotFailedError(f"a stepped bot did not answer {command!r} within {ANSWER_SECONDS:g} s")
        answer = self._connection.recv()
        if isinstance(answer, str):
            raise BotFailedError(f"a stepped bot failed at {command!r}: {answer}")
        return float(answer)


@contextmanager
def bot_process(place: Surroundings, strategy: str, first_candle: int, **section: Any) -> Iterator[BotProcess]:
    """A started bot whose time is the close of `first_candle`, with `section` in the lifecycle's configuration."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, place, strategy, first_candle, section), daemon=True)
    process.start()
    theirs.close()
    try:
        yield BotProcess(ours)
    finally:
        ours.close()
        process.join(ANSWER_SECONDS)
        if process.is_alive():
            process.terminate()
            process.join()


def _serve(connection: Connection, place: Surroundings, strategy: str, first_candle: int, section: Any) -> None:
    logging.disable(logging.CRITICAL)
    try:
        with ExitStack() as stack:
            bot = stack.enter_context(_bot(place, strategy, first_candle, section))
            polls = _counted_polls(bot)
            commands = {
                "ready": lambda: 0.0,
                "new candle": partial(_timed_step, bot),
                "idle": partial(_timed, bot.process),
                "polls": lambda: float(polls[0]),
                "trades": _trade_count,
                "poll and wait": lambda: bot.strategy.lifecycle.supply.poll_registry() or 0.0,
            }
            while True:
                connection.send(commands[connection.recv()]())
    except (EOFError, BrokenPipeError):
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, the commanding side says it
        connection.send(repr(error))


@contextmanager
def _bot(place: Surroundings, strategy: str, first_candle: int, section: Any) -> Iterator[SteppedBot]:
    with SandboxExchange.from_frames(market(), "1h") as exchange:
        config = load_freqtrade_config([_written(place, strategy, exchange.url, section)])
        with SteppedBot(config, _close_of(first_candle)) as bot:
            bot.startup()
            yield bot


def _written(place: Surroundings, strategy: str, url: str, section: Any) -> Path:
    return place.configuration(strategy, url, **section)


def _close_of(candle: int) -> datetime:
    return START + timedelta(hours=candle + 1, seconds=5)


def _timed(work: Any) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


# the time is moved before the clock starts: what is measured is freqtrade's own process()
def _timed_step(bot: SteppedBot) -> float:
    bot.move_to(bot.now + timedelta(hours=1))
    return _timed(bot.process)


def _counted_polls(bot: SteppedBot) -> list[int]:
    count = [0]
    supply = getattr(getattr(bot.strategy, "lifecycle", None), "supply", None)
    if supply is not None:
        source = supply._source
        asked = source.production_version

        def counted() -> str | None:
            count[0] += 1
            return asked()

        source.production_version = counted
    return count


def _trade_count() -> float:
    from freqtrade.persistence import Trade  # noqa: PLC0415 - freqtrade takes seconds to import

    return float(len(Trade.get_trades([]).all()))


__all__ = ["BotFailedError", "BotProcess", "bot_process"]
