"""A person's shell: `tradai` commands as they are typed, each a process of its own, on the bot's clock."""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

OPERATOR = "anna"
#: As wide as the output of commands is where it goes into a file.
COLUMNS = 140
PATIENCE_SECONDS = 120.0
_CUSTOMS = Path(__file__).parent / "typed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command showed on the screen, and its exit code."""

    text: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """Types into `directory`, in which `user_data/config.json` is the bot's configuration."""

    directory: Path

    def begin(self, command: str, at: datetime | None = None, announce: int | None = None) -> subprocess.Popen[str]:
        """Type `command` and do not wait for its end. `at` is the time on its clock, by default the real one.

        `announce` is a descriptor that gets a byte each time the command opens the lifecycle's database.
        """
        program, *arguments = shlex.split(command)
        assert program == "tradai", command
        return subprocess.Popen(
            [str(Path(sys.executable).parent / program), *arguments],
            cwd=self.directory,
            env=_environment(at, announce),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            pass_fds=() if announce is None else (announce,),
        )

    def type(self, command: str, at: datetime | None = None) -> Printed:
        """Type `command` and wait for its end."""
        return ended(self.begin(command, at))


def ended(process: subprocess.Popen[str]) -> Printed:
    """What a command printed, once it has ended."""
    try:
        text, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    return Printed(text=text, exit_code=process.returncode)


def _environment(at: datetime | None, announce: int | None) -> dict[str, str]:
    told = {"TYPED_AT": at.isoformat() if at else None, "TYPED_ANNOUNCE": None if announce is None else f"{announce}"}
    return {
        **{name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "PYTHONPATH")},
        **{name: value for name, value in told.items() if value is not None},
        "PYTHONPATH": str(_CUSTOMS),
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": str(COLUMNS),
        "LOGNAME": OPERATOR,
    }


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what another process or thread does; on the monotonic clock, for a bot's may stand still."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
