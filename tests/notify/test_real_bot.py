"""A real bot that drifts tells it over a real channel, with its positions; and after a restart not again."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.live.conftest import demo_bundle, workshop, workshop_exchange  # noqa: F401 - fixtures
from tests.live.workshop import DRIFT_AT, START, Workshop
from tests.notify.inbox import HttpInbox
from tradai_lifecycle.config import SECTION, parse_config
from tradai_lifecycle.control.command import Caller, Command
from tradai_lifecycle.control.commands import CommandDesk
from tradai_lifecycle.sandbox import SteppedBot, load_freqtrade_config
from tradai_lifecycle.states import CommandName, CommandOutcome, Role

pytestmark = pytest.mark.host

SECRET = "hunter22secret"


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def told(inbox: HttpInbox) -> dict[str, dict[str, Any]]:
    """What was posted by its title; a notice without lines has its title as message."""
    by_title = [(post["message"] if post["title"] == "demo" else post["title"], post) for post in inbox.posted]
    return {title.removeprefix("demo: "): post for title, post in by_title}


@contextmanager
def bot_that_tells(workshop: Workshop, candle: int, inbox: HttpInbox) -> Iterator[SteppedBot]:  # noqa: F811
    """A started bot with an apprise channel: a stepped bot is silent but for what it is asked for by name."""
    notices = {"apprise_urls": [f"json://anna:{SECRET}@{inbox.address}/hook"]}
    config = load_freqtrade_config([workshop.configure()], {SECTION: {"notices": notices}})
    with SteppedBot(config, START + timedelta(hours=candle + 1, seconds=5)) as bot:
        bot.startup()
        yield bot


def anna(bot: SteppedBot, workshop: Workshop, command: Command) -> None:  # noqa: F811
    """Anna gives a command at her own desk, over the same database, at the bot's time."""
    ledger = workshop.ledger()
    config = parse_config(bot.strategy.config)
    desk = CommandDesk(ledger=ledger, config=config, open_source=lambda: workshop.registry, clock=lambda: bot.now)
    answer = desk.run(command, Caller(who="shell:anna", transport="shell", role=Role.APPROVER), confirmed=True)
    ledger.close()
    assert answer.outcome is CommandOutcome.DONE


def step_until_told(bot: SteppedBot, inbox: HttpInbox, word: str, most: int) -> int:
    """Steps candles until a title holds `word`; gives how many it took."""
    for steps in range(1, most + 1):
        bot.step()
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            if any(word in title for title in told(inbox)):
                return steps
            time.sleep(0.01)
    raise AssertionError(f"{word!r} was not told within {most} candles: {list(told(inbox))}")


def test_drift_an_operators_pause_and_a_restart_are_told_as_they_should(
    workshop: Workshop,  # noqa: F811 - the fixture
    inbox: HttpInbox,
    caplog: pytest.LogCaptureFixture,
) -> None:
    workshop.register()
    candle = DRIFT_AT - 10
    with caplog.at_level(logging.INFO), bot_that_tells(workshop, candle, inbox) as bot:
        candle += step_until_told(bot, inbox, "paused: ", most=120)
        anna(bot, workshop, Command(name=CommandName.PAUSE, note="lunch"))
        until(lambda: any(title.startswith("All entries paused by anna") for title in told(inbox)))
        candle += 1
        bot.step()
    posted = told(inbox)
    assert any(title.startswith("Model updated: v1, accuracy 0.") for title in posted)
    drifted = next(post for title, post in posted.items() if "paused: " in title and "All entries" not in title)
    ordered = next(post for title, post in posted.items() if title.startswith("All entries paused by anna"))
    assert (drifted["type"], ordered["type"]) == ("failure", "failure")
    assert "PSI " in drifted["message"]
    for post in (drifted, ordered):
        assert "Open: " in post["message"] or "No open position." in post["message"]
    assert ordered["title"].endswith(": lunch")
    assert "Sending rpc strategy_msg:" in caplog.text
    assert SECRET not in caplog.text

    before = set(posted)
    inbox.posted.clear()
    with bot_that_tells(workshop, candle, inbox) as bot:
        for _ in range(3):
            bot.step()
        anna(bot, workshop, Command(name=CommandName.RESUME))
        until(lambda: any(title.startswith("Resumed by anna") for title in told(inbox)))
    assert before & set(told(inbox)) == set()
