"""Who may command over Telegram: the chat, the people in it and their roles; and what becomes of everybody else."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any

from tradai_lifecycle.config import TelegramConfig
from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.events import Event, StrangerIgnored
from tradai_lifecycle.states import Role

TRANSPORT = "telegram"
COMMANDS_PER_MINUTE = 20
PACED_USERS = 256
STRANGERS_TOLD_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The one chat that is listened to, the one topic of it if there is one, and what each person there may do.

    `everyone` is the role of whoever is not in `roles`; None: nobody else is obeyed.
    """

    chat_id: int
    topic_id: int | None = None
    roles: Mapping[int, Role] = field(default_factory=dict)
    everyone: Role | None = None

    def role_of(self, chat_id: int, user_id: int) -> Role | None:
        """What this user may do from this chat; None for a stranger."""
        return self.roles.get(user_id, self.everyone) if chat_id == self.chat_id else None

    def listens_to(self, topic_id: int | None) -> bool:
        """Whether this topic of the chat is listened to."""
        return self.topic_id is None or topic_id == self.topic_id

    @property
    def warning(self) -> str | None:
        """What is questionable about who is obeyed; None where nothing is."""
        if self.everyone is not None:
            return (
                f"Telegram: nobody is named for the group {self.chat_id}, so all its members may look and nobody may "
                "change anything. Next: list user ids and roles in tradai_lifecycle.telegram.authorized_users."
            )
        if not self.roles:
            return "Telegram: the list of authorized users is empty, so nobody is obeyed. Next: list user ids."
        return None


def people_of_own_bot(settings: TelegramConfig) -> People:
    """Who commands a bot of our own. Raises ConfigurationError for a chat id that is no number."""
    return _people(settings.chat_id, settings.topic_id, settings.authorized_users or None)


def people_of_joined_bot(settings: TelegramConfig | None, host: Mapping[str, Any]) -> People:
    """Who commands over freqtrade's bot, by our settings where they say it, else by freqtrade's own section `host`.

    freqtrade's authorized users may do all. Raises ConfigurationError for ids that are no numbers.
    """
    chat_id = (settings.chat_id if settings is not None else None) or host.get("chat_id")
    topic = settings.topic_id if settings is not None else None
    if topic is None and host.get("topic_id") is not None:
        topic = _number("topic_id", host["topic_id"])
    users: Mapping[str, Role] | None = settings.authorized_users if settings is not None else None
    listed = host.get("authorized_users")
    if not users and listed is not None:
        users = {str(user): Role.APPROVER for user in listed if str(user).isdigit()}
        return _people(chat_id, topic, users)
    return _people(chat_id, topic, users or None)


def _people(chat: object, topic_id: int | None, users: Mapping[str, Role] | None) -> People:
    chat_id = _number("chat_id", chat)
    if users is not None:
        return People(chat_id=chat_id, topic_id=topic_id, roles={int(user): role for user, role in users.items()})
    if chat_id > 0:
        # a private chat has the id of its owner
        return People(chat_id=chat_id, topic_id=topic_id, roles={chat_id: Role.APPROVER})
    return People(chat_id=chat_id, topic_id=topic_id, everyone=Role.VIEWER)


def _number(what: str, value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise ConfigurationError(
            f"Telegram: {what} {value!r} is no number. Next: send /tg_info to freqtrade's bot, which tells it."
        ) from None


class Strangers:
    """Counts what is ignored, and tells it at most once an hour. Remembers one name, however many there are."""

    def __init__(self, on_event: Callable[[Event], None], clock: Callable[[], datetime]) -> None:
        self._on_event = on_event
        self._clock = clock
        self._who = ""
        self._messages = 0
        self._told_at: datetime | None = None

    def note(self, who: str) -> None:
        """One message or pressed button of somebody who is not obeyed."""
        self._who = who
        self._messages += 1
        self.settle()

    def settle(self) -> None:
        """Tell what was counted, once an hour has passed since it was told last."""
        now = self._clock()
        if not self._messages or (self._told_at is not None and now - self._told_at < STRANGERS_TOLD_EVERY):
            return
        messages, self._messages, self._told_at = self._messages, 0, now
        self._on_event(StrangerIgnored(at=now, who=self._who, transport=TRANSPORT, messages=messages))


class Admission(Enum):
    """Whether a command is taken: yes; no, and say so this once; no, in silence."""

    TAKEN = auto()
    TOLD = auto()
    SILENT = auto()


class Pace:
    """How often each user may command: so many times in any minute. Remembers the last users only."""

    def __init__(self, clock: Callable[[], datetime], per_minute: int = COMMANDS_PER_MINUTE) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._users: OrderedDict[int, deque[datetime]] = OrderedDict()
        self._told: set[int] = set()

    def __len__(self) -> int:
        """How many users are remembered."""
        return len(self._users)

    def admit(self, user_id: int) -> Admission:
        """Count one command of this user, and say whether it is taken."""
        now = self._clock()
        times = self._users.setdefault(user_id, deque())
        self._users.move_to_end(user_id)
        while len(self._users) > PACED_USERS:
            forgotten, _ = self._users.popitem(last=False)
            self._told.discard(forgotten)
        while times and now - times[0] >= timedelta(minutes=1):
            times.popleft()
        if len(times) < self._per_minute:
            times.append(now)
            self._told.discard(user_id)
            return Admission.TAKEN
        if user_id in self._told:
            return Admission.SILENT
        self._told.add(user_id)
        return Admission.TOLD


__all__ = [
    "COMMANDS_PER_MINUTE",
    "PACED_USERS",
    "STRANGERS_TOLD_EVERY",
    "TRANSPORT",
    "Admission",
    "Pace",
    "People",
    "Strangers",
    "people_of_joined_bot",
    "people_of_own_bot",
]
