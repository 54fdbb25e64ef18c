"""The checks of `tradai doctor`: every public function of the modules below is one, and is found, not listed."""

from collections.abc import Iterator
from inspect import isfunction
from types import ModuleType
from typing import TYPE_CHECKING

from tradai_lifecycle.cli.checks.finding import Check, Finding, Level, fail, refused

if TYPE_CHECKING:
    from tradai_lifecycle.cli.checks.surroundings import Surroundings


def all_checks() -> dict[str, Check]:
    """Every check by its name, in the order in which a person would ask."""
    return {name: check for module in _modules() for name, check in _checks_of(module)}


def examine(at: "Surroundings") -> tuple[Finding, ...]:
    """What every check finds. Whatever a check raises is what that check finds; no finding holds a secret."""
    return tuple(at.without_secrets(_outcome(name, check, at)) for name, check in all_checks().items())


def _modules() -> tuple[ModuleType, ...]:
    from tradai_lifecycle.cli.checks import (  # noqa: PLC0415 - heavy
        installation,
        market,
        memory,
        model,
        people,
    )

    return installation, model, memory, market, people


def _checks_of(module: ModuleType) -> Iterator[tuple[str, Check]]:
    for name, member in vars(module).items():
        if isfunction(member) and member.__module__ == module.__name__ and not name.startswith("_"):
            yield name.replace("_", " "), member


def _outcome(name: str, check: Check, at: "Surroundings") -> Finding:
    from tradai_lifecycle.cli.checks.surroundings import PartMissingError  # noqa: PLC0415 - heavy
    from tradai_lifecycle.errors import LifecycleError  # noqa: PLC0415 - beside the one above

    try:
        return check(at).named(name)
    except PartMissingError as missing:
        return missing.finding(name)
    except LifecycleError as error:
        return refused(str(error)).named(name)
    except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
        return fail(f"{type(error).__name__}: {error}", "a bug: report it").named(name)


__all__ = ["Check", "Finding", "Level", "all_checks", "examine"]
