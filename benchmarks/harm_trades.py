"""Trades on a model's surest predictions, and the account they make or break."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.features import HORIZON
from benchmarks.walk import Watched

#: Charged on the value of each order, entry and exit.
FEE = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """Trades of one pair in time order, each `(t,)`: row of the entry, side (1 long, -1 short), profit as a share."""

    rows: NDArray[np.int64]
    sides: NDArray[np.int8]
    profits: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What one pair's trades do to its account: when each is closed (ns), and its profit as a share of the account."""

    closed_ns: NDArray[np.int64]
    profits: NDArray[np.float64]


def trades_of(watched: Watched) -> Trades:
    """Every trade of a pair, whatever its state.

    At the close of a candle whose score lies in an outer tenth of the training's out-of-fold scores, on the score's
    side of zero: enter on that side, leave HORIZON candles later at the close, and not enter before. Entries that the
    candles end on are left out.
    """
    up = (watched.score >= watched.sure_up) & (watched.score > 0.0)
    down = (watched.score <= watched.sure_down) & (watched.score < 0.0)
    wanted = np.flatnonzero((up | down)[: max(len(watched.score) - HORIZON, 0)])
    rows = apart(wanted, HORIZON)
    sides = np.where(up[rows], 1, -1).astype(np.int8)
    return Trades(rows=rows, sides=sides, profits=profits(watched.close[rows], watched.close[rows + HORIZON], sides))


def apart(rows: NDArray[np.int64], distance: int) -> NDArray[np.int64]:
    """The first of the ascending `rows`, and then always the next one at least `distance` after the last taken."""
    taken: list[int] = []
    for row in rows:
        if not taken or row - taken[-1] >= distance:
            taken.append(int(row))
    return np.array(taken, dtype=np.int64)


def profits(entered: NDArray[np.float64], left: NDArray[np.float64], sides: NDArray[np.int8]) -> NDArray[np.float64]:
    """Profit of each trade as a share of its stake, the fee on both orders taken off; no funding, no slippage."""
    moved = left / entered
    return np.asarray(sides * (moved - 1.0) - FEE * (1.0 + moved))


def maximum_drawdown(accounts: Sequence[Account]) -> float:
    """The deepest fall of the mean of the accounts below its highest value before, as a share of that value.

    Each account begins at 1 and puts all it has into each of its trades. 0 without trades.
    """
    if not any(len(account.profits) for account in accounts):
        return 0.0
    closed = np.concatenate([account.closed_ns for account in accounts])
    changes = np.concatenate([_changes(account.profits) for account in accounts])
    value = 1.0 + np.cumsum(changes[np.argsort(closed, kind="stable")]) / len(accounts)
    highest = np.maximum.accumulate(np.concatenate(([1.0], value)))[1:]
    return float(np.max(1.0 - value / highest))


# what each trade adds to an account that began at 1
def _changes(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.diff(np.concatenate(([1.0], np.cumprod(1.0 + shares))))


__all__ = ["FEE", "Account", "Trades", "apart", "maximum_drawdown", "profits", "trades_of"]
