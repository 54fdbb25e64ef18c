"""What can wait, gathered until midnight UTC: each thing one line, with how often it was."""

from datetime import UTC, date, datetime, timedelta

from tradai_lifecycle.notify.notice import Notice, Priority, Tone, merged
from tradai_lifecycle.notify.wording import quoted

#: Different things that a digest tells apart; the others are counted together.
MOST_LINES = 30
LONGEST_LINE = 120


class Digest:
    """Gathers notices by key, in the order of their first, and gives one notice for a day that is over."""

    def __init__(self) -> None:
        self._lines: dict[str, tuple[Notice, int]] = {}
        self._others = 0
        self._day: date | None = None

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, notice: Notice, now: datetime) -> None:
        """Keep a notice for the digest of the day of `now`."""
        self._day = self._day or now.astimezone(UTC).date()
        first, times = self._lines.get(notice.key, (None, 0))
        if first is None and len(self._lines) >= MOST_LINES:
            self._others += 1
        else:
            self._lines[notice.key] = (notice if first is None else merged(first, notice), times + 1)

    def due(self, now: datetime) -> Notice | None:
        """The digest, once the midnight has come that ends the day of its first notice; else None."""
        if self._day is None:
            return None
        midnight = datetime.combine(self._day, datetime.min.time(), tzinfo=UTC) + timedelta(days=1)
        if now < midnight:
            return None
        told = self._told(midnight)
        self._lines, self._others, self._day = {}, 0, None
        return told

    def _told(self, midnight: datetime) -> Notice:
        count = self._others + sum(times for _, times in self._lines.values())
        lines = [_line(notice, times) for notice, times in self._lines.values()]
        rest = [f"and {self._others} more, of other kinds"] if self._others else []
        return Notice(
            at=midnight,
            priority=Priority.DIGEST,
            key=f"digest {self._day}",
            what=f"Digest of {self._day}: {count} {'notice' if count == 1 else 'notices'} that could wait",
            details=(*lines, *rest),
            tone=Tone.NEUTRAL,
        )


def _line(notice: Notice, times: int) -> str:
    counted = f"{times} \N{MULTIPLICATION SIGN} " if times > 1 else ""
    return f"{counted}{quoted(notice.title, LONGEST_LINE)}"


__all__ = ["LONGEST_LINE", "MOST_LINES", "Digest"]
