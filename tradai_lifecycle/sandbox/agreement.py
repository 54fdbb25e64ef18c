"""Whether a backtest decides as the live path did: their states, candle by candle."""

import asyncio
import contextlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tradai_lifecycle.quiet import quiet
from tradai_lifecycle.states import Severity, TradingState
from tradai_lifecycle.store.records import StateRecord
from tradai_lifecycle.strategy.columns import moment
from tradai_lifecycle.strategy.gate import PairRows


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedState:
    """What was decided for a pair at a candle, before operators and the other pairs have their say."""

    pair: str
    candle: datetime
    state: TradingState
    severity: Severity
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How many rows are equal, and the others: as rehearsed beside as in the backtest (None: it has no such row)."""

    equal: int
    different: tuple[tuple[DecidedState, DecidedState | None], ...]


def backtest_states(config: Mapping[str, Any]) -> tuple[DecidedState, ...]:
    """Run freqtrade's backtesting in this process and give the states its entries were decided by.

    `config` is a full freqtrade configuration in run mode backtest.
    """
    from freqtrade.optimize.backtesting import Backtesting  # noqa: PLC0415 - freqtrade takes seconds to import

    with quiet(), contextlib.redirect_stdout(io.StringIO()):
        backtesting = Backtesting(dict(config))
        try:
            data, timerange = backtesting.load_bt_data()
            (strategy,) = backtesting.strategylist
            backtesting.backtest_one_strategy(strategy, data, timerange)
            rows = strategy.lifecycle.gate.view.rows
        finally:
            backtesting.cleanup()
            backtesting.exchange.close()
            # freqtrade leaves its closed loop behind as the thread's own
            asyncio.set_event_loop(None)
    return tuple(decided for pair, judged in rows.items() for decided in _decided(pair, judged))


def agreement(rehearsed: Iterable[StateRecord], replayed: Iterable[DecidedState]) -> Agreement:
    """Compare each rehearsed state with that of the same pair and candle in a backtest."""
    known = {(state.pair, state.candle): state for state in replayed}
    pairs = [(_automatic(record), known.get((record.pair, record.candle))) for record in rehearsed]
    different = tuple((live, replay) for live, replay in pairs if live != replay)
    return Agreement(equal=len(pairs) - len(different), different=different)


def _automatic(record: StateRecord) -> DecidedState:
    return DecidedState(
        pair=record.pair,
        candle=record.candle,
        state=record.state,
        severity=record.severity,
        version=record.version,
    )


def _decided(pair: str, rows: PairRows) -> Iterable[DecidedState]:
    for row, opened in enumerate(rows.dates_ns.tolist()):
        yield DecidedState(
            pair=pair,
            candle=moment(opened),
            state=TradingState(int(rows.state[row])),
            severity=Severity(int(rows.severity[row])),
            version=rows.versions[int(rows.version[row])],
        )


__all__ = ["Agreement", "DecidedState", "agreement", "backtest_states"]
