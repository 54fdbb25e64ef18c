"""Checks of what is installed and configured: libraries, configuration, strategy."""

import platform
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.version import Version

from tradai_lifecycle.cli.checks.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from tradai_lifecycle.cli.checks.surroundings import Surroundings

DISTRIBUTION = "tradai-lifecycle"
#: The newest freqtrade that the tests were run with; the oldest one stands in the package's requirements.
NEWEST_TESTED_FREQTRADE = "2026.9"
_SHOWN = ("freqtrade", "mlflow", "scikit-learn", "python-telegram-bot")


def versions(_: "Surroundings") -> Finding:
    """Whether each library is one that the package asks for, and freqtrade one that was tried."""
    unmet = [text for requirement in _requirements() if (text := _unmet(requirement))]
    if unmet:
        needed = " ".join(f"'{requirement}'" for requirement in _requirements() if _unmet(requirement))
        return fail("; ".join(unmet), f"pip install {needed}")
    shown = ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _SHOWN)])
    found = Version(version("freqtrade"))
    if found.release[:2] > Version(NEWEST_TESTED_FREQTRADE).release[:2]:
        return warn(shown, f"freqtrade {found} is newer than {NEWEST_TESTED_FREQTRADE}, the newest one tried: run dry")
    return ok(shown)


def configuration(at: "Surroundings") -> Finding:
    """Whether freqtrade and the lifecycle take the configuration."""
    settings, config = at.bot.lifecycle, at.config
    kind = "dry-run" if config.get("dry_run") else "live"
    detail = f"{kind}, model {settings.model_name}, mode {settings.mode.value}, adoption {settings.adoption.value}"
    return ok(detail)


def strategy(at: "Surroundings") -> Finding:
    """Whether freqtrade loads the strategy and the mixin stands before every other base."""
    from tradai_lifecycle.strategy.mixin import ModelLifecycleMixin  # noqa: PLC0415 - heavy

    kind = type(at.strategy)
    order = kind.__mro__
    before = order[1 : order.index(ModelLifecycleMixin)]
    hiding = [base.__name__ for base in before if not issubclass(base, ModelLifecycleMixin)]
    if hiding:
        bases = ", ".join(["ModelLifecycleMixin", *hiding])
        return fail(f"{', '.join(hiding)} stands before ModelLifecycleMixin", f"class {kind.__name__}({bases}, ...)")
    horizon = at.lifecycle.horizon_candles
    return ok(f"{kind.__name__}, {at.lifecycle.timeframe}, horizon {horizon} candles")


def _requirements() -> list[Requirement]:
    try:
        texts = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # a source tree that was never installed
        return []
    found = [Requirement(text) for text in texts]
    return [
        requirement for requirement in found if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    ]


# What is wrong with the installed version of a requirement; "" where nothing is.
def _unmet(requirement: Requirement) -> str:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(found, prereleases=True):
        return ""
    return f"{requirement.name} {found} is installed, {requirement.specifier} is needed"


__all__ = ["DISTRIBUTION", "NEWEST_TESTED_FREQTRADE", "configuration", "strategy", "versions"]
