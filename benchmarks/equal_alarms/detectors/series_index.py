"""The calibrated index of each series by itself: of its values, or of what its own past does not explain of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.drift.rows import Floats, Rows
from benchmarks.drift.scenes import Scene
from benchmarks.equal_alarms.scaling import LatchedRatio
from benchmarks.judging import judge_settings
from tradai_lifecycle.monitor.calibration import LARGEST_USEFUL_LIMIT, calibrate
from tradai_lifecycle.monitor.psi import edge_codes, interior_edges, psi_columns
from tradai_lifecycle.strategy.columns import JudgeSettings

#: Candles back that a series is explained by.
LAGS = 3

#: From values `(n, S)` to what the index is taken of, `(n, S)`, causal.
Transform = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesIndex:
    """The index of every feature and of the prediction against quantiles of training windows, and no less than 0.25."""

    name: str
    about: str
    #: Fits the transform on the training values.
    learn: Callable[[Floats], Transform]

    def fit(self, scene: Scene) -> "SeriesIndexWatch":
        """Bin the transformed training series, and calibrate each."""
        settings, _ = judge_settings(scene.series.timeframe, thresholds="calibrated")
        levels = series_of(scene.reference)
        transform = self.learn(levels)
        values, window = transform(levels), settings.health.window_candles
        edges = [interior_edges(column) for column in values.T]
        codes = edge_codes(values, edges)
        counts = [
            tuple(np.bincount(column, minlength=len(cut) + 2).tolist())
            for column, cut in zip(codes.T, edges, strict=True)
        ]
        quantiles = calibrate(codes, counts, window).significant_quantile
        series = tuple(
            CalibratedSeries(edges=cut, counts=counted, limit=max(settings.health.significant_psi, float(quantile)))
            for cut, counted, quantile in zip(edges, counts, quantiles, strict=True)
        )
        return SeriesIndexWatch(series=series, transform=transform, settings=settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedSeries:
    """One series' bins and its limit. As in the package, one with a limit above 1 does not count."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeriesIndexWatch:
    """The calibrated series of one scene."""

    series: tuple[CalibratedSeries, ...]
    transform: Transform
    settings: JudgeSettings

    def evidence(self, live: Rows, from_row: int) -> LatchedRatio:  # noqa: ARG002 - one pass judges all rows
        """The largest index over its limit at each row, NaN before the window is full; 0 where no series counts."""
        window, policy = self.settings.health.window_candles, self.settings.policy
        values = self.transform(series_of(live))
        codes = edge_codes(values, [series.edges for series in self.series])
        ratio = np.zeros(len(live))
        ratio[: window - 1] = np.nan
        for psi, series in zip(psi_columns(codes, self.series, window), self.series, strict=True):
            if series.limit <= LARGEST_USEFUL_LIMIT:
                np.maximum(ratio, psi / series.limit, out=ratio)
        return LatchedRatio(
            ratio=ratio,
            persistence=policy.significant_persistence,
            release=policy.release_persistence,
            memory=policy.latch_memory,
        )


def series_of(rows: Rows) -> Floats:
    """Every feature and, last, the prediction, `(n, F + 1)`."""
    return np.asfortranarray(np.column_stack([rows.features, rows.prediction]))


def as_they_are(_: Floats) -> Transform:
    """The values themselves."""
    return lambda values: values


def innovations(training: Floats) -> Transform:
    """What an autoregression of order 3, fitted to each training series `(m, S)` by least squares, leaves of values.

    The residual of a row is NaN where it or one of its three predecessors is not finite or not there.
    """
    weights = np.stack([_regressed(column) for column in training.T])

    def residuals(values: Floats) -> Floats:
        left = np.full(values.shape, np.nan, order="F")
        for place, column in enumerate(values.T):
            left[LAGS:, place] = column[LAGS:] - _past(column) @ weights[place]
        return np.where(np.isfinite(left), left, np.nan)

    return residuals


def _regressed(column: Floats) -> Floats:
    past, present = _past(column), column[LAGS:]
    known = np.isfinite(present) & np.isfinite(past).all(axis=1)
    return np.asarray(np.linalg.lstsq(past[known], present[known], rcond=None)[0], dtype=np.float64)


# a constant and the values of the candles before, the newest first
def _past(column: Floats) -> Floats:
    with_lags = [column[LAGS - lag : len(column) - lag] for lag in range(1, LAGS + 1)]
    return np.column_stack([np.ones(len(column) - LAGS), *with_lags])


INDEX_ALONE = SeriesIndex(
    name="index of each series alone",
    about="PSI of a feature or the prediction beyond the larger of 0.25 and its calibrated quantile, without the "
    "package's margin for new candles; held for half a window, latched",
    learn=as_they_are,
)
INNOVATIONS = SeriesIndex(
    name="index of AR(3) innovations",
    about="the same of the residuals of an autoregression of order 3 of each series, fitted and calibrated on training",
    learn=innovations,
)

__all__ = ["INDEX_ALONE", "INNOVATIONS", "LAGS", "SeriesIndex", "SeriesIndexWatch", "innovations", "series_of"]
