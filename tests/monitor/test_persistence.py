"""Holding, latching and forgetting look back over a fixed number of rows, and over no more."""

import numpy as np
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.persistence import held, latched, within

flags = st.lists(st.booleans(), max_size=40).map(lambda values: np.array(values, dtype=np.bool_))
counts = st.integers(1, 12)


def test_counts_over_the_last_rows_by_hand():
    condition = np.array([1, 1, 0, 1, 1, 1], dtype=np.bool_)
    assert held(condition, 2).tolist() == [False, True, False, False, True, True]
    assert within(condition, 2).tolist() == [True, True, True, True, True, True]
    assert within(~condition, 2).tolist() == [False, False, True, True, False, False]
    assert latched(condition, ~condition, 2).tolist() == [True, True, False, True, True, True]
    assert held(condition, 9).tolist() == [False] * 6


@given(condition=flags, candles=counts)
@examples(max_examples=150, deadline=None)
def test_held_and_within_are_all_and_any_of_the_last_rows(condition, candles):
    rows = range(len(condition))
    last = [condition[max(0, row - candles + 1) : row + 1] for row in rows]
    assert held(condition, candles).tolist() == [len(part) == candles and bool(part.all()) for part in last]
    assert within(condition, candles).tolist() == [bool(part.any()) for part in last]


@given(on=flags, memory=counts, seed=st.integers(0, 1_000))
@examples(max_examples=150, deadline=None)
def test_a_latch_is_its_newest_event_while_that_is_remembered(on, memory, seed):
    off = np.random.default_rng(seed).random(len(on)) < 0.4
    expected = []
    for row in range(len(on)):
        events = [at for at in range(max(0, row - memory + 1), row + 1) if on[at] or off[at]]
        # a row that is both is none
        expected.append(bool(events) and bool(on[events[-1]]) and not off[events[-1]])
    assert latched(on, off, memory).tolist() == expected


@given(on=flags, start=st.integers(0, 20), candles=counts)
@examples(max_examples=100, deadline=None)
def test_no_frame_remembers_more_than_its_rows(on, start, candles):
    for counted in (held, within):
        assert (
            counted(on[start:], candles)[candles - 1 :].tolist() == counted(on, candles)[start:][candles - 1 :].tolist()
        )
    off = ~on
    assert (
        latched(on[start:], off[start:], candles)[candles - 1 :].tolist()
        == latched(on, off, candles)[start:][candles - 1 :].tolist()
    )
