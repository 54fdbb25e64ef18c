"""Commands are typed alike everywhere: what a command is written as, means that command."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradai_lifecycle.control.commands import Command
from tradai_lifecycle.control.syntax import (
    DESCRIPTION,
    ROLE_NEEDED,
    USAGE,
    VIEWING,
    CommandSyntaxError,
    check_command,
    parse_command,
    span_hours,
)
from tradai_lifecycle.states import CommandName, Role

VERSIONS = st.integers(1, 10**6).map(str)
PAIRS = st.sampled_from(["BTC/USDT", "1INCH/USDT", "kPEPE/USDC:USDC", "ETH"])
HOURS = st.floats(0.01, 720.0, allow_nan=False)
#: Notes that begin like no argument.
NOTES = st.lists(st.sampled_from(["news", "50%", "3", "v7", "24h", "BTC/USDT", "done."]), max_size=4).map(
    lambda words: " ".join(["because", *words])
)
ARGUMENTS = {
    CommandName.WHY: {"pair": st.none() | PAIRS},
    CommandName.REDUCE: {"ratio": st.floats(0.001, 1.0)},
    CommandName.PROMOTE: {"version": VERSIONS},
    CommandName.ROLLBACK: {"version": st.none() | VERSIONS},
    CommandName.PIN: {"version": st.none() | VERSIONS},
    CommandName.ADOPT: {"version": st.none() | VERSIONS},
    CommandName.DRIFT: {"pair": st.none() | PAIRS},
    CommandName.ACCURACY: {"pair": st.none() | PAIRS},
    CommandName.BLOCKED: {"pair": st.none() | PAIRS, "hours": st.none() | HOURS},
    CommandName.ACK: {"hours": st.none() | HOURS},
    CommandName.HISTORY: {"limit": st.none() | st.integers(1, 200)},
}


@st.composite
def commands(draw: st.DrawFn) -> Command:
    name = draw(st.sampled_from(CommandName))
    values = {field: draw(values) for field, values in ARGUMENTS.get(name, {}).items()}
    note = "" if name in VIEWING else draw(NOTES if name is CommandName.RESOLVE else st.just("") | NOTES)
    return Command(name=name, note=note, **values)


@given(command=commands())
def test_a_command_typed_as_it_is_written_down_is_that_command(command: Command) -> None:
    check_command(command)
    assert parse_command(command.name, f"{command.arguments} {command.note}".split()) == command


@pytest.mark.parametrize("name", CommandName)
def test_every_command_says_how_it_is_typed_what_it_is_for_and_who_may_give_it(name: CommandName) -> None:
    assert USAGE[name].split()[0] == name.value
    assert DESCRIPTION[name]
    assert ROLE_NEEDED[name] in Role


def test_only_commands_that_change_nothing_are_for_viewers() -> None:
    assert sorted(name.value for name in VIEWING) == [
        "accuracy", "blocked", "drift", "history", "status", "versions", "why",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "words", "meant"),
    [
        (CommandName.REDUCE, "25% thin market", Command(name=CommandName.REDUCE, ratio=0.25, note="thin market")),
        (CommandName.PROMOTE, "v15", Command(name=CommandName.PROMOTE, version="15")),
        (CommandName.ACK, "2d gone fishing", Command(name=CommandName.ACK, hours=48.0, note="gone fishing")),
        (CommandName.ACK, "90m", Command(name=CommandName.ACK, hours=1.5)),
        (CommandName.BLOCKED, "48h", Command(name=CommandName.BLOCKED, hours=48.0)),
        (CommandName.BLOCKED, "btc 48h", Command(name=CommandName.BLOCKED, pair="btc", hours=48.0)),
        (CommandName.PAUSE, "2 of 3 feeds", Command(name=CommandName.PAUSE, note="2 of 3 feeds")),
        (CommandName.DRIFT, "1INCH/USDT", Command(name=CommandName.DRIFT, pair="1INCH/USDT")),
    ],
)
def test_arguments_are_taken_as_people_type_them(name: CommandName, words: str, meant: Command) -> None:
    assert parse_command(name, words.split()) == meant


@pytest.mark.parametrize(
    ("name", "words", "problem"),
    [
        (CommandName.PROMOTE, "", "VERSION is missing"),
        (CommandName.PROMOTE, "latest", "'latest' is no VERSION"),
        (CommandName.REDUCE, "half", "'half' is no RATIO"),
        (CommandName.REDUCE, "0", "RATIO must be above 0 and at most 1, not 0"),
        (CommandName.REDUCE, "1.5", "RATIO must be above 0 and at most 1, not 1.5"),
        (CommandName.REDUCE, "nan", "RATIO must be above 0 and at most 1, not nan"),
        (CommandName.ACK, "0h", "the span must be above 0 and at most 720 hours"),
        (CommandName.ACK, "31d", "the span must be above 0 and at most 720 hours"),
        (CommandName.HISTORY, "0", "N must be from 1 to 200, not 0"),
        (CommandName.HISTORY, "many", "'many' means nothing here"),
        (CommandName.STATUS, "now please", "'now please' means nothing here"),
        (CommandName.RESOLVE, "", "NOTE is missing: say what it was"),
    ],
)
def test_what_means_nothing_is_refused_with_the_usage(name: CommandName, words: str, problem: str) -> None:
    with pytest.raises(CommandSyntaxError) as refused:
        parse_command(name, words.split())
    assert str(refused.value) == f"{name.value}: {problem}. Usage: {USAGE[name]}"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (Command(name=CommandName.PAUSE, version="3"), "it takes no version"),
        (Command(name=CommandName.STATUS, note="hello"), "it takes no note"),
        (Command(name=CommandName.PROMOTE), "VERSION is missing"),
        (Command(name=CommandName.PROMOTE, version="../1"), "'../1' is no version number"),
        (Command(name=CommandName.REDUCE, ratio=math.inf), "RATIO must be above 0 and at most 1, not inf"),
        (Command(name=CommandName.RESOLVE, note="  "), "NOTE is missing: say what it was"),
    ],
)
def test_a_command_made_by_a_program_is_held_to_the_same(command: Command, problem: str) -> None:
    with pytest.raises(CommandSyntaxError, match=f"{command.name.value}: {problem}"):
        check_command(command)


def test_a_span_that_is_none_is_refused() -> None:
    assert span_hours(CommandName.ACK, "2d") == 48.0
    with pytest.raises(CommandSyntaxError, match="'soon' is no span of time such as 24h"):
        span_hours(CommandName.ACK, "soon")
