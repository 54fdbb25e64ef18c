"""Errors say what was wrong, where, and the next step; and every module of the ground floor exports what it defines."""

import inspect
from types import ModuleType

import pytest

from tradai_lifecycle import config, errors, events, states
from tradai_lifecycle.errors import (
    ConfigurationError,
    LifecycleError,
    ModelNotFoundError,
    ModelRefusedError,
    RegistryUnreachableError,
    RetryableError,
    StartupCandlesError,
    StoreUnavailableError,
    UnknownConfigKeyError,
    UnreadableArtefactError,
    UnsupportedHostError,
    UntrustedTypeError,
)

ERRORS = [value for value in vars(errors).values() if inspect.isclass(value) and value.__module__ == errors.__name__]
GROUPS = (ConfigurationError, RetryableError, ModelRefusedError)


@pytest.mark.parametrize("module", [config, errors, events, states], ids=lambda module: module.__name__)
def test_all_is_what_is_defined(module: ModuleType) -> None:
    defined = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", module.__name__) == module.__name__
        and (inspect.isclass(value) or inspect.isfunction(value) or name.isupper())
    }
    assert set(module.__all__) == defined
    assert len(module.__all__) == len(set(module.__all__))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_says_in_its_place_what_the_operator_must_do(error: type[Exception]) -> None:
    assert error.__doc__
    assert issubclass(error, LifecycleError)
    assert error is LifecycleError or sum(issubclass(error, group) for group in GROUPS) == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            UnknownConfigKeyError("zebra", None),
            "tradai_lifecycle: unknown key 'zebra' in the configuration. docs/configuration.md lists every key.",
        ),
        (
            StartupCandlesError(
                exchange="binance", timeframe="1h", available=4_999, parts=[("features", 4_000), ("window", 1_371)]
            ),
            (
                "This strategy needs 5371 candles of 1h at start (4000 features + 1371 window), but binance gives at "
                "most 4999. Shorten window_candles or accuracy_window_days in the tradai_lifecycle section, or the "
                "strategy's own startup_candle_count."
            ),
        ),
        (
            UnsupportedHostError("2025.1", "2026.3"),
            (
                "freqtrade 2025.1 is installed, but tradai-lifecycle needs 2026.3 or newer. "
                "Next: pip install --upgrade 'freqtrade>=2026.3'."
            ),
        ),
        (
            RegistryUnreachableError("http://r", "timed out"),
            "The model registry http://r cannot be reached: timed out. The current model stays; it is retried.",
        ),
        (
            StoreUnavailableError("/x.sqlite", "disk full"),
            (
                "The lifecycle's database /x.sqlite cannot be used: disk full. "
                "Entries are blocked until it can; exits run on."
            ),
        ),
        (
            ModelNotFoundError("m", "version 7"),
            (
                "The registry has no version 7 of model 'm'. Next: `tradai train` registers one, "
                "`tradai promote VERSION` puts it into production."
            ),
        ),
        (
            UnreadableArtefactError("/m", "cut short"),
            "The model artefact at /m cannot be used: cut short. Next: train and register it again.",
        ),
        (
            UntrustedTypeError("/m", ["os.system", "builtins.eval"]),
            (
                "The model artefact at /m holds types that are not trusted: os.system, builtins.eval. It was not "
                "loaded. Next: if you know where it comes from, add them to tradai_lifecycle.trusted_types."
            ),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_message_says_what_where_and_the_next_step(error: LifecycleError, message: str) -> None:
    assert str(error) == message
