"""The `tradai_lifecycle` section of a freqtrade configuration: parsed once, strict, immutable."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from tradai_lifecycle.errors import InvalidConfigValueError, UnknownConfigKeyError
from tradai_lifecycle.states import (
    Adoption,
    ExitsWithoutPrediction,
    Mode,
    PositionsAtPause,
    Role,
    SignificantRule,
    Thresholds,
    TradingState,
)

SECTION = "tradai_lifecycle"
#: The lifecycle's database where no other name is configured; a rehearsal's own one always.
STORE_FILE = "tradai_lifecycle.sqlite"
#: The folder of user_data in which each rehearsal has a folder.
REHEARSALS_FOLDER = "rehearsals"

Ratio = Annotated[float, Field(gt=0.0, le=1.0)]


def _role(value: object) -> object:
    known = {role.label: role for role in Role}
    if value in known.values():
        return value
    if str(value) not in known:
        raise ValueError(f"{value!r} is no role; roles are {', '.join(known)}")
    return known[str(value)]


RoleName = Annotated[Role, BeforeValidator(_role)]


class VersionSpan(BaseModel):
    """One entry of a dated version timeline: from this candle on, this version decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1, description="the model version, as the registry counts it")
    adopted_candle: AwareDatetime = Field(description="open time of the first candle judged by this version, UTC")
    state_before: dict[str, TradingState] = Field(
        default_factory=dict, description="per pair, the automatic state at the candle before the adoption"
    )
    drift_resets: tuple[AwareDatetime, ...] = Field(
        (), description="open times of the candles from which an operator had drift count anew, UTC"
    )


class TelegramConfig(BaseModel):
    """Who may command the lifecycle over Telegram, and through which bot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = Field(
        None, description="token of a bot of its own; without one freqtrade's Telegram bot is joined"
    )
    chat_id: str | None = Field(None, description="the one chat that is listened to; needed with a token")
    topic_id: int | None = Field(None, description="the one topic of that chat that is listened to")
    authorized_users: dict[str, RoleName] = Field(
        default_factory=dict,
        description="user id to viewer, operator or approver; empty: freqtrade's users, or a private chat's owner",
    )
    base_url: str = Field("https://api.telegram.org", description="Telegram Bot API server")

    @model_validator(mode="after")
    def _complete(self) -> "TelegramConfig":
        if self.token is not None and self.chat_id is None:
            raise ValueError("telegram.token needs telegram.chat_id beside it")
        for user in self.authorized_users:
            if not user.isdigit():
                raise ValueError(
                    f"telegram.authorized_users names {user!r}, which is no Telegram user id (digits only)"
                )
        return self


class NoticesConfig(BaseModel):
    """Where notices go, and how often something that lasts is told again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    freqtrade: bool = Field(default=True, description="send notices through freqtrade's own messages")
    telegram: bool = Field(default=True, description="send notices through the bot of tradai_lifecycle.telegram.token")
    apprise_urls: tuple[SecretStr, ...] = Field((), description="further channels, as apprise URLs")
    reminder_hours: float = Field(24.0, gt=0.0, le=720.0, description="hours between reminders while paused or acked")
    fold_minutes: float = Field(30.0, ge=0.0, le=1_440.0, description="minutes within which repeats become one notice")


