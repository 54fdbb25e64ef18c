"""A board with what it told, by time, for the tests of the board."""

from collections.abc import Sequence

from tests.notify.happenings import MIDNIGHT, NOON, at, settings
from tradai_lifecycle.events import Event
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.notice import Notice, Priority

HOUR = 60
DAY = 24 * HOUR


class Told:
    """A board with what it told, by time."""

    def __init__(self, **changes):
        self.positions = changes.pop("positions", [])
        config = {name: changes.pop(name) for name in tuple(changes) if name in ("fold_minutes", "reminder_hours")}
        self.board = Board(settings(**config), positions=lambda: self.positions, **changes)
        self.notices: list[Notice] = []

    def take(self, *events: Event, minute: float | None = None) -> list[str]:
        now = at(minute) if minute is not None else max((event.at for event in events), default=NOON)
        return self._told(self.board.take(events, now))

    def wait(self, minute: float) -> list[str]:
        return self._told(self.board.tick(at(minute)))

    def _told(self, notices: Sequence[Notice]) -> list[str]:
        self.notices += notices
        return [notice.title for notice in notices]

    @property
    def last(self) -> Notice:
        return self.notices[-1]


def digest(told: Told) -> list[str]:
    """The lines of the digest of the first midnight."""
    notices = [one for one in told.board.tick(MIDNIGHT) if one.priority is Priority.DIGEST]
    return [line for notice in notices for line in notice.text.splitlines()]
