"""The runbook's drift response is what a real bot and really typed commands print, from the alert to the resolution.

After a change of what commands print: `TRADAI_REWRITE_RUNBOOK=1 pytest -n 0 tests/live/test_runbook.py` writes the
printed lines into the document, wherever they differ from it. Long output may then be shortened there by hand, with
`...` for what is left out; what is shortened stays as it is for as long as it agrees.
"""

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.drift_story import Story, drift_story, step_to_the_alert
from tests.live.shell import Printed, Shell, ended, wait_until
from tests.live.transcript import Entry, agree, difference, entries_of, lines_of, rewritten, section_of
from tradai_lifecycle.events import CommandAnswered
from tradai_lifecycle.sandbox import SteppedBot
from tradai_lifecycle.store.ledger import Ledger

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
HEADING = "## Drift response, start to end"
REWRITE = "TRADAI_REWRITE_RUNBOOK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A bot and the shell beside it."""

    bot: SteppedBot
    ledger: Ledger
    shell: Shell

    def printed_for(self, entry: Entry) -> Printed:
        """Let the candles before an entry pass, then type it."""
        if entry.candles_before:
            for _ in self.bot.steps(entry.candles_before):
                pass
            self.settle()
        if "--wait" not in entry.command:
            return self.shell.type(entry.command, self.bot.now)
        before = self.answers()
        with self.shell.begin(entry.command, self.bot.now) as process:
            try:
                wait_until(lambda: self.answers() > before)
                # the bot reads the pin, and stages that version before its next candle
                self.bot.process()
                self.bot.strategy.lifecycle.supply.poll_registry()
                self.bot.step()
                self.settle()
                return ended(process)
            finally:
                process.kill()

    def settle(self) -> None:
        """After a candle: let the bot reach its registry and write down all that it knows now."""
        supply = self.bot.strategy.lifecycle.supply
        supply.poll_registry()
        self.bot.process()
        supply.flush_evidence()
        wait_until(lambda: (told := self.ledger.bot()) is not None and told.at == self.bot.now)

    def answers(self) -> int:
        """How many answers to commands are written down."""
        return len(self.ledger.events(kind=CommandAnswered.kind, limit=None))


def replayed(story: Story, entries: list[Entry]) -> list[Printed]:
    """What each entry of a transcript printed beside the story's bot."""
    with story.bot() as bot, closing(story.shop.ledger()) as ledger:
        step_to_the_alert(bot)
        incident = Incident(bot=bot, ledger=ledger, shell=Shell(directory=story.shop.root))
        incident.settle()
        return [incident.printed_for(entry) for entry in entries]


def documented() -> tuple[str, str]:
    """The runbook, and its section about drift."""
    document = RUNBOOK.read_text(encoding="utf-8")
    return document, section_of(document, HEADING)


@pytest.mark.host
def test_the_drift_response_prints_what_the_runbook_shows(tmp_path: Path) -> None:
    document, section = documented()
    entries = entries_of(section)
    with drift_story(tmp_path) as story:
        printed = replayed(story, entries)
    if REWRITE in os.environ:
        fresh = iter([entry.with_output_of(shown) for entry, shown in zip(entries, printed, strict=True)])
        RUNBOOK.write_text(document.replace(section, rewritten(section, lambda _: next(fresh))), encoding="utf-8")
        return
    wrong = [
        f"$ {entry.command}\n{difference(entry.output, lines_of(shown))}"
        for entry, shown in zip(entries, printed, strict=True)
        if not agree(entry.output, lines_of(shown))
    ]
    assert not wrong, "\n\n".join(wrong)


def test_the_drift_response_goes_from_the_alert_to_the_resolution() -> None:
    assess, act = ["status", "why", "drift", "accuracy"], ["reduce", "blocked", "pause"]
    review, restore = ["status", "history"], ["rollback", "status", "resume", "why", "resolve"]
    typed = [entry.command.split()[1] for entry in entries_of(documented()[1])]
    assert typed == [*assess, *act, *review, *restore]


def test_a_transcript_is_written_back_as_it_was_read() -> None:
    section = documented()[1]
    entries = iter(entries_of(section))
    assert rewritten(section, lambda _: next(entries)) == section


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        (("PSI 0.31", "done"), ("PSI 0.31", "done"), True),
        (("PSI 0.31", "done"), ("PSI 0.32", "done"), False),
        (("done",), ("done", "and more"), False),
        (("done", "[exit code 4]"), ("done",), False),
        (("at ... UTC: done",), ("at 2026-02-05 08:00 UTC: done",), True),
        (("at ... UTC: done",), ("at 2026-02-05 08:00 UTC: failed",), False),
        (("first", "...", "last"), ("first", "second", "third", "last"), True),
        (("first", "...", "last"), ("first", "second"), False),
    ],
)
def test_output_agrees_line_by_line_but_for_what_an_ellipsis_stands_for(
    shown: tuple[str, ...], printed: tuple[str, ...], expected: bool
) -> None:
    assert agree(shown, printed) is expected
