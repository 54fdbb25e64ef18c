"""Reads an update of Telegram: what a person typed or pressed, and who it was. Trusts nothing in it, not even types."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LONGEST_NAME = 32
#: Marks that turn the direction of what follows them: in a name they make a log line lie.
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A new message with a text, by one person."""

    user_id: int
    who: str
    chat_id: int
    topic_id: int | None
    message_id: int
    text: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A pressed inline button. `topic_id` is None where Telegram no longer shows the message."""

    user_id: int
    who: str
    chat_id: int
    topic_id: int | None
    message_id: int
    query_id: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Faceless:
    """Something that no person stands behind: a channel, an anonymous administrator, a bot."""

    who: str


def read_update(update: Any) -> Typed | Pressed | Faceless | None:
    """What an update means; None for what is never a command: edits, forwards, pictures, and every other kind."""
    if getattr(update, "callback_query", None) is not None:
        return _pressed(update.callback_query)
    if getattr(update, "message", None) is not None:
        return _typed(update.message)
    if getattr(update, "channel_post", None) is not None:
        return Faceless(who=_nameless(update.channel_post))
    return None


def _typed(message: Any) -> Typed | Faceless | None:
    user = message.from_user
    if _is_faceless(user) or message.sender_chat is not None:
        return Faceless(who=_nameless(message))
    is_second_hand = message.forward_origin is not None or message.via_bot is not None or message.edit_date is not None
    ids = (user.id, message.chat.id, message.message_id)
    if is_second_hand or not isinstance(message.text, str) or not _are_whole(ids):
        return None
    return Typed(
        user_id=user.id,
        who=name_of(user),
        chat_id=message.chat.id,
        topic_id=_topic(message),
        message_id=message.message_id,
        text=message.text,
        sent_at=message.date if isinstance(message.date, datetime) and message.date.tzinfo is not None else None,
    )


def _pressed(query: Any) -> Pressed | Faceless | None:
    user, message = query.from_user, query.message
    if _is_faceless(user) or message is None:
        return Faceless(who="a button of no message")
    ids = (user.id, message.chat.id, message.message_id)
    if not isinstance(query.data, str) or not isinstance(query.id, str) or not _are_whole(ids):
        return None
    return Pressed(
        user_id=user.id,
        who=name_of(user),
        chat_id=message.chat.id,
        topic_id=_topic(message),
        message_id=message.message_id,
        query_id=query.id,
        data=query.data,
    )


def name_of(user: Any) -> str:
    """A user as it is written down: `telegram:12345 anna`, the id first, for the name is anybody's choice."""
    name = user.username if isinstance(user.username, str) and user.username else user.first_name
    return f"telegram:{user.id} {plain(str(name))[:LONGEST_NAME]}".strip()


def plain(text: str) -> str:
    """`text` on one line, without control characters and marks that would change how a log shows it."""
    kept = (
        " " if character.isspace() else character
        for character in text
        if character.isspace()
        or (unicodedata.category(character) not in ("Cc", "Cs", "Cn", "Co") and character not in _DIRECTION_MARKS)
    )
    return " ".join("".join(kept).split())


def _is_faceless(user: Any) -> bool:
    return user is None or user.is_bot is not False


def _are_whole(numbers: tuple[Any, ...]) -> bool:
    return all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)


# Only forum topics count: in other groups the same field names the thread of a reply.
def _topic(message: Any) -> int | None:
    number = getattr(message, "message_thread_id", None)
    is_topic = getattr(message, "is_topic_message", None) is True
    return number if is_topic and isinstance(number, int) else None


def _nameless(message: Any) -> str:
    return f"telegram:chat {plain(str(message.chat.id))[:LONGEST_NAME]}"


__all__ = ["Faceless", "Pressed", "Typed", "name_of", "plain", "read_update"]
