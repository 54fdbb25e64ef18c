"""A desk over a real ledger and a real registry, and a running bot of the real library before a loopback Telegram."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from tests.model.bundles import artefact
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.command import Caller, Command
from tradai_lifecycle.control.commands import CommandDesk
from tradai_lifecycle.control.follow import Follower
from tradai_lifecycle.control.telegram.office import Office
from tradai_lifecycle.control.telegram.outbox import Outgoing
from tradai_lifecycle.control.telegram.own import OwnTelegram, Patience
from tradai_lifecycle.control.telegram.people import TRANSPORT
from tradai_lifecycle.events import CommandAnswered, Event
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.sandbox.telegram_server import SandboxTelegram
from tradai_lifecycle.sandbox.telegram_updates import SentMessage
from tradai_lifecycle.states import OperatorAction, Reason, Severity, TradingState
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import StateRecord

TOKEN, HOST_TOKEN = "111:own-secret-AAAA", "222:host-secret-BBBB"
ANNA, BOB, EVE = 42, 43, 666
QUICK = Patience(
    poll_seconds=5, answer_seconds=1.0, first_retry_seconds=0.05, last_retry_seconds=0.2, bad_token_seconds=0.2
)


class Clock:
    """The real time, moved on by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Room:
    """What a test looks at."""

    ledger: Ledger
    registry: Path
    clock: Clock = field(default_factory=Clock)
    events: list[Event] = field(default_factory=list)

    def office(self, telegram: dict[str, Any] | None = None) -> Office:
        config = LifecycleConfig.model_validate({"model_name": "demo", "telegram": telegram})
        desk = CommandDesk(ledger=self.ledger, config=config, open_source=self.source, clock=self.clock)
        return Office(
            desk=desk,
            ledger=self.ledger,
            config=config,
            on_event=self.events.append,
            clock=self.clock,
        )

    def source(self) -> LocalDirectorySource:
        return LocalDirectorySource(self.registry, "demo")

    def register(self, versions: int = 1) -> None:
        for number in range(versions):
            directory = artefact(self.registry.parent / f"artefact {number}")
            self.source().register(directory, metrics={}, parameters={}, tags={})

    def adopt(self, version: str, previous: str | None = None) -> None:
        now = self.clock()
        self.ledger.record_adoption(
            version=version, previous_version=previous, adopted_candle=now, adopted_at=now, state_before={}
        )

    def judge(self, pair: str = "BTC/USDT", *, drifts: bool = False, minutes_ago: float = 0.0) -> None:
        """Write what the bot thought of a pair."""
        state = TradingState.PAUSED if drifts else TradingState.ACTIVE
        self.ledger.record_states(
            [
                StateRecord(
                    pair=pair,
                    candle=self.clock() - timedelta(minutes=minutes_ago),
                    version="v1",
                    severity=Severity.SIGNIFICANT if drifts else Severity.NONE,
                    state=state,
                    effective=state,
                    reasons=Reason.PSI_SIGNIFICANT if drifts else Reason.NONE,
                    stake_ratio=0.0 if drifts else 1.0,
                    psi_max=0.5 if drifts else 0.05,
                    significant_ratio=2.0 if drifts else 0.2,
                    accuracy=0.55,
                    effective_predictions=120.0,
                    close=100.0,
                    accuracy_lower=0.5,
                    accuracy_upper=0.6,
                )
            ]
        )

    @property
    def actions(self) -> list[OperatorAction]:
        """What counts of what operators said."""
        return [record.action for record in self.ledger.operator()]

    @property
    def answered(self) -> list[tuple[str, str, str]]:
        """Command, outcome and caller of each written answer, oldest first."""
        stored = self.ledger.events(kind=CommandAnswered.kind, limit=None)
        found = [one.event for one in stored if isinstance(one.event, CommandAnswered)]
        return [(event.command.value, event.outcome.value, event.who) for event in reversed(found)]

    def wait_until_answered(self, count: int, seconds: float = 20.0) -> list[tuple[str, str]]:
        """Command and outcome of so many written answers: an end is told before it is written. Raises TimeoutError."""
        deadline = monotonic() + seconds
        while len(self.answered) < count:
            if monotonic() > deadline:
                raise TimeoutError(f"{self.answered} are not {count} answers")
            sleep(0.01)
        return [(command, outcome) for command, outcome, _ in self.answered]


@contextmanager
def open_room(directory: Path) -> Iterator[Room]:
    """A fresh database and a registry folder."""
    ledger = Ledger(directory / "lifecycle.sqlite")
    ledger.open()
    try:
        yield Room(ledger=ledger, registry=directory / "registry")
    finally:
        ledger.close()


@contextmanager
def running(run: Callable[[], Any], close: Callable[[], None]) -> Iterator[asyncio.AbstractEventLoop]:
    """Run a coroutine function on a thread and loop of its own; at the end close, cancel, and hold it to have ended."""
    loop = asyncio.new_event_loop()
    task: list[asyncio.Task[None]] = []
    started = threading.Event()

    async def serve() -> None:
        task.append(asyncio.create_task(run()))
        started.set()
        with suppress(asyncio.CancelledError):
            await task[0]

    def live() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = threading.Thread(target=live, name="lifecycle-under-test")
    thread.start()
    started.wait()
    try:
        yield loop
    finally:
        close()
        if not loop.is_closed():
            with suppress(RuntimeError):  # it ended in this moment
                loop.call_soon_threadsafe(task[0].cancel)
        thread.join(10.0)
        assert not thread.is_alive(), "it did not end within ten seconds of being cancelled"


@contextmanager
def own_bot(
    room: Room, server: SandboxTelegram, *, token: str = TOKEN, patience: Patience = QUICK, **settings: Any
) -> Iterator[OwnTelegram]:
    """A bot of our own before the loopback server, obeying Anna's private chat unless `settings` say otherwise."""
    section = {"token": token, "chat_id": str(ANNA), "base_url": server.url, **settings}
    office = room.office(section)
    assert office.config.telegram is not None
    telegram = OwnTelegram(office.config.telegram, {}, office, patience=patience)
    follower = Follower(room.ledger, room.clock, {TRANSPORT: telegram.answer}, look_every_seconds=0.05)

    async def run() -> None:
        await asyncio.gather(telegram.run(), follower.run())

    with running(run, telegram.close):
        server.wait_until(partial(server.is_polled, token))
        yield telegram


def wait_for(server: SandboxTelegram, text: str, seconds: float = 20.0) -> SentMessage:
    """The first message that says `text`, whoever got it. Raises TimeoutError where none comes."""
    return server.wait_for(lambda message: text in message.text, seconds)


class RecordingWire:
    """A wire with nothing behind it: what is sent is kept."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.answers: list[tuple[str, str, bool]] = []

    async def send(self, message: Outgoing) -> int:
        self.sent.append(message)
        return len(self.sent)

    async def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        self.answers.append((query_id, text, alert))


__all__ = ["ANNA", "BOB", "EVE", "HOST_TOKEN", "QUICK", "TOKEN", "Caller", "Command", "Room", "own_bot", "running"]
