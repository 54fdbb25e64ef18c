"""What a bot says of itself is current soon after it changed, also where no candle comes."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from freqtrade.enums import State

from tests.model.bundles import constant
from tests.runtime.conftest import Stage
from tests.store.bots import wait_for_bot
from tests.strategy.fakes import made
from tradai_lifecycle.errors import StoreUnavailableError
from tradai_lifecycle.runtime import Runtime, Watcher
from tradai_lifecycle.store import BotRecord, Ledger
from tradai_lifecycle.strategy import bot_facts
from tradai_lifecycle.strategy.bot_facts import BotFacts, FreqtradeState, awaiting_version


class Bot:
    """The part of freqtrade's bot that a strategy can reach, and facts of a strategy in it."""

    def __init__(self, ledger: Ledger, watcher: Watcher | None = None) -> None:
        self.freqtrade = SimpleNamespace(state=State.RUNNING)
        self.strategy = made()
        self.strategy.config |= {"dry_run": True, "stake_currency": "USDT"}
        self.strategy.dp = SimpleNamespace(
            _DataProvider__rpc=SimpleNamespace(_rpc=SimpleNamespace(_freqtrade=self.freqtrade))
        )
        self.facts = BotFacts(self.strategy.lifecycle, self.strategy, ledger, lambda: watcher)


@pytest.fixture
def bot(ledger: Ledger) -> Bot:
    return Bot(ledger)


@contextmanager
def kept_current(facts: BotFacts) -> Iterator[None]:
    """The task of a running bot, which looks at once instead of every five seconds."""
    runtime = Runtime("facts under test")
    runtime.add_task("facts", facts.keep_current)
    runtime.start()
    try:
        yield
    finally:
        runtime.close()


def test_a_started_bot_says_what_it_is(bot: Bot, ledger: Ledger) -> None:
    with kept_current(bot.facts):
        found = wait_for_bot(ledger, lambda _: True)
    assert found == BotRecord(
        at=found.at,
        started_at=found.started_at,
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
    assert found.started_at <= found.at <= datetime.now(UTC)


def test_a_stopped_or_paused_bot_says_so_without_a_candle(
    bot: Bot, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_facts, "LOOK_SECONDS", 0.01)
    said = []
    with kept_current(bot.facts):
        before = wait_for_bot(ledger, lambda _: True).freqtrade_state
        for state in (State.PAUSED, State.STOPPED, State.RUNNING):
            bot.freqtrade.state = state
            before = wait_for_bot(ledger, lambda found, old=before: found.freqtrade_state != old).freqtrade_state
            said.append(before)
    assert said == ["paused", "stopped", "running"]


def test_the_facts_are_written_anew_where_nothing_changes_and_not_at_every_look(
    bot: Bot, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_facts, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(bot_facts, "REFRESH_SECONDS", 0.5)
    with kept_current(bot.facts):
        moments = [wait_for_bot(ledger, lambda _: True).at]
        for _ in range(2):
            moments.append(wait_for_bot(ledger, lambda found: found.at > moments[-1]).at)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    assert all(gap > 0.45 for gap in gaps)


def test_facts_that_could_not_be_written_are_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot_facts, "LOOK_SECONDS", 0.01)
    (tmp_path / "blocked").mkdir()
    with closing(Ledger(tmp_path / "blocked")) as ledger:
        bot = Bot(ledger)
        with pytest.raises(StoreUnavailableError):
            bot.facts.write()
        with kept_current(bot.facts):
            (tmp_path / "blocked").rmdir()
            ledger.open()
            assert wait_for_bot(ledger, lambda _: True).freqtrade_state == "running"


def test_where_freqtrade_keeps_its_state_elsewhere_the_bot_is_shown_as_running_and_that_is_said_once(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    state = FreqtradeState(bot.strategy)
    bot.freqtrade.state = State.RELOAD_CONFIG
    assert state.word() == "running"
    bot.freqtrade.state = State.STOPPED
    assert state.word() == "stopped"
    bot.strategy.dp = SimpleNamespace()
    with caplog.at_level(logging.WARNING):
        assert [state.word() for _ in range(3)] == ["running"] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_a_registry_that_fails_is_named_and_its_last_answer_dated(stage: Stage, ledger: Ledger) -> None:
    watcher = stage.make_watcher()
    bot = Bot(ledger, watcher)

    def seen() -> tuple[datetime | None, str]:
        bot.facts.write()
        found = ledger.bot()
        assert found is not None
        return found.registry_seen_at, found.registry_problem

    assert seen() == (None, "")
    await watcher.poll_once()
    answered = stage.now
    assert seen() == (answered, "")
    stage.unreachable()
    stage.later(minutes=10)
    await watcher.poll_once()
    at, problem = seen()
    assert (at, "it is down" in problem) == (answered, True)
    stage.reachable()
    await watcher.poll_once()
    assert seen() == (stage.now, "")


async def test_an_error_of_the_watcher_itself_is_a_problem_until_a_poll_works(stage: Stage) -> None:
    polled = asyncio.Event()

    async def pause(_: float) -> None:
        polled.set()
        await asyncio.sleep(3600)

    def broken() -> None:
        raise RuntimeError("broken in a new way")

    stage.source.before = broken
    watcher = stage.make_watcher(pause=pause)
    running = asyncio.create_task(watcher.run())
    await asyncio.wait_for(polled.wait(), 20)
    running.cancel()
    assert watcher.problem == "RuntimeError('broken in a new way')"
    stage.reachable()
    await watcher.poll_once()
    assert watcher.problem == ""


async def test_a_version_awaits_a_person_until_its_newest_decision_is_another(stage: Stage) -> None:
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    stage.publish()
    await watcher.poll_once()
    stage.slot.adopt()
    assert awaiting_version(watcher) is None

    stage.publish()
    await watcher.poll_once()
    assert awaiting_version(watcher) == "v2"
    stage.unreachable()
    await watcher.poll_once()
    assert awaiting_version(watcher) == "v2"

    stage.reachable()
    await stage.slot.pin()
    await watcher.poll_once()
    assert awaiting_version(watcher) is None
    await stage.slot.unpin()
    await watcher.poll_once()
    assert awaiting_version(watcher) == "v2"

    await watcher.confirm("2")
    assert awaiting_version(watcher) is None
    stage.slot.adopt()
    await watcher.poll_once()
    assert awaiting_version(watcher) is None


async def test_a_version_that_was_taken_back_awaits_nobody(stage: Stage) -> None:
    watcher = stage.make_watcher(config={"adoption": "confirm"})
    stage.publish()
    await watcher.poll_once()
    stage.slot.adopt()
    stage.publish(replace(constant(2), horizon_candles=99))
    await watcher.poll_once()
    assert awaiting_version(watcher) is None
    stage.publish(constant(3))
    await watcher.poll_once()
    assert awaiting_version(watcher) == "v3"
    stage.source.promote("1")
    await watcher.poll_once()
    assert awaiting_version(watcher) is None
