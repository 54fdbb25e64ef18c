"""A command that is killed at any moment, beside a running bot, is carried out or it is not; the next one works."""

import logging
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import pytest

from tests.live.killed_commands import Course, Point, killed, points, unkilled
from tests.live.shell import OPERATOR, PATIENCE_SECONDS, Printed, Shell, ended, wait_until
from tests.live.workshop import Workshop
from tradai_lifecycle.config import LifecycleConfig, parse_config
from tradai_lifecycle.control.standing import stance_of
from tradai_lifecycle.control.status import status_report
from tradai_lifecycle.events import Acknowledged, CommandAnswered
from tradai_lifecycle.model.artefact import write_artefact
from tradai_lifecycle.model.file_lock import exclusive
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.sandbox import load_freqtrade_config
from tradai_lifecycle.states import CommandName, CommandOutcome, Reason
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.schema import OPERATOR_RECORDS, PINS, RETRAINING_REQUESTS

pytestmark = pytest.mark.host
logger = logging.getLogger(__name__)

CANDLE = 4_300
WHO = f"shell:{OPERATOR}"
SAID = f"SELECT count(*) FROM {OPERATOR_RECORDS.name} WHERE who = '{WHO}'"
PINNED = f"SELECT count(*) FROM {PINS.name} WHERE who = '{WHO}'"
#: The rows that a command leaves beside its answer. A promotion leaves none here: it changes the registry.
ROWS = {
    CommandName.PAUSE: SAID,
    CommandName.RESUME: SAID,
    CommandName.REDUCE: SAID,
    CommandName.RESET_DRIFT: SAID,
    CommandName.PIN: PINNED,
    CommandName.ROLLBACK: PINNED,
    CommandName.RETRAIN: f"SELECT count(*) FROM {RETRAINING_REQUESTS.name} WHERE detail LIKE '%{WHO}%'",
}


class Moment(Enum):
    """When a command was killed."""

    BEFORE = "before anything was written"
    BETWEEN = "after something was written, before it said so"
    AFTER = "after it said what it had done"
    ENDED = "it had ended before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What the operator's recorded commands come to."""

    paused: bool = False
    ratio: float | None = None

    def after(self, point: Point) -> "Stance":
        """With a recorded command more."""
        if point.name is CommandName.PAUSE:
            return replace(self, paused=True)
        if point.name is CommandName.REDUCE:
            return replace(self, ratio=float(point.typed.split()[2]))
        return Stance() if point.name is CommandName.RESUME else self


