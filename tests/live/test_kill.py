"""A bot that is killed at any moment comes back in the same effective state: no pause is lost, none is invented."""

import itertools
import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoLives:
    """A bot before it was killed and after. A state comes with its ratio."""

    #: per command that the first life still obeyed: the state it was in, and the one it should have been in
    obeyed: list[tuple[tuple[str, float], tuple[str, float]]]
    state: tuple[str, float]
    version: str
    #: killed between the record and the word, one command more than was said may have been recorded
    told: set[tuple[str, float]]


def killed_and_started_again(workshop: Workshop, seed: int) -> TwoLives:
    workshop.register()
    workshop.configure()
    text = killed_after(start(workshop, "run", seed), random.Random(seed).uniform(0.0, 1.5))
    words = json_lines(text if text.endswith("\n") else text.rpartition("\n")[0])
    said = 1 + max(word["said"] for word in words if "said" in word)
    looking = start(workshop, "look", seed)
    answer = json_lines(looking.communicate(timeout=120)[0])[-1]
    return TwoLives(
        obeyed=[
            ((word["state"], word["ratio"]), expected(seed, word["after"] + 1)) for word in words if "after" in word
        ],
        state=(answer["state"], answer["ratio"]),
        version=answer["version"],
        told={expected(seed, said), expected(seed, said + 1)},
    )


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_bot_comes_back_as_it_was_told(workshop: Workshop, seed: int) -> None:
    lives = killed_and_started_again(workshop, seed)
    assert [found for found, meant in lives.obeyed] == [meant for _, meant in lives.obeyed]
    assert lives.state in lives.told
    assert lives.version == "v1"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_a_bot_killed_at_twenty_random_moments_comes_back_as_it_was_told(workshop: Workshop, seed: int) -> None:
    lives = killed_and_started_again(workshop, seed)
    assert [found for found, meant in lives.obeyed] == [meant for _, meant in lives.obeyed]
    assert lives.state in lives.told
    assert lives.version == "v1"
