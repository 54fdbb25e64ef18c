"""The recorded candles behind the newest ones, read once per command and only where they are asked for."""

from datetime import timedelta

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.onset import Deployments
from tradai_lifecycle.control.status import candle_length
from tradai_lifecycle.states import Reason
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import StateRecord

#: The newest candles of a pair that are read: four windows of the default length.
READ_CANDLES = 2_000


class Past:
    """What a ledger holds of the candles before the newest ones, and of what was deployed then.

    Raises StoreUnavailableError as the ledger does.
    """

    def __init__(self, ledger: Ledger, config: LifecycleConfig) -> None:
        self._ledger = ledger
        self._states = ledger.watched_states()
        self._records: dict[str, tuple[StateRecord, ...]] = {}
        bot = ledger.bot()
        self.deployments = Deployments(
            adoptions=ledger.adoptions(),
            started_at=bot.started_at if bot is not None else None,
            candle=candle_length(ledger, bot),
            window_candles=bot.window_candles if bot is not None else config.window_candles,
        )

    @property
    def window(self) -> timedelta:
        """The length of the window that drift looks back on; zero where the length of a candle is not known."""
        return (self.deployments.candle or timedelta()) * self.deployments.window_candles

    def of(self, pair: str) -> tuple[StateRecord, ...]:
        """A pair's newest records, oldest first; READ_CANDLES at most."""
        if pair not in self._records:
            self._records[pair] = self._ledger.states(pair, limit=READ_CANDLES)
        return self._records[pair]

    def beside(self, pair: str, meant: Reason) -> dict[str, tuple[StateRecord, ...]]:
        """The records of `pair` and of every pair that is watched beside it.

        Of one that bears none of `meant` now, nothing but its newest.
        """
        others = {name: state for name, state in self._states.items() if name != pair}
        return {
            pair: self.of(pair),
            **{name: self.of(name) if state.reasons & meant else (state,) for name, state in others.items()},
        }


__all__ = ["READ_CANDLES", "Past"]
