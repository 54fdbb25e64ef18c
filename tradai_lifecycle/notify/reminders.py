"""Reminds of what is still paused or acknowledged, at even intervals."""

from datetime import datetime, timedelta

from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.standing import Standing


class Reminders:
    """When the next reminder is due. It depends on when things began, not on how often it is asked."""

    def __init__(self, period: timedelta) -> None:
        self._period = period
        self._next: datetime | None = None

    def schedule(self, standing: Standing, now: datetime) -> None:
        """Begin to count when something becomes paused or acknowledged; stop when nothing is."""
        if not standing.paused and standing.mute is None:
            self._next = None
        elif self._next is None:
            self._next = now + self._period

    def postpone(self, now: datetime) -> None:
        """A person has just taken notice: the next reminder is a whole period away."""
        self._next = now + self._period

    def bring_forward(self, at: datetime) -> None:
        """Remind at `at`, and from then on."""
        self._next = at

    def is_due(self, now: datetime) -> bool:
        """Whether a reminder is due. Those that were missed are one."""
        if self._next is None or now < self._next:
            return False
        self._next += ((now - self._next) // self._period + 1) * self._period
        return True


def reminder(standing: Standing, now: datetime) -> Notice:
    """What is still paused or acknowledged."""
    count = len(standing.paused_pairs)
    whole_bot = standing.operator is not None or standing.bot is not None
    still = "all entries" if whole_bot else f"{count} {'pair' if count == 1 else 'pairs'}"
    return Notice(
        at=now,
        priority=Priority.TODAY,
        key="reminder",
        what=f"Still paused: {still}" if standing.paused else "Still acknowledged, but nothing is paused",
        details=standing.lines(now),
        tone=Tone.TROUBLE if standing.paused else Tone.NEUTRAL,
    )


__all__ = ["Reminders", "reminder"]
