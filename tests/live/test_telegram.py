"""Commands over Telegram reach a real bot: `freqtrade trade` in its own process, with a loopback Telegram before it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.live.trading import PATIENCE_SECONDS, trading, words
from tests.live.workshop import PAIRS, Workshop
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.sandbox import SandboxExchange, build_market
from tradai_lifecycle.sandbox.telegram_server import Outage, SandboxTelegram
from tradai_lifecycle.sandbox.telegram_updates import SentMessage
from tradai_lifecycle.states import OperatorAction
from tradai_lifecycle.store.ledger import Ledger

pytestmark = pytest.mark.host

OWN, HOST = "111:own-secret-AAAA", "222:host-secret-BBBB"
ANNA, EVE = 42, 666

# freqtrade has no setting for the address of Telegram's servers: its process is told before it begins. It also leaves
# the loop of its own Telegram open, and what Python says of that at the end is a matter of chance: a loop that is left
# open by anybody else is always told, and that one never.
_REDIRECTION = """
import os
import sys
import traceback
from asyncio.base_events import BaseEventLoop

from telegram.ext import ApplicationBuilder

made = ApplicationBuilder.__init__

def redirected(self):
    made(self)
    self.base_url(os.environ["TELEGRAM_SERVER"] + "/bot")

ApplicationBuilder.__init__ = redirected

made_loop = BaseEventLoop.__init__

def remembered(self):
    made_loop(self)
    self.made_in = [frame.filename for frame in traceback.extract_stack(limit=8)]

def told(self, write=sys.__stderr__.write):
    if not self.is_closed() and not any(file.endswith("freqtrade/rpc/telegram.py") for file in self.made_in):
        write(f"Traceback of a loop that was left open: {self.made_in}\\n")

BaseEventLoop.__init__, BaseEventLoop.__del__ = remembered, told
"""


@dataclass
class RunningBot:
    """A bot that runs, its Telegram, and what it logs."""

    shop: Workshop
    server: SandboxTelegram
    log: Path

    @property
    def words(self) -> str:
        """What it logged, without the line breaks its terminal puts in."""
        return words(self.log)

    def wait_for(self, text: str, token: str | None = None, after: int = 0) -> SentMessage:
        """The first message with `text` in it, of the bot of `token`, with a number beyond `after`."""

        def fits(message: SentMessage) -> bool:
            return text in message.text and token in (None, message.token) and message.message_id > after

        try:
            return self.server.wait_for(fits, PATIENCE_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log.read_text(encoding='utf-8')}") from error

    def wait_until_logged(self, text: str) -> None:
        try:
            self.server.wait_until(lambda: text in self.words, PATIENCE_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"never logged: {text}\n{self.log.read_text(encoding='utf-8')}") from error

    def type(self, text: str, token: str, user: int = ANNA) -> int:
        """Type a command; gives the number of the newest message before it, for `wait_for`."""
        newest = max((message.message_id for message in self.server.sent), default=0)
        self.server.type(ANNA, user, text, name="anna", token=token)
        return newest

    @property
    def actions(self) -> list[OperatorAction]:
        with closing(self.shop.ledger()) as ledger:
            return [record.action for record in ledger.operator()]


@contextmanager
def running_bot(workshop: Workshop, *, host: dict[str, Any] | None, **settings: Any) -> Iterator[RunningBot]:
    """`freqtrade trade` with two pairs, a model, and a loopback Telegram; ended as a service manager ends it."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    market = build_market(11, PAIRS, "1h", hour - timedelta(hours=2_000), 2_010)
    with (
        SandboxTelegram({OWN: "life_bot", HOST: "host_bot"}) as server,
        SandboxExchange.from_frames(market, "1h") as exchange,
    ):
        shop = replace(workshop, market=market, exchange=exchange)
        shop.register()
        section = {"base_url": server.url, **settings} if settings else None
        config = json.loads(shop.configure(telegram=section).read_text(encoding="utf-8"))
        telegram = {"enabled": True, "token": HOST, "chat_id": str(ANNA), **host} if host is not None else {}
        changes = {"initial_state": "running", **({"telegram": telegram} if telegram else {})}
        shop.config_file.write_text(json.dumps({**config, **changes}), encoding="utf-8")
        with _process(shop, server) as log:
            yield RunningBot(shop, server, log)
        assert "Traceback" not in log.read_text(encoding="utf-8")
        assert "secret" not in log.read_text(encoding="utf-8").replace(HOST, "")


