"""A command that the shell left pending is closed by the bot itself, once, also by one that was killed meanwhile."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.live.shell import PATIENCE_SECONDS, Shell, wait_until
from tests.live.workshop import Workshop
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.states import CommandOutcome
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BatchRecord

pytestmark = pytest.mark.host

CANDLE = 4_300
#: Batches after an end, each with a look at what is pending, before the ends are counted.
MORE_BATCHES = timedelta(hours=4)


def ends(ledger: Ledger) -> list[CommandAnswered]:
    """The second events of commands, oldest first."""
    stored = reversed(ledger.events(kind=CommandAnswered.kind, limit=None))
    events = (one.event for one in stored)
    return [event for event in events if isinstance(event, CommandAnswered) and event.begun_at]


def newest_batch(ledger: Ledger) -> BatchRecord:
    """The batch that the bot recorded last."""
    batch = ledger.last_batch()
    assert batch is not None
    return batch


@contextmanager
def walking_bot(workshop: Workshop, candle: int) -> Iterator[subprocess.Popen[str]]:
    """A bot on the workshop's ledger that walks through its candles, until it is killed."""
    command = [sys.executable, "-m", "tests.live.walking_bot", str(workshop.config_file), str(candle)]
    log = workshop.root / "bot.log"
    with (
        log.open("a", encoding="utf-8") as errors,
        subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        ) as bot,
    ):
        try:
            assert bot.stdout is not None
            assert bot.stdout.readline() == "running\n", log.read_text(encoding="utf-8")
            yield bot
        finally:
            bot.kill()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("swapped", [False, True], ids=["killed before the swap", "killed right after the swap"])
def test_a_pending_promotion_is_closed_once_whenever_its_bot_was_killed(workshop: Workshop, swapped: bool) -> None:
    workshop.configure(poll_interval_seconds=0.5)
    shutil.copy(workshop.config_file, workshop.user_data / "config.json")
    workshop.register()
    workshop.register(replace(workshop.bundle, metrics={"note": 2.0}), promote=False)
    shell = Shell(directory=workshop.root)
    with closing(workshop.ledger()) as ledger:
        with walking_bot(workshop, CANDLE):
            printed = shell.type("tradai promote 2 --yes --note 'newer candles'")
            assert printed.exit_code == 4, printed
            if swapped:
                wait_until(lambda: newest_batch(ledger).version == "v2")
        with walking_bot(workshop, CANDLE + 200):
            wait_until(lambda: bool(ends(ledger)))
            enough = newest_batch(ledger).candle + MORE_BATCHES
            wait_until(lambda: newest_batch(ledger).candle >= enough)
        (end,) = ends(ledger)
    assert (end.outcome, end.arguments, end.note) == (CommandOutcome.DONE, "v2", "newer candles")
    assert end.detail.endswith("was predicted by v2")


def test_the_shell_that_waits_is_answered_with_the_end_that_the_bot_wrote(workshop: Workshop) -> None:
    workshop.configure(poll_interval_seconds=0.5)
    shutil.copy(workshop.config_file, workshop.user_data / "config.json")
    workshop.register()
    workshop.register(replace(workshop.bundle, metrics={"note": 2.0}), promote=False)
    with walking_bot(workshop, CANDLE), closing(workshop.ledger()) as ledger:
        printed = Shell(directory=workshop.root).type(f"tradai promote 2 --yes --wait {PATIENCE_SECONDS:g}")
        assert (printed.exit_code, "promote v2 done: the batch of " in printed.text) == (0, True), printed
        assert len(ends(ledger)) == 1
