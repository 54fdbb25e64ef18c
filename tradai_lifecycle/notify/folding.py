"""Repeats of one thing become one notice: the first is told, the rest once per window, and the windows grow."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tradai_lifecycle.notify.notice import Notice, merged
from tradai_lifecycle.notify.wording import span

#: Keys that are remembered at once. The one that would end first makes room.
MOST_WINDOWS = 300


@dataclass(slots=True, kw_only=True)
class _Window:
    opened_at: datetime
    length: timedelta
    held: Notice | None = None
    times: int = 0

    @property
    def ends_at(self) -> datetime:
        return self.opened_at + self.length


class Folder:
    """Holds back repeats of a key for `window`; each further window is twice as long, up to `longest`.

    A window in which nothing came ends the series. With a window of no length nothing is held back.
    """

    def __init__(self, window: timedelta, longest: timedelta) -> None:
        self._window = window
        self._longest = max(window, longest)
        self._windows: dict[str, _Window] = {}
        self._evicted: list[Notice] = []
        self._begun: set[str] = set()

    def __len__(self) -> int:
        return len(self._windows)

    def offer(self, notice: Notice, now: datetime) -> bool:
        """Whether to tell a notice at `now`; else it is held back. What comes between calls of `due` is one batch."""
        window = self._windows.get(notice.key)
        if window is None or not self._window:
            self.start(notice.key, now)
            return True
        if notice.key in self._begun:
            return True
        window.held = notice if window.held is None else merged(window.held, notice)
        window.times += 1
        return False

    def start(self, key: str, now: datetime) -> None:
        """Hold back repeats of `key` from `now` on, unless they are already: it has just been told."""
        if self._window and key not in self._windows:
            self._make_room()
            self._windows[key] = _Window(opened_at=now, length=self._window)
            self._begun.add(key)

    def due(self, now: datetime) -> list[Notice]:
        """What was held back in windows that have ended, one notice each. Begins a batch."""
        self._begun.clear()
        told, self._evicted = self._evicted, []
        for key, window in sorted(self._windows.items(), key=lambda item: item[1].ends_at):
            if window.ends_at > now:
                break
            if window.held is None:
                del self._windows[key]
                continue
            told.append(_folded(window.held, window))
            length = min(window.length * 2, self._longest)
            self._windows[key] = _Window(opened_at=window.ends_at, length=length)
        return told

    def withdraw(self, pair: str) -> list[Notice]:
        """Let go of what is held back about a pair: it is not so any more. Gives it, for the digest."""
        withdrawn = []
        for window in self._windows.values():
            held = window.held
            if held is None or held.state is None or pair not in held.pairs:
                continue
            withdrawn.append(replace(held, pairs=(pair,), details=()))
            rest = tuple(other for other in held.pairs if other != pair)
            lines = tuple(line for line in held.details if not line.startswith(f"{pair}:"))
            window.held = replace(held, pairs=rest, details=lines) if rest else None
            window.times = max(window.times - 1, 0) if rest else 0
        return withdrawn

    def forget(self, key: str) -> Notice | None:
        """End the series of a key: the next is told at once. Gives what was held back."""
        self._begun.discard(key)
        window = self._windows.pop(key, None)
        return window.held if window is not None else None

    def clear(self) -> list[Notice]:
        """End every series. Gives what was held back."""
        held = [window.held for window in self._windows.values() if window.held is not None]
        self._windows.clear()
        self._begun.clear()
        return held

    def _make_room(self) -> None:
        if len(self._windows) < MOST_WINDOWS:
            return
        first = min(self._windows, key=lambda key: self._windows[key].ends_at)
        window = self._windows.pop(first)
        if window.held is not None:
            self._evicted.append(_folded(window.held, window))


def _folded(held: Notice, window: _Window) -> Notice:
    if window.times <= max(len(held.pairs), 1) and held.pairs:
        return held
    times = "once more" if window.times == 1 else f"{window.times} more times"
    return held.with_lines(f"{times} within {span(window.length)}")


__all__ = ["MOST_WINDOWS", "Folder"]
