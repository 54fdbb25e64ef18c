"""The index beside that of another library, feature-engine: open ends, deciles, and 0.0001 for a bin that is empty."""

import numpy as np
import pandas as pd
import pytest

from tradai_lifecycle.monitor import bin_codes, window_psi
from tradai_lifecycle.monitor.psi import BINS

TRAINING = 2_000
#: As many candles, shaped as the reference, are mixed into a window by the package.
PRIOR = BINS / 2


def theirs(training, live):
    """The index of each column by feature-engine, training before live."""
    from feature_engine.selection import DropHighPSIFeatures

    rows = pd.DataFrame(np.concatenate([training, live]), columns=[f"f{index}" for index in range(training.shape[1])])
    rows["part"] = np.repeat([1, 2], [len(training), len(live)])
    # the threshold is beyond any index: nothing is to be dropped
    selector = DropHighPSIFeatures(
        split_col="part", cut_off=1, bins=BINS, strategy="equal_frequency", min_pct_empty_bins=1e-4, threshold=1e9
    )
    selector.fit(rows)
    return np.array([selector.psi_values_[name] for name in rows.columns[:-1]])


def ours(series_reference, training, live):
    references = tuple(series_reference(column) for column in training.T)
    return window_psi(bin_codes(live, references), references)


def ranks(rows, columns, seed):
    """Training of whole numbers from 0 on, each once: both libraries cut it between the same two."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.permutation(rows) for _ in range(columns)]).astype(np.float64)


def drifted(rng, rows, shift, scale):
    """Normal values as ranks among a normal training, some of them beyond either of its ends."""
    from scipy.special import ndtr

    return np.floor(ndtr(rng.normal(shift, scale, rows)) * (TRAINING + 40) - 20)


@pytest.mark.parametrize("rows", [200, 500, 2_000])
def test_with_the_prior_mixed_in_feature_engine_gives_the_same_index(series_reference, rows):
    rng = np.random.default_rng(rows)
    training = ranks(TRAINING, 4, 1)
    shapes = [(0.0, 1.0), (0.5, 1.0), (0.0, 1.5), (-0.3, 0.8)]
    live = np.column_stack([drifted(rng, rows, shift, scale) for shift, scale in shapes])
    # each value twice and one of each decile: (2 k + 1) / (2 n + 10) is (k + 5 / 10) / (n + 5)
    deciles = np.repeat((np.arange(BINS) + 0.5)[:, None] * TRAINING / BINS, 4, axis=1)
    assert PRIOR == 5.0
    found = theirs(training, np.concatenate([live, live, deciles]))
    assert ours(series_reference, training, live) == pytest.approx(found, rel=1e-9)
    assert found.min() > 0.005


def test_without_it_indices_of_well_filled_bins_are_nearly_the_same(series_reference):
    rng = np.random.default_rng(2)
    training = rng.normal(size=(20_000, 5))
    live = rng.normal(loc=[0.0, 0.1, 0.3, 0.5, 0.0], scale=[1.0, 1.0, 1.0, 1.0, 1.3], size=(10_000, 5))
    assert ours(series_reference, training, live) == pytest.approx(theirs(training, live), rel=0.01, abs=1e-4)


def test_a_mean_shift_of_half_a_deviation_has_the_index_of_the_normal_distributions(series_reference):
    """Both against the exact value: the sum over the deciles of (q - p) ln(q / p)."""
    from scipy.special import ndtr, ndtri

    cuts = np.concatenate([[-np.inf], ndtri(np.arange(1, BINS) / BINS), [np.inf]])
    shares = np.diff(ndtr(cuts - 0.5))
    exact = float(((shares - 0.1) * np.log(shares / 0.1)).sum())
    training = ndtri((np.arange(200_000) + 0.5) / 200_000)[:, None]
    live = training[1::4] + 0.5
    assert ours(series_reference, training, live)[0] == pytest.approx(exact, rel=1e-3)
    assert theirs(training, live)[0] == pytest.approx(exact, rel=1e-3)
