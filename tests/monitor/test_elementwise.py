"""A formula of one float and of an array of them give the same, to the last bit."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.accuracy import wilson
from tradai_lifecycle.monitor.effective import HitBits, HitSums, HitWindow, worth_of
from tradai_lifecycle.monitor.elementwise import at_least, at_most, ratio_or_zero, root


def assert_alike(formula: Callable[..., Any], *values: float) -> None:
    with np.errstate(all="ignore"):
        (many,) = formula(*(np.array([value]) for value in values))
    one = formula(*values)
    assert type(one) is float
    assert np.array_equal(one, many, equal_nan=True), (values, one, many)


@given(value=st.floats(), bound=st.floats(allow_nan=False))
def test_bounds_and_roots_are_those_of_arrays(value, bound):
    assert_alike(partial(at_least, least=bound), value)
    assert_alike(partial(at_most, most=bound), value)
    if not value < 0.0:
        assert_alike(root, value)


@given(part=st.floats(), whole=st.floats())
def test_a_ratio_is_that_of_arrays_and_0_of_nothing(part, whole):
    assert_alike(ratio_or_zero, part, whole)
    if not whole > 0.0:
        assert ratio_or_zero(part, whole) == 0.0


@given(share=st.floats(0.0, 1.0), number=st.floats(1e-6, 1e6))
def test_wilsons_interval_is_that_of_arrays(share, number):
    for end in range(2):
        assert_alike(lambda a, n, end=end: wilson(a, n)[end], share, number)


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 200), lags=st.integers(0, 30))
@examples(max_examples=100, deadline=None)
def test_hits_as_bits_are_counted_and_worth_what_sums_of_them_are(seed, rows, lags):
    rng = np.random.default_rng(seed)
    scored = rng.random(rows) < rng.choice([0.1, 0.7, 1.0])
    hits = scored & (np.repeat(rng.random(rows // 5 + 1), 5)[:rows] < 0.5)
    assume(lags < rows)
    whole, sums = HitWindow.of(HitBits.of(scored, hits), lags), HitSums.of(scored, hits, lags)
    newest = range(rows, rows + 1)
    for window in (1, rows // 2, rows):
        number, right = sums.counted(newest, 0, window)
        assert whole.counted(window) == (number[0], right[0])
    (worth,) = sums.worth(newest, 0, rows)
    assert np.array_equal(whole.worth(), worth, equal_nan=True)
    assert np.isnan(worth) == (not scored.any())


def test_a_prediction_is_worth_less_where_hits_come_in_runs():
    assert worth_of(100.0, 50.0, (0.0, 0.0, 0.0), 0) > worth_of(100.0, 50.0, (99.0, 48.0, 98.0), 1) > 0.0
