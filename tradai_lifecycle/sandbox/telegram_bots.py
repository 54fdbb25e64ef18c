"""What Telegram's servers keep for the bots of a sandbox: their waiting updates, their messages, their settings."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tradai_lifecycle.sandbox.telegram_markup import LONGEST_BUTTON_DATA, LONGEST_CAPTION, LONGEST_TEXT, text_fault
from tradai_lifecycle.sandbox.telegram_updates import (
    SentAnswer,
    SentButton,
    SentMessage,
    bot_values,
    shown_values,
)

Fields = Mapping[str, Any]


class Refusal(Exception):  # noqa: N818 - an answer of the protocol, not a fault of ours
    """What Telegram answers instead of a result."""

    def __init__(self, status: int, description: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        body = {"ok": False, "error_code": status, "description": description}
        self.status, self.body = status, json.dumps({**body, **({"parameters": parameters} if parameters else {})})


class SandboxBot:
    """One bot's side of the servers. Its methods are named as the protocol names them; all run on the server's loop."""

    def __init__(self, token: str, username: str, bot_id: int, new_message_id: Callable[[], int]) -> None:
        self.token, self.username = token, username
        self.profile = bot_values(bot_id, username)
        self.messages: dict[int, SentMessage] = {}
        self.answers: list[SentAnswer] = []
        self.commands: dict[str, str] = {}
        self.conflicts = 0
        self.open_queries: set[str] = set()
        self.blocked_chats: set[int] = set()
        self._new_message_id = new_message_id
        self._waiting: deque[dict[str, Any]] = deque()
        self._last_update = 0
        self._poll: asyncio.Event | None = None

    @property
    def is_polled(self) -> bool:
        """Whether a poll of this bot is waiting for updates now."""
        return self._poll is not None

    def deliver(self, update: Mapping[str, Any]) -> None:
        """Queue an update for the bot; gives it its `update_id`."""
        self._last_update += 1
        self._waiting.append({"update_id": self._last_update, **update})
        self.wake()

    def wake(self) -> None:
        """Let a waiting poll look again."""
        if self._poll is not None:
            self._poll.set()

    async def poll(self, fields: Fields) -> list[dict[str, Any]]:
        """getUpdates: what is not confirmed by `offset`, at once or within `timeout` seconds. A newer poll ends it."""
        self._confirm(int(fields.get("offset", 0)))
        mine = asyncio.Event()
        if self._poll is not None:
            older, self._poll = self._poll, None
            older.set()
        if not self._waiting:
            self._poll = mine
            await self._wait(mine, float(fields.get("timeout", 0)))
        return list(self._waiting)[: int(fields.get("limit", 100))]

    async def _wait(self, mine: asyncio.Event, seconds: float) -> None:
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(mine.wait(), seconds)
        except asyncio.CancelledError:  # the bot has hung up
            if self._poll is mine:
                self._poll = None
            raise
        if self._poll is not mine:
            self.conflicts += 1
            raise Refusal(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        self._poll = None

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._waiting = deque(list(self._waiting)[offset:])
        while self._waiting and self._waiting[0]["update_id"] < offset:
            self._waiting.popleft()

    def get_me(self, _fields: Fields) -> dict[str, Any]:
        """Who the bot is."""
        return self.profile

    def delete_webhook(self, fields: Fields) -> bool:
        """There is no webhook; drops what waits where that is asked for."""
        if fields.get("drop_pending_updates") in ("true", True):
            self._waiting.clear()
        return True

    def set_my_commands(self, fields: Fields) -> bool:
        """The list a client shows for a typed slash."""
        listed = json.loads(fields["commands"])
        for command in listed:
            name = str(command["command"])
            if not (name.replace("_", "").isalnum() and name == name.lower() and len(name) <= 32):
                raise Refusal(400, "Bad Request: BOT_COMMAND_INVALID")
        self.commands = {command["command"]: command["description"] for command in listed}
        return True

    def send_message(self, fields: Fields) -> dict[str, Any]:
        """A new text in a chat."""
        self._check(fields["text"], fields, LONGEST_TEXT)
        return self._send(fields, str(fields["text"]), None)

    def send_photo(self, fields: Fields) -> dict[str, Any]:
        """A new picture in a chat, uploaded as a file."""
        photo = fields.get("photo")
        if photo is None or not hasattr(photo, "file"):
            raise Refusal(400, "Bad Request: there is no photo in the request")
        caption = str(fields.get("caption", ""))
        if caption:
            self._check(caption, fields, LONGEST_CAPTION)
        return self._send(fields, caption, photo.file.read())

    def edit_message_text(self, fields: Fields) -> dict[str, Any]:
        """Another text, and other buttons, for a message that was sent."""
        self._check(fields["text"], fields, LONGEST_TEXT)
        return self._edit(fields, text=str(fields["text"]), buttons=_buttons(fields))

    def edit_message_reply_markup(self, fields: Fields) -> dict[str, Any]:
        """Other buttons for a message that was sent."""
        return self._edit(fields, buttons=_buttons(fields))

    def answer_callback_query(self, fields: Fields) -> bool:
        """The answer to a pressed button: one, in time."""
        query = str(fields["callback_query_id"])
        if query not in self.open_queries:
            raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
        self.open_queries.discard(query)
        alert = fields.get("show_alert") in ("true", True)
        self.answers.append(SentAnswer(query_id=query, text=str(fields.get("text", "")), alert=alert))
        return True

    def _check(self, text: str, fields: Fields, longest: int) -> None:
        fault = text_fault(str(text), fields.get("parse_mode"), longest=longest)
        if fault is not None:
            raise Refusal(400, fault)

    def _send(self, fields: Fields, text: str, photo: bytes | None) -> dict[str, Any]:
        chat = _chat(fields)
        if chat in self.blocked_chats:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        topic = fields.get("message_thread_id")
        reply = json.loads(fields.get("reply_parameters", "{}")).get("message_id")
        message = SentMessage(
            message_id=self._new_message_id(),
            token=self.token,
            chat_id=chat,
            text=text,
            topic_id=None if topic is None else int(topic),
            parse_mode=fields.get("parse_mode"),
            buttons=_buttons(fields),
            photo=photo,
            reply_to=reply,
        )
        self.messages[message.message_id] = message
        return self.shown(message)

    def _edit(self, fields: Fields, **changes: Any) -> dict[str, Any]:
        message = self.messages.get(int(fields["message_id"]))
        if message is None or message.chat_id != _chat(fields):
            raise Refusal(400, "Bad Request: message to edit not found")
        edited = replace(message, **changes)
        if edited == message:
            raise Refusal(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
            )
        self.messages[message.message_id] = replace(edited, edits=message.edits + 1)
        return self.shown(edited)

    def shown(self, message: SentMessage) -> dict[str, Any]:
        """A message of this bot as JSON."""
        return shown_values(message, self.profile, int(time.time()))


def _chat(fields: Fields) -> int:
    try:
        return int(fields["chat_id"])
    except (KeyError, ValueError):
        raise Refusal(400, "Bad Request: chat not found") from None


def _buttons(fields: Fields) -> tuple[SentButton, ...]:
    rows = json.loads(fields.get("reply_markup", "{}")).get("inline_keyboard", [])
    buttons = tuple(SentButton(label=key["text"], data=key["callback_data"]) for row in rows for key in row)
    if any(not 1 <= len(button.data.encode()) <= LONGEST_BUTTON_DATA for button in buttons):
        raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return buttons


__all__ = ["Refusal", "SandboxBot"]
