"""The shell asks before it does what is dangerous, ends with one code per outcome, and prints what scripts read."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Event, Timer
from typing import Any

import pytest

from tests.control.control_room import BTC, DRIFTING, ETH, NOON, ControlRoom, bot, series, state
from tradai_lifecycle.cli import answers, main
from tradai_lifecycle.cli.answers import EXIT_CODES, USAGE_EXIT_CODE
from tradai_lifecycle.control.commands import utc_now
from tradai_lifecycle.control.syntax import ROLE_NEEDED
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.states import CommandName, CommandOutcome
from tradai_lifecycle.store.ledger import Ledger

TRADAI = str(Path(sys.executable).with_name("tradai"))
SECONDS = 120.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ControlRoom]:
    """A bot with v1 in charge of a drifting pair, v2 registered, and a configuration beside them."""
    section = {"model_name": "demo", "registry_uri": "directory:registry"}
    config = {"user_data_dir": str(tmp_path), "tradai_lifecycle": section}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with closing(Ledger(tmp_path / "tradai_lifecycle.sqlite")) as ledger:
        ledger.open()
        room = ControlRoom(root=tmp_path, ledger=ledger, registry=LocalDirectorySource(tmp_path / "registry", "demo"))
        room.now = utc_now()
        room.register(promote=True)
        room.register()
        room.take_over("1", states=(state(**DRIFTING), state(ETH)))
        room.ledger.record_series([series(BTC, rsi=(0.31, 0.28)), series(ETH, rsi=(0.1, 0.28))])
        room.ledger.record_bot(bot(at=room.now))
        yield room


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def tradai(room: ControlRoom, *arguments: str) -> Ended:
    """Type a command where nobody can be asked; in this process, for starting one takes seconds."""
    typed = [TRADAI, *arguments, "-c", str(room.root / "config.json")]
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err):
        patched.setattr(sys, "argv", typed)
        patched.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
    return Ended(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def at_a_terminal(room: ControlRoom, arguments: Sequence[str], answer: str) -> tuple[int, str]:
    """Type a command at a terminal, and `answer` once it asks; its exit code and all it wrote."""
    with _terminal() as (mine, theirs):
        process = subprocess.Popen(
            [TRADAI, *arguments, "-c", str(room.root / "config.json")], stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        written, deadline = "", time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                read = os.read(mine, 4096).decode()
            except OSError:  # the other end is closed
                break
            if "[y/N]" in read:
                os.write(mine, f"{answer}\n".encode())
            written += read
        return process.wait(SECONDS), written


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    mine, theirs = pty.openpty()
    try:
        yield mine, theirs
    finally:
        os.close(mine)


def test_every_outcome_has_one_code_and_they_stay_what_they_are() -> None:
    assert {outcome.value: code for outcome, code in EXIT_CODES.items()} == {
        "done": 0,
        "failed": 1,
        "denied": 1,
        "unconfirmed": 3,
        "pending": 4,
    }
    assert set(EXIT_CODES) == set(CommandOutcome)
    assert USAGE_EXIT_CODE == 2


def test_the_codes_and_roles_of_the_runbook_are_those_of_the_code() -> None:
    runbook = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8")
    codes = dict(re.findall(r"^\| (\d) \| (\w+)", runbook, re.MULTILINE))
    for outcome, code in EXIT_CODES.items():
        assert codes[str(code)] == outcome.value or outcome is CommandOutcome.DENIED
    assert codes[str(USAGE_EXIT_CODE)] == "typed"
    rows = dict(re.findall(r"^\| `(viewer|operator|approver)` \| (.+) \|$", runbook, re.MULTILINE))
    for name, role in ROLE_NEEDED.items():
        assert re.search(rf"\b{name.value}\b", rows[role.label]), name


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["pause"], 0, "pause done: no entries until a resume"),
        (["resolve", "mended"], 1, "resolve failed: no incident is open"),
        (["promote", "9", "--yes"], 1, "The registry has no version 9"),
        (["promote", "latest"], 2, "promote: 'latest' is no version number"),
        (["reduce", "1.5"], 2, "reduce: RATIO must be above 0 and at most 1, not 1.5"),
        (["promote", "2"], 3, "Put v2 into production?"),
        (["promote", "2", "--yes"], 4, "promote v2 pending: v2 is in production"),
        (["ack", "soon"], 2, "'soon' is no span of time such as 24h"),
        (["why", "DOGE"], 1, "DOGE is not a pair of this bot. Known: BTC/USDT, ETH/USDT."),
    ],
)
def test_a_command_ends_with_the_code_of_its_outcome(
    shop: ControlRoom, arguments: list[str], code: int, said: str
) -> None:
    done = tradai(shop, *arguments)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_that_is_wrong_ends_with_the_usage_code(shop: ControlRoom) -> None:
    (shop.root / "config.json").write_text(json.dumps({"tradai_lifecycle": {"model": "demo"}}), encoding="utf-8")
    assert tradai(shop, "status").returncode == 2


def test_a_database_that_is_missing_ends_with_the_code_of_failures(shop: ControlRoom) -> None:
    (shop.root / "tradai_lifecycle.sqlite").unlink()
    done = tradai(shop, "status")
    assert (done.returncode, "it does not exist. Next: start the bot once" in done.stderr) == (1, True)


def test_where_nobody_can_be_asked_a_dangerous_command_names_the_option_and_changes_nothing(
    shop: ControlRoom,
) -> None:
    before = shop.everything()
    done = tradai(shop, "rollback", "--to", "2")
    assert (done.returncode, done.stdout) == (3, "")
    assert "Nothing was changed. Next: repeat it with --yes, if you mean it." in done.stderr
    assert (shop.everything(), shop.registry.production_version()) == (before, "1")


@pytest.mark.parametrize(("answer", "code", "production"), [("y", 4, "2"), ("n", 3, "1")])
def test_at_a_terminal_the_person_is_asked(shop: ControlRoom, answer: str, code: int, production: str) -> None:
    ended, written = at_a_terminal(shop, ["promote", "2"], answer)
    assert ended == code, written
    assert "Put v2 into production? In charge is v1" in written
    assert shop.registry.production_version() == production


def test_a_question_that_has_changed_while_the_person_thought_is_asked_again(
    shop: ControlRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def think(text: str) -> bool:
        asked.append(text)
        shop.ledger.record_states([state(ETH, candle=NOON + timedelta(hours=1), **DRIFTING)])
        return len(asked) < 2

    monkeypatch.setattr(answers.typer, "confirm", think)
    answer = answers.confirmed(shop.desk, shop.run(CommandName.RESUME, confirmed=False))
    assert answer.outcome is CommandOutcome.UNCONFIRMED
    assert [ETH in text for text in asked] == [False, True]
    assert shop.ledger.operator() == ()


def test_json_is_never_interrupted_by_a_question(shop: ControlRoom) -> None:
    ended, written = at_a_terminal(shop, ["promote", "2", "--json"], "y")
    assert (ended, json.loads(written)["outcome"]) == (3, "unconfirmed")
    assert shop.registry.production_version() == "1"


@pytest.mark.parametrize("name", CommandName)
def test_every_command_answers_in_json_with_its_name_and_outcome(shop: ControlRoom, name: CommandName) -> None:
    """Found and not listed: a command of the desk that the shell lacks fails here."""
    words = {"reduce": ["0.5"], "promote": ["2"], "resolve": ["mended"]}.get(name.value, [])
    done = tradai(shop, name.value, *words, "--json")
    values: dict[str, Any] = json.loads(done.stdout)
    assert values["command"] == name.value
    assert EXIT_CODES[CommandOutcome(values["outcome"])] == done.returncode


def test_the_shell_is_an_approver_and_named_in_the_record(shop: ControlRoom) -> None:
    assert tradai(shop, "reset-drift", "--yes", "--note", "new regime").returncode == 0
    reset = shop.ledger.drift_reset()
    assert reset is not None
    assert reset.who.startswith("shell")
    assert reset.note == "new regime"


def test_waiting_ends_as_soon_as_the_bot_has_written_that_a_batch_was_predicted_by_the_version(
    shop: ControlRoom,
) -> None:
    answered = Event()

    def take_over() -> None:
        while shop.registry.production_version() != "2":
            time.sleep(0.05)
        shop.take_over("2")
        while not answered.wait(0.05):
            shop.settle()

    bot_thread = Timer(0.0, take_over)
    bot_thread.start()
    done = tradai(shop, "promote", "2", "--yes", "--wait", "60")
    answered.set()
    bot_thread.join()
    assert (done.returncode, "promote v2 done: the batch of" in done.stdout) == (0, True), done.stdout + done.stderr


def test_before_the_bot_has_run_versions_are_listed_and_promoted_without_making_a_ledger(shop: ControlRoom) -> None:
    ledger_file = shop.root / "tradai_lifecycle.sqlite"
    ledger_file.unlink()
    listed = json.loads(tradai(shop, "versions", "--json").stdout)
    assert [(row["version"], row["production"], row["in_charge"]) for row in listed["versions"]] == [
        ("2", False, False),
        ("1", True, False),
    ]
    assert tradai(shop, "promote", "2").returncode == 3
    promoted = tradai(shop, "promote", "2", "--yes")
    assert (promoted.returncode, "the bot has not run yet and starts with it" in promoted.stdout) == (4, True)
    assert (shop.registry.production_version(), ledger_file.exists()) == ("2", False)


def test_tables_show_figures_that_look_like_markup(shop: ControlRoom) -> None:
    shown = tradai(shop, "status").stdout
    assert "0.56 [0.5, 0.62] of 132" in " ".join(shown.split())
    assert "%-rsi" in tradai(shop, "drift").stdout
    assert "[0.500, 0.620] of 132 effective" in tradai(shop, "accuracy").stdout
    assert "1. evidence" in tradai(shop, "why").stdout


@pytest.mark.parametrize("command", [["drift"], ["accuracy", "btc"]])
def test_a_picture_is_written_where_it_is_asked_for(shop: ControlRoom, command: list[str]) -> None:
    file = shop.root / "drawn.png"
    assert tradai(shop, *command, "--chart", str(file)).returncode == 0
    assert file.read_bytes().startswith(b"\x89PNG")
