"""A bot that is killed at any moment comes back in the same effective state: no pause is lost, none is invented."""

import itertools
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.killable import commands
from tests.live.workshop import Workshop, json_lines
from tradai_lifecycle.states import OperatorAction

pytestmark = pytest.mark.host
CANDLE = 4_500


def start(workshop: Workshop, mode: str, seed: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.live.killable", mode, str(workshop.config_file), str(CANDLE), str(seed)]
    return subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def expected(seed: int, said: int) -> tuple[str, float]:
    """The effective state after `said` commands on a pair that is active by itself."""
    paused, ratio = False, 1.0
    for action, reduced in itertools.islice(commands(seed), said):
        if action is OperatorAction.PAUSE:
            paused = True
        elif action is OperatorAction.RESUME:
            paused, ratio = False, 1.0
        else:
            ratio = reduced
    if paused:
        return "paused", 0.0
    return ("reduced", ratio) if ratio < 1.0 else ("active", 1.0)


def killed_after(process: subprocess.Popen[str], seconds_after_first_word: float) -> str:
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first, "the bot ended before it said anything"
    subprocess.run(["sleep", str(seconds_after_first_word)], check=True)
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    return first + rest


def check_one_kill(workshop: Workshop, seed: int) -> None:
    workshop.register()
    workshop.configure()
    text = killed_after(start(workshop, "run", seed), random.Random(seed).uniform(0.0, 1.5))
    words = json_lines(text if text.endswith("\n") else text.rpartition("\n")[0])
    said = 1 + max(word["said"] for word in words if "said" in word)
    for word in words:
        if "after" in word:
            assert (word["state"], word["ratio"]) == expected(seed, word["after"] + 1)

    looking = start(workshop, "look", seed)
    answer = json_lines(looking.communicate(timeout=120)[0])[-1]
    # killed between the record and the word, one command more than was said may have been recorded
    assert (answer["state"], answer["ratio"]) in {expected(seed, said), expected(seed, said + 1)}
    assert answer["version"] == "v1"


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_bot_comes_back_as_it_was_told(workshop: Workshop, seed: int) -> None:
    check_one_kill(workshop, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_a_bot_killed_at_twenty_random_moments_comes_back_as_it_was_told(workshop: Workshop, seed: int) -> None:
    check_one_kill(workshop, seed)
