"""Strategies without a bot behind them: the real mixin, a supply that listens, judgements made by hand, cut frames."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
from freqtrade.enums import RunMode
from freqtrade.strategy import IStrategy

from tradai_lifecycle.events import Event
from tradai_lifecycle.policy.trading_state import StateColumns
from tradai_lifecycle.states import Reason, Severity, TradingState
from tradai_lifecycle.strategy import ModelLifecycleMixin
from tradai_lifecycle.strategy.columns import ActiveVersion, Frame, Judgement, neutral_judgement

PAIR = "BTC/USDT"
NOW = datetime(2024, 6, 1, 12, 0, 5, tzinfo=UTC)
#: Opening time of the newest candle that is closed at NOW.
NEWEST = datetime(2024, 6, 1, 11, tzinfo=UTC)
HOUR_NS = 3_600 * 10**9


class ListeningSupply:
    """A live supply that has one fixed list of versions and keeps what it is told."""

    live = True

    def __init__(self, versions: Sequence[ActiveVersion] = ()) -> None:
        self.active = tuple(versions)
        self.events: list[Event] = []
        self.judgements: list[Judgement] = []

    def versions(self) -> Sequence[ActiveVersion]:
        return self.active

    def begin_loop(self, now: datetime) -> None:
        """Nothing happens between batches."""

    def judged(self, featured: Any, frame: Any, judgement: Judgement) -> None:
        self.judgements.append(judgement)

    def report(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> None:
        """Nothing runs."""


class Plain(ModelLifecycleMixin, IStrategy):
    """The least a strategy can be."""

    timeframe = "1h"
    horizon_candles = 6
    startup_candle_count = 10
    stoploss = -0.1

    def populate_features(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["%-return"] = dataframe["close"].pct_change()
        return dataframe

    def populate_target(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["&-return"] = dataframe["close"].shift(-6) / dataframe["close"] - 1.0
        return dataframe

    def populate_entry_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe: Any, metadata: Any) -> Any:
        dataframe["exit_long"] = 0
        return dataframe


def made(kind: type[ModelLifecycleMixin] = Plain, *, runmode: RunMode = RunMode.OTHER, **section: Any) -> Any:
    """A strategy of `kind` with a listening supply; `section` are keys of the lifecycle's section."""
    section = {"model_name": "demo", "window_candles": 200, **section}
    strategy = kind({"runmode": runmode, "timeframe": "1h", "tradai_lifecycle": section})
    strategy.lifecycle.supply = ListeningSupply()
    return strategy


def judgement(
    *states: TradingState,
    pair: str = PAIR,
    newest: datetime = NEWEST,
    severity: Severity = Severity.NONE,
    reasons: Reason | Sequence[Reason] = Reason.NONE,
    version: str = "v7",
) -> Judgement:
    """A judged frame with these states, one per candle, the last one at `newest`; all rows have one severity."""
    rows = len(states)
    first = int(newest.timestamp()) * 10**9 - (rows - 1) * HOUR_NS
    dates_ns = first + HOUR_NS * np.arange(rows, dtype=np.int64)
    each = [reasons] * rows if isinstance(reasons, Reason) else list(reasons)
    columns = StateColumns(
        severity=np.full(rows, severity, dtype=np.int8),
        state=np.array(states, dtype=np.int8),
        reasons=np.array([int(reason) for reason in each], dtype=np.uint32),
        retraining=np.zeros(rows, dtype=np.bool_),
    )
    return replace(neutral_judgement(pair, dates_ns, Reason.NONE), states=columns, versions=(version,))


def part(frame: Frame, first: int, end: int) -> Frame:
    """Some rows of a frame."""
    arrays = {name: getattr(frame, name)[first:end].copy() for name in ("dates_ns", "features", "realised")}
    return replace(frame, candles=frame.candles.rows(slice(first, end)), **arrays)


def told(strategy: Any, state: TradingState, **details: Any) -> Any:
    """`strategy`, whose gate knows `state` for the newest candle of PAIR."""
    strategy.lifecycle.gate.publish(judgement(state, **details))
    return strategy


def confirm(strategy: Any, *, pair: str = PAIR, now: datetime = NOW, entry_tag: str | None = None) -> bool:
    """Ask for an entry as freqtrade does."""
    answer = strategy.confirm_trade_entry(
        pair=pair,
        order_type="market",
        amount=1.0,
        rate=100.0,
        time_in_force="GTC",
        current_time=now,
        entry_tag=entry_tag,
        side="long",
    )
    assert isinstance(answer, bool)
    return answer


def stake(
    strategy: Any, proposed: float = 100.0, *, minimum: float | None = 10.0, entry_tag: str | None = None
) -> float:
    """Ask for the stake of an entry as freqtrade does."""
    answer: float = strategy.custom_stake_amount(
        pair=PAIR,
        current_time=NOW,
        current_rate=100.0,
        proposed_stake=proposed,
        min_stake=minimum,
        max_stake=1_000.0,
        leverage=1.0,
        entry_tag=entry_tag,
        side="long",
    )
    return answer


def adjust(strategy: Any) -> Any:
    """Ask for the adjustment of an open position as freqtrade does."""
    return strategy.adjust_trade_position(
        trade=open_trade(),
        current_time=NOW,
        current_rate=100.0,
        current_profit=0.0,
        min_stake=10.0,
        max_stake=1_000.0,
        current_entry_rate=100.0,
        current_exit_rate=100.0,
        current_entry_profit=0.0,
        current_exit_profit=0.0,
    )


def open_trade(**details: Any) -> Any:
    """What the callbacks read of a trade."""
    noted: dict[str, Any] = {}
    values = {
        "pair": PAIR,
        "is_short": False,
        "entry_side": "buy",
        "nr_of_successful_entries": 1,
        "open_date_utc": NOW - timedelta(seconds=1),
        "noted": noted,
        "set_custom_data": noted.__setitem__,
        **details,
    }
    return SimpleNamespace(**values)


def order_callback(strategy: Any, name: str, **details: Any) -> Any:
    """Call one of the callbacks about a pending order as freqtrade does."""
    arguments = {"pair": PAIR, "trade": open_trade(), "order": SimpleNamespace(), "current_time": NOW, **details}
    return getattr(strategy, name)(**arguments)


REPLACEMENT = {
    "proposed_rate": 100.0,
    "current_order_rate": 99.0,
    "entry_tag": None,
    "side": "long",
}
