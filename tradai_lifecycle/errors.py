"""Errors, ordered by what the operator must do. Each builds its own message: what, where, next step."""

from collections.abc import Sequence


class LifecycleError(Exception):
    """The root: everything this package raises on purpose."""


class ConfigurationError(LifecycleError):
    """Stop and fix the configuration or the strategy: nothing will heal by waiting."""


class UnknownConfigKeyError(ConfigurationError):
    """A key of the `tradai_lifecycle` section that does not exist."""

    def __init__(self, key: str, nearest: str | None) -> None:
        hint = f" Did you mean {nearest!r}?" if nearest else " docs/configuration.md lists every key."
        super().__init__(f"tradai_lifecycle: unknown key {key!r} in the configuration.{hint}")
        self.key, self.nearest = key, nearest


class InvalidConfigValueError(ConfigurationError):
    """A value of the `tradai_lifecycle` section of the wrong type or out of its range."""

    def __init__(self, key: str, value: object, problem: str) -> None:
        super().__init__(f"tradai_lifecycle.{key}: {value!r} is not valid: {problem}.")
        self.key = key


class StartupCandlesError(ConfigurationError):
    """The exchange cannot give the candles that features and monitors need."""

    def __init__(self, *, exchange: str, timeframe: str, available: int, parts: Sequence[tuple[str, int]]) -> None:
        needed = sum(candles for _, candles in parts)
        terms = " + ".join(f"{candles} {name}" for name, candles in parts)
        super().__init__(
            f"This strategy needs {needed} candles of {timeframe} at start ({terms}), but {exchange} gives at most "
            f"{available}. Shorten window_candles or accuracy_window_days in the tradai_lifecycle section, or the "
            f"strategy's own startup_candle_count."
        )
        self.needed, self.available = needed, available


class StrategyContractError(ConfigurationError):
    """The strategy's features or target are not what the mixin asks for."""


class UnsupportedHostError(ConfigurationError):
    """The installed freqtrade is older than what this package supports."""

    def __init__(self, found: str, oldest: str) -> None:
        super().__init__(
            f"freqtrade {found} is installed, but tradai-lifecycle needs {oldest} or newer. "
            f"Next: pip install --upgrade 'freqtrade>={oldest}'."
        )


class RetryableError(LifecycleError):
    """Wait: the lifecycle retries by itself."""


class RegistryUnreachableError(RetryableError):
    """The registry did not answer in time, or refused the connection."""

    def __init__(self, uri: str, cause: str) -> None:
        super().__init__(
            f"The model registry {uri} cannot be reached: {cause}. The current model stays; it is retried."
        )


class StoreUnavailableError(RetryableError):
    """The lifecycle's own database cannot be read or written."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(
            f"The lifecycle's database {path} cannot be used: {cause}. Entries are blocked until it can; exits run on."
        )


class ModelRefusedError(LifecycleError):
    """A model version was refused: the model before it stays in charge."""


class ModelNotFoundError(ModelRefusedError):
    """The registry has no such model, version, or production version."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"The registry has no {what} of model {name!r}. Next: `tradai train` registers one, "
            f"`tradai promote VERSION` puts it into production."
        )


class UnreadableArtefactError(ModelRefusedError):
    """A model's files are missing, cut short, or not what their digest says."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"The model artefact at {where} cannot be used: {problem}. Next: train and register it again.")


class UntrustedTypeError(ModelRefusedError):
    """A model holds types that nobody allowed: loading it could run code."""

    def __init__(self, where: str, types: Sequence[str]) -> None:
        super().__init__(
            f"The model artefact at {where} holds types that are not trusted: {', '.join(types)}. It was not loaded. "
            f"Next: if you know where it comes from, add them to tradai_lifecycle.trusted_types."
        )
        self.types = tuple(types)


__all__ = [
    "ConfigurationError",
    "InvalidConfigValueError",
    "LifecycleError",
    "ModelNotFoundError",
    "ModelRefusedError",
    "RegistryUnreachableError",
    "RetryableError",
    "StartupCandlesError",
    "StoreUnavailableError",
    "StrategyContractError",
    "UnknownConfigKeyError",
    "UnreadableArtefactError",
    "UnsupportedHostError",
    "UntrustedTypeError",
]
