"""Shifts of the market and between features: how long they must hold, what they do, and when they let go."""

from dataclasses import replace

import numpy as np
import pytest

from tests.policy.evidence import POLICY, column, decided, health, states
from tradai_lifecycle.policy.trading_state import shift_policy_memory_candles
from tradai_lifecycle.states import AccuracyVerdict, Reason, SignificantRule


def test_a_market_beyond_its_limit_pauses_once_it_has_held_and_asks_for_retraining_whatever_the_index_says() -> None:
    columns = decided(health(30, market_ratio=column(30, (4, 12, 1.0)), market_fast_ratio=column(30, (3, 12, 1.0))))
    released = 12 + POLICY.shift_release - 1

    assert states(columns) == (
        ["active"] * 4
        + ["reduced"]
        + ["paused"] * (released - 5)
        + ["reduced"] * POLICY.recovery
        + ["active"] * (30 - released - POLICY.recovery)
    )
    assert Reason(int(columns.reasons[4])) == Reason.MARKET_MODERATE
    assert Reason(int(columns.reasons[5])) == Reason.MARKET_SIGNIFICANT
    assert np.flatnonzero(columns.retraining).tolist() == [*range(5, released)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("market_fast_ratio", Reason.MARKET_MODERATE), ("relation_fast_ratio", Reason.RELATION_MODERATE)],
)
def test_a_fast_shift_cuts_the_stake_until_it_has_been_calm_and_asks_for_nothing(name: str, reason: Reason) -> None:
    columns = decided(health(20, **{name: column(20, (2, 3, 1.0), (5, 9, 1.2), (9, 12, 0.8), (12, 20, 0.74))}))

    # a candle alone is none; inside the band it stays; two candles below it end it
    assert states(columns) == ["active"] * 6 + ["reduced"] * 7 + ["active"] * 7
    assert set(columns.reasons[6:13].tolist()) == {int(reason)}
    assert not columns.retraining.any()


def test_each_persistence_counts_for_its_own_evidence() -> None:
    on = np.ones(20)
    market = decided(health(20, market_ratio=on), shift_persistence=7)
    both = {"market_fast_ratio": on, "market_fast_persistence": 4, "relation_fast_ratio": on}
    fast = decided(health(20, **both, relation_fast_persistence=6), shift_persistence=7)
    assert states(market) == ["active"] * 6 + ["paused"] * 14
    assert states(fast) == ["active"] * 3 + ["reduced"] * 17
    assert Reason(int(fast.reasons[4])) == Reason.MARKET_MODERATE
    assert Reason(int(fast.reasons[5])) == Reason.MARKET_MODERATE | Reason.RELATION_MODERATE
    ended = column(20, (0, 8, 1.0))
    calm = decided(health(20, market_fast_ratio=ended), shift_release=5)
    assert states(calm) == ["active"] + ["reduced"] * 11 + ["active"] * 8


def test_a_latch_of_shifts_forgets_after_its_memory() -> None:
    ratio = column(40, (0, 4, 1.1), (4, 40, 0.8))
    for name, last_set in (("market_ratio", 3), ("market_fast_ratio", 3), ("relation_fast_ratio", 3)):
        held_rows = np.flatnonzero(decided(health(40, **{name: ratio})).severity)
        assert held_rows.tolist() == list(range(1, last_set + POLICY.latch_memory)), name


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ({}, "reduced"),
        ({"significant_share": np.full(30, 1.0)}, "reduced"),
        ({"significant_ratio": np.full(30, 1.0)}, "paused"),
        ({"accuracy_verdict": np.full(30, AccuracyVerdict.BREACHED, dtype=np.int8)}, "paused"),
    ],
    ids=["alone", "a share of nothing", "the index", "accuracy"],
)
def test_corroborated_a_changed_market_pauses_only_with_other_evidence_beside_it(
    beside: dict[str, np.ndarray], expected: str
) -> None:
    columns = decided(
        health(30, market_ratio=np.full(30, 1.5), **beside), significant_rule=SignificantRule.CORROBORATED
    )

    assert states(columns)[-1] == expected
    assert Reason.MARKET_SIGNIFICANT in Reason(int(columns.reasons[-1]))
    assert columns.retraining[-1]


def test_a_broken_relation_pauses_at_once_and_asks_for_nothing_even_in_a_changed_market() -> None:
    quality = np.zeros(20, dtype=np.uint32)
    quality[10:12] = Reason.RELATION_BROKEN
    columns = decided(health(20, quality=quality, market_ratio=np.full(20, 1.0)))
    alone = decided(health(20, quality=quality))

    assert states(alone)[9:13] == ["active", "paused", "paused", "reduced"]
    assert not alone.retraining.any()
    assert columns.retraining[9:13].tolist() == [True, False, False, True]


def test_after_a_reset_shifts_must_hold_anew() -> None:
    on = np.ones(40)
    for name, state, rows in (
        ("market_ratio", "paused", POLICY.shift_persistence),
        ("market_fast_ratio", "reduced", 2),
        ("relation_fast_ratio", "reduced", 2),
    ):
        after = states(decided(health(40, **{name: on}), drift_resets=[20]))
        assert after[:20] == states(decided(health(40, **{name: on})))[:20]
        expected = "reduced" if state == "paused" else "active"
        assert after[20 : 20 + rows - 1] == [expected] * (rows - 1)
        assert set(after[20 + rows - 1 :]) == {state}


def test_the_declared_memory_of_shifts_is_really_needed() -> None:
    # a pause whose end takes as long as it may: set by the last rows that can be, remembered, recovered from
    slow = {"recovery": 2, "release_persistence": 1, "moderate_persistence": 1, "significant_persistence": 1}
    policy = replace(POLICY, **slow, shift_persistence=6)
    rows = shift_policy_memory_candles(policy) + 1
    ratio = column(rows, (0, 6, 1.0), (6, rows, 0.8))
    whole = decided(health(rows, market_ratio=ratio), **slow, shift_persistence=6)
    shorter = decided(health(rows - 1, market_ratio=ratio[1:]), **slow, shift_persistence=6)

    assert states(whole)[-1] == "reduced"
    assert states(shorter)[-1] == "active"