class LifecycleConfig(BaseModel):
    """Every setting of the lifecycle, with its default, unit and range."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # the model and its registry
    model_name: str = Field(min_length=1, description="registered model to follow")
    registry_uri: str = Field(
        "sqlite:///user_data/mlflow.db",
        description="MLflow registry: sqlite:///PATH, http(s)://SERVER, or directory:PATH for a folder of bundles",
    )
    poll_interval_seconds: float = Field(
        60.0, ge=0.05, le=86_400.0, description="time between two polls, jittered by 10 %"
    )
    adoption: Adoption = Field(
        Adoption.AUTO,
        description="auto: adopt what passes the checks; confirm: wait for a person; pinned: never",
    )
    maximum_swaps_per_day: int = Field(4, ge=0, description="adoptions within 24 hours; further candidates wait")
    entry_rate_band: float = Field(
        3.0,
        ge=1.0,
        description="a candidate may signal entries at most this many times as often as the champion, at least 1/this",
    )
    trusted_types: tuple[str, ...] = Field((), description="types allowed in a model artefact beyond the built-in list")
    backtest_model: str = Field(
        "production",
        pattern=r"^(production|v?\d+)$",
        description="version an offline run uses: production, or a number",
    )
    version_timeline: tuple[VersionSpan, ...] = Field(
        (), description="dated versions an offline run replays, oldest first"
    )

    # evidence
    window_candles: int = Field(500, ge=200, le=5_000, description="live window of the PSI, in candles")
    thresholds: Thresholds = Field(
        Thresholds.CALIBRATED,
        description=(
            "calibrated: what training shows; dynamic: each series' recent past; "
            "fixed: the bare PSI floors; target_false_alarms_per_1000: tuned"
        ),
    )
    target_false_alarms_per_1000: float | None = Field(
        None, gt=0.0, le=10.0, description="significant alarms per 1,000 candles without drift that limits are tuned to"
    )
    maximum_share_of_time_reduced: float = Field(
        0.10, ge=0.0, le=0.4, description="share of time that fast alarms may cut the stake without drift; 0: off"
    )
    significant_rule: SignificantRule = Field(
        SignificantRule.ANY_FEATURE, description="what counts as significant drift"
    )
    moderate_psi: float = Field(0.10, gt=0.0, description="floor of the moderate limit")
    significant_psi: float = Field(0.25, gt=0.0, description="floor of the significant limit")
    retrain_psi: float = Field(
        0.20, gt=0.0, description="PSI beyond which a feature counts towards retrain_feature_count"
    )
    retrain_feature_count: int = Field(
        3, ge=0, description="more features than this beyond retrain_psi ask for retraining"
    )
    moderate_persistence_candles: int | None = Field(
        None, ge=1, description="candles moderate drift must hold; default window/4"
    )
    significant_persistence_candles: int | None = Field(
        None, ge=1, description="candles significant drift must hold; default window/2"
    )
    accuracy_floor: float = Field(
        0.52, gt=0.0, lt=1.0, description="directional accuracy below which the model counts as broken"
    )
    accuracy_window_days: float = Field(14.0, gt=0.0, le=365.0, description="window of the accuracy, in days")
    minimum_effective_predictions: int = Field(
        100, ge=10, description="effective predictions below which the accuracy rule is mute"
    )
    prediction_dead_band: float = Field(0.0, ge=0.0, description="predictions of at most this size are not scored")

    # action
    mode: Mode = Field(Mode.ACT, description="act: decisions reach the trades; observe: they are only shown")
    reduced_stake_ratio: Ratio = Field(0.5, description="share of the stake while reduced")
    bot_pause_share: Ratio = Field(0.5, description="share of pairs in significant drift that pauses the whole bot")
    positions_at_pause: PositionsAtPause = Field(
        PositionsAtPause.HOLD, description="open positions when drift pauses their pair"
    )
    exits_without_prediction: ExitsWithoutPrediction = Field(
        ExitsWithoutPrediction.STRATEGY, description="exit signal of candles without a prediction"
    )
    block_force_entry: bool = Field(default=True, description="whether /forceenter is refused while paused")
    tag_model_version: bool = Field(default=False, description="append |vN to the enter_tag of each trade")
    operator_resume_hours: float = Field(
        24.0, gt=0.0, le=720.0, description="hours after which an operator's resume over drift expires"
    )

    # people
    telegram: TelegramConfig | None = Field(
        None, description="commands over Telegram; without it freqtrade's Telegram bot is joined where it is on"
    )
    notices: NoticesConfig = Field(
        default_factory=lambda: NoticesConfig.model_validate({}), description="where notices go"
    )

    # memory
    store_path: str = Field(STORE_FILE, description="the lifecycle's own database, relative to user_data")
    model_cache_path: str = Field("tradai_models", description="cache of checked model versions, relative to user_data")
    prediction_log_days: float = Field(90.0, gt=0.0, description="days the prediction log is kept")
    state_log_days: float = Field(730.0, gt=0.0, description="days the decided states are kept")

    @model_validator(mode="after")
    def _ordered(self) -> "LifecycleConfig":
        if self.significant_psi < self.moderate_psi:
            raise ValueError("significant_psi must not be below moderate_psi")
        target = Thresholds.TARGET_FALSE_ALARMS_PER_1000
        if (self.thresholds is target) != (self.target_false_alarms_per_1000 is not None):
            raise ValueError(f"target_false_alarms_per_1000 and thresholds: {target} need each other")
        dates = [span.adopted_candle for span in self.version_timeline]
        if dates != sorted(dates):
            raise ValueError("version_timeline must be ordered by adopted_candle, oldest first")
        return self

    @property
    def moderate_persistence(self) -> int:
        """Candles that moderate drift must hold before it counts."""
        return self.moderate_persistence_candles or max(1, self.window_candles // 4)

    @property
    def significant_persistence(self) -> int:
        """Candles that significant drift must hold before it counts."""
        return self.significant_persistence_candles or max(1, self.window_candles // 2)

    @property
    def recovery_candles(self) -> int:
        """Candles of REDUCED that follow a pause, and of calm that release a latch."""
        return max(1, self.window_candles // 4)

    def path_in(self, user_data_dir: Path, relative: str) -> Path:
        """`relative` below the bot's user_data directory; an absolute path stays as it is."""
        return Path(user_data_dir) / relative


