"""The notices of one call: those of one key become one, and a pair's failure belongs to its pause."""

from collections.abc import Callable, Collection
from dataclasses import replace

from tradai_lifecycle.notify.notice import Notice, Tone, merged
from tradai_lifecycle.notify.wording import SHOWN_LINES
from tradai_lifecycle.states import TradingState

PositionLines = Callable[[Collection[str]], tuple[str, ...]]


class Outbox:
    """Gathers what is to be told now, in its order."""

    def __init__(self, *, observing: bool) -> None:
        self._observing = observing
        self._notices: list[Notice] = []

    def add(self, notice: Notice) -> None:
        """Add a notice; to the one of its key, unless something newer was said of the same pairs."""
        for place in range(len(self._notices) - 1, -1, -1):
            earlier = self._notices[place]
            if earlier.key == notice.key:
                self._notices[place] = merged(earlier, notice)
                return
            if set(earlier.pairs) & set(notice.pairs) and earlier.state is not None:
                break
        self._notices.append(notice)

    def emptied(self, position_lines: PositionLines) -> tuple[Notice, ...]:
        """What was gathered, with open positions below each pause; nothing is left."""
        notices, self._notices = _failures_joined(self._notices), []
        return tuple(self._completed(notice, position_lines) for notice in notices)

    def _completed(self, notice: Notice, position_lines: PositionLines) -> Notice:
        if notice.state is TradingState.PAUSED:
            notice = notice.with_lines(*position_lines(notice.pairs))
        if self._observing and notice.state is not None and notice.tone is Tone.TROUBLE:
            notice = notice.with_lines("Observed only: no entry is blocked, no stake cut.")
        return notice


# A model that raises is reported as a failure of each pair, and then each pair as paused: that is one thing to know.
def _failures_joined(notices: list[Notice]) -> list[Notice]:
    pauses = [notice for notice in notices if notice.state is TradingState.PAUSED]
    joined: dict[int, Notice] = {}
    dropped = set()
    for place, notice in enumerate(notices):
        if notice.state is not None or not notice.pairs:
            continue
        pause = next((one for one in pauses if set(notice.pairs) <= set(one.pairs)), None)
        if pause is not None and notice.topics <= pause.topics:
            home = next(index for index, one in enumerate(notices) if one is pause)
            lines = (*joined.get(home, pause).details, notice.because)
            joined[home] = replace(pause, details=lines[:SHOWN_LINES])
            dropped.add(place)
    return [joined.get(place, notice) for place, notice in enumerate(notices) if place not in dropped]


__all__ = ["Outbox", "PositionLines"]
