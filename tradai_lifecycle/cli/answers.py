"""The shell as a transport: a typed command goes to the desk, is confirmed if need be, and is answered."""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tradai_lifecycle.cli.options import Bot, load_bot, operator_name
from tradai_lifecycle.cli.tables import print_report
from tradai_lifecycle.control.commands import Answer, Caller, Command, CommandDesk
from tradai_lifecycle.control.reports import Said
from tradai_lifecycle.control.syntax import CommandSyntaxError, check_command
from tradai_lifecycle.control.words import text_of, values_of
from tradai_lifecycle.errors import ConfigurationError, LifecycleError
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.states import CommandName, CommandOutcome, Role
from tradai_lifecycle.store.ledger import Ledger

#: How a command of the shell ends, for scripts. Kept: a code never changes its meaning.
EXIT_CODES: Mapping[CommandOutcome, int] = {
    CommandOutcome.DONE: 0,
    CommandOutcome.FAILED: 1,
    CommandOutcome.DENIED: 1,
    CommandOutcome.UNCONFIRMED: 3,
    CommandOutcome.PENDING: 4,
}
#: The command was typed wrongly, or the configuration is wrong: nothing was tried.
USAGE_EXIT_CODE = 2
_FOLLOW_UP_SECONDS = 0.2
_ON_STDERR = frozenset({CommandOutcome.FAILED, CommandOutcome.DENIED, CommandOutcome.UNCONFIRMED})

Yes = Annotated[bool, typer.Option("--yes", "-y", help="answer the question that the command asks with yes")]
WaitSeconds = Annotated[float, typer.Option("--wait", help="seconds to wait for a running bot to predict with it")]


def obey(
    command: Command,
    config: list[Path],
    userdir: Path | None,
    *,
    as_json: bool = False,
    yes: bool = False,
    wait_seconds: float = 0.0,
) -> None:
    """Carry out a command of the person at the shell, show the answer, and end with its exit code.

    Raises CommandSyntaxError, ConfigurationError, and StoreUnavailableError where there is no database.
    """
    check_command(command)
    bot = load_bot(config, userdir)
    with desk_of(bot, command) as desk:
        answer = desk.run(command, person(), confirmed=yes)
        if answer.outcome is CommandOutcome.UNCONFIRMED and is_interactive(as_json=as_json):
            answer = confirmed(desk, answer)
        answer = awaited(desk, answer, wait_seconds)
    conclude(answer, as_json=as_json)


@contextmanager
def desk_of(bot: Bot, command: Command) -> Iterator[CommandDesk]:
    """The desk of one bot, with its ledger opened.

    A pause may make the ledger: it is the safe side. The versions are shown without one.
    """
    with _ledger(bot, command) as ledger:
        yield CommandDesk(
            ledger=ledger,
            config=bot.lifecycle,
            open_source=lambda: open_source(bot.lifecycle, bot.user_data_dir),
        )


def person() -> Caller:
    """Who sits at the shell: whoever can write the database may do everything."""
    return Caller(who=operator_name(), transport="shell", role=Role.APPROVER)


def is_interactive(*, as_json: bool) -> bool:
    """Whether somebody is there to be asked."""
    return not as_json and sys.stdin.isatty()


def confirmed(desk: CommandDesk, answer: Answer) -> Answer:
    """The answer after the person was asked, and asked again where the question has changed meanwhile.

    Unchanged where they said no.
    """
    while answer.outcome is CommandOutcome.UNCONFIRMED and typer.confirm(text_of(answer)):
        answer = desk.run(answer.command, person(), confirmed_question=_asked(answer))
        if answer.outcome is CommandOutcome.UNCONFIRMED:
            typer.echo("This has changed since it was asked; nothing was done.", err=True)
    return answer


# The whole question: its text may be cut to fit.
def _asked(answer: Answer) -> str | None:
    return answer.report.detail if isinstance(answer.report, Said) else None


def awaited(desk: CommandDesk, answer: Answer, seconds: float) -> Answer:
    """The end of a pending answer where a running bot wrote it within `seconds`."""
    deadline = time.monotonic() + seconds
    while answer.follow is not None and time.monotonic() < deadline:
        time.sleep(_FOLLOW_UP_SECONDS)
        answer = desk.end_of(answer.follow) or answer
    return answer


def conclude(answer: Answer, *, as_json: bool) -> None:
    """Show an answer, as JSON or for a person, and end with its exit code."""
    if as_json:
        typer.echo(json.dumps(values_of(answer)))
    elif answer.outcome in _ON_STDERR:
        _say(answer)
    elif isinstance(answer.report, Said):
        typer.echo(text_of(answer))
    else:
        print_report(answer.report)
    code = EXIT_CODES[answer.outcome]
    if code:
        raise typer.Exit(code)


def exit_code_of(error: LifecycleError) -> int:
    """The code of a command that ended before it came to the desk."""
    wrong = isinstance(error, ConfigurationError | CommandSyntaxError)
    return USAGE_EXIT_CODE if wrong else EXIT_CODES[CommandOutcome.FAILED]


def _say(answer: Answer) -> None:
    text = text_of(answer)
    if answer.outcome is CommandOutcome.UNCONFIRMED:
        text = f"{text}\nNothing was changed. Next: repeat it with --yes, if you mean it."
    Console(stderr=True).print(text, style="red", markup=False, highlight=False, soft_wrap=True)


def ledger_path(bot: Bot) -> Path:
    """Where the bot's ledger is, or will be."""
    return bot.lifecycle.path_in(bot.user_data_dir, bot.lifecycle.store_path)


@contextmanager
def _ledger(bot: Bot, command: Command) -> Iterator[Ledger]:
    path = ledger_path(bot)
    if command.name is CommandName.VERSIONS and not path.exists():
        yield Ledger(path)  # not opened: nothing is known of who is in charge, and no file is made
        return
    with bot.ledger(create=command.name is CommandName.PAUSE) as ledger:
        yield ledger


__all__ = [
    "EXIT_CODES",
    "USAGE_EXIT_CODE",
    "WaitSeconds",
    "Yes",
    "awaited",
    "conclude",
    "confirmed",
    "desk_of",
    "exit_code_of",
    "is_interactive",
    "ledger_path",
    "obey",
    "person",
]
