"""The intervals hold what they should, also where days depend on each other; without enough of them there are none."""

from math import isnan

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.harm_bootstrap import Bootstrap, Floats, effective_number, ratio

DAYS, BLOCK, SERIES, SHARE = 1_400, 28, 200, 0.53


def share_of(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def dependent_days(generator: np.random.Generator) -> NDArray[np.float64]:
    """Hits and predictions of days whose shares come in runs of about a week around SHARE."""
    shift, shares = 0.0, []
    for noise in generator.normal(size=DAYS):
        shift = 0.85 * shift + 0.04 * noise
        shares.append(np.clip(SHARE + shift, 0.0, 1.0))
    return np.column_stack([24 * np.array(shares), np.full(DAYS, 24.0)])


def covered(block_days: int, series: int = SERIES) -> float:
    inside = 0
    for seed in range(series):
        found = Bootstrap.of(dependent_days(np.random.default_rng(seed)), block_days).estimate(share_of)
        inside += found.lower <= SHARE <= found.upper
    return inside / series


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    assert 0.88 <= covered(BLOCK) <= 0.99


def test_blocks_of_two_days_would_have_made_them_too_narrow() -> None:
    assert covered(2, series=80) < 0.75


def test_the_draws_have_the_size_of_the_whole() -> None:
    daily = np.column_stack([np.random.default_rng(0).normal(1.0, 0.1, size=100), np.ones(100)])
    bootstrap = Bootstrap.of(daily, 14)
    assert bootstrap.drawn[:, 1] == pytest.approx(100.0)
    assert bootstrap.drawn[:, 0].mean() == pytest.approx(bootstrap.total[0], rel=0.01)


def test_the_same_days_give_the_same_interval() -> None:
    daily = dependent_days(np.random.default_rng(1))
    assert Bootstrap.of(daily, BLOCK).estimate(share_of) == Bootstrap.of(daily, BLOCK).estimate(share_of)


def test_what_happened_in_one_block_alone_has_no_interval() -> None:
    daily = np.zeros((DAYS, 2))
    daily[100:110] = 12.0, 24.0
    found = Bootstrap.of(daily, BLOCK).estimate(share_of)
    assert found.value == 0.5
    assert isnan(found.lower)
    assert isnan(found.upper)
    assert found.outside_zero == 0


def test_a_few_blocks_have_no_interval() -> None:
    found = Bootstrap.of(dependent_days(np.random.default_rng(2))[: 4 * BLOCK], BLOCK).estimate(share_of)
    assert isnan(found.lower)


def test_what_never_happened_is_not_a_number() -> None:
    found = Bootstrap.of(np.zeros((DAYS, 2)), BLOCK).estimate(share_of)
    assert isnan(found.value)
    assert isnan(effective_number(found, 0.0))


def test_independent_predictions_count_fully_and_repeated_ones_once() -> None:
    generator = np.random.default_rng(3)
    single = generator.random((DAYS, 24)) < SHARE
    repeated = np.repeat(generator.random((DAYS, 2)) < SHARE, 12, axis=1)
    numbers = []
    for hits in (single, repeated):
        daily = np.column_stack([hits.sum(axis=1), np.full(DAYS, 24)]).astype(np.float64)
        numbers.append(effective_number(Bootstrap.of(daily, BLOCK).estimate(share_of), float(hits.size)))
    assert 0.7 * single.size < numbers[0] <= single.size
    assert numbers[1] == pytest.approx(single.size / 12, rel=0.4)
