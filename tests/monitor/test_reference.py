"""The reference profile: fitted with named problems, kept as JSON without losing a bit."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.candles import candles_round, walking_candles
from tradai_lifecycle.monitor import MARKET_SERIES, Candles, ReferenceProfile, fit_pair_reference
from tradai_lifecycle.monitor.market import market_memory_candles, market_values
from tradai_lifecycle.monitor.psi import edge_codes, interior_edges
from tradai_lifecycle.monitor.shift_calibration import scored
from tradai_lifecycle.monitor.shifts import FastTier


@pytest.fixture
def profile(pair_reference):
    """A profile of two pairs."""
    return ReferenceProfile(
        window_candles=40,
        feature_names=tuple(feature.name for feature in pair_reference.features),
        pairs=(pair_reference, replace(pair_reference, pair="ETH/USDT")),
    )


def training(rows=200, **changes):
    rng = np.random.default_rng(0)
    values = {
        "pair": "BTC/USDT",
        "features": rng.normal(size=(rows, 2)),
        "feature_names": ("a", "b"),
        "prediction": rng.normal(size=rows),
        "candles": candles_round(rng.normal(size=rows)),
        "window_candles": 40,
        "maximum_share_of_time_reduced": 0.1,
    }
    return values | changes


def test_json_restores_the_profile_to_the_last_bit(profile):
    assert ReferenceProfile.from_json(profile.to_json()) == profile


def test_json_is_strict_and_restores_whole_numbers_as_floats(profile):
    raw = json.loads(profile.to_json())
    raw["pairs"][0]["features"][0]["minimum"] = -7
    restored = ReferenceProfile.from_json(json.dumps(raw)).pairs[0].features[0].minimum
    assert restored == -7.0
    assert type(restored) is float
    assert "NaN" not in profile.to_json()
    assert "Infinity" not in profile.to_json()


def test_a_pair_is_found_by_name_and_an_unknown_one_is_none(profile):
    assert profile.pair("ETH/USDT") == profile.pairs[1]
    assert profile.pair("DOGE/USDT") is None


def test_an_unknown_format_version_is_named(profile):
    raw = json.loads(profile.to_json()) | {"format_version": 99}
    with pytest.raises(ValueError, match="unknown format_version 99, known is 3"):
        ReferenceProfile.from_json(json.dumps(raw))
    with pytest.raises(ValueError, match="format_version 1"):
        replace(profile, format_version=1)


@pytest.mark.parametrize("tier", [FastTier(window=9, persistence=2), FastTier(window=8, persistence=3)])
def test_fast_alarms_that_look_further_back_than_a_frame_is_sure_to_hold_are_refused(profile, tier):
    pair = profile.pairs[0]
    market = replace(pair.market, shifts=replace(pair.market.shifts, fast_tier=tier))
    for changed in (replace(pair, market=market), replace(pair, relations=replace(pair.relations, fast_tier=tier))):
        with pytest.raises(ValueError, match=r"BTC/USDT has FastTier.*none of a window of 40"):
            replace(profile, pairs=(changed,))


@pytest.mark.parametrize("text", ["", "not json", "[]", "1", "null", "{}"])
def test_what_is_not_a_profile_is_a_value_error(text):
    with pytest.raises(ValueError, match="reference profile"):
        ReferenceProfile.from_json(text)


LEVELS = {
    "profile": (),
    "pair": ("pairs", 0),
    "feature": ("pairs", 0, "features", 1),
    "market": ("pairs", 0, "market"),
    "shifts": ("pairs", 0, "market", "shifts"),
    "combination": ("pairs", 0, "market", "shifts", "combinations", 5),
    "bounds": ("pairs", 0, "market", "shifts", "combinations", 5, "fast"),
}


def malformed_profiles():
    """Each field of each level, left out or replaced by something of another type."""
    for level in LEVELS:
        for value in (None, {}, "x", True, float("nan")):
            yield level, value


@pytest.mark.parametrize(("level", "value"), malformed_profiles())
def test_every_field_left_out_or_of_another_type_is_a_value_error(profile, level, value):
    text = profile.to_json()

    def part_of(raw):
        for key in LEVELS[level]:
            raw = raw[key]
        return raw

    for name in part_of(json.loads(text)):
        if isinstance(part_of(json.loads(text))[name], type(value)) and not isinstance(value, float):
            continue
        changed = json.loads(text)
        part_of(changed)[name] = value
        with pytest.raises(ValueError, match=r"reference profile|format_version"):
            ReferenceProfile.from_json(json.dumps(changed))
        missing = json.loads(text)
        del part_of(missing)[name]
        with pytest.raises(ValueError, match="reference profile"):
            ReferenceProfile.from_json(json.dumps(missing))


def test_parts_that_contradict_each_other_are_refused(pair_reference, profile):
    feature = pair_reference.features[0]
    with pytest.raises(ValueError, match="not strictly increasing"):
        replace(feature, edges=tuple(reversed(feature.edges)))
    with pytest.raises(ValueError, match="counts for"):
        replace(feature, counts=feature.counts[1:])
    with pytest.raises(ValueError, match="minimum above its maximum"):
        replace(feature, minimum=feature.maximum + 1.0)
    with pytest.raises(ValueError, match="are not those of feature_names"):
        replace(profile, feature_names=("other",))
    market = pair_reference.market
    with pytest.raises(ValueError, match="the market has 4 series, needs 5"):
        replace(market, edges=market.edges[1:])
    with pytest.raises(ValueError, match="shifts of the market have"):
        replace(market, edges=(market.edges[0][1:], *market.edges[1:]))
    with pytest.raises(ValueError, match="shifts of BTC/USDT have"):
        replace(pair_reference, relations=market.shifts)


def test_counts_ranges_and_runs_are_those_of_training():
    features = np.column_stack([np.arange(200.0), np.repeat(np.arange(20.0), 10)])
    features[3, 0] = np.nan
    reference = fit_pair_reference(**training(features=features, candles=candles_round(np.repeat([1.0, 2.0], 100))))
    first, second = reference.features
    assert sum(first.counts) == sum(second.counts) == reference.training_candles == 200
    assert first.counts[-1] == 1
    assert (first.minimum, first.maximum, first.longest_constant_run) == (0.0, 199.0, 1)
    assert second.longest_constant_run == 10
    assert reference.longest_constant_close_run == 100
    assert (first.iqr_low, first.iqr_high) == (20.0, 20.0)
    assert [series.name for series in reference.series] == ["a", "b", "prediction"]


def test_integer_boolean_and_constant_features_are_fitted():
    rng = np.random.default_rng(1)
    flags = np.column_stack([rng.integers(0, 2, size=200), np.ones(200, dtype=int)])
    reference = fit_pair_reference(**training(features=flags))
    assert reference.features[0].edges == (0.5,)
    assert reference.features[1].significant_quantile == 0.0
    assert fit_pair_reference(**training(features=flags.astype(bool))) == reference


def test_whole_numbers_and_flags_are_related_as_other_features_are():
    rng = np.random.default_rng(2)
    level, other = rng.integers(-3, 4, size=800), rng.integers(0, 2, size=800)
    features = np.column_stack([level, level > 0, other, np.ones(800, dtype=int), -level])
    fitted = fit_pair_reference(**training(rows=800, features=features, feature_names=tuple("abcde")))
    assert [one.name for one in fitted.relations.combinations] == ["a", "b", "e"]
    flags = np.column_stack([level > 0, other > 0, level > 0])
    fitted = fit_pair_reference(**training(rows=800, features=flags, feature_names=tuple("abc")))
    assert [(one.name, one.series[:2]) for one in fitted.relations.combinations] == [("a", (0, 2)), ("c", (2, 0))]


def test_a_single_feature_has_no_relation():
    fitted = fit_pair_reference(**training(rows=800, features=np.arange(800.0)[:, None], feature_names=("a",)))
    assert fitted.relations.combinations == ()


@pytest.mark.parametrize("windows", [2.0, 2.2, 2.5, 3.0, 4.0, 5.0, 5.1, 5.3, 5.5, 6.0, 8.0, 10.0])
def test_training_of_any_length_gives_figures_that_can_be_written(windows):
    rows = int(40 * windows)
    features = np.random.default_rng(3).normal(size=(rows, 2)).cumsum(axis=0)
    features[:, 1] += features[:, 0]
    reference = fit_pair_reference(
        **training(rows=rows, features=features, candles=walking_candles(rows, seed=4), prediction=features[:, 0])
    )
    profile = ReferenceProfile(window_candles=40, feature_names=("a", "b"), pairs=(reference,))
    assert ReferenceProfile.from_json(profile.to_json()) == profile


def test_the_market_is_fitted_on_the_candles_that_have_all_their_memory():
    candles = walking_candles(800, seed=5)
    market = fit_pair_reference(**training(rows=800, candles=candles)).market
    values = market_values(candles, 40)[market_memory_candles(40) :]
    assert np.isfinite(values).all()
    assert market.edges == tuple(interior_edges(column) for column in values.T)
    codes = edge_codes(values, market.edges)
    slow = rolling_means(scored(codes, market.shifts.scores), 20)
    # each series alone comes before the relations
    for alone, means in zip(market.shifts.combinations, slow.T, strict=False):
        assert alone.slow.middle == pytest.approx(means.mean() / 256, abs=1e-12)
        assert alone.slow.above == pytest.approx((3 * means.std() + means.max() - means.mean()) / 512, rel=1e-9)


def rolling_means(values, window):
    return np.array([values[end - window : end].mean(axis=0) for end in range(window, len(values) + 1)])


def test_candles_without_any_move_or_volume_are_fitted():
    still = Candles(**dict.fromkeys(("open", "high", "low", "close"), np.full(800, 5.0)), volume=np.zeros(800))
    unknown = Candles(**dict.fromkeys(("open", "high", "low", "close", "volume"), np.full(800, np.nan)))
    for candles in (still, unknown):
        market = fit_pair_reference(**training(rows=800, candles=candles)).market
        assert len(market.edges) == len(MARKET_SERIES)
        assert all(one.slow.above == one.fast.above == 0.05 for one in market.shifts.combinations)
        assert market.shifts.slow_peaks == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rows": 79}, "79 training candles do not hold two windows of 40"),
        ({"window_candles": 0}, "windows of 0"),
        ({"feature_names": ("a",)}, "do not fit 1 feature names"),
        ({"feature_names": ("a", "a")}, "occur twice"),
        ({"prediction": np.zeros(3)}, "must have 200 rows"),
        ({"candles": candles_round(np.zeros(199))}, "199 candles must have 200 rows"),
        ({"features": np.full((200, 2), np.nan)}, "series 'a': no finite value"),
        ({"prediction": np.full(200, np.inf)}, "series 'prediction': no finite value"),
    ],
)
def test_what_cannot_be_fitted_is_named(changes, problem):
    with pytest.raises(ValueError, match=problem):
        fit_pair_reference(**training(**changes))
