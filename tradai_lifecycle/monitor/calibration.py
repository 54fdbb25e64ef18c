"""What training data shows about itself: runs, scales, and how far windows without drift stray from the rest.

Candles are autocorrelated, so a window of 500 of them may hold a dozen independent values of a slow feature, and its
PSI lies far above what independent data would give. The limits are therefore read from the training data: each window
of it is compared with the training data outside that window, and a limit is a high quantile of what comes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import special

from tradai_lifecycle.monitor.psi import Codes, Floats, psi_terms

MODERATE_ALPHA = 0.05
SIGNIFICANT_ALPHA = 0.01
RETRAIN_ALPHA = 0.01
#: The floor of significant limits that the peaks of training are measured by.
SIGNIFICANT_PSI = 0.25
#: A calibrated limit above this is too wide to see anything: the series is shown and left out of the rules.
LARGEST_USEFUL_LIMIT = 1.0
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Per monitored series `(S,)`: the mean PSI of training windows and the quantiles that the limits are made of.

    `window_psi` `(S, windows)` are those windows, a quarter of a window apart.
    """

    mean_window_psi: Floats
    moderate_quantile: Floats
    significant_quantile: Floats
    retrain_quantile: Floats
    window_psi: Floats


def calibrate(codes: Codes, counts: Sequence[tuple[int, ...]], window: int) -> Calibration:
    """The PSI that windows of the training data reach without drift.

    `codes` `(m, S)` are the training rows of all monitored series, `counts` their rows per bin. The error rates 0.05
    (moderate) and 0.01 (significant) are shared among the S series (Bonferroni); the retraining quantile is each
    series' own 99 %. Quantiles are non-negative and finite; a series whose windows never differ gets 0. Raises
    ValueError when the training data does not hold two windows.
    """
    if window < 1 or len(codes) < 2 * window:
        raise ValueError(f"{len(codes)} training candles do not hold two windows of {window}")
    columns = zip(codes.T, counts, strict=True)
    psi = np.array([training_window_psi(column, series_counts, window) for column, series_counts in columns])
    mean, variance = psi.mean(axis=1), psi.var(axis=1, ddof=1)
    windows_held = len(codes) / window
    return Calibration(
        mean_window_psi=mean,
        moderate_quantile=_shared_quantile(mean, variance, windows_held, MODERATE_ALPHA),
        significant_quantile=_shared_quantile(mean, variance, windows_held, SIGNIFICANT_ALPHA),
        retrain_quantile=_gamma_quantile(mean, variance, RETRAIN_ALPHA),
        window_psi=psi,
    )


def window_starts(rows: int, window: int) -> NDArray[np.intp]:
    """First rows of the training windows: a quarter of a window apart, all of full length."""
    return np.arange(0, rows - window + 1, max(1, window // 4))


def training_window_psi(column: Codes, counts: tuple[int, ...], window: int) -> Floats:
    """The PSI of each training window of one series against the training rows outside that window, `(windows,)`."""
    starts = window_starts(len(column), window)
    observed = np.empty((len(starts), len(counts)), dtype=np.int64)
    until = np.zeros(len(column) + 1, dtype=np.int64)
    for code in range(len(counts)):
        np.cumsum(column == code, out=until[1:])
        observed[:, code] = until[starts + window] - until[starts]
    outside = np.array(counts, dtype=np.int64) - observed
    psi: Floats = psi_terms(observed, window, outside, len(column) - window, len(counts) - 1).sum(axis=1)
    return psi


def _shared_quantile(mean: Floats, variance: Floats, windows_held: float, alpha: float) -> Floats:
    # the larger of an F limit whose freedom is pooled over the series and a gamma limit of the series itself
    tail = alpha / len(mean)
    return np.maximum(mean * _f_factor(mean, variance, windows_held, tail), _gamma_quantile(mean, variance, tail))


def _f_factor(mean: Floats, variance: Floats, windows_held: float, tail: float) -> float:
    varies = (mean > 0.0) & (variance > 0.0)
    if not varies.any():
        return 0.0
    freedom = float(np.median(2.0 * mean[varies] ** 2 / variance[varies])) * (1.0 - 1.0 / windows_held)
    factor = float(special.fdtri(freedom, freedom * windows_held, 1.0 - tail))
    return factor if np.isfinite(factor) else _LARGEST


def _gamma_quantile(mean: Floats, variance: Floats, tail: float) -> Floats:
    # moments: shape mean^2 / variance, scale variance / mean
    varies = (mean > 0.0) & (variance > 0.0)
    quantile = np.zeros(len(mean))
    shape = mean[varies] ** 2 / variance[varies]
    quantile[varies] = special.gammainccinv(shape, tail) * variance[varies] / mean[varies]
    return np.nan_to_num(quantile, nan=0.0, posinf=_LARGEST)


def run_lengths(values: Floats) -> NDArray[np.int64]:
    """Length of the run of equal finite values that ends at each row, `(n,)`; a non-finite value starts anew."""
    rows = np.arange(len(values))
    starts_run = np.ones(len(values), dtype=bool)
    starts_run[1:] = (values[1:] != values[:-1]) | ~np.isfinite(values[1:])
    return rows - np.maximum.accumulate(np.where(starts_run, rows, 0)) + 1


def interquartile_ranges(values: Floats, last_rows: NDArray[np.intp], window: int) -> Floats:
    """Interquartile range of the finite values in each window of `window` rows that ends at one of `last_rows`.

    Quartiles are order statistics at a quarter and three quarters. NaN where less than half of a window is finite.
    """
    if len(last_rows) == 0:
        return np.empty(0)
    finite = np.where(np.isfinite(values), values, np.nan)
    windows = sliding_window_view(finite, window)[last_rows - window + 1]
    windows.sort(axis=1)  # NaN last
    held = window - np.isnan(windows).sum(axis=1)
    rows = np.arange(len(windows))
    with np.errstate(over="ignore"):
        ranges = windows[rows, 3 * held // 4] - windows[rows, held // 4]
    return np.where(2 * held >= window, np.minimum(ranges, _LARGEST), np.nan)


__all__ = [
    "LARGEST_USEFUL_LIMIT",
    "SIGNIFICANT_PSI",
    "Calibration",
    "calibrate",
    "interquartile_ranges",
    "run_lengths",
    "training_window_psi",
    "window_starts",
]
