"""A long command names its stages on a terminal and keeps its output clean elsewhere; a shell completes commands."""

import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tests.strategy.premises import Premises
from tradai_lifecycle.cli.app import app
from tradai_lifecycle.cli.progress import stages

TRADAI = str(Path(sys.executable).with_name("tradai"))
STAGED = """
from tradai_lifecycle.cli.progress import stages
with stages() as tell:
    tell("candles and features")
    for done in range(5):
        tell("folds fitted", done, 4)
    tell("registering")
print("done")
"""


def on_a_terminal(command: list[str], directory: Path | None = None) -> tuple[str, str]:
    """What a command prints on its output, and what is shown of it on a terminal, without control characters."""
    own, theirs = pty.openpty()
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(until_closed(own)))
    reader.start()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "140"}
    try:
        done = subprocess.run(
            command, env=environment, cwd=directory, stdout=subprocess.PIPE, stderr=theirs, text=True, check=False
        )
    finally:
        os.close(theirs)
        reader.join()
        os.close(own)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(shown).decode())
    assert done.returncode == 0, text
    return done.stdout, text


def until_closed(terminal: int) -> Iterator[bytes]:
    """Everything that is written to the other side of a terminal."""
    try:
        while part := os.read(terminal, 65_536):
            yield part
    except OSError:  # so Linux says that nobody holds the other side any more
        return


def test_stages_and_their_counts_are_shown_on_a_terminal_and_not_in_the_output() -> None:
    output, shown = on_a_terminal([sys.executable, "-c", STAGED])
    assert output == "done\n"
    counts = re.findall(r"folds fitted (\d/4)\s.*?(\d+)%", shown)
    assert list(dict.fromkeys(counts)) == [("0/4", "0"), ("1/4", "25"), ("2/4", "50"), ("3/4", "75"), ("4/4", "100")]
    # what cannot be counted has no percentage
    for words in ("candles and features", "registering"):
        lines = [line for line in shown.splitlines() if words in line]
        assert lines
        assert not [line for line in lines if "%" in line.partition(words)[2]]


@pytest.mark.host
def test_training_counts_pairs_folds_and_references(premises: Premises) -> None:
    premises.configure()
    command = [TRADAI, "train", "-c", "config.json", "--strategy", "LifecycleDemo", "--timerange", "20240101-20240501"]
    command += ["--estimator", "LogisticRegression"]
    output, shown = on_a_terminal(command, premises.root)
    assert output.startswith("registered demo v")
    for words, steps in (("pairs read", 2), ("folds fitted", 5), ("references fitted", 2)):
        counts = dict.fromkeys(re.findall(rf"{words} (\d+/\d+)", shown))
        assert list(counts) == [f"{done}/{steps}" for done in range(steps + 1)]
    assert "LogisticRegression on" in shown


def test_nothing_is_shown_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    with stages() as tell:
        tell("candles and features")
        tell("folds fitted", 1, 4)
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
