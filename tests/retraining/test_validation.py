"""A model's validation is scored as a bot scores it, and kept with what it is worth, of all pairs and of each."""

from dataclasses import replace

import numpy as np
import pytest

from tradai_lifecycle.model.bundle import ModelTask
from tradai_lifecycle.model.validation import validated_accuracy
from tradai_lifecycle.monitor.effective import pooled_share, share_of
from tradai_lifecycle.monitor.market import Candles
from tradai_lifecycle.retraining.estimators import make_estimator
from tradai_lifecycle.retraining.training import PairSample, TrainingPlan, train_bundle
from tradai_lifecycle.retraining.validation import HeldOut, validation_metrics

HOUR_NS = 3_600 * 10**9
ROWS, HORIZON = 400, 3


def held_out(pair, seed, *, first=0, rows=ROWS):
    """A pair's held-out candles: scores that know a little, a row without one, an outcome of zero."""
    rng = np.random.default_rng(seed)
    outcomes = rng.choice([-0.01, 0.01], rows)
    scores = np.where(rng.random(rows) < 0.2, outcomes, rng.choice([-0.05, 0.002, 0.05], rows))
    scores[7], outcomes[9] = np.nan, 0.0
    return HeldOut(pair=pair, dates_ns=(first + np.arange(rows)) * HOUR_NS, scores=scores, outcomes=outcomes)


def metrics(*parts, dead_band=0.0):
    return validation_metrics(parts, horizon_candles=HORIZON, candle_ns=HOUR_NS, dead_band=dead_band)


def scored(part, dead_band=0.0):
    """What a bot would score, and the hits."""
    flags = np.isfinite(part.scores) & (part.outcomes != 0.0) & (np.abs(part.scores) > dead_band)
    return flags, np.sign(part.scores) == np.sign(part.outcomes)


@pytest.mark.parametrize("dead_band", [0.0, 0.01])
def test_each_pair_is_kept_as_it_is_scored_live(dead_band):
    parts = held_out("BTC/USDT", 1), held_out("ETH/USDT:USDT", 2)
    found = metrics(*parts, dead_band=dead_band)
    for part in parts:
        share = share_of(*scored(part, dead_band), 2 * HORIZON)
        shown = validated_accuracy(found, part.pair, dead_band=dead_band)
        assert (shown.accuracy, shown.predictions) == (share.accuracy, share.predictions)
        assert (shown.effective_predictions, shown.candles) == (share.effective_predictions, ROWS)
    pooled = pooled_share([scored(part, dead_band) for part in parts], 2 * HORIZON)
    assert found["validation_accuracy"] == pooled.accuracy
    assert found["validation_predictions"] == pooled.predictions
    assert found["validation_effective_predictions"] == pooled.effective_predictions
    assert found["validation_candles"] == 2 * ROWS
    ups = [part.outcomes[scored(part, dead_band)[0]] > 0.0 for part in parts]
    assert found["validation_always_up_accuracy"] == np.concatenate(ups).mean()


def test_a_missing_candle_and_a_later_start_count_as_rows_without_a_prediction():
    whole = held_out("BTC/USDT", 3)
    kept = np.delete(np.arange(ROWS), [50, 51])
    gap = HeldOut(
        pair="BTC/USDT", dates_ns=whole.dates_ns[kept], scores=whole.scores[kept], outcomes=whole.outcomes[kept]
    )
    blank = np.where(np.isin(np.arange(ROWS), [50, 51]), np.nan, whole.scores)
    same = HeldOut(pair="BTC/USDT", dates_ns=whole.dates_ns, scores=blank, outcomes=whole.outcomes)
    ignored = {"validation_candles", "validation_candles.BTC_USDT"}
    assert {name: value for name, value in metrics(gap).items() if name not in ignored} == {
        name: value for name, value in metrics(same).items() if name not in ignored
    }
    late = held_out("ETH/USDT", 4, first=100, rows=300)
    alone, beside = metrics(late), metrics(whole, late)
    for name in ("validation_accuracy", "validation_effective_predictions"):
        assert beside[f"{name}.ETH_USDT"] == alone[f"{name}.ETH_USDT"]


def test_a_pair_without_a_scored_row_has_no_figures_and_without_any_there_are_none():
    nothing = HeldOut(
        pair="ETH/USDT", dates_ns=np.arange(5) * HOUR_NS, scores=np.full(5, 0.001), outcomes=np.full(5, 0.01)
    )
    found = metrics(held_out("BTC/USDT", 5), nothing, dead_band=0.01)
    assert validated_accuracy(found, "ETH/USDT", dead_band=0.01) is None
    assert metrics(nothing, dead_band=0.01) == {}


def test_what_does_not_compare_with_live_predictions_is_not_there():
    found = metrics(held_out("BTC/USDT", 6))
    assert validated_accuracy(found, "BTC/USDT", dead_band=0.0) is not None
    assert validated_accuracy(found, "BTC/USDT", dead_band=0.01) is None
    older = {name: value for name, value in found.items() if "effective" not in name}
    assert validated_accuracy(older, "BTC/USDT", dead_band=0.0) is None
    assert validated_accuracy({}, "BTC/USDT", dead_band=0.0) is None


def sample(pair, seed, rows=1_200):
    """Candles of a pair whose first feature says the direction more often than not."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 2))
    target = np.sign(features[:, 0] + 2.0 * rng.normal(size=rows))
    close = 100.0 * np.exp(np.cumsum(0.01 * rng.normal(size=rows)))
    volume = 1.0 + rng.random(rows)
    candles = Candles(open=close, high=close * 1.01, low=close * 0.99, close=close, volume=volume)
    return PairSample(pair=pair, dates_ns=np.arange(rows) * HOUR_NS, features=features, target=target, candles=candles)


def test_training_keeps_the_validation_of_every_pair_with_the_dead_band_of_its_plan():
    estimator, task = make_estimator("LogisticRegression", {}, seed=0)
    assert task is ModelTask.CLASSIFICATION
    plan = TrainingPlan(
        name="demo",
        estimator=estimator,
        task=task,
        feature_names=("%-a", "%-b"),
        horizon_candles=HORIZON,
        timeframe="1h",
        candle_ns=HOUR_NS,
        window_candles=200,
        maximum_share_of_time_reduced=0.1,
        prediction_dead_band=0.05,
    )
    samples = [sample("BTC/USDT", 1), sample("ETH/USDT", 2)]
    bundle = train_bundle(samples, plan)
    for one in samples:
        shown = validated_accuracy(bundle.metrics, one.pair, dead_band=0.05)
        assert shown is not None
        assert 0.55 < shown.accuracy < 0.75
        assert shown.candles == 240
        # a fifth of the candles was held out; those within the dead band are not scored
        assert shown.effective_predictions < shown.predictions < 240
    # and by that share its fast alarms are chosen
    tiers = {
        share: train_bundle(samples, replace(plan, maximum_share_of_time_reduced=share)).profile.pairs
        for share in (0.01, 0.4)
    }
    chosen = [[pair.market.shifts.fast_tier for pair in pairs] for pairs in tiers.values()]
    assert chosen[0] != chosen[1]
    assert bundle.metrics["training_rows"] == 2_400
