"""What a rehearsal shows at its end: its events, states, trades and equity as frozen values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tradai_lifecycle.control.event_words import words_of
from tradai_lifecycle.events import BotPauseChanged, Event, ParityAlarm
from tradai_lifecycle.store.records import StateRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened, at the open time of the newest finished candle.

    `before` and `after` are states, versions or stakes, in words. `details` are JSON-ready.
    """

    candle: datetime
    kind: str
    pair: str | None = None
    before: str | None = None
    after: str | None = None
    version: str | None = None
    reasons: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The entry as one JSON object: candle, event, pair, from, to, version, reason, values."""
        return {
            "candle": self.candle.isoformat(),
            "event": self.kind,
            "pair": self.pair,
            "from": self.before,
            "to": self.after,
            "version": self.version,
            "reason": "; ".join(self.reasons),
            "values": self.details,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedTrade:
    """One trade; an open one has neither close nor final profit, `profit` is then that at the last price."""

    pair: str
    opened_at: datetime
    closed_at: datetime | None
    stake: float
    open_rate: float
    close_rate: float | None
    profit: float
    version: str | None
    exit_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The wallet's worth after a candle, open trades at the candle's close, in stake currency."""

    candle: datetime
    equity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalResult:
    """Everything a rehearsal decided and earned. `seconds` is the time that stepping took, hooks left out."""

    directory: Path
    stake_currency: str
    starting_balance: float
    entries: tuple[TimelineEntry, ...]
    states: tuple[StateRecord, ...]
    trades: tuple[RehearsedTrade, ...]
    equity: tuple[EquityPoint, ...]
    candles: int
    seconds: float

    @property
    def profit(self) -> float:
        """What the wallet gained, open trades at the last price, in stake currency."""
        return self.equity[-1].equity - self.starting_balance if self.equity else 0.0

    @property
    def candles_per_second(self) -> float:
        """The measured speed, all pairs of a candle counting as one."""
        return self.candles / self.seconds if self.seconds else 0.0

    @property
    def drawdown(self) -> float:
        """The deepest fall of the equity from its highest point before, as a share of it."""
        peak, deepest = self.starting_balance, 0.0
        for point in self.equity:
            peak = max(peak, point.equity)
            deepest = max(deepest, 1.0 - point.equity / peak)
        return deepest

    def states_of(self, pair: str) -> tuple[StateRecord, ...]:
        """One pair's states, candle by candle."""
        return tuple(state for state in self.states if state.pair == pair)

    def summary(self) -> dict[str, Any]:
        """The figures of the run, as JSON-ready values."""
        counts = {kind: self._count(kind) for kind in ("state_changed", "model_adopted", "stake_reduced")}
        return {
            **counts,
            "entry_blocked": self._count("entry_blocked"),
            "trades": len(self.trades),
            "profit": round(self.profit, 4),
            "profit_ratio": round(self.profit / self.starting_balance, 6) if self.starting_balance else 0.0,
            "drawdown": round(self.drawdown, 6),
            "stake_currency": self.stake_currency,
            "candles": self.candles,
            "candles_per_second": round(self.candles_per_second, 2),
            "directory": str(self.directory),
        }

    def _count(self, kind: str) -> int:
        return sum(entry.kind == kind for entry in self.entries)


def entry_of(event: Event, candle_duration: timedelta) -> TimelineEntry:
    """A stored event as an entry of the timeline."""
    values = event.values()
    reasons = values.pop("reasons", [])
    if isinstance(event, (BotPauseChanged, ParityAlarm)):
        # their figures say nothing without words
        reasons = [words_of(event)]
    before, after = _change(event.kind, values)
    stated = values.pop("candle", None)
    candle = datetime.fromisoformat(stated) if stated else _newest_finished(event.at, candle_duration)
    return TimelineEntry(
        candle=candle,
        kind=event.kind,
        pair=values.pop("pair", None),
        before=before,
        after=after,
        version=_label(values.pop("version", None)),
        reasons=tuple(reasons),
        details={name: _plain(value) for name, value in values.items()},
    )


def trade_entries(trades: Iterable[RehearsedTrade], candle_duration: timedelta) -> Iterator[TimelineEntry]:
    """Each trade's opening and closing as entries of the timeline."""
    for trade in trades:
        yield TimelineEntry(
            candle=_newest_finished(trade.opened_at, candle_duration),
            kind="trade_opened",
            pair=trade.pair,
            version=trade.version,
            details={"stake": round(trade.stake, 4), "rate": trade.open_rate},
        )
        if trade.closed_at is not None:
            yield TimelineEntry(
                candle=_newest_finished(trade.closed_at, candle_duration),
                kind="trade_closed",
                pair=trade.pair,
                version=trade.version,
                reasons=(trade.exit_reason,) if trade.exit_reason else (),
                details={"profit": round(trade.profit, 4), "rate": trade.close_rate},
            )


def turning_points(entries: Sequence[TimelineEntry]) -> list[tuple[TimelineEntry, int]]:
    """The entries for a reader, with how often each happened: blocked entries and cut stakes of a pair are counted
    until the pair's next change of state, and trades are left out.
    """
    shown: list[list[Any]] = []
    running: dict[tuple[str, str | None], list[Any]] = {}
    for entry in entries:
        if entry.kind in ("trade_opened", "trade_closed"):
            continue
        if entry.kind == "state_changed":
            running = {key: row for key, row in running.items() if key[1] != entry.pair}
        key = (entry.kind, entry.pair)
        if key in running:
            running[key][1] += 1
            continue
        row = [entry, 1]
        shown.append(row)
        if entry.kind in ("entry_blocked", "stake_reduced"):
            running[key] = row
    return [(entry, count) for entry, count in shown]


def _change(kind: str, values: dict[str, Any]) -> tuple[str | None, str | None]:
    if kind == "state_changed":
        return values.pop("before"), values.pop("after")
    if kind == "model_adopted":
        return values.pop("previous_version"), _label(values["version"])
    if kind == "stake_reduced":
        return f"{values['proposed']:.2f}", f"{values['granted']:.2f}"
    return None, None


def _newest_finished(at: datetime, candle_duration: timedelta) -> datetime:
    seconds = candle_duration.total_seconds()
    opened = at.timestamp() // seconds * seconds
    return datetime.fromtimestamp(opened, tz=UTC) - candle_duration


def _label(version: str | None) -> str | None:
    return None if version is None else f"v{version.removeprefix('v')}" if version[-1:].isdigit() else version


def _plain(value: Any) -> Any:
    # NaN is no JSON
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124


__all__ = [
    "EquityPoint",
    "RehearsalResult",
    "RehearsedTrade",
    "TimelineEntry",
    "entry_of",
    "trade_entries",
    "turning_points",
]