@contextmanager
def _process(shop: Workshop, server: SandboxTelegram) -> Iterator[Path]:
    customs = shop.root / "customs"
    customs.mkdir()
    (customs / "sitecustomize.py").write_text(_REDIRECTION, encoding="utf-8")
    path = os.pathsep.join(filter(None, [str(customs), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "TELEGRAM_SERVER": server.url}
    with trading(shop, environment) as log:
        yield log


def test_a_bot_of_our_own_steers_a_real_bot_through_outage_and_reload(workshop: Workshop) -> None:
    with running_bot(workshop, host={}, token=OWN, chat_id=str(ANNA)) as bot:
        bot.wait_until_logged("demo v1")
        bot.server.wait_until(partial(bot.server.is_polled, OWN), PATIENCE_SECONDS)
        bot.type("/status", OWN)
        bot.wait_for("v1", OWN)

        bot.type("/pause 'by hand'", OWN)
        bot.wait_for("pause done", OWN)
        bot.wait_until_logged("still stands: pause by telegram:42 anna")
        bot.type("/resume", OWN, user=EVE)

        with bot.server.outage(Outage.ERROR, token=OWN):
            bot.wait_until_logged("Telegram: it cannot be reached")
        bot.type("/reduce 50%", OWN)
        bot.wait_for("reduce 0.5 done", OWN)

        # typed while the bot takes itself apart and builds itself anew
        bot.type("/reload_config", HOST)
        newest = bot.type("/reduce 25%", OWN)
        bot.wait_for("reduce 0.25 done", OWN, after=newest)
        bot.wait_for("after config reloaded", HOST)
        newest = bot.type("/why", OWN)
        bot.wait_for("paused", OWN, after=newest)
        assert bot.actions == [OperatorAction.PAUSE, OperatorAction.REDUCE]
        assert sum("reduce 0.25 done" in message.text for message in bot.server.sent) == 1
        assert bot.server.conflicts(OWN) == 0


def test_the_end_of_a_pending_command_is_told_after_a_reload_and_written_once(workshop: Workshop) -> None:
    with running_bot(workshop, host={}, token=OWN, chat_id=str(ANNA)) as bot:
        bot.wait_until_logged("demo v1")
        bot.server.wait_until(partial(bot.server.is_polled, OWN), PATIENCE_SECONDS)
        # the bot asks the registry when it starts, and then not for a day
        bot.shop.register(replace(workshop.bundle, horizon_candles=7), promote=False)
        bot.type("/promote 2 'too far ahead'", OWN)
        question = bot.wait_for("Put v2 into production?", OWN)
        bot.server.press(question.message_id, "Confirm", ANNA)
        pending = bot.wait_for("promote v2 pending", OWN)

        bot.type("/reload_config", HOST)
        failed = bot.wait_for("promote v2 failed: the bot refused v2", OWN)
        assert failed.reply_to == pending.reply_to is not None
        bot.type("/status", OWN)
        bot.wait_for("model demo v1", OWN, after=failed.message_id)
        with closing(bot.shop.ledger()) as ledger:
            bot.server.wait_until(lambda: bool(outcomes(ledger)[-1:] == ["failed"]), PATIENCE_SECONDS)
            assert outcomes(ledger) == ["pending", "pending", "failed"]
        assert sum("promote v2 failed" in message.text for message in bot.server.sent) == 1


def outcomes(ledger: Ledger) -> list[str]:
    """What became of each command, oldest first."""
    stored = reversed(ledger.events(kind=CommandAnswered.kind))
    return [one.event.outcome.value for one in stored if isinstance(one.event, CommandAnswered)]


def test_commands_join_freqtrades_own_bot_and_survive_its_reload(workshop: Workshop) -> None:
    with running_bot(workshop, host={}) as bot:
        bot.wait_until_logged("joined freqtrade's bot with /model")
        bot.server.wait_until(partial(bot.server.is_polled, HOST), PATIENCE_SECONDS)
        bot.type("/model status", HOST)
        bot.wait_for("v1", HOST)
        bot.type("/model pause by hand", HOST)
        bot.wait_for("pause done", HOST)
        bot.wait_until_logged("still stands: pause by telegram:42 anna")

        # freqtrade's own commands stay its own, and neither starts what the other has stopped
        newest = bot.type("/start", HOST)
        bot.wait_for("already running", HOST, after=newest)
        assert bot.actions == [OperatorAction.PAUSE]

        newest = bot.type("/reload_config", HOST)
        bot.type("/model reduce 25%", HOST)
        bot.wait_for("after config reloaded", HOST, after=newest)
        bot.server.wait_until(lambda: bot.words.count("joined freqtrade's bot with /model") == 2, PATIENCE_SECONDS)
        bot.server.wait_until(partial(bot.server.is_polled, HOST), PATIENCE_SECONDS)
        # freqtrade drops what was typed while it was away, so this one is answered once or not at all
        assert sum("reduce 0.25 done" in message.text for message in bot.server.sent) <= 1
        newest = bot.type("/model reduce 40%", HOST)
        bot.wait_for("reduce 0.4 done", HOST, after=newest)
        newest = bot.type("/resume", HOST)
        bot.wait_for("resume done", HOST, after=newest)
        answers = [message for message in bot.server.sent if "reduce 0.4 done" in message.text]
        assert len(answers) == 1
        assert bot.actions[-1] is OperatorAction.RESUME


def test_the_token_of_freqtrades_bot_stops_the_start(workshop: Workshop) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    market = build_market(11, PAIRS, "1h", hour - timedelta(hours=2_000), 2_010)
    with (
        SandboxTelegram({HOST: "host_bot"}) as server,
        SandboxExchange.from_frames(market, "1h") as exchange,
    ):
        shop = replace(workshop, market=market, exchange=exchange)
        shop.register()
        section = {"base_url": server.url, "token": HOST, "chat_id": str(ANNA)}
        config = json.loads(shop.configure(telegram=section).read_text(encoding="utf-8"))
        host = {"enabled": False, "token": HOST, "chat_id": str(ANNA)}
        shop.config_file.write_text(json.dumps({**config, "telegram": host}), encoding="utf-8")
        command = [str(Path(sys.executable).parent / "freqtrade"), "trade", "-c", str(shop.config_file)]
        ended = subprocess.run(command, cwd=shop.root, capture_output=True, text=True, timeout=120, check=False)
    said = " ".join((ended.stdout + ended.stderr).split())
    assert "is the token of freqtrade's own bot" in said
    assert "host-secret" not in said
    assert ended.returncode != 0
