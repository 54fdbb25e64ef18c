"""Shares of time and delays of whole bots are added up as the documents say."""

from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.parts import chosen
from benchmarks.walk import PolicyColumns
from benchmarks.whole_policy import PAIRS, SIZES, bots_of, parts
from benchmarks.whole_policy_delays import delays_over
from benchmarks.whole_policy_shares import mean_of, shares_of, whole_bot_paused
from tradai_lifecycle.states import Reason


def columns(state: Sequence[int], severity: Sequence[int] = (), reasons: Sequence[int] = ()) -> PolicyColumns:
    return PolicyColumns(
        state=np.array(state, dtype=np.int8),
        severity=np.array(severity or state, dtype=np.int8),
        reasons=np.array(reasons or [0] * len(state), dtype=np.uint32),
    )


def test_shares_are_means_over_pairs_and_any_pair_counts_a_candle_once() -> None:
    found = shares_of({"A": columns([0, 1, 2, 2]), "B": columns([0, 0, 0, 2])})
    assert (found.candles, found.reduced, found.paused) == (4, 1 / 8, 3 / 8)
    assert (found.any_held_back, found.any_paused) == (0.75, 0.5)
    assert (found.least_held_back, found.most_held_back) == (0.25, 0.75)


def test_the_whole_bot_is_paused_where_the_gate_would() -> None:
    drifting = ([2, 0, 0], [0, 2, 0], [0, 0, 2], [0, 0, 0])
    pairs = {name: columns([0] * 3, severity) for name, severity in zip("ABCD", drifting, strict=True)}
    assert not whole_bot_paused(pairs).any()
    pairs["D"] = columns([0] * 3, [2, 2, 0])
    assert whole_bot_paused(pairs).tolist() == [True, True, False]
    assert whole_bot_paused({"A": columns([2, 2])}).tolist() == [False, False]
    assert whole_bot_paused(pairs, 0.25).tolist() == [True, True, True]


def test_reasons_are_grouped_and_what_is_not_known_here_is_drift() -> None:
    unknown = 1 << 30
    reasons = [Reason.PSI_MODERATE | Reason.ACCURACY_BREACH, unknown, Reason.NOT_FINITE, Reason.RECOVERING]
    found = shares_of({"A": columns([1, 1, 2, 1], [1, 1, 2, 0], [int(reason) for reason in reasons])})
    assert found.by_reason == {"drift": 0.5, "accuracy": 0.25, "quality": 0.25, "recovering": 0.25}


def test_a_reason_of_an_active_pair_holds_nothing_back() -> None:
    found = shares_of({"A": columns([0, 0], [0, 0], [int(Reason.PSI_MODERATE), 0])})
    assert set(found.by_reason.values()) == {0.0}


def test_bots_of_one_pair_are_averaged() -> None:
    found = mean_of([shares_of({"A": columns([2, 0])}), shares_of({"B": columns([0, 0])})])
    assert (found.paused, found.any_paused, found.most_held_back, found.least_held_back) == (0.25, 0.25, 0.5, 0.0)


def test_a_size_that_cannot_be_had_is_named() -> None:
    assert list(bots_of("1h")) == ["1 pair", "8 pairs, of 20 asked for"]
    assert list(bots_of("5m")) == ["1 pair", "6 pairs, of 8 and 20 asked for"]
    assert [len(bots) for bots in bots_of("1h").values()] == [8, 1]
    assert SIZES == (1, 8, 20)


def test_parts_are_named_apart_and_chosen_by_their_names() -> None:
    assert set(PAIRS) == {key.split()[0] for key in parts()}
    assert set(chosen(parts(), ["4h", "delays"])) == {f"4h delays {coin}/USDT" for coin in ("BTC", "ETH", "LTC")}
    assert chosen(parts(), ["nothing of the kind"]) == {}


def test_delays_are_taken_over_all_pairs() -> None:
    pairs = [
        {"stuck": {"onsets": 2, "rule": {"reduced": [1.0, 3.0], "paused": []}}},
        {"stuck": {"onsets": 3, "rule": {"reduced": [5.0], "paused": []}}},
    ]
    onsets, delays = delays_over(pairs, "stuck", "rule")
    assert onsets == 5
    assert (delays["reduced"].share, delays["reduced"].median_days) == (pytest.approx(0.6), 3.0)
    assert (delays["paused"].share, delays["paused"].median_days) == (0.0, None)
