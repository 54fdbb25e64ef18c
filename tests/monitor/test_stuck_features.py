"""A feature that stands still too long is found wherever its run begins, though few of its values are looked at."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tradai_lifecycle.monitor.calibration import run_lengths
from tradai_lifecycle.monitor.quality import QualityRules
from tradai_lifecycle.monitor.scales import Scales
from tradai_lifecycle.states import Reason

HOUR_NS = 3_600 * 10**9
ROWS = 260


def rules_of(reference, longest, window):
    """The rules for three features whose longest runs of training are given; scales are not looked at."""
    features = tuple(
        replace(feature, longest_constant_run=run, iqr_low=0.0, iqr_high=0.0, minimum=-9.0, maximum=9.0)
        for feature, run in zip(reference.features, longest, strict=True)
    )
    changed = replace(reference, features=features)
    return QualityRules(changed, HOUR_NS, Scales(features, window))


def stuck(rules, values, from_row):
    found = rules.reasons(values, np.arange(len(values)) + 1.0, HOUR_NS * np.arange(len(values)), from_row)
    return found & np.uint32(Reason.CONSTANT_FEATURE) != 0


@given(
    seed=st.integers(0, 10_000),
    run=st.integers(2, 60),
    begins=st.integers(0, ROWS - 1),
    longest=st.lists(st.integers(1, 40), min_size=3, max_size=3),
    from_row=st.integers(0, ROWS + 5),
    window=st.sampled_from([1, 2, 3, 5, 26, 40, 100]),
)
@examples(max_examples=300, deadline=None)
def test_runs_are_found_as_if_all_were_counted(pair_reference, seed, run, begins, longest, from_row, window):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(ROWS, 3))
    values[:, 1] = rng.integers(0, 2, ROWS)
    values[begins : begins + run, rng.integers(3)] = 0.5
    allowed = [run if run >= window else min(max(-(-3 * run // 2), 24), window) for run in longest]
    exempt = [run >= window for run in longest]
    expected = np.zeros(ROWS, dtype=bool)
    for series, most, free in zip(values.T, allowed, exempt, strict=True):
        expected |= (run_lengths(series) > most) & (not free)
    expected[:from_row] = False
    assert stuck(rules_of(pair_reference, longest, window), values, from_row).tolist() == expected.tolist()


@pytest.mark.parametrize("begins", range(200, 226))
def test_the_shortest_run_that_counts_is_found_at_its_last_row_alone(pair_reference, begins):
    values = np.random.default_rng(1).normal(size=(ROWS, 3))
    values[begins : begins + 25, 2] = 0.5
    rules = rules_of(pair_reference, (1, 1, 1), 40)
    for from_row in (0, begins + 24):
        assert np.flatnonzero(stuck(rules, values, from_row)).tolist() == [begins + 24]