@dataclass(slots=True, kw_only=True)
class Desk:
    """The commands' ledger and registry, looked at from outside, and what they must hold."""

    ledger: Ledger
    config: LifecycleConfig
    source: ModelSource
    database: Path
    stance: Stance = field(default_factory=Stance)

    def rows(self, name: CommandName) -> int:
        """How many records commands like this one have left."""
        if name is CommandName.ACK:
            return len(self.ledger.events(kind=Acknowledged.kind, limit=None))
        if name not in ROWS:
            return 0
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
            (count,) = connection.execute(ROWS[name]).fetchone()
        return int(count)

    def answers(self, note: str) -> list[CommandAnswered]:
        """The answers to the command with this note, oldest first."""
        stored = reversed(self.ledger.events(kind=CommandAnswered.kind, limit=None))
        events = (one.event for one in stored)
        return [event for event in events if isinstance(event, CommandAnswered) and event.note == note]

    def unfinished(self) -> str | None:
        """The version of the promotion that status names as begun and not finished."""
        waiting = status_report(self.ledger, self.config, datetime.now(UTC)).model_command
        return waiting.version if waiting is not None and waiting.unfinished else None

    def unpin(self) -> None:
        """Lift a pin that stands: it would be in the way of a promotion."""
        pin = self.ledger.pin()
        if pin is not None and pin.pinned:
            self.ledger.record_pin(pinned=False, version=None, at=datetime.now(UTC), who="test")

    def check(self, point: Point, rows_before: int, production_before: str | None, printed: Printed) -> Moment:
        """That a command was carried out as a whole or not at all, and that what it said is so."""
        answers, rows = self.answers(point.note), self.rows(point.name) - rows_before
        carried_out = bool(answers) and answers[0].outcome is not CommandOutcome.FAILED
        rolls_back = point.name is CommandName.ROLLBACK
        if point.name is CommandName.PROMOTE:
            self._check_promotion(point, answers, production_before)
        else:
            assert rows == int(carried_out), (point, answers, rows)
            # a rollback is its pin: the registry follows where it can
            allowed = {production_before, *({point.version} if carried_out and rolls_back else ())}
            assert self.source.production_version() in allowed, point
        said = re.search(r"^[a-z-]+.*? (done|pending|failed): ", printed.text)
        # the bot beside it may have written the end of what was said to be pending
        assert said is None or said[1] in {answer.outcome.value for answer in answers}, (point, printed, answers)
        self.stance = self.stance.after(point) if carried_out else self.stance
        held = stance_of(self.ledger.operator())
        assert (held.paused, held.reduce_ratio) == (self.stance.paused, self.stance.ratio), point
        if printed.exit_code >= 0:
            return Moment.ENDED
        return Moment.AFTER if said else Moment.BETWEEN if answers else Moment.BEFORE

    # both as before, or both promoted, or named by status as not finished
    def _check_promotion(self, point: Point, answers: list[CommandAnswered], before: str | None) -> None:
        production = self.source.production_version()
        if not answers or answers[0].outcome is CommandOutcome.FAILED:
            assert production == before, point
        elif len(answers) > 1:
            assert production == point.version, point
        else:
            assert production in (before, point.version), point
            assert self.unfinished() == f"v{point.version}", point


@contextmanager
def walking_bot(workshop: Workshop) -> Iterator[subprocess.Popen[str]]:
    """A bot on the workshop's ledger, walking through its candles; it must walk to the end."""
    command = [sys.executable, "-m", "tests.live.walking_bot", str(workshop.config_file), str(CANDLE)]
    log = workshop.root / "bot.log"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=errors, **pipes) as bot,
    ):
        try:
            assert bot.stdout is not None
            assert bot.stdout.readline() == "running\n", log.read_text(encoding="utf-8")
            yield bot
            bot.communicate(timeout=PATIENCE_SECONDS)
            assert bot.returncode == 0, log.read_text(encoding="utf-8")
        finally:
            bot.kill()


@contextmanager
def opened_desk(workshop: Workshop) -> Iterator[Desk]:
    config = parse_config(load_freqtrade_config([workshop.config_file]))
    with closing(workshop.ledger()) as ledger, closing(open_source(config, workshop.user_data)) as source:
        database = workshop.user_data / config.store_path
        yield Desk(ledger=ledger, config=config, source=source, database=database)


def check_kills(workshop: Workshop, *, registry: str, seed: int, count: int) -> Counter[Moment]:
    """Kill `count` commands beside one bot, and hold each, and the next one, to its word; gives how many died when."""
    workshop.configure(registry_uri=registry, poll_interval_seconds=0.5, maximum_swaps_per_day=1_000)
    shutil.copy(workshop.config_file, workshop.user_data / "config.json")
    shell, moments = Shell(directory=workshop.root), Counter[Moment]()
    with opened_desk(workshop) as desk:
        register_two(workshop, desk.source)
        with walking_bot(workshop):
            _, course = unkilled(shell, "tradai ack 1h")
            for point in points(seed, count):
                if point.name is CommandName.PROMOTE:
                    desk.unpin()
                rows, production = desk.rows(point.name), desk.source.production_version()
                moment = desk.check(point, rows, production, killed(shell, point, course))
                moments[moment] += 1
                course = check_the_next_one(shell, desk, point)
            check_the_bot_obeys(desk)
    return moments


