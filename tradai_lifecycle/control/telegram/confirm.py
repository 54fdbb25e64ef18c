"""Dangerous commands that wait for a pressed button: by the one who asked, once, within a minute."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from secrets import token_urlsafe

from tradai_lifecycle.control.command import Caller, Command
from tradai_lifecycle.control.telegram.outbox import Button

CONFIRM_WITHIN = timedelta(seconds=60)
MOST_PENDING = 32
CONFIRM, CANCEL = "Confirm", "Cancel"
#: What the data of our buttons begin with, so that they are told from those of freqtrade.
DATA_PREFIX = "tradai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who gave a command, and where the answer goes."""

    user_id: int
    caller: Caller
    chat_id: int
    topic_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A command that waits for its confirmation. `message_id` is that of the question, once it was sent."""

    token: str
    command: Command
    asker: Asker
    question: str
    expires_at: datetime
    message_id: int | None = None

    @property
    def buttons(self) -> tuple[Button, Button]:
        """Yes and no."""
        return (
            Button(label=CONFIRM, data=f"{DATA_PREFIX}:yes:{self.token}"),
            Button(label=CANCEL, data=f"{DATA_PREFIX}:no:{self.token}"),
        )


class Press(Enum):
    """What a pressed button means."""

    CONFIRMED = auto()
    CANCELLED = auto()
    NOT_YOURS = auto()
    EXPIRED = auto()
    UNKNOWN = auto()


class Confirmations:
    """The commands that wait, at most MOST_PENDING of them: the oldest gives way to a new one."""

    def __init__(self) -> None:
        self._pending: dict[str, Pending] = {}

    def __len__(self) -> int:
        """How many wait."""
        return len(self._pending)

    def ask(self, command: Command, asker: Asker, question: str, now: datetime) -> tuple[Pending, Pending | None]:
        """Let a command wait under a new random token. Gives it, and the one that had to give way, if any."""
        oldest = next(iter(self._pending), None)
        evicted = self._pending.pop(oldest) if oldest is not None and len(self._pending) >= MOST_PENDING else None
        pending = Pending(
            token=token_urlsafe(12),
            command=command,
            asker=asker,
            question=question,
            expires_at=now + CONFIRM_WITHIN,
        )
        self._pending[pending.token] = pending
        return pending, evicted

    def placed(self, token: str, message_id: int) -> bool:
        """Note which message asks; False where nothing waits under this token any more."""
        if token not in self._pending:
            return False
        self._pending[token] = replace(self._pending[token], message_id=message_id)
        return True

    def press(
        self, data: str, *, user_id: int, chat_id: int, message_id: int, now: datetime
    ) -> tuple[Press, Pending | None]:
        """What pressing a button with these data means. A press by the asker ends the waiting: none counts twice."""
        prefix, _, rest = data.partition(":")
        answer, _, token = rest.partition(":")
        pending = self._pending.get(token)
        if prefix != DATA_PREFIX or answer not in ("yes", "no") or pending is None:
            return Press.UNKNOWN, None
        if pending.asker.chat_id != chat_id or pending.message_id not in (None, message_id):
            return Press.UNKNOWN, None
        if pending.asker.user_id != user_id:
            return Press.NOT_YOURS, pending
        del self._pending[token]
        if now >= pending.expires_at:
            return Press.EXPIRED, pending
        return (Press.CONFIRMED if answer == "yes" else Press.CANCELLED), pending

    def expire(self, now: datetime) -> list[Pending]:
        """Forget, and give, what has waited too long."""
        late = [pending for pending in self._pending.values() if now >= pending.expires_at]
        for pending in late:
            del self._pending[pending.token]
        return late


__all__ = [
    "CANCEL",
    "CONFIRM",
    "CONFIRM_WITHIN",
    "DATA_PREFIX",
    "MOST_PENDING",
    "Asker",
    "Confirmations",
    "Pending",
    "Press",
]
