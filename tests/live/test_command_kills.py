"""A command that is killed at any moment, beside a running bot, is carried out or it is not; the next one works."""

import logging
import os
import random
import re
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest

from tests.live.shell import OPERATOR, PATIENCE_SECONDS, Printed, Shell, ended
from tests.live.workshop import Workshop
from tradai_lifecycle.config import LifecycleConfig, parse_config
from tradai_lifecycle.control.standing import stance_of, version_in_charge
from tradai_lifecycle.control.status import status_report
from tradai_lifecycle.events import Acknowledged, CommandAnswered
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.sandbox import load_freqtrade_config
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.schema import OPERATOR_RECORDS, PINS, RETRAINING_REQUESTS

pytestmark = pytest.mark.host
logger = logging.getLogger(__name__)

CANDLE = 4_300
WHO = f"shell:{OPERATOR}"
#: The rows that a command leaves beside its answer. A promotion leaves none here: it changes the registry.
ROWS = {
    CommandName.PAUSE: f"SELECT count(*) FROM {OPERATOR_RECORDS.name} WHERE who = '{WHO}'",
    CommandName.RESUME: f"SELECT count(*) FROM {OPERATOR_RECORDS.name} WHERE who = '{WHO}'",
    CommandName.REDUCE: f"SELECT count(*) FROM {OPERATOR_RECORDS.name} WHERE who = '{WHO}'",
    CommandName.RESET_DRIFT: f"SELECT count(*) FROM {OPERATOR_RECORDS.name} WHERE who = '{WHO}'",
    CommandName.PIN: f"SELECT count(*) FROM {PINS.name} WHERE who = '{WHO}'",
    CommandName.ROLLBACK: f"SELECT count(*) FROM {PINS.name} WHERE who = '{WHO}'",
    CommandName.RETRAIN: f"SELECT count(*) FROM {RETRAINING_REQUESTS.name} WHERE detail LIKE '%{WHO}%'",
}
NAMES = (*ROWS, CommandName.ACK, CommandName.PROMOTE)
#: Commands that ask before they do anything.
ASKING = {
    CommandName.RESUME,
    CommandName.RESET_DRIFT,
    CommandName.RETRAIN,
    CommandName.PIN,
    CommandName.ROLLBACK,
    CommandName.PROMOTE,
}


class Moment(Enum):
    """When a command was killed."""

    BEFORE = "before anything was written"
    BETWEEN = "after something was written, before it said so"
    AFTER = "after it said what it had done"
    ENDED = "it had ended before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One command to kill: as it is typed, and at which part of its whole run, or of the time in which it writes."""

    name: CommandName
    typed: str
    note: str
    writing: bool
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long a command runs that nobody kills, and how long from opening the database to its first word."""

    seconds: float
    writing_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What the operator's recorded commands come to."""

    paused: bool = False
    ratio: float | None = None

    def after(self, point: Point) -> "Stance":
        """With a recorded command more."""
        if point.name is CommandName.PAUSE:
            return replace(self, paused=True)
        if point.name is CommandName.REDUCE:
            return replace(self, ratio=float(point.typed.split()[2]))
        return Stance() if point.name is CommandName.RESUME else self


def points(seed: int, count: int) -> Iterator[Point]:
    """A reproducible sequence in which every command comes up before any comes up again."""
    chance = random.Random(seed)
    names: list[CommandName] = []
    for number in range(count):
        names = names or chance.sample(NAMES, len(NAMES))
        name, note = names.pop(), f"point {number}"
        arguments = {
            CommandName.REDUCE: chance.choice(("0.25", "0.5", "0.75")),
            CommandName.PIN: chance.choice(("1", "2")),
            CommandName.ROLLBACK: f"--to {chance.choice(('1', '2'))}",
            CommandName.PROMOTE: chance.choice(("1", "2")),
            CommandName.ACK: "2h",
        }.get(name, "")
        yes = "--yes" if name in ASKING else ""
        typed = " ".join(filter(None, ("tradai", name.value, arguments, yes, f"--note '{note}'")))
        # a little longer than the other one took, so that some are killed after they have spoken
        part = chance.uniform(0.0, 1.2)
        yield Point(name=name, typed=typed, note=note, writing=bool(number % 2), part=part)


