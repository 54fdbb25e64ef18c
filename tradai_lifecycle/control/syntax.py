"""How commands are typed: names, arguments, what each is for, and who may give it."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradai_lifecycle.control.command import Command
from tradai_lifecycle.errors import LifecycleError
from tradai_lifecycle.states import CommandName, Role

LONGEST_ACK_HOURS = 720.0
MOST_LINES = 200

DESCRIPTION: Mapping[CommandName, str] = {
    CommandName.STATUS: "state, model, accuracy, drift and positions of the bot",
    CommandName.WHY: "the chain of reasons behind the present state",
    CommandName.PAUSE: "no entries of the whole bot until a resume; exits run on",
    CommandName.RESUME: "lift pause and reduce, and trade on over present drift for a limited time",
    CommandName.REDUCE: "cut the stake of every entry to a share; 1 lifts it",
    CommandName.VERSIONS: "the registered model versions",
    CommandName.PROMOTE: "put a version into production",
    CommandName.ROLLBACK: "go back to an earlier version and pin it",
    CommandName.PIN: "hold one version, whatever the registry says",
    CommandName.UNPIN: "follow the production version again",
    CommandName.ADOPT: "let in the version that waits for a person",
    CommandName.DRIFT: "PSI of each feature against its limit",
    CommandName.ACCURACY: "directional accuracy with its interval, against the floor",
    CommandName.BLOCKED: "entries that were refused or cut, and what they would be worth now",
    CommandName.RETRAIN: "ask for a new model",
    CommandName.ACK: "mute notices for a while; then be reminded",
    CommandName.RESOLVE: "close the open incident with a note",
    CommandName.RESET_DRIFT: "count drift anew from the newest candle",
    CommandName.HISTORY: "what happened, newest first",
}

#: The least a person must be. `resume`, `pin` and `rollback` may ask for more: see `questions.role_needed`.
ROLE_NEEDED: Mapping[CommandName, Role] = {
    CommandName.STATUS: Role.VIEWER,
    CommandName.WHY: Role.VIEWER,
    CommandName.PAUSE: Role.OPERATOR,
    CommandName.RESUME: Role.OPERATOR,
    CommandName.REDUCE: Role.OPERATOR,
    CommandName.VERSIONS: Role.VIEWER,
    CommandName.PROMOTE: Role.APPROVER,
    CommandName.ROLLBACK: Role.OPERATOR,
    CommandName.PIN: Role.OPERATOR,
    CommandName.UNPIN: Role.OPERATOR,
    CommandName.ADOPT: Role.APPROVER,
    CommandName.DRIFT: Role.VIEWER,
    CommandName.ACCURACY: Role.VIEWER,
    CommandName.BLOCKED: Role.VIEWER,
    CommandName.RETRAIN: Role.OPERATOR,
    CommandName.ACK: Role.OPERATOR,
    CommandName.RESOLVE: Role.OPERATOR,
    CommandName.RESET_DRIFT: Role.APPROVER,
    CommandName.HISTORY: Role.VIEWER,
}


class CommandSyntaxError(LifecycleError):
    """A command was typed in a way that means nothing."""

    def __init__(self, name: CommandName, problem: str) -> None:
        super().__init__(f"{name.value}: {problem}. Usage: {USAGE[name]}")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Argument:
    """One argument: the field it fills, how it is shown, which words it takes, and what it makes of one."""

    field: str
    shown: str
    shape: re.Pattern[str]
    value: Callable[[str], Any]
    required: bool = False

    @property
    def usage(self) -> str:
        return self.shown if self.required else f"[{self.shown}]"


def _ratio(word: str) -> float:
    return float(word[:-1]) / 100.0 if word.endswith("%") else float(word)


def _hours(word: str) -> float:
    units = {"m": 1.0 / 60.0, "h": 1.0, "d": 24.0}
    return float(word[:-1]) * units[word[-1]] if word[-1] in units else float(word)


def _argument(field: str, shown: str, shape: str, value: Callable[[str], Any], *, required: bool = False) -> _Argument:
    return _Argument(field=field, shown=shown, shape=re.compile(shape), value=value, required=required)


_NUMBER = r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|nan|inf)"
_VERSION = _argument("version", "VERSION", r"v?\d+", str)
_NEEDED_VERSION = _argument("version", "VERSION", r"v?\d+", str, required=True)
_RATIO = _argument("ratio", "RATIO", rf"{_NUMBER}%?", _ratio, required=True)
_PAIR = _argument("pair", "PAIR", rf"(?!{_NUMBER}[hdm]$)\S+", str)
_SPAN = _argument("hours", "24h", rf"{_NUMBER}[hdm]?", _hours)
_LINES = _argument("limit", "N", r"\d+", int)

_ARGUMENTS: Mapping[CommandName, tuple[_Argument, ...]] = {
    CommandName.WHY: (_PAIR,),
    CommandName.REDUCE: (_RATIO,),
    CommandName.PROMOTE: (_NEEDED_VERSION,),
    CommandName.ROLLBACK: (_VERSION,),
    CommandName.PIN: (_VERSION,),
    CommandName.ADOPT: (_VERSION,),
    CommandName.DRIFT: (_PAIR,),
    CommandName.ACCURACY: (_PAIR,),
    CommandName.BLOCKED: (_PAIR, _SPAN),
    CommandName.ACK: (_SPAN,),
    CommandName.HISTORY: (_LINES,),
}
#: Commands that change nothing: they take no note, and leave no event unless they are denied.
VIEWING = frozenset(name for name, role in ROLE_NEEDED.items() if role is Role.VIEWER)
_NOTE_REQUIRED = frozenset({CommandName.RESOLVE})


def _usage(name: CommandName) -> str:
    shown = [argument.usage for argument in _ARGUMENTS.get(name, ())]
    if name not in VIEWING:
        shown.append("NOTE" if name in _NOTE_REQUIRED else "[NOTE]")
    return " ".join((name.value, *shown))


USAGE: Mapping[CommandName, str] = {name: _usage(name) for name in CommandName}


def parse_command(name: CommandName, words: Sequence[str]) -> Command:
    """The command that these words, after its name, mean. What is left over is the note.

    Raises CommandSyntaxError with the problem and the usage.
    """
    left, values = list(words), dict[str, Any]()
    for argument in _ARGUMENTS.get(name, ()):
        if left and argument.shape.fullmatch(left[0]):
            values[argument.field] = argument.value(left.pop(0))
        elif argument.required:
            given = f"{left[0]!r} is no {argument.shown}" if left else f"{argument.shown} is missing"
            raise CommandSyntaxError(name, given)
    if left and name in VIEWING:
        raise CommandSyntaxError(name, f"{' '.join(left)!r} means nothing here")
    command = Command(name=name, note=" ".join(left), **values)
    check_command(command)
    return command


def span_hours(name: CommandName, word: str) -> float:
    """The hours of a span such as "24h", "90m", "2d" or "24". Raises CommandSyntaxError."""
    if not _SPAN.shape.fullmatch(word):
        raise CommandSyntaxError(name, f"{word!r} is no span of time such as 24h")
    return _hours(word)


def check_command(command: Command) -> None:
    """Raise CommandSyntaxError for arguments that the command does not take, that it lacks, or out of their range."""
    for field in ("version", "ratio", "hours", "pair", "limit"):
        _check_presence(command, field)
    if command.note and command.name in VIEWING:
        raise CommandSyntaxError(command.name, "it takes no note")
    if not command.note.strip() and command.name in _NOTE_REQUIRED:
        raise CommandSyntaxError(command.name, "NOTE is missing: say what it was")
    _check_ranges(command)


def _check_presence(command: Command, field: str) -> None:
    known = {argument.field: argument for argument in _ARGUMENTS.get(command.name, ())}
    given = getattr(command, field) is not None
    if given and field not in known:
        raise CommandSyntaxError(command.name, f"it takes no {field}")
    if not given and field in known and known[field].required:
        raise CommandSyntaxError(command.name, f"{known[field].shown} is missing")


def _check_ranges(command: Command) -> None:
    if command.version is not None and not (command.version.isascii() and command.version.isdigit()):
        raise CommandSyntaxError(command.name, f"{command.version!r} is no version number")
    if command.ratio is not None and not (math.isfinite(command.ratio) and 0.0 < command.ratio <= 1.0):
        raise CommandSyntaxError(command.name, f"RATIO must be above 0 and at most 1, not {command.ratio:g}")
    if command.hours is not None and not (math.isfinite(command.hours) and 0.0 < command.hours <= LONGEST_ACK_HOURS):
        raise CommandSyntaxError(command.name, f"the span must be above 0 and at most {LONGEST_ACK_HOURS:g} hours")
    if command.limit is not None and not 1 <= command.limit <= MOST_LINES:
        raise CommandSyntaxError(command.name, f"N must be from 1 to {MOST_LINES}, not {command.limit}")


__all__ = [
    "DESCRIPTION",
    "ROLE_NEEDED",
    "USAGE",
    "VIEWING",
    "CommandSyntaxError",
    "check_command",
    "parse_command",
    "span_hours",
]
