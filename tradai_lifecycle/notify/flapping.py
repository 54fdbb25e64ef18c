"""Who changes state over and over is told once as flapping, and once more when it has settled."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.priorities import is_pair
from tradai_lifecycle.notify.standing import HeldPair
from tradai_lifecycle.notify.topics import topics_of
from tradai_lifecycle.notify.wording import sentence
from tradai_lifecycle.states import TradingState

#: Changes within the window that are still told one by one.
TOLD_CHANGES = 4
#: The window and the calm after which a subject has settled, in folding windows.
WINDOW_FOLDS = 12
CALM_FOLDS = 4
MOST_SUBJECTS = 2_000
#: The subject of changes that hold for all pairs together.
WHOLE_BOT = "the whole bot"


class Flap(StrEnum):
    """What one more change makes of a subject."""

    STEADY = "steady"
    BEGINS = "begins"
    GOES_ON = "goes_on"


class FlapDamper:
    """Counts changes per subject, a pair, a part or the whole bot. With a window of no length nothing is damped."""

    def __init__(self, fold: timedelta) -> None:
        self._window = fold * WINDOW_FOLDS
        self._calm = fold * CALM_FOLDS
        self._changes: dict[str, deque[datetime]] = {}
        self._flapping: set[str] = set()

    def __len__(self) -> int:
        return len(self._changes)

    def note(self, subject: str, now: datetime) -> Flap:
        """Count a change of `subject`."""
        if not self._window:
            return Flap.STEADY
        changes = self._changes.pop(subject, None) or deque[datetime](maxlen=TOLD_CHANGES + 1)
        self._changes[subject] = changes
        changes.append(now)
        self._make_room()
        if subject in self._flapping:
            return Flap.GOES_ON
        if len(changes) <= TOLD_CHANGES or now - changes[0] > self._window:
            return Flap.STEADY
        self._flapping.add(subject)
        return Flap.BEGINS

    def settled(self, now: datetime) -> list[str]:
        """Subjects that flapped and have not changed since the calm began."""
        calm = [subject for subject in self._flapping if now - self._changes[subject][-1] >= self._calm]
        for subject in calm:
            self._drop(subject)
        # who changed last stands last, and who flaps has settled long before the window is over
        for subject in tuple(takewhile(lambda subject: now - self._changes[subject][-1] > self._window, self._changes)):
            self._drop(subject)
        return sorted(calm)

    def _make_room(self) -> None:
        while len(self._changes) > MOST_SUBJECTS:
            # a subject is put last with each change, so the first has been quiet for longest
            self._drop(next(iter(self._changes)))

    def _drop(self, subject: str) -> None:
        del self._changes[subject]
        self._flapping.discard(subject)


def flapping(subject: str, notice: Notice) -> Notice:
    """The last change that is told of a subject that flaps, and that it does."""
    works = "works" if notice.tone is Tone.GOOD else "fails"
    now = notice.state.label if notice.state is not None else works
    return replace(
        notice,
        priority=min(notice.priority, Priority.TODAY),
        key=f"flapping {subject}",
        what=f"flaps, now {now}" if notice.pairs else f"{sentence(subject)} flaps, now {now}",
        details=(*notice.details, "The next is told when it has settled."),
        tone=Tone.TROUBLE,
    )


def settled(subject: str, held: HeldPair | None, *, fails: bool, now: datetime) -> Notice:
    """A subject that flapped has been calm: how it stands now, as what is held, or as a part that fails or works."""
    pair = is_pair(subject)
    has_state = pair or subject == WHOLE_BOT
    state = held.state if held is not None else TradingState.ACTIVE
    words = state.label if has_state else ("fails" if fails else "works")
    return Notice(
        at=now,
        priority=Priority.NOW if state is TradingState.PAUSED else Priority.TODAY,
        key=f"settled {subject}",
        what=f"has settled: {words}" if pair else f"{sentence(subject)} has settled: {words}",
        pairs=(subject,) if pair else (),
        because=held.because if held is not None else "",
        topics=topics_of(held.reasons) if held is not None else frozenset(),
        tone=Tone.GOOD if words in ("works", TradingState.ACTIVE.label) else Tone.TROUBLE,
        state=state if has_state else None,
    )


__all__ = [
    "CALM_FOLDS",
    "MOST_SUBJECTS",
    "TOLD_CHANGES",
    "WHOLE_BOT",
    "WINDOW_FOLDS",
    "Flap",
    "FlapDamper",
    "flapping",
    "settled",
]
