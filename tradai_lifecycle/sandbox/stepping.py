"""A real freqtrade bot, stepped candle by candle under a travelled clock, faster than the market.

Nothing of freqtrade is replaced: its own `FreqtradeBot` talks through ccxt over HTTP to whatever exchange its
configuration names, normally a `SandboxExchange`, whose clock travels along. Only the throttle that waits for the
next candle is left out.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tradai_lifecycle.config import SECTION, candle_seconds

if TYPE_CHECKING:
    from freqtrade.enums import RunMode
    from freqtrade.freqtradebot import FreqtradeBot

# switched off unless asked for by name: a stepped bot must not speak for, or listen as, the real one
# nobody is to be told, and nobody obeyed, about a past that is replayed
_OWN_VOICES = {"telegram": None, "notices": {"freqtrade": False, "telegram": False}}
_OUTSIDE_VOICES = ("telegram", "api_server", "webhook", "discord", "external_message_consumer")


def load_freqtrade_config(
    paths: Sequence[Path | str],
    overrides: Mapping[str, Any] | None = None,
    runmode: "RunMode | None" = None,
) -> dict[str, Any]:
    """A full freqtrade configuration, through freqtrade's own loading: files, environment, defaults, directories.

    `overrides` are keys of a configuration file and win over `paths`. Whatever the files say, the result is a dry run
    with its trades in memory, and telegram, api_server, webhook, discord and external_message_consumer are off, the
    lifecycle's own Telegram and notices with them; an override that names `db_url` or one of these sections lifts that.
    Without `runmode` it is that of a dry run.

    Raises freqtrade's OperationalException for a configuration that freqtrade refuses.
    """
    from freqtrade.configuration import Configuration  # noqa: PLC0415 - freqtrade takes seconds to import

    wanted = dict(overrides or {})
    last = {"db_url": "sqlite://", **wanted, "dry_run": True}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "overrides.json"
        file.write_text(json.dumps(last, default=str), encoding="utf-8")
        arguments = {"config": [*(str(path) for path in paths), str(file)]}
        config: dict[str, Any] = Configuration(arguments, runmode).get_config()
    for section in _OUTSIDE_VOICES:
        if section in config and section not in wanted:
            config[section]["enabled"] = False
    if SECTION in config:
        own = dict(wanted.get(SECTION, {}))
        config[SECTION] = {**config[SECTION], **{key: silent for key, silent in _OWN_VOICES.items() if key not in own}}
    return config


class SteppedBot:
    """A dry-run bot whose time is moved by hand: one `step` is one candle.

    `config` comes from `load_freqtrade_config`; `start` is the aware time at which the bot is constructed. Construction
    travels the whole process to `start`, where time stands still but for the steps, until `close`; so there is one
    stepped bot per process at a time. The monotonic clock is not travelled: sleeps and event loops run in real time.

    `delay_seconds` is how long after a candle's close the bot looks at it.
    """

    def __init__(self, config: dict[str, Any], start: datetime, *, delay_seconds: float = 5.0) -> None:
        self._cleanups = ExitStack()
        self._delay = timedelta(seconds=delay_seconds)
        with ExitStack() as on_failure:
            on_failure.callback(self._cleanups.close)
            self._traveller = self._cleanups.enter_context(_travel(start))
            self._cleanups.callback(asyncio.set_event_loop, None)
            self._cleanups.callback(_forget_database)
            self.bot = _construct(config)
            self._cleanups.callback(self.bot.cleanup)
            self._interval = timedelta(seconds=candle_seconds(self.strategy.timeframe))
            on_failure.pop_all()

    @property
    def strategy(self) -> Any:
        """The bot's strategy."""
        return self.bot.strategy

    @property
    def now(self) -> datetime:
        """The travelled time."""
        return datetime.now(UTC)

    @property
    def candle(self) -> datetime:
        """Opening time of the newest finished candle."""
        return self._running_candle - self._interval

    @property
    def _running_candle(self) -> datetime:
        now = self.now
        return now - timedelta(seconds=now.timestamp() % self._interval.total_seconds())

    def startup(self) -> None:
        """What freqtrade's worker does before the first iteration: the bot is running from here on."""
        from freqtrade.enums import State  # noqa: PLC0415 - freqtrade takes seconds to import

        self.bot.state = State.RUNNING
        self.bot.startup()

    def step(self) -> datetime:
        """Move to just after the next candle's close and let the bot process. Returns that candle's opening time.

        Whatever the bot's own loop raises passes through: freqtrade's worker would wait and retry, or stop.
        """
        self.move_to(self._running_candle + self._interval + self._delay)
        self.bot.process()
        return self.candle

    def process(self) -> None:
        """Let the bot process once more, a second later and within the same candle.

        Older freqtrade names a simulated order by the second: two of one pair in one second would be the same order.
        """
        self.move_to(self.now + timedelta(seconds=1))
        self.bot.process()

    def move_to(self, time: datetime) -> None:
        """Move the time alone, without an iteration. Raises ValueError for a time before `now`."""
        if time < self.now:
            raise ValueError(f"the bot's time is {self.now.isoformat()} and cannot go back to {time.isoformat()}")
        self._traveller.move_to(time.astimezone(UTC))

    def steps(self, candles: int) -> Iterator[datetime]:
        """Step so many candles, giving each candle's opening time after its iteration."""
        for _ in range(candles):
            yield self.step()

    def close(self) -> None:
        """Shut the bot down as freqtrade does, let go of its database, and return to the real time. Idempotent."""
        self._cleanups.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _travel(start: datetime) -> Any:
    try:
        import time_machine  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ImportError("Stepping a bot needs time-machine: pip install 'tradai-lifecycle[rehearsal]'") from missing
    if start.tzinfo is None:
        raise ValueError("start must be an aware time, such as datetime(2025, 1, 1, tzinfo=UTC)")
    return time_machine.travel(start.astimezone(UTC), tick=False)


def _construct(config: dict[str, Any]) -> "FreqtradeBot":
    from freqtrade.freqtradebot import FreqtradeBot  # noqa: PLC0415 - freqtrade takes seconds to import

    return FreqtradeBot(config)


def _forget_database() -> None:
    # Trade.session is a global of freqtrade: without this the connection outlives the bot
    from freqtrade.persistence import Trade  # noqa: PLC0415 - freqtrade takes seconds to import

    session = getattr(Trade, "session", None)
    if session is not None:
        engine = session.get_bind()
        session.remove()
        engine.dispose()


__all__ = ["SteppedBot", "load_freqtrade_config"]
