"""What a person already knows: each pair's state as it was told, and what was told to be wrong with whom."""

from datetime import datetime, timedelta

from tradai_lifecycle.notify.notice import Notice, Tone
from tradai_lifecycle.states import TradingState

#: Stands for the whole bot where a pair is named.
WHOLE_BOT = ""
MOST_PAIRS = 2_000
MOST_TOPICS = 100


class Told:
    """Notes every notice that is told. What has no end of its own counts as known for `lasting`."""

    def __init__(self, lasting: timedelta) -> None:
        self._lasting = lasting
        self._states: dict[str, TradingState] = {}
        self._wrong: dict[str, dict[str, datetime]] = {}

    def __len__(self) -> int:
        return len(self._states) + sum(len(topics) for topics in self._wrong.values())

    def note(self, notice: Notice, now: datetime) -> None:
        """A person was told this at `now`."""
        if notice.state is not None:
            for pair in notice.pairs:
                self._set_state(pair, notice.state)
        if notice.tone is Tone.GOOD and notice.state is not TradingState.REDUCED:
            return
        for pair in notice.pairs or (WHOLE_BOT,):
            self._add(pair, notice.topics, now)

    def assume(self, pair: str, state: TradingState, topics: frozenset[str], now: datetime) -> None:
        """A person was told this of a pair at some time that is not known any more."""
        self._set_state(pair, state)
        self._add(pair, topics, now)

    def state(self, pair: str) -> TradingState | None:
        """The state that a person was last told of; None where nothing was told, or nothing that still counts."""
        return self._states.get(pair)

    def covers(self, pair: str, topics: frozenset[str], now: datetime) -> bool:
        """Whether all of `topics` were told of this pair, or of the whole bot, and are not known to have ended."""
        known = self._known(pair, now) | self._known(WHOLE_BOT, now)
        return bool(topics) and topics <= known

    def topics(self, now: datetime) -> frozenset[str]:
        """Everything that a person was told to be wrong."""
        return frozenset(topic for pair in self._wrong for topic in self._known(pair, now))

    def forget(self, pair: str) -> None:
        """A pair's state and troubles are over, or no longer as told."""
        self._states.pop(pair, None)
        self._wrong.pop(pair, None)

    def renew(self, now: datetime) -> None:
        """A person was reminded of everything at `now`."""
        for topics in self._wrong.values():
            for topic in topics:
                topics[topic] = now

    def ended(self, topics: frozenset[str]) -> None:
        """These are no longer wrong for the whole bot."""
        for topic in topics:
            self._wrong.get(WHOLE_BOT, {}).pop(topic, None)

    def _known(self, pair: str, now: datetime) -> set[str]:
        lasts = pair in self._states
        told = self._wrong.get(pair, {})
        return {topic for topic, told_at in told.items() if lasts or now - told_at < self._lasting}

    def _add(self, pair: str, topics: frozenset[str], now: datetime) -> None:
        if not topics:
            return
        told = self._wrong.setdefault(pair, {})
        for topic in topics:
            # put last, so that the first is the one that was told longest ago
            told.pop(topic, None)
            told[topic] = now
        while len(told) > MOST_TOPICS:
            del told[next(iter(told))]
        while len(self._wrong) > MOST_PAIRS:
            del self._wrong[next(iter(self._wrong))]

    def _set_state(self, pair: str, state: TradingState) -> None:
        self.forget(pair)
        self._states[pair] = state
        while len(self._states) > MOST_PAIRS:
            self.forget(next(iter(self._states)))


__all__ = ["MOST_PAIRS", "MOST_TOPICS", "WHOLE_BOT", "Told"]