@dataclass(slots=True, kw_only=True)
class Desk:
    """The commands' ledger and registry, looked at from outside, and what they must hold."""

    ledger: Ledger
    config: LifecycleConfig
    source: ModelSource
    database: Path
    stance: Stance = field(default_factory=Stance)

    def rows(self, name: CommandName) -> int:
        """How many records commands like this one have left."""
        if name is CommandName.ACK:
            return len(self.ledger.events(kind=Acknowledged.kind, limit=None))
        if name not in ROWS:
            return 0
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
            (count,) = connection.execute(ROWS[name]).fetchone()
        return int(count)

    def answers(self, note: str) -> list[CommandAnswered]:
        """The answers to the command with this note, oldest first."""
        stored = reversed(self.ledger.events(kind=CommandAnswered.kind, limit=None))
        events = (one.event for one in stored)
        return [event for event in events if isinstance(event, CommandAnswered) and event.note == note]

    def unpin(self) -> None:
        """Lift a pin that stands: it would be in the way of a promotion."""
        pin = self.ledger.pin()
        if pin is not None and pin.pinned:
            self.ledger.record_pin(pinned=False, version=None, at=datetime.now(UTC), who="test")

    def check(self, point: Point, rows_before: int, production_before: str | None, printed: Printed) -> Moment:
        """That a command was carried out as a whole or not at all, and that what it said is so."""
        answers, rows = self.answers(point.note), self.rows(point.name) - rows_before
        carried_out = bool(answers) and answers[0].outcome is not CommandOutcome.FAILED
        if point.name is CommandName.PROMOTE:
            self._check_promotion(point, answers, production_before)
        else:
            assert rows == int(carried_out), (point, answers, rows)
        if point.name not in (CommandName.PROMOTE, CommandName.ROLLBACK) or not answers:
            assert self.source.production_version() == production_before, point
        said = re.search(r"^[a-z-]+.*? (done|pending|failed): ", printed.text)
        assert said is None or (answers and answers[-1].outcome.value == said[1]), (point, printed, answers)
        self.stance = self.stance.after(point) if carried_out else self.stance
        held = stance_of(self.ledger.operator())
        assert (held.paused, held.reduce_ratio) == (self.stance.paused, self.stance.ratio), point
        if printed.exit_code >= 0:
            return Moment.ENDED
        return Moment.AFTER if said else Moment.BETWEEN if answers else Moment.BEFORE

    # both as before, or both promoted, or named by status as not finished; a bot that has followed has finished it
    def _check_promotion(self, point: Point, answers: list[CommandAnswered], before: str | None) -> None:
        version, production = point.typed.split()[2], self.source.production_version()
        refused = bool(answers) and answers[0].outcome is CommandOutcome.FAILED
        if not answers or refused:
            assert production == before, point
        elif len(answers) > 1:
            assert production == version, point
        else:
            assert production in (before, version), point
            waiting = status_report(self.ledger, self.config, datetime.now(UTC)).model_command
            named = waiting is not None and waiting.unfinished and waiting.version == f"v{version}"
            assert named or (production == version and version_in_charge(self.ledger) == version), (point, waiting)


def killed(shell: Shell, point: Point, course: Course) -> Printed:
    """Type a command and kill it at its point of the course that it takes when nobody does."""
    with announced(shell, point.typed) as (process, opened):
        seconds = point.part * course.seconds
        if point.writing:
            wait_for(opened)
            seconds = point.part * course.writing_seconds
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return ended(process)


def unkilled(shell: Shell, typed: str) -> tuple[Printed, Course]:
    """Type a command, let it end, and say how long it took."""
    began = time.monotonic()
    with announced(shell, typed) as (process, opened):
        wait_for(opened)
        open_at = time.monotonic()
        assert process.stdout is not None
        wait_for(process.stdout.fileno())
        spoke_at = time.monotonic()
        printed = ended(process)
    return printed, Course(seconds=time.monotonic() - began, writing_seconds=spoke_at - open_at)


@contextmanager
def announced(shell: Shell, typed: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A begun command, and a descriptor that can be read once it has opened the database or has ended."""
    opened, announce = os.pipe()
    try:
        try:
            process = shell.begin(typed, announce=announce)
        finally:
            os.close(announce)
        with process:
            try:
                yield process, opened
            finally:
                process.kill()
    finally:
        os.close(opened)


def wait_for(opened: int) -> None:
    readable, _, _ = select.select([opened], [], [], PATIENCE_SECONDS)
    assert readable


@contextmanager
def walking_bot(workshop: Workshop) -> Iterator[subprocess.Popen[str]]:
    """A bot on the workshop's ledger, walking through its candles; it must walk to the end."""
    command = [sys.executable, "-m", "tests.live.walking_bot", str(workshop.config_file), str(CANDLE)]
    log = workshop.root / "bot.log"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=errors, **pipes) as bot,
    ):
        try:
            assert bot.stdout is not None
            assert bot.stdout.readline() == "running\n", log.read_text(encoding="utf-8")
            yield bot
            bot.communicate(timeout=PATIENCE_SECONDS)
            assert bot.returncode == 0, log.read_text(encoding="utf-8")
        finally:
            bot.kill()


