"""What a person does in a sandbox chat, as the updates that Telegram's servers make of it; and what bots sent there."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SentButton:
    """An inline button under a message: what it says, and what pressing it tells the bot."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message of a bot, as it stands in its chat now. `edits` counts how often the bot has changed it."""

    message_id: int
    token: str
    chat_id: int
    text: str
    topic_id: int | None = None
    parse_mode: str | None = None
    buttons: tuple[SentButton, ...] = ()
    photo: bytes | None = None
    reply_to: int | None = None
    edits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAnswer:
    """What a bot answered to a pressed button: a line over the chat, or a window that must be closed (`alert`)."""

    query_id: str
    text: str
    alert: bool


def person_values(user_id: int, name: str | None = None) -> dict[str, Any]:
    """The `from` of an update: a person, no bot."""
    name = name or f"user{user_id}"
    return {"id": user_id, "is_bot": False, "first_name": name, "username": name}


def bot_values(bot_id: int, username: str) -> dict[str, Any]:
    """The bot itself, as `getMe` shows it."""
    rights = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    return {"id": bot_id, "is_bot": True, "first_name": username, "username": username, **rights}


def chat_values(chat_id: int) -> dict[str, Any]:
    """A private chat for a positive id, a supergroup for a negative one."""
    if chat_id > 0:
        return {"id": chat_id, "type": "private", "first_name": f"user{chat_id}"}
    return {"id": chat_id, "type": "supergroup", "title": f"group {chat_id}"}


def typed_values(
    message_id: int, chat_id: int, sender: dict[str, Any], text: str, date: int, topic_id: int | None
) -> dict[str, Any]:
    """The message a person typed; a leading command is marked as Telegram marks it."""
    values = {"message_id": message_id, "date": date, "chat": chat_values(chat_id), "from": sender, "text": text}
    if text.startswith("/"):
        values["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
    if topic_id is not None:
        values |= {"message_thread_id": topic_id, "is_topic_message": True}
    return values


def shown_values(message: SentMessage, sender: dict[str, Any], date: int) -> dict[str, Any]:
    """A bot's message as the answer to its sending shows it, and as a pressed button names it."""
    rows = [[{"text": button.label, "callback_data": button.data}] for button in message.buttons]
    values: dict[str, Any] = {
        "message_id": message.message_id,
        "date": date,
        "chat": chat_values(message.chat_id),
        "from": sender,
        **({"reply_markup": {"inline_keyboard": rows}} if rows else {}),
    }
    if message.photo is None:
        values["text"] = message.text
    else:
        size = {"file_id": "photo", "file_unique_id": "photo", "width": 1, "height": 1}
        values |= {"photo": [size], "caption": message.text}
    if message.topic_id is not None:
        values |= {"message_thread_id": message.topic_id, "is_topic_message": True}
    return values


__all__ = [
    "SentAnswer",
    "SentButton",
    "SentMessage",
    "bot_values",
    "chat_values",
    "person_values",
    "shown_values",
    "typed_values",
]
