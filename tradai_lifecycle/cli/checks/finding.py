"""What one check of `tradai doctor` says."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"  # nothing to do
    WARN = "warn"  # works, or could not be looked at; worth knowing
    FAIL = "fail"  # the bot will not do what it should until this is mended


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row of the doctor's table: what was found, and what to do about it ("" where there is nothing to do)."""

    name: str = ""
    level: Level
    detail: str
    fix: str = ""

    def named(self, name: str) -> "Finding":
        """The same finding of the check `name`."""
        return replace(self, name=name)


Check = Callable[[Any], Finding]


def ok(detail: str) -> Finding:
    """All is well."""
    return Finding(level=Level.OK, detail=detail)


def warn(detail: str, fix: str) -> Finding:
    """It works, but not as it might; or it could not be looked at."""
    return Finding(level=Level.WARN, detail=detail, fix=fix)


def fail(detail: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(level=Level.FAIL, detail=detail, fix=fix)


def refused(told: str, fix: str = "") -> Finding:
    """What an error of ours told, its next step in the place for it."""
    detail, _, step = told.partition(" Next: ")
    return fail(detail, fix or step or "as it says")


__all__ = ["Check", "Finding", "Level", "fail", "ok", "refused", "warn"]
