"""The reference profile: fitted with named problems, kept as JSON without losing a bit."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tradai_lifecycle.monitor import ReferenceProfile, fit_pair_reference


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
        "close": rng.normal(size=rows),
        "window_candles": 40,
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
    with pytest.raises(ValueError, match="unknown format_version 99, known is 1"):
        ReferenceProfile.from_json(json.dumps(raw))
    with pytest.raises(ValueError, match="format_version 2"):
        replace(profile, format_version=2)


@pytest.mark.parametrize("text", ["", "not json", "[]", "1", "null", "{}"])
def test_what_is_not_a_profile_is_a_value_error(text):
    with pytest.raises(ValueError, match="reference profile"):
        ReferenceProfile.from_json(text)


def malformed_profiles():
    """Each field of each level, left out or replaced by something of another type."""
    for level in ("profile", "pair", "feature"):
        for value in (None, {}, "x", True, float("nan")):
            yield level, value


@pytest.mark.parametrize(("level", "value"), malformed_profiles())
def test_every_field_left_out_or_of_another_type_is_a_value_error(profile, level, value):
    text = profile.to_json()
    path = {"profile": (), "pair": ("pairs", 0), "feature": ("pairs", 0, "features", 1)}[level]

    def part_of(raw):
        for key in path:
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


def test_counts_ranges_and_runs_are_those_of_training():
    features = np.column_stack([np.arange(200.0), np.repeat(np.arange(20.0), 10)])
    features[3, 0] = np.nan
    reference = fit_pair_reference(**training(features=features, close=np.repeat([1.0, 2.0], 100)))
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


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rows": 79}, "79 training candles do not hold two windows of 40"),
        ({"window_candles": 0}, "windows of 0"),
        ({"feature_names": ("a",)}, "do not fit 1 feature names"),
        ({"feature_names": ("a", "a")}, "occur twice"),
        ({"prediction": np.zeros(3)}, "must have 200 rows"),
        ({"close": np.zeros((200, 1))}, "must have 200 rows"),
        ({"features": np.full((200, 2), np.nan)}, "series 'a': no finite value"),
        ({"prediction": np.full(200, np.inf)}, "series 'prediction': no finite value"),
    ],
)
def test_what_cannot_be_fitted_is_named(changes, problem):
    with pytest.raises(ValueError, match=problem):
        fit_pair_reference(**training(**changes))
