"""Which series explain each other in training: partners are found where they are, and nothing where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.shift_calibration import Weights, relations
from tradai_lifecycle.monitor.shifts import SCORE_UNIT, WEIGHT_UNIT


def normal(rows, columns, seed):
    """Independent whole scores of unit variance."""
    return np.rint(SCORE_UNIT * np.random.default_rng(seed).normal(size=(rows, columns)))


def named(columns):
    return [f"series {index}" for index in range(columns)]


def test_a_series_made_of_two_others_keeps_what_they_do_not_explain():
    scores = normal(4_000, 6, 1)
    scores[:, 0] = (scores[:, 2] - 2.0 * scores[:, 4]) / np.sqrt(5.0) + 0.1 * scores[:, 0]
    first = relations(scores, named(6), 0.5)[0]
    assert first.name == "series 0"
    assert first.series[0] == 0
    assert first.weights[0] == WEIGHT_UNIT
    assert set(first.series[1:3]) == {2, 4}
    by_series = dict(zip(first.series, first.weights, strict=True))
    assert by_series[2] == pytest.approx(-WEIGHT_UNIT / np.sqrt(5.0), abs=4)
    assert by_series[4] == pytest.approx(2.0 * WEIGHT_UNIT / np.sqrt(5.0), abs=4)
    # the other partners add noise and no more
    assert all(abs(weight) <= 6 for weight in first.weights[3:])


def test_nothing_explains_noise():
    assert relations(normal(2_000, 20, 2), named(20), 0.5) == []


@pytest.mark.parametrize(("noise", "explained"), [(0.9, True), (1.1, False)])
def test_half_of_the_variance_is_the_least(noise, explained):
    scores = normal(20_000, 2, 3)
    scores[:, 0] = scores[:, 1] + noise * scores[:, 0]
    assert bool(relations(scores, named(2), 0.5)) is explained


@given(seed=st.integers(0, 10_000), columns=st.integers(1, 9), least=st.sampled_from([0.0, 0.3, 0.5, 0.9]))
@examples(max_examples=60, deadline=None)
def test_a_relation_leaves_no_more_variance_than_it_says(seed, columns, least):
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(columns, columns)) * (rng.random((columns, columns)) < 0.5)
    scores = np.rint(normal(500, columns, seed) @ mixed)
    found = relations(scores, named(columns), least)
    assert len({relation.name for relation in found}) == len(found)
    for relation in found:
        assert relation.name == f"series {relation.series[0]}"
        assert len(set(relation.series)) == len(relation.series) <= 6
        assert relation.weights[0] == WEIGHT_UNIT
        left = scores[:, relation.series] @ np.array(relation.weights) / WEIGHT_UNIT
        own = scores[:, relation.series[0]]
        # whole weights are off by half a part of 256
        rounding = sum(scores[:, one].std() for one in relation.series) / 2 / WEIGHT_UNIT
        assert left.std() <= np.sqrt(1.0 - least) * own.std() + rounding + 1e-9


def test_a_series_is_explained_by_its_copies_and_by_no_constant():
    scores = normal(1_000, 5, 4)
    scores[:, 1] = scores[:, 0]
    scores[:, 2] = scores[:, 0]
    scores[:, 3] = 700.0
    found = {relation.name: relation for relation in relations(scores, named(5), 0.5)}
    assert set(found) == {"series 0", "series 1", "series 2"}
    for relation in found.values():
        assert 3 not in relation.series
        # copies share the weight of one, less what the ridge takes
        assert sum(relation.weights[1:]) == pytest.approx(-WEIGHT_UNIT, abs=6)


def test_all_constant_and_a_single_series_have_no_relation():
    assert relations(np.full((100, 3), 256.0), named(3), 0.5) == []
    assert relations(normal(100, 1, 5), named(1), 0.5) == []
    assert relations(np.empty((100, 0)), [], 0.5) == []


def test_beside_a_constant_a_series_is_related_to_nothing_but_itself():
    scores = normal(100, 2, 6)
    scores[:, 1] = 0.0
    assert relations(scores, named(2), 0.0) == [Weights(name="series 0", series=(0,), weights=(WEIGHT_UNIT,))]


def test_two_hundred_series_of_three_markets_find_their_own():
    common = normal(1_500, 3, 7)
    scores = common[:, np.arange(200) % 3] + 0.5 * normal(1_500, 200, 8)
    found = relations(scores, named(200), 0.5)
    assert len(found) == 200
    for relation in found:
        assert relation.series[1] % 3 == relation.series[2] % 3 == relation.series[0] % 3
        # what is chosen of other markets by chance counts for next to nothing
        heavy = [one for one, weight in zip(relation.series, relation.weights, strict=True) if abs(weight) > 24]
        assert {one % 3 for one in heavy} == {relation.series[0] % 3}
