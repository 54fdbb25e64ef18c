"""What stands at this moment, whether or not it was told: held pairs, an operator's pause, a mute."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.topics import topics_of
from tradai_lifecycle.notify.wording import SHOWN_LINES, moment, person, quoted, span
from tradai_lifecycle.states import Reason, TradingState

MOST_PAIRS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPair:
    """A pair, or the whole bot, that is not fully active, since when and why."""

    state: TradingState
    since: datetime
    reasons: Reason

    @property
    def because(self) -> str:
        """The reasons in words."""
        return "; ".join(self.reasons.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPause:
    """A person's pause of the whole bot."""

    since: datetime
    who: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A person has taken notice: of these troubles, and of the pauses of these pairs."""

    who: str
    until: datetime
    topics: frozenset[str]
    pairs: frozenset[str]

    def covers(self, notice: Notice) -> bool:
        """Whether a notice is silent: it tells of the same trouble, and if it is urgent, of no other pair's."""
        if notice.tone is not Tone.TROUBLE or not notice.topics or not notice.topics <= self.topics:
            return False
        return notice.priority is not Priority.NOW or set(notice.pairs) <= self.pairs


@dataclass(slots=True, kw_only=True)
class Standing:
    """Everything that stands. Kept small: of too many pairs, the oldest are forgotten.

    `bot` is there while all pairs are paused because too many of them drift.
    """

    pairs: dict[str, HeldPair] = field(default_factory=dict)
    bot: HeldPair | None = None
    operator: OperatorPause | None = None
    mute: Mute | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def paused(self) -> bool:
        """Whether a pair or the whole bot is paused."""
        whole_bot = self.operator is not None or self.bot is not None
        return whole_bot or any(held.state is TradingState.PAUSED for held in self.pairs.values())

    @property
    def paused_pairs(self) -> frozenset[str]:
        """The pairs whose own state is paused."""
        return frozenset(pair for pair, held in self.pairs.items() if held.state is TradingState.PAUSED)

    @property
    def topics(self) -> frozenset[str]:
        """What is wrong with the held pairs, by name."""
        return frozenset(topic for held in self.pairs.values() for topic in topics_of(held.reasons))

    def hold_all(self, now: datetime, *, paused: bool) -> None:
        """Note that all pairs are paused because too many drift, or no longer are."""
        held = HeldPair(state=TradingState.PAUSED, since=now, reasons=Reason.BOT_PAUSE_SHARE)
        self.bot = held if paused else None

    def hold(self, pair: str, state: TradingState, reasons: Reason, now: datetime) -> None:
        """Note a pair's new state; fully active is not held."""
        self.pairs.pop(pair, None)
        if state is not TradingState.ACTIVE:
            self.pairs[pair] = HeldPair(state=state, since=now, reasons=reasons)
        while len(self.pairs) > MOST_PAIRS:
            del self.pairs[next(iter(self.pairs))]

    def keep_only(self, watched: Collection[str]) -> list[str]:
        """Let go of pairs that the bot does not trade any more; gives them."""
        gone = [pair for pair in self.pairs if pair not in watched]
        for pair in gone:
            del self.pairs[pair]
        return gone

    def agree_with(self, paused: Mapping[str, Reason], now: datetime) -> list[str]:
        """Take over which pairs are paused, and why, from what the ledger says; gives those that are new."""
        for pair in self.paused_pairs - paused.keys():
            del self.pairs[pair]
        new = [pair for pair in paused if pair not in self.paused_pairs]
        for pair in new:
            self.hold(pair, TradingState.PAUSED, paused[pair], now)
        return new

    def lines(self, now: datetime) -> tuple[str, ...]:
        """What is paused, one a line, longest first; and who has taken notice."""
        paused = [(held.since, pair, held.because) for pair, held in self.pairs.items() if pair in self.paused_pairs]
        lines = [f"{pair} for {span(now - since)}: {because}" for since, pair, because in sorted(paused)]
        if len(lines) > SHOWN_LINES:
            lines[SHOWN_LINES:] = [f"and {len(lines) - SHOWN_LINES} more pairs"]
        if self.bot is not None:
            lines.insert(0, f"All entries for {span(now - self.bot.since)}: {self.bot.because}")
        if self.operator is not None:
            since = span(now - self.operator.since)
            note = f": {quoted(self.operator.note)}" if self.operator.note else ""
            lines.insert(0, f"All entries for {since}, by {person(self.operator.who)}{note}")
        if self.mute is not None:
            lines.append(f"Acknowledged by {person(self.mute.who)} until {moment(self.mute.until)}")
        return tuple(lines)


__all__ = ["MOST_PAIRS", "HeldPair", "Mute", "OperatorPause", "Standing"]
