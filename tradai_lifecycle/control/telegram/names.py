"""How commands are named in Telegram, and how what was typed is taken apart."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from tradai_lifecycle.control.syntax import DESCRIPTION, ROLE_NEEDED, USAGE
from tradai_lifecycle.control.telegram.reading import plain
from tradai_lifecycle.states import CommandName, Role

MODEL = "model"
#: A quoted stretch counts as one word where it begins and ends at a space: the quote in "don't" does not.
_WORD = re.compile(r'"([^"]*)"(?!\S)|\'([^\']*)\'(?!\S)|(\S+)')
_PHONE_QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u201e": '"', "\u2018": "'", "\u2019": "'"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A typed command: `name` in lower case without slash and address, its words, and the bot it was addressed to."""

    name: str
    words: tuple[str, ...] = ()
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandNames:
    """The names that are answered to. `direct` are commands by themselves; `prefix` takes one as its first word."""

    direct: Mapping[str, CommandName]
    helps: frozenset[str] = field(default_factory=frozenset)
    prefix: str | None = None

    @property
    def every(self) -> frozenset[str]:
        """All names, without slashes."""
        return frozenset(self.direct) | self.helps | ({self.prefix} if self.prefix else frozenset())

    def command_of(self, call: Call) -> tuple[CommandName, tuple[str, ...]] | None:
        """The command that is meant and its arguments; None where help is asked for, or nothing is meant."""
        if call.name in self.direct:
            return self.direct[call.name], call.words
        if call.name == self.prefix and call.words:
            name = _BY_WORD.get(call.words[0].lower().lstrip("/").replace("_", "-"))
            return (name, call.words[1:]) if name is not None else None
        return None

    def asks_for_help(self, call: Call) -> bool:
        """Whether help is what was asked for."""
        return call.name in self.helps or (
            call.name == self.prefix and (not call.words or call.words[0].lower() == "help")
        )

    def shown(self, name: CommandName) -> str:
        """How a command is typed here, with its slash."""
        bare = next((typed for typed, meant in self.direct.items() if meant is name), None)
        return f"/{self.prefix} {name.value}" if self.prefix else f"/{bare}"

    def help_text(self, role: Role) -> str:
        """Every command that `role` may give, with its arguments and what it is for."""
        lines = [f"The model's commands. You are {role.label}."]
        for name in CommandName:
            if ROLE_NEEDED[name] <= role:
                arguments = USAGE[name].partition(" ")[2]
                lines.append(f"{self.shown(name)} {arguments}".strip() + f"\n    {DESCRIPTION[name]}")
        return "\n".join(lines)

    def correction(self, call: Call) -> str:
        """What to say to a command that means nothing: the nearest one."""
        if call.name == self.prefix:
            typed, known, lead = call.words[0], list(_BY_WORD), f"/{self.prefix} "
        else:
            typed, known, lead = call.name, list(self.direct), "/"
        nearest = get_close_matches(typed.lower(), known, n=1, cutoff=0.5)
        asks = f"/{self.prefix} help" if self.prefix else "/help"
        hint = f" Did you mean {lead}{nearest[0]}?" if nearest else ""
        return f"{lead}{typed[:64]} is no command.{hint} {asks} lists them."


_BY_WORD: Mapping[str, CommandName] = {name.value: name for name in CommandName}


def typed_name(name: CommandName) -> str:
    """A command's name as Telegram allows it: letters, digits and underscores."""
    return name.value.replace("-", "_")


def own_names() -> CommandNames:
    """The names of a bot of our own: every command by its own name."""
    return CommandNames(direct={typed_name(name): name for name in CommandName}, helps=frozenset({"help", "start"}))


def joined_names(taken: Collection[str]) -> CommandNames:
    """The names beside those that are `taken`: /model, /model_pause and so on, and /resume; each where it is free."""
    wanted = {f"{MODEL}_{typed_name(name)}": name for name in CommandName}
    wanted[typed_name(CommandName.RESUME)] = CommandName.RESUME
    direct = {typed: name for typed, name in wanted.items() if typed not in taken}
    helps = frozenset({f"{MODEL}_help"} - frozenset(taken))
    return CommandNames(direct=direct, helps=helps, prefix=None if MODEL in taken else MODEL)


def read_call(text: str) -> Call | None:
    """Take a typed text apart; None where it is no command. A phone's quotes are taken for plain ones."""
    if not text.startswith("/"):
        return None
    first, *rest = text.split(maxsplit=1)
    name, _, address = first[1:].partition("@")
    words = _WORD.findall("".join(rest).translate(_PHONE_QUOTES))
    kept = (plain(double or single or bare) for double, single, bare in words)
    return Call(name=name.lower(), words=tuple(word for word in kept if word), address=address.lower() or None)


__all__ = ["MODEL", "Call", "CommandNames", "joined_names", "own_names", "read_call", "typed_name"]
