"""A row for two ways of doing a thing that were timed in turns."""

from benchmarks.rows import Bound, Row
from benchmarks.timing import Paired


def ratio_row(name: str, paired: Paired, *, note: str = "", digits: int = 2, bound: Bound | None = None) -> Row:
    """The other's time over that of the base; `note` says what both were."""
    return Row(
        name=name,
        figure=paired.ratio,
        unit="x",
        digits=digits,
        bound=bound,
        measured=f"{duration(paired.other)} against {duration(paired.base)}, median of {paired.turns} turns"
        f"{'; ' if note else ''}{note}",
        details={"other_seconds": paired.other, "base_seconds": paired.base},
    )


def duration(seconds: float) -> str:
    """In the largest unit that leaves a digit before the point."""
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{1e6 * seconds:.3g} us"


__all__ = ["duration", "ratio_row"]