def parse_config(freqtrade_config: Mapping[str, Any]) -> LifecycleConfig:
    """Read the `tradai_lifecycle` section of a freqtrade configuration.

    Raises UnknownConfigKeyError with the nearest known key, or InvalidConfigValueError naming the key, the value and
    the problem. A missing section is the same as one without `model_name`.
    """
    section = freqtrade_config.get(SECTION, {})
    if not isinstance(section, Mapping):
        raise InvalidConfigValueError("", section, "the section must be an object of keys and values")
    _refuse_unknown(section, LifecycleConfig, "")
    try:
        return LifecycleConfig.model_validate(dict(section))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "configuration"
        value = "(missing)" if first["type"] == "missing" else first["input"]
        if key.startswith(_HOLDING_SECRETS) and not key.startswith(_WITHOUT_SECRETS):
            value = "(not shown)"
        raise InvalidConfigValueError(key, value, first["msg"].lower()) from None


_SECTIONS: dict[str, type[BaseModel]] = {"telegram": TelegramConfig, "notices": NoticesConfig}
_HOLDING_SECRETS = tuple(_SECTIONS)
_WITHOUT_SECRETS = tuple(
    f"{section}.{key}"
    for section, model in _SECTIONS.items()
    for key, field in model.model_fields.items()
    if "SecretStr" not in str(field.annotation)
)


def _refuse_unknown(section: Mapping[Any, Any], model: type[BaseModel], prefix: str) -> None:
    for key, value in section.items():
        if key not in model.model_fields:
            nearest = get_close_matches(str(key), model.model_fields, n=1, cutoff=0.5)
            raise UnknownConfigKeyError(f"{prefix}{key}", f"{prefix}{nearest[0]}" if nearest else None)
        if not prefix and key in _SECTIONS and isinstance(value, Mapping):
            _refuse_unknown(value, _SECTIONS[key], f"{key}.")


def candle_seconds(timeframe: str) -> int:
    """Seconds of one candle of a freqtrade timeframe such as "5m" or "1h". Raises ValueError for anything else."""
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
    if len(timeframe) < 2 or timeframe[-1] not in units or not timeframe[:-1].isdigit() or int(timeframe[:-1]) == 0:
        raise ValueError(f"{timeframe!r} is not a timeframe like 5m, 1h or 1d")
    return int(timeframe[:-1]) * units[timeframe[-1]]


__all__ = [
    "REHEARSALS_FOLDER",
    "SECTION",
    "STORE_FILE",
    "LifecycleConfig",
    "NoticesConfig",
    "TelegramConfig",
    "VersionSpan",
    "candle_seconds",
    "parse_config",
]
