"""Trades are taken, paid for and added up as the benchmark says."""

import numpy as np
import pytest

from benchmarks.features import HORIZON
from benchmarks.harm_trades import FEE, Account, apart, maximum_drawdown, profits, trades_of
from benchmarks.walk import Watched, outcomes

ROWS = 60


def watched(score: np.ndarray, close: np.ndarray) -> Watched:
    return Watched(
        pair="BTC/USDT",
        dates_ns=np.arange(len(close)) * 3_600 * 10**9,
        close=close,
        outcome=outcomes(close),
        score=score,
        sure_down=np.full(len(close), -0.3),
        sure_up=np.full(len(close), 0.3),
        policies={},
        adopted=(),
        validation=(),
    )


def account(*shares: float, first: int = 0) -> Account:
    return Account(closed_ns=first + np.arange(len(shares)), profits=np.array(shares))


def test_a_trade_begins_at_the_sure_candle_and_ends_a_horizon_later() -> None:
    score, close = np.zeros(ROWS), np.full(ROWS, 100.0)
    score[5], close[5 + HORIZON] = 0.4, 110.0
    trades = trades_of(watched(score, close))
    assert trades.rows.tolist() == [5]
    assert trades.sides.tolist() == [1]
    assert trades.profits == pytest.approx([0.1 - FEE * 2.1])


def test_trades_do_not_overlap_and_follow_each_other_at_once() -> None:
    assert apart(np.arange(30), HORIZON).tolist() == [0, 12, 24]
    assert apart(np.array([3, 14, 15, 16]), HORIZON).tolist() == [3, 15]
    assert apart(np.array([], dtype=np.int64), HORIZON).tolist() == []


def test_only_sure_scores_are_traded_each_on_its_side_of_zero() -> None:
    score = np.full(ROWS, np.nan)
    score[[0, 15, 30]] = 0.29, -0.3, 0.3
    trades = trades_of(watched(score, np.full(ROWS, 100.0)))
    assert (trades.rows.tolist(), trades.sides.tolist()) == ([15, 30], [-1, 1])


def test_a_model_that_is_sure_of_rises_alone_is_not_sold_on_its_smallest_rise() -> None:
    score = np.full(ROWS, 0.1)
    one = watched(score, np.full(ROWS, 100.0))
    assert len(trades_of(Watched(**{**vars_of(one), "sure_down": np.full(ROWS, 0.2)})).rows) == 0


def vars_of(one: Watched) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def test_trades_that_the_candles_end_on_are_left_out() -> None:
    score = np.zeros(ROWS)
    score[ROWS - HORIZON :] = 0.9
    assert len(trades_of(watched(score, np.full(ROWS, 100.0))).rows) == 0
    score[ROWS - HORIZON - 1] = 0.9
    assert trades_of(watched(score, np.full(ROWS, 100.0))).rows.tolist() == [ROWS - HORIZON - 1]


def test_the_fee_is_paid_on_the_value_of_both_orders() -> None:
    found = profits(
        np.array([100.0, 100.0, 100.0]), np.array([100.0, 200.0, 50.0]), np.array([1, 1, -1], dtype=np.int8)
    )
    assert found == pytest.approx([-0.002, 1.0 - 0.003, 0.5 - 0.0015])


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([account(0.5, -0.5)], 0.5),
        ([account(-0.1, 0.5)], 0.1),
        ([account(0.1, 0.1)], 0.0),
        ([account(0.5, -0.2, 0.1, -0.5)], 1.0 - 0.8 * 1.1 * 0.5),
        ([account(-0.5), account(0.5, first=1)], 0.25),
        ([account(), account()], 0.0),
        ([], 0.0),
    ],
)
def test_the_drawdown_is_the_deepest_fall_below_the_highest_value_so_far(
    accounts: list[Account], expected: float
) -> None:
    assert maximum_drawdown(accounts) == pytest.approx(expected)
