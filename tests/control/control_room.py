"""A bot's ledger and registry on disk, without the bot: what it would write is written by hand."""

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.model.bundles import artefact, constant
from tests.store.bots import running_bot
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.commands import Answer, Caller, Command, CommandDesk, Follow
from tradai_lifecycle.control.follow import Follower
from tradai_lifecycle.control.syntax import parse_command
from tradai_lifecycle.control.words import text_of
from tradai_lifecycle.events import CandidateDecided, CommandAnswered
from tradai_lifecycle.model.local_directory import LocalDirectorySource
from tradai_lifecycle.states import (
    CandidateOutcome,
    CommandName,
    CommandOutcome,
    Reason,
    Role,
    Severity,
    TradingState,
)
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BotRecord, PairSeries, SeriesRecord, StateRecord

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BTC, ETH = "BTC/USDT", "ETH/USDT"


@dataclass
class ControlRoom:
    """A desk over a real ledger and a real directory registry, whose clock moves a minute with each look."""

    root: Path
    ledger: Ledger
    registry: LocalDirectorySource
    settings: Mapping[str, Any] = field(default_factory=dict)
    now: datetime = NOON

    @property
    def config(self) -> LifecycleConfig:
        return LifecycleConfig.model_validate(
            {"model_name": "demo", "registry_uri": "directory:registry", **self.settings}
        )

    @property
    def desk(self) -> CommandDesk:
        return CommandDesk(ledger=self.ledger, config=self.config, open_source=lambda: self.registry, clock=self._tick)

    def run(
        self, name: CommandName, *words: str, role: Role = Role.APPROVER, confirmed: bool = True, who: str = "anna"
    ) -> Answer:
        return self.obey(parse_command(name, words), role=role, confirmed=confirmed, who=who)

    def obey(
        self, command: Command, *, role: Role = Role.APPROVER, confirmed: bool = True, who: str = "anna"
    ) -> Answer:
        return self.desk.run(command, caller(role, who), confirmed=confirmed)

    def text(self, name: CommandName, *words: str) -> str:
        return text_of(self.run(name, *words))

    def register(self, *, promote: bool = False) -> str:
        version = self.registry.register(
            artefact(self.root / "artefacts" / str(len(self.registry.versions())), constant(1)),
            metrics={},
            parameters={},
            tags={},
        )
        if promote:
            self.registry.promote(version)
        return version

    def take_over(self, version: str, *, states: tuple[StateRecord, ...] = ()) -> None:
        """What a bot writes when it adopts a version and predicts a batch with it."""
        before = self.ledger.adoptions(limit=1)
        self._tick()
        candle = self.now.replace(second=0)
        self.ledger.record_adoption(
            version=f"v{version}",
            previous_version=before[-1].version if before else None,
            adopted_candle=candle,
            adopted_at=self.now,
            state_before={},
        )
        self.ledger.record_batch(version=f"v{version}", candle=candle, at=self.now, states=states)

    def decide(self, version: str, outcome: CandidateOutcome, detail: str = "") -> None:
        """What a bot writes when its watcher has looked at a version."""
        self.ledger.record_events([CandidateDecided(at=self._tick(), version=version, outcome=outcome, detail=detail)])

    def settle(self) -> None:
        """What a running bot does about pending commands."""
        asyncio.run(Follower(self.ledger, self._tick, {}).look())

    def end_of(self, follow: Follow) -> Answer | None:
        """What became of a pending command, after a running bot has looked."""
        self.settle()
        return self.desk.end_of(follow)

    def answers(self) -> list[tuple[CommandName, str, CommandOutcome]]:
        """Every answer that was written down, oldest first."""
        stored = reversed(self.ledger.events(kind=CommandAnswered.kind))
        return [(event.command, event.arguments, event.outcome) for event in (one.event for one in stored)]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the database."""
        with closing(sqlite3.connect(self.root / "tradai_lifecycle.sqlite")) as connection:
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}

    def refuse_events(self) -> None:
        """Let every write of an event fail, as a full disk would."""
        with closing(sqlite3.connect(self.root / "tradai_lifecycle.sqlite")) as connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            connection.commit()

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


def caller(role: Role = Role.APPROVER, who: str = "anna") -> Caller:
    return Caller(who=f"shell:{who}", transport="shell", role=role)


def state(pair: str = BTC, candle: datetime = NOON, **changes: Any) -> StateRecord:
    """A healthy candle, with changes."""
    values: dict[str, Any] = {
        "version": "v1",
        "severity": Severity.NONE,
        "state": TradingState.ACTIVE,
        "effective": TradingState.ACTIVE,
        "reasons": Reason.NONE,
        "stake_ratio": 1.0,
        "psi_max": 0.04,
        "significant_ratio": 0.2,
        "accuracy": 0.56,
        "accuracy_lower": 0.5,
        "accuracy_upper": 0.62,
        "effective_predictions": 132.0,
        "close": 100.0,
    }
    return StateRecord(pair=pair, candle=candle, **{**values, **changes})


DRIFTING: dict[str, Any] = {
    "severity": Severity.SIGNIFICANT,
    "state": TradingState.PAUSED,
    "effective": TradingState.PAUSED,
    "reasons": Reason.PSI_SIGNIFICANT,
    "stake_ratio": 0.0,
    "psi_max": 0.31,
    "significant_ratio": 1.11,
}
FAULTY: dict[str, Any] = {
    "state": TradingState.PAUSED,
    "effective": TradingState.PAUSED,
    "reasons": Reason.MODEL_FAILED,
    "stake_ratio": 0.0,
}


def bot(**changes: Any) -> BotRecord:
    """A running bot, with changes."""
    return running_bot(**{"at": NOON, "started_at": NOON - timedelta(days=2), "registry_seen_at": NOON, **changes})


def series(pair: str = BTC, *, training_windows: float = 60.0, **psi: tuple[float, float]) -> PairSeries:
    """Monitored series by name, each as PSI and significant limit; a limit above 1 cannot be monitored."""
    return PairSeries(
        pair=pair,
        candle=NOON,
        version="v1",
        training_windows=training_windows,
        series=tuple(
            SeriesRecord(
                name=f"%-{name}",
                psi=value,
                moderate_limit=limit / 2,
                significant_limit=limit,
                monitorable=limit <= 1.0,
            )
            for name, (value, limit) in psi.items()
        ),
    )
