"""How fast the monitors are, on one core and synthetic features. Each function returns rows to print.

Run: OMP_NUM_THREADS=1 python benchmarks/monitor.py
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from tradai_lifecycle.monitor import (
    Candles,
    HealthSettings,
    PairReference,
    assess,
    bin_codes,
    fit_pair_reference,
    quality_reasons,
    rolling_psi,
    series_health,
    window_psi,
)
from tradai_lifecycle.states import Thresholds

HOUR_NS = 3_600 * 10**9
CANDLES, FEATURES, WINDOW, TRAINING = 100_000, 50, 500, 20_000
SETTINGS = HealthSettings(
    window_candles=WINDOW,
    candle_ns=HOUR_NS,
    horizon_candles=12,
    thresholds=Thresholds.CALIBRATED,
    moderate_psi=0.10,
    significant_psi=0.25,
    retrain_psi=0.20,
    retrain_feature_count=3,
    maximum_share_of_time_reduced=0.10,
    target_false_alarms_per_1000=None,
    accuracy_floor=0.52,
    accuracy_windows=(336, 672, 1_344),
    minimum_effective_predictions=100,
    prediction_dead_band=0.0,
)

Row = tuple[str, str]


def synthetic_features(rows: int, columns: int) -> NDArray[np.float64]:
    """Moving averages of noise over spans from 1 to 50 candles: as slow as usual indicators."""
    noise = np.random.default_rng(0).normal(size=(rows + columns, columns)).cumsum(axis=0)
    spans = [(noise[columns:, j] - noise[columns - 1 - j : -1 - j, j]) / np.sqrt(j + 1) for j in range(columns)]
    return np.column_stack(spans)


def synthetic_candles(rows: int) -> Candles:
    """A random walk with wicks and volumes."""
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(0.01 * rng.normal(size=rows).cumsum())
    opened, wicks = np.concatenate([close[:1], close[:-1]]), 0.002 * close * rng.exponential(size=(2, rows))
    return Candles(
        open=opened,
        high=np.maximum(opened, close) + wicks[0],
        low=np.minimum(opened, close) - wicks[1],
        close=close,
        volume=rng.lognormal(3.0, 0.5, rows),
    )


def fitted(features: NDArray[np.float64], rows: int = TRAINING) -> PairReference:
    """A reference of the first rows, with the first feature standing for the prediction."""
    return fit_pair_reference(
        pair="BTC/USDT",
        features=features[:rows],
        feature_names=tuple(f"%-{index}" for index in range(features.shape[1])),
        prediction=features[:rows, 0],
        candles=synthetic_candles(rows),
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )


def best_seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """The shortest of some runs."""
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def whole_history() -> list[Row]:
    """Rolling PSI of the whole history against recomputing each row, the latter measured on a sample and scaled."""
    features = synthetic_features(CANDLES, FEATURES)
    references = fitted(features).features
    codes = bin_codes(features, references)
    binning = best_seconds(lambda: bin_codes(features, references))
    rolling = best_seconds(lambda: rolling_psi(codes, references, WINDOW))
    sample = np.linspace(WINDOW, CANDLES, 200).astype(int)

    def recompute() -> None:
        for end in sample:
            window_psi(bin_codes(features[end - WINDOW : end], references), references)

    per_row = best_seconds(recompute, 1) / len(sample)
    scaled = per_row * (CANDLES - WINDOW + 1)
    size = f"{CANDLES:,} x {FEATURES}, window {WINDOW}"
    return [
        (f"binning, {size}", f"{binning:.3f} s"),
        (f"rolling PSI, {size}, codes given", f"{rolling:.3f} s"),
        (f"rolling PSI, {size}, with binning", f"{binning + rolling:.3f} s"),
        (f"each row anew (scaled from {len(sample)} rows)", f"{scaled:.1f} s, {scaled / (binning + rolling):,.0f} x"),
    ]


def calibration() -> list[Row]:
    """Fitting a pair's reference, calibration included."""
    features = synthetic_features(TRAINING, FEATURES)
    seconds = best_seconds(lambda: fitted(features))
    return [(f"reference with calibration, {TRAINING:,} x {FEATURES}", f"{seconds:.3f} s")]


def one_batch() -> list[Row]:
    """PSI of one batch, and the report that names every series."""
    rows: list[Row] = []
    for count in (50, 200):
        features = synthetic_features(TRAINING // 2, count)
        reference = fitted(features, TRAINING // 2)
        batch = features[-WINDOW:]
        seconds = best_seconds(lambda b=batch, r=reference: window_psi(bin_codes(b, r.features), r.features), 20)
        rows.append((f"PSI of one batch, {WINDOW} x {count}", f"{1e3 * seconds:.2f} ms"))
        report = best_seconds(
            lambda b=batch, r=reference: series_health(
                features_tail=b, prediction_tail=b[:, 0], reference=r, settings=SETTINGS
            ),
            20,
        )
        rows.append((f"report of every series, {WINDOW} x {count}", f"{1e3 * report:.2f} ms"))
    return rows


def health() -> list[Row]:
    """All evidence: a live frame, a whole history, and the quality part of it."""
    features = synthetic_features(CANDLES, FEATURES)
    reference = fitted(features)
    rng = np.random.default_rng(1)
    candles, dates = synthetic_candles(CANDLES), HOUR_NS * np.arange(CANDLES)
    realised = rng.normal(size=CANDLES)

    def judge(rows: int) -> None:
        assess(
            features=features[-rows:],
            prediction=features[-rows:, 0],
            fit=np.ones(rows, dtype=bool),
            realised=realised[-rows:],
            dates_ns=dates[-rows:],
            candles=candles.rows(slice(-rows, None)),
            reference=reference,
            settings=SETTINGS,
            trained_until_ns=0,
        )

    quality = best_seconds(
        lambda: quality_reasons(
            values=features,
            close=candles.close,
            dates_ns=dates,
            candle_ns=HOUR_NS,
            reference=reference,
            window=WINDOW,
        )
    )
    return [
        (f"health of a live frame, 2,000 x {FEATURES}", f"{1e3 * best_seconds(lambda: judge(2_000), 10):.1f} ms"),
        (f"health of a history, {CANDLES:,} x {FEATURES}", f"{best_seconds(lambda: judge(CANDLES)):.3f} s"),
        (f"of which data quality, {CANDLES:,} x {FEATURES}", f"{quality:.3f} s"),
    ]


def main() -> None:
    """Print every row."""
    for name, figure in [*whole_history(), *calibration(), *one_batch(), *health()]:
        print(f"{name:<70} {figure}")


if __name__ == "__main__":
    main()
