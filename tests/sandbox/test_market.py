"""The synthetic market keeps its promises: the same candles by seed, a relation to learn, regimes that end it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tradai_lifecycle.sandbox import BASE, BROKEN, DRIFTED, REVERSED, Regime, build_market, write_datadir

START = datetime(2024, 1, 1, tzinfo=UTC)
PAIR = "BTC/USDT"
HORIZON = 4
SWITCH = 3_000


def features(candles: pd.DataFrame) -> pd.DataFrame:
    close, volume = np.log(candles["close"]), np.log(candles["volume"])
    table = pd.DataFrame({f"return_{n}": close.diff(n) for n in (1, 2, 3, 6, 12, 24)})
    table["volatility"] = close.diff().rolling(24).std()
    table["volume_z"] = (volume - volume.rolling(96).mean()) / volume.rolling(96).std()
    return table


def market_with(regime: Regime, seed: int) -> pd.DataFrame:
    return build_market(seed, [PAIR], "1h", START, 2 * SWITCH, (BASE.lasting(SWITCH), regime))[PAIR]


def walk_forward_accuracy(candles: pd.DataFrame, first: int) -> float:
    """Share of right directions over test folds of 500 rows from `first`, each judged by a model trained before it."""
    table = features(candles)
    future = np.log(candles["close"]).shift(-HORIZON) - np.log(candles["close"])
    hits = []
    for fold in range(first, len(candles) - 500, 500):
        train = slice(100, min(fold, SWITCH) - HORIZON)  # a champion of the base regime, as the bot would have it
        model = make_pipeline(StandardScaler(), LogisticRegression())
        model.fit(table[train], future[train] > 0)
        test = slice(fold, fold + 500)
        hits.append(model.predict(table[test]) == (future[test] > 0))
    return float(np.mean(np.concatenate(hits)))


def mean_accuracy(regime: Regime, first: int = SWITCH) -> float:
    return float(np.mean([walk_forward_accuracy(market_with(regime, seed), first) for seed in range(4)]))


def test_an_honest_model_learns_the_base_regime() -> None:
    assert 0.54 < mean_accuracy(BASE, first=1_500) < 0.62


@pytest.mark.parametrize(("regime", "ceiling"), [(BROKEN, 0.52), (DRIFTED, 0.52), (REVERSED, 0.48)])
def test_the_model_of_the_base_regime_fails_after_it(regime: Regime, ceiling: float) -> None:
    assert mean_accuracy(regime) < ceiling


def test_drift_moves_volatility_and_volume_and_a_broken_relation_does_not() -> None:
    def change(regime: Regime) -> tuple[float, float]:
        candles = market_with(regime, 1)
        returns, volume = np.log(candles["close"]).diff(), candles["volume"]
        before, after = slice(1, SWITCH), slice(SWITCH, None)
        return returns[after].std() / returns[before].std(), volume[after].median() / volume[before].median()

    assert min(change(DRIFTED)) > 2
    assert change(BROKEN) == pytest.approx((1.0, 1.0), abs=0.1)


def test_windows_of_the_base_regime_look_alike() -> None:
    """Volatility clusters from candle to candle, but windows of 500 candles agree within a few percent."""
    returns = np.log(market_with(BASE, 2)["close"]).diff().dropna()
    absolute = returns.abs()
    assert absolute.autocorr(1) > 0.02
    windows = returns.groupby(np.arange(len(returns)) // 500).std()[:-1]
    assert windows.std() / windows.mean() < 0.06


def test_the_same_seed_gives_the_same_candles_whatever_the_other_pairs() -> None:
    both = build_market(5, [PAIR, "ETH/USDT"], "1h", START, 300)
    alone = build_market(5, [PAIR], "1h", START, 300)
    pd.testing.assert_frame_equal(both[PAIR], alone[PAIR])
    assert not both[PAIR]["volume"].equals(build_market(6, [PAIR], "1h", START, 300)[PAIR]["volume"])
    assert not both[PAIR]["volume"].equals(both["ETH/USDT"]["volume"])


def test_candles_have_freqtrades_format_and_are_possible() -> None:
    candles = build_market(3, [PAIR], "5m", START, 1_000, (DRIFTED,))[PAIR]
    assert list(candles) == ["date", "open", "high", "low", "close", "volume"]
    assert str(candles["date"].dt.tz) == "UTC"
    assert candles["date"].diff().dropna().unique() == [pd.Timedelta("5min")]
    assert (candles["high"] >= candles[["open", "close"]].max(axis=1)).all()
    assert (candles["low"] <= candles[["open", "close"]].min(axis=1)).all()
    assert (candles[["low", "volume"]] > 0).all().all()


@pytest.mark.parametrize(
    "regimes",
    [(), (BASE, BROKEN), (BASE.lasting(100), BROKEN), (BASE.lasting(101),)],
    ids=["none", "endless_first", "nothing_left", "too_long"],
)
def test_regimes_that_do_not_fit_are_refused(regimes: tuple[Regime, ...]) -> None:
    with pytest.raises(ValueError, match="regime"):
        build_market(1, [PAIR], "1h", START, 100, regimes)


def test_a_pair_of_the_other_trading_mode_is_refused(tmp_path: Path) -> None:
    frames = build_market(1, [PAIR], "1h", START, 10)
    with pytest.raises(ValueError, match="futures"):
        write_datadir(frames, tmp_path, "1h", "futures")
