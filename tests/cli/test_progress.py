"""A long command names its stages on a terminal and keeps its output clean elsewhere; a shell completes commands."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.progress import stages

TRADAI = str(Path(sys.executable).with_name("tradai"))
STAGED = """
from tradai_lifecycle.cli.progress import stages
with stages() as tell:
    tell("candles and features")
print("done")
"""


def test_stages_are_shown_on_a_terminal_and_not_in_the_output() -> None:
    own, theirs = pty.openpty()
    command, environment = [sys.executable, "-c", STAGED], {**os.environ, "TERM": "xterm"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    shown = os.read(own, 65_536).decode()
    os.close(theirs)
    os.close(own)
    assert "candles and features" in shown
    assert done.stdout == "done\n"


def test_nothing_is_shown_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with stages() as tell:
        tell("candles and features")
    assert capfd.readouterr() == ("", "")


def completed(shell: str, typed: str) -> list[str]:
    """What the shell would offer after `typed`."""
    environment = {**os.environ, "_TRADAI_COMPLETE": f"complete_{shell}", "COMP_WORDS": typed, "COMP_CWORD": "1"}
    done = subprocess.run([TRADAI], env=environment, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.split()


def test_a_shell_completes_the_commands() -> None:
    commands = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    assert sorted(completed("bash", "tradai un")) == [name for name in commands if name.startswith("un")]
    assert sorted(completed("bash", "tradai ")) == commands


def test_the_completion_can_be_installed() -> None:
    shown = subprocess.run([TRADAI, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "--install-completion" in shown
