"""What came of one pair's predictions and trades under each policy, by the state at their candle."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.features import HORIZON
from benchmarks.harm_trades import Account, trades_of
from benchmarks.walk import Watched
from tradai_lifecycle.config import candle_seconds
from tradai_lifecycle.states import TradingState

DAY_NS = 86_400 * 10**9
STATES = len(TradingState)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One pair and one model, day by day from `first_day` (days since 1970) and trade by trade.

    `counts` `(policies, states, 3, days)` are candles, predictions with an outcome, and those with the right sign.
    `spells` `(policies, states)` are the unbroken stretches in each state. Trades `(t,)`: candle of the entry (ns),
    side, profit as a share of the stake, and the state at the entry `(policies, t)`.
    """

    pair: str
    timeframe: str
    policies: tuple[str, ...]
    first_day: int
    counts: NDArray[np.int64]
    spells: NDArray[np.int64]
    entered_ns: NDArray[np.int64]
    sides: NDArray[np.int64]
    profits: NDArray[np.float64]
    entry_states: NDArray[np.int64]
    adopted: tuple[str, ...]
    validation: tuple[float, ...]

    @classmethod
    def of(cls, watched: Watched, timeframe: str) -> "Outcome":
        """Counted from a pair's watched candles. A prediction of exactly zero says no direction and is not scored."""
        trades = trades_of(watched)
        columns = list(watched.policies.values())
        return cls(
            pair=watched.pair,
            timeframe=timeframe,
            policies=tuple(watched.policies),
            first_day=int(watched.dates_ns[0] // DAY_NS),
            counts=np.stack([_counts(watched, policy.state) for policy in columns]),
            spells=np.stack([spells(policy.state) for policy in columns]),
            entered_ns=watched.dates_ns[trades.rows],
            sides=trades.sides.astype(np.int64),
            profits=trades.profits,
            entry_states=np.stack([policy.state[trades.rows] for policy in columns]).astype(np.int64),
            adopted=watched.adopted,
            validation=watched.validation,
        )

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Outcome":
        """From what `values` gave, out of JSON."""
        arrays = ("counts", "spells", "entered_ns", "sides", "entry_states")
        whole = {name: np.array(values[name], dtype=np.int64) for name in arrays}
        tuples = {name: tuple(values[name]) for name in ("policies", "adopted", "validation")}
        plain = {name: values[name] for name in ("pair", "timeframe", "first_day")}
        return cls(**plain, **tuples, **whole, profits=np.array(values["profits"], dtype=np.float64))

    def values(self) -> dict[str, Any]:
        """As JSON-ready values."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}

    def account(self, chosen: NDArray[np.bool_], weights: NDArray[np.float64] | float = 1.0) -> Account:
        """The chosen trades `(t,)` at `weights` `(t,)` of the account each."""
        held_ns = (HORIZON + 1) * candle_seconds(self.timeframe) * 10**9
        shares = np.broadcast_to(weights, self.profits.shape) * self.profits
        return Account(closed_ns=self.entered_ns[chosen] + held_ns, profits=shares[chosen])


def spells(state: NDArray[np.int8]) -> NDArray[np.int64]:
    """How many unbroken stretches of each state there are."""
    begins = np.concatenate(([True], state[1:] != state[:-1]))
    return np.bincount(state[begins], minlength=STATES).astype(np.int64)


# candles, scored and right predictions of each state by day: (states, 3, days)
def _counts(watched: Watched, state: NDArray[np.int8]) -> NDArray[np.int64]:
    day = watched.dates_ns // DAY_NS - watched.dates_ns[0] // DAY_NS
    scored = np.isfinite(watched.score) & np.isfinite(watched.outcome) & (watched.outcome != 0.0)
    scored &= watched.score != 0.0
    right = scored & (np.sign(watched.score) == watched.outcome)
    counted = np.zeros((STATES, 3, int(day[-1]) + 1), dtype=np.int64)
    for kind, rows in enumerate((np.ones(len(day), dtype=np.bool_), scored, right)):
        np.add.at(counted, (state[rows], kind, day[rows]), 1)
    return counted


__all__ = ["DAY_NS", "STATES", "Outcome", "spells"]