@contextmanager
def opened_desk(workshop: Workshop) -> Iterator[Desk]:
    config = parse_config(load_freqtrade_config([workshop.config_file]))
    with closing(workshop.ledger()) as ledger, closing(open_source(config, workshop.user_data)) as source:
        database = workshop.user_data / config.store_path
        yield Desk(ledger=ledger, config=config, source=source, database=database)


def check_kills(workshop: Workshop, *, registry: str, seed: int, count: int) -> Counter[Moment]:
    """Kill `count` commands beside one bot; gives how many were killed when."""
    workshop.configure(registry_uri=registry, poll_interval_seconds=0.5, maximum_swaps_per_day=1_000)
    shutil.copy(workshop.config_file, workshop.user_data / "config.json")
    shell, moments = Shell(directory=workshop.root), Counter[Moment]()
    with opened_desk(workshop) as desk:
        register_two(workshop, desk.source)
        with walking_bot(workshop):
            _, course = unkilled(shell, "tradai ack 1h")
            for point in points(seed, count):
                if point.name is CommandName.PROMOTE:
                    desk.unpin()
                rows, production = desk.rows(point.name), desk.source.production_version()
                moment = desk.check(point, rows, production, killed(shell, point, course))
                moments[moment] += 1
                course = check_the_next_one(shell, desk, point)
            check_the_bot_obeys(desk)
    return moments


def register_two(workshop: Workshop, source: ModelSource) -> None:
    """Two versions, of which the first is in production."""
    for number, bundle in enumerate((workshop.bundle, replace(workshop.bundle, metrics={"note": 2.0}))):
        directory = workshop.root / "artefacts" / f"{number}"
        write_artefact(directory, bundle)
        source.register(directory, metrics={}, parameters={}, tags={})
    source.promote("1")


def check_the_next_one(shell: Shell, desk: Desk, point: Point) -> Course:
    """Type the killed command again: it is answered, and carried out unless there is nothing to do."""
    again = replace(point, typed=point.typed.replace(point.note, f"{point.note} again"), note=f"{point.note} again")
    rows, production = desk.rows(again.name), desk.source.production_version()
    printed, course = unkilled(shell, again.typed)
    assert desk.check(again, rows, production, printed) is Moment.ENDED
    # of retraining requests one is open at a time
    assert printed.exit_code in ({0, 1} if again.name is CommandName.RETRAIN else {0, 4}), printed
    assert desk.answers(again.note), printed
    report = status_report(desk.ledger, desk.config, datetime.now(UTC))
    assert report.model_command is None or not report.model_command.unfinished
    return course


def check_the_bot_obeys(desk: Desk) -> None:
    """The bot beside the killed commands decides by what they have left."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while {Reason.OPERATOR_PAUSED in state.reasons for state in desk.ledger.latest_states().values()} != {
        desk.stance.paused
    }:
        assert time.monotonic() < deadline, desk.stance
        time.sleep(0.1)


def test_commands_killed_at_three_moments_are_whole_and_the_next_ones_work(workshop: Workshop) -> None:
    check_kills(workshop, registry="directory:registry", seed=0, count=3)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("seed", "registry"),
    [
        (100, "directory:registry"),
        (101, "directory:registry"),
        (102, "directory:registry"),
        (103, "sqlite:///{root}/mlflow.db"),
        (104, "sqlite:///{root}/mlflow.db"),
    ],
)
def test_commands_killed_at_fifty_moments_are_whole_and_the_next_ones_work(
    workshop: Workshop, seed: int, registry: str
) -> None:
    moments = check_kills(workshop, registry=registry.format(root=workshop.root), seed=seed, count=10)
    logger.warning("seed %d: %s", seed, {moment.value: count for moment, count in moments.items()})
    assert moments[Moment.BEFORE] > 0
    assert moments[Moment.BETWEEN] + moments[Moment.AFTER] > 0
