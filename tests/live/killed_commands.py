"""Commands in a random order, killed at any part of their whole run, or of the moment in which they write."""

import os
import random
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.live.shell import PATIENCE_SECONDS, Printed, Shell, ended
from tradai_lifecycle.states import CommandName

NAMES = (
    CommandName.PAUSE,
    CommandName.RESUME,
    CommandName.REDUCE,
    CommandName.RESET_DRIFT,
    CommandName.PIN,
    CommandName.ROLLBACK,
    CommandName.PROMOTE,
    CommandName.RETRAIN,
    CommandName.ACK,
)
#: Commands that ask before they do anything.
ASKING = {
    CommandName.RESUME,
    CommandName.RESET_DRIFT,
    CommandName.RETRAIN,
    CommandName.PIN,
    CommandName.ROLLBACK,
    CommandName.PROMOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One command to kill: as it is typed, and at which part of its whole run, or of the time in which it writes."""

    name: CommandName
    version: str | None
    typed: str
    note: str
    writing: bool
    part: float

    @property
    def again(self) -> "Point":
        """The same command once more, under a note of its own."""
        note = f"{self.note} again"
        return replace(self, typed=self.typed.replace(self.note, note), note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How long a command runs that nobody kills, and how long from opening the database to its first word."""

    seconds: float
    writing_seconds: float


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
        version = arguments[-1] if name in (CommandName.PIN, CommandName.ROLLBACK, CommandName.PROMOTE) else None
        yield Point(name=name, version=version, typed=typed, note=note, writing=bool(number % 2), part=part)


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
