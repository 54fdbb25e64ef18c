"""The recorded candles behind the newest ones, read once per command and only where they are asked for."""

from datetime import timedelta

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.onset import Deployments, Run, run_of
from tradai_lifecycle.control.status import candle_length
from tradai_lifecycle.states import Reason
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import StateRecord

#: The newest candles of a pair that are read: four windows of the default length.
READ_CANDLES = 2_000
#: So many are read first where it is only asked when something began: that is mostly not long ago.
READ_FIRST_CANDLES = 200


class Past:
    """What a ledger holds of the newest candles' series, of the candles before them, and of what was deployed then.

    Raises StoreUnavailableError as the ledger does.
    """

    def __init__(self, ledger: Ledger, config: LifecycleConfig) -> None:
        self._ledger = ledger
        self._states = ledger.watched_states()
        self._records: dict[str, tuple[StateRecord, ...]] = {}
        self._runs: dict[tuple[str, Reason], Run | None] = {}
        #: each pair's series at its newest candle
        self.series = ledger.series()
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

    def runs(self, pair: str, meant: Reason) -> dict[str, Run | None]:
        """The present runs of `meant` on `pair` and on every pair that is watched beside it."""
        return {name: self._run(name, meant) for name in {pair: None, **self._states}}

    # Found once per command: with all pairs drifting, each of them is asked for by all the others.
    def _run(self, pair: str, meant: Reason) -> Run | None:
        if (pair, meant) not in self._runs:
            self._runs[pair, meant] = self._found_run(pair, meant)
        return self._runs[pair, meant]

    def _found_run(self, pair: str, meant: Reason) -> Run | None:
        state = self._states.get(pair)
        if state is not None and not state.reasons & meant:
            return None
        if pair not in self._records:
            found = run_of(self._ledger.states(pair, limit=READ_FIRST_CANDLES), meant)
            if found is None or found.after is not None:
                return found
        return run_of(self.of(pair), meant)


__all__ = ["READ_CANDLES", "Past"]
