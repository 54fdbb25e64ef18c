"""The monitors on real candles: alarms are rare out of sample, and faults are found within 25 candles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests.monitor.real_candles import as_candles, indicators, needs_candles, real_candles
from tradai_lifecycle.monitor import PairReference, bin_codes, fit_pair_reference, quality_reasons, rolling_psi

SERIES = ("BTC_USDT-1h", "ETH_USDT-1h", "SOL_USDT-5m")
TRAINING, LIVE, WINDOW, COOL_DOWN = 20_000, 15_000, 500, 250

pytestmark = [pytest.mark.market, needs_candles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Usual indicators of one series of candles, with a reference fitted on the first TRAINING rows.

    A row is sound if none of its last 100 candles was missing: outages of the exchange are no false alarms.
    """

    features: Any
    close: Any
    dates_ns: Any
    candle_ns: int
    sound: Any
    reference: PairReference

    def reasons(self, rows: slice, features: Any = None) -> Any:
        """The quality reasons of some rows, their features replaced if given."""
        return quality_reasons(
            values=self.features[rows] if features is None else features,
            close=self.close[rows],
            dates_ns=self.dates_ns[rows],
            candle_ns=self.candle_ns,
            reference=self.reference,
            window=WINDOW,
        )


@pytest.fixture(scope="module", params=SERIES)
def market(request):
    """Real candles with a reference of the first of them."""
    frame = real_candles(request.param).iloc[-(TRAINING + LIVE + 100) :]
    features = indicators(frame).iloc[100:]
    close, dates = frame["close"].to_numpy()[100:], features.index.as_unit("ns").asi8
    reference = fit_pair_reference(
        pair=request.param,
        features=features.to_numpy()[:TRAINING],
        feature_names=tuple(features.columns),
        prediction=np.tanh(20 * features["%-return-24"].to_numpy()[:TRAINING]),
        candles=as_candles(frame.iloc[100:]).rows(slice(TRAINING)),
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )
    return Market(
        features=features.to_numpy(),
        close=close,
        dates_ns=dates,
        candle_ns=int(np.diff(dates).min()),
        sound=(frame["volume"] > 0.0).rolling(100, min_periods=1).min().to_numpy()[100:] > 0.0,
        reference=reference,
    )


def triggers_per_thousand(flags: Any) -> float:
    """Onsets at least COOL_DOWN candles apart, per 1,000 candles."""
    count, last = 0, -COOL_DOWN
    for row in np.flatnonzero(flags & ~np.r_[False, flags[:-1]]):
        if row - last >= COOL_DOWN:
            count, last = count + 1, row
    return 1_000 * count / len(flags)


def test_quality_rarely_flags_candles_that_are_sound(market):
    flagged = market.reasons(slice(TRAINING - 2 * WINDOW, None))[2 * WINDOW :] != 0
    sound = market.sound[TRAINING:]
    assert len(flagged) == LIVE
    assert sound.mean() > 0.9
    assert triggers_per_thousand(flagged & sound) <= 0.1


def test_calibrated_limits_are_rarely_exceeded_where_the_bare_rule_is_always_on(market):
    references = market.reference.features
    live = market.features[TRAINING - WINDOW + 1 :]
    psi = rolling_psi(bin_codes(live, references), references, WINDOW)[WINDOW - 1 :]
    limits = np.array([max(0.25, reference.significant_quantile) for reference in references])
    assert (psi > 0.25).any(axis=1).mean() > 0.9
    assert (psi > limits)[:, limits <= 1.0].any(axis=1).mean() < 0.05


@pytest.mark.parametrize(
    ("fault", "share"), [("stuck", 1.0), ("nan", 1.0), ("hundredfold", 0.9), ("thousandfold", 1.0)]
)
def test_a_fault_in_one_feature_is_found_within_25_candles(market, fault, share):
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        onset = int(rng.integers(TRAINING + 1_000, len(market.close) - 100))
        rows, column = slice(onset - 600, onset + 25), int(rng.integers(market.features.shape[1]))
        if market.reasons(rows).any():
            continue
        broken = market.features[rows].copy()
        if fault == "stuck":
            broken[600:, column] = broken[599, column]
        else:
            broken[600:, column] *= {"nan": np.nan, "hundredfold": 100.0, "thousandfold": 1_000.0}[fault]
        found.append(market.reasons(rows, broken)[600:].any())
    assert len(found) > 30
    assert np.mean(found) >= share