def register_two(workshop: Workshop, source: ModelSource) -> None:
    """Two versions, of which the first is in production."""
    for number, bundle in enumerate((workshop.bundle, replace(workshop.bundle, metrics={"note": 2.0}))):
        directory = workshop.root / "artefacts" / f"{number}"
        write_artefact(directory, bundle)
        source.register(directory, metrics={}, parameters={}, tags={})
    source.promote("1")


def check_the_next_one(shell: Shell, desk: Desk, point: Point) -> Course:
    """Type the killed command again: it is answered, and carried out unless there is nothing to do."""
    again = point.again
    rows, production = desk.rows(again.name), desk.source.production_version()
    printed, course = unkilled(shell, again.typed)
    assert desk.check(again, rows, production, printed) is Moment.ENDED
    # of retraining requests one is open at a time
    assert printed.exit_code in ({0, 1} if again.name is CommandName.RETRAIN else {0, 4}), printed
    assert desk.answers(again.note), printed
    assert desk.unfinished() is None
    return course


def check_the_bot_obeys(desk: Desk) -> None:
    """The bot beside the killed commands decides by what they have left."""
    wait_until(
        lambda: (
            {Reason.OPERATOR_PAUSED in state.reasons for state in desk.ledger.latest_states().values()}
            == {desk.stance.paused}
        )
    )


def test_a_promotion_killed_before_the_registry_has_it_is_named_until_it_is_repeated(workshop: Workshop) -> None:
    workshop.configure()
    shutil.copy(workshop.config_file, workshop.user_data / "config.json")
    shell, now = Shell(directory=workshop.root), datetime.now(UTC)
    with opened_desk(workshop) as desk:
        register_two(workshop, desk.source)
        # v2 decides by a pin, and the registry has v1: the bot has nothing to follow
        desk.ledger.record_pin(pinned=True, version="2", at=now, who="test")
        desk.ledger.record_adoption(
            version="v2", previous_version="v1", adopted_candle=now, adopted_at=now, state_before={}
        )
        desk.ledger.record_batch(version="v2", candle=now, at=now)
        with exclusive(workshop.user_data / "registry" / "demo" / ".lock"):
            process = shell.begin("tradai promote 2 --yes --note held")
            wait_until(lambda: bool(desk.answers("held")))
            process.kill()
            ended(process)
        assert (desk.source.production_version(), desk.unfinished()) == ("1", "v2")

        assert shell.type("tradai promote 2 --yes").exit_code == 0
        assert (desk.source.production_version(), desk.unfinished()) == ("2", None)


def test_commands_killed_at_three_moments_are_whole_and_the_next_ones_work(workshop: Workshop) -> None:
    assert check_kills(workshop, registry="directory:registry", seed=0, count=3).total() == 3


@pytest.fixture(scope="module")
def all_moments() -> Iterator[Counter[Moment]]:
    """When the commands of the fifty died; in some run of ten it may be that none died in the middle of its work."""
    moments = Counter[Moment]()
    yield moments
    assert moments.total() < 50 or moments[Moment.BETWEEN] + moments[Moment.AFTER] > 0


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(
    ("seed", "registry"),
    [
        (100, "directory:registry"),
        (101, "directory:registry"),
        (102, "directory:registry"),
        (103, "sqlite:///{root}/mlflow.db"),
        (104, "sqlite:///{root}/mlflow.db"),
    ],
)
def test_commands_killed_at_fifty_moments_are_whole_and_the_next_ones_work(
    workshop: Workshop, all_moments: Counter[Moment], seed: int, registry: str
) -> None:
    moments = check_kills(workshop, registry=registry.format(root=workshop.root), seed=seed, count=10)
    logger.warning("seed %d: %s", seed, {moment.value: count for moment, count in moments.items()})
    assert moments.total() == 10
    assert moments[Moment.BEFORE] > 0
    all_moments.update(moments)
