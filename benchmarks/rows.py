"""A measured figure, and the bound it should keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """How a figure stands to its bound."""

    HELD = "held"
    MISSED = "missed"
    UNBOUNDED = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit that a figure should not cross: from below (`least`) or from above (`most`)."""

    most: float | None = None
    least: float | None = None

    def keeps(self, figure: float) -> bool:
        """Whether `figure` is on the right side; NaN never is."""
        return (self.most is None or figure <= self.most) and (self.least is None or figure >= self.least)

    def words(self, unit: str) -> str:
        """The bound as shown in a table."""
        signs = (("<=", self.most), (">=", self.least))
        return " and ".join(f"{sign} {limit:,g}{unit}" for sign, limit in signs if limit is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure: its name, value and unit, its bound if it has one, how it was measured, and what else is known."""

    name: str
    figure: float
    unit: str
    measured: str
    bound: Bound | None = None
    digits: int = 2
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def standing(self) -> Standing:
        """Held, missed, or neither."""
        if self.bound is None:
            return Standing.UNBOUNDED
        return Standing.HELD if self.bound.keeps(self.figure) else Standing.MISSED

    @property
    def shown(self) -> str:
        """The figure with its unit."""
        return f"{self.figure:,.{self.digits}f}{self.unit}"

    @property
    def shown_bound(self) -> str:
        """The bound with the figure's unit, or nothing."""
        return self.bound.words(self.unit) if self.bound is not None else ""

    def values(self) -> dict[str, Any]:
        """The row as JSON-ready values."""
        return {**asdict(self), "standing": self.standing.value}


__all__ = ["Bound", "Row", "Standing"]
