"""The configuration is parsed once, strictly: a mistake stops the start and says what was meant."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import tradai_lifecycle
from tradai_lifecycle.config import (
    REHEARSALS_FOLDER,
    SECTION,
    STORE_FILE,
    LifecycleConfig,
    VersionSpan,
    candle_seconds,
    parse_config,
)
from tradai_lifecycle.errors import ConfigurationError, InvalidConfigValueError, UnknownConfigKeyError
from tradai_lifecycle.states import Adoption, Role, Thresholds, TradingState

KEYS = LifecycleConfig.model_fields


def parse(**section: Any) -> LifecycleConfig:
    return parse_config({SECTION: {"model_name": "m", **section}, "stake_currency": "USDT"})


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_description(key: str) -> None:
    assert KEYS[key].description


def test_every_key_but_the_model_has_a_default_that_is_itself_valid() -> None:
    assert [key for key, field in KEYS.items() if field.is_required()] == ["model_name"]
    defaults = {
        key: field.get_default(call_default_factory=True) for key, field in KEYS.items() if not field.is_required()
    }
    assert parse() == parse(**defaults)
    assert dict(parse()) == {"model_name": "m", **defaults}


@pytest.mark.parametrize("key", KEYS)
def test_a_misspelt_key_stops_the_start_and_names_the_one_that_was_meant(key: str) -> None:
    misspelt = key[:-1]
    with pytest.raises(UnknownConfigKeyError) as caught:
        parse_config({SECTION: {"model_name": "m", misspelt: 1}})
    assert str(caught.value) == (
        f"tradai_lifecycle: unknown key {misspelt!r} in the configuration. Did you mean {key!r}?"
    )


def test_a_key_like_no_other_leads_to_the_list_of_keys() -> None:
    with pytest.raises(UnknownConfigKeyError) as caught:
        parse(zzz=1)
    assert str(caught.value) == (
        "tradai_lifecycle: unknown key 'zzz' in the configuration. docs/configuration.md lists every key."
    )


@pytest.mark.parametrize("limits", ["calibrated", "dynamic", "fixed"])
def test_where_limits_come_from_is_written_as_it_is_read(limits: str) -> None:
    config = parse(thresholds=limits)
    assert config.thresholds is Thresholds(limits)
    assert LifecycleConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_the_wrong_type_names_its_key(key: str) -> None:
    wrong = object()
    with pytest.raises(InvalidConfigValueError) as caught:
        parse_config({SECTION: {"model_name": "m", key: wrong}})
    assert caught.value.key.split(".")[0] == key
    assert str(caught.value).startswith(f"tradai_lifecycle.{key}")
    shown = "(not shown)" if key in ("telegram", "notices") else repr(wrong)
    assert shown in str(caught.value)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"telegram": {"tokn": "123:secret"}},
            "tradai_lifecycle: unknown key 'telegram.tokn' in the configuration. Did you mean 'telegram.token'?",
        ),
        (
            {"telegram": {"token": "123:secret"}},
            (
                "tradai_lifecycle.telegram: '(not shown)' is not valid: value error, "
                "telegram.token needs telegram.chat_id beside it."
            ),
        ),
        (
            {"telegram": {"token": ["123:secret"], "chat_id": "5"}},
            "tradai_lifecycle.telegram.token: '(not shown)' is not valid: input should be a valid string.",
        ),
        (
            {"telegram": {"authorized_users": {"7": "boss"}}},
            (
                "tradai_lifecycle.telegram.authorized_users.7: 'boss' is not valid: value error, 'boss' is no "
                "role; roles are viewer, operator, approver."
            ),
        ),
        (
            {"telegram": {"authorized_users": {"anna": "viewer"}}},
            (
                "tradai_lifecycle.telegram: '(not shown)' is not valid: value error, telegram.authorized_users names "
                "'anna', which is no telegram user id (digits only)."
            ),
        ),
        (
            {"notices": {"apprise_urls": [{"url": "slack://secret"}]}},
            "tradai_lifecycle.notices.apprise_urls.0: '(not shown)' is not valid: input should be a valid string.",
        ),
        (
            {"notices": {"fold_minutes": -1}},
            "tradai_lifecycle.notices.fold_minutes: -1 is not valid: input should be greater than or equal to 0.",
        ),
    ],
)
def test_a_mistake_in_a_nested_section_is_named_and_its_secrets_are_not(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(**section)
    assert str(caught.value) == message
    assert "secret" not in message


def test_a_secret_is_in_no_rendering_of_the_configuration() -> None:
    config = parse(
        telegram={"token": "123:secret", "chat_id": "5", "authorized_users": {"7": "approver"}},
        notices={"apprise_urls": ["slack://secret"]},
    )
    assert "secret" not in repr(config) + str(config.model_dump()) + config.model_dump_json()
    assert config.telegram is not None
    assert config.telegram.authorized_users == {"7": Role.APPROVER}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"window_candles": 50},
            "tradai_lifecycle.window_candles: 50 is not valid: input should be greater than or equal to 200.",
        ),
        (
            {"adoption": "atuo"},
            "tradai_lifecycle.adoption: 'atuo' is not valid: input should be 'auto', 'confirm' or 'pinned'.",
        ),
        (
            {"reduced_stake_ratio": 0.0},
            "tradai_lifecycle.reduced_stake_ratio: 0.0 is not valid: input should be greater than 0.",
        ),
    ],
)
def test_a_value_out_of_range_says_key_value_and_range(section: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidConfigValueError) as caught:
        parse(**section)
    assert str(caught.value) == message


def test_a_missing_model_is_named() -> None:
    for config in ({}, {SECTION: {}}):
        with pytest.raises(InvalidConfigValueError, match=r"tradai_lifecycle\.model_name: '\(missing\)' .* required"):
            parse_config(config)


@pytest.mark.parametrize("section", ["production", ["model_name"], 7])
def test_a_section_that_is_no_object_is_refused(section: object) -> None:
    with pytest.raises(InvalidConfigValueError, match="the section must be an object"):
        parse_config({SECTION: section})


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="significant_psi must not be below moderate_psi"):
        parse(moderate_psi=0.3, significant_psi=0.2)


def test_a_version_timeline_is_dated_in_utc_and_ordered() -> None:
    older = {"version": "1", "adopted_candle": "2026-01-01T00:00:00Z", "state_before": {"BTC/USDT": 2}}
    newer = {"version": "2", "adopted_candle": "2026-02-01T00:00:00Z"}
    spans = parse(version_timeline=[older, newer]).version_timeline
    assert spans == tuple(VersionSpan.model_validate(span) for span in (older, newer))
    assert spans[0].state_before == {"BTC/USDT": TradingState.PAUSED}
    with pytest.raises(ConfigurationError, match="oldest first"):
        parse(version_timeline=[newer, older])
    with pytest.raises(InvalidConfigValueError, match=r"version_timeline\.0\.adopted_candle"):
        parse(version_timeline=[{**newer, "adopted_candle": "2026-02-01T00:00:00"}])


def test_a_parsed_configuration_cannot_change() -> None:
    config = parse(adoption="confirm")
    assert config.adoption is Adoption.CONFIRM
    with pytest.raises(ValidationError, match="frozen"):
        config.window_candles = 300  # type: ignore[misc]


def test_persistence_and_recovery_follow_the_window_unless_given() -> None:
    by_window = parse(window_candles=400)
    assert (by_window.moderate_persistence, by_window.significant_persistence, by_window.recovery_candles) == (
        100,
        200,
        100,
    )
    given = parse(moderate_persistence_candles=7, significant_persistence_candles=9)
    assert (given.moderate_persistence, given.significant_persistence) == (7, 9)


def test_paths_are_below_user_data_unless_absolute() -> None:
    config, user_data = parse(), Path("/bot/user_data")
    assert config.path_in(user_data, config.store_path) == Path("/bot/user_data/tradai_lifecycle.sqlite")
    assert config.path_in(user_data, "/elsewhere/x") == Path("/elsewhere/x")


@pytest.mark.parametrize("name", [STORE_FILE, REHEARSALS_FOLDER])
def test_the_name_of_a_file_that_is_written_and_later_removed_stands_in_one_place(name: str) -> None:
    package = Path(tradai_lifecycle.__file__).parent
    naming = [file.name for file in package.rglob("*.py") if f'"{name}"' in file.read_text(encoding="utf-8")]
    assert naming == ["config.py"]


@pytest.mark.parametrize(
    ("timeframe", "seconds"), [("1s", 1), ("5m", 300), ("1h", 3_600), ("1d", 86_400), ("2w", 1_209_600)]
)
def test_a_timeframe_is_so_many_seconds(timeframe: str, seconds: int) -> None:
    assert candle_seconds(timeframe) == seconds


@pytest.mark.parametrize("timeframe", ["", "h", "0m", "-5m", "1.5h", "1M", "5 m", "m5"])
def test_what_is_no_timeframe_is_refused(timeframe: str) -> None:
    with pytest.raises(ValueError, match="is not a timeframe like 5m, 1h or 1d"):
        candle_seconds(timeframe)
