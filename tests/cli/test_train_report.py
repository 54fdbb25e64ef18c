"""What `tradai train` says the monitors will see of the model it made, and what they cannot."""

import numpy as np
import pytest

from tests.candles import walking_candles
from tests.model.bundles import FEATURES, WINDOW, bundle
from tradai_lifecycle.cli.train import monitoring_report
from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.monitor import PairReference, ReferenceProfile, fit_pair_reference
from tradai_lifecycle.monitor.shifts import FastTier

PAIR = "BTC/USDT"


def reference(rows: int) -> PairReference:
    """Of three features: noise, a sum of noise whose index says nothing, and the first with some noise."""
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(rows, 3))
    features = np.column_stack([noise[:, 0], np.cumsum(noise[:, 1]), noise[:, 0] + 0.3 * noise[:, 2]])
    return fit_pair_reference(
        pair=PAIR,
        features=features,
        feature_names=FEATURES,
        prediction=np.tanh(noise[:, 2]),
        candles=walking_candles(rows, seed=3),
        window_candles=WINDOW,
        maximum_share_of_time_reduced=0.1,
    )


def report(found: PairReference) -> list[str]:
    profile = ReferenceProfile(window_candles=WINDOW, feature_names=FEATURES, pairs=(found,))
    return monitoring_report(bundle(profile=profile), LifecycleConfig(model_name="m", window_candles=WINDOW))


def words(tier: FastTier) -> str:
    return f"over {tier.window} candles, held for {tier.persistence}"


def test_series_that_cannot_be_monitored_are_named_and_the_others_counted() -> None:
    lines = report(reference(9_000))
    assert f"  {PAIR}: drift is watched in 3 of 4 series (m/n = 45)" in lines
    assert "    cannot be monitored at this window: %-ema_ratio" in lines
    assert not any("windows of training" in line for line in lines)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (1_800, "    WARNING: fewer than 10 windows of training: drift is only reported"),
        (2_400, "    warning: fewer than 40 windows of training data: loose limits"),
    ],
)
def test_too_short_a_training_is_warned_of(rows: int, said: str) -> None:
    assert said in report(reference(rows))


def test_what_the_fast_alarms_look_at_is_that_of_the_reference() -> None:
    found = reference(2_400)
    market, relations = found.market.shifts.fast_tier, found.relations.fast_tier
    assert found.relations.combinations
    assert f"    fast alarms look at the market {words(market)}; its features' relations {words(relations)}" in report(
        found
    )
