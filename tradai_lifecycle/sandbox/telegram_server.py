"""A Telegram Bot API on loopback: real bot clients poll it, and a test types, presses buttons and reads what they say.

It speaks the part of the protocol that a polling bot needs, refuses what Telegram refuses (two pollers of one token,
unbalanced Markdown, texts that are too long, floods), and fails on request.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Any, Self

from tradai_lifecycle.sandbox.loopback import LoopbackServer, json_response
from tradai_lifecycle.sandbox.telegram_bots import Refusal, SandboxBot
from tradai_lifecycle.sandbox.telegram_updates import (
    SentAnswer,
    SentMessage,
    chat_values,
    person_values,
    typed_values,
)

if TYPE_CHECKING:
    from aiohttp import web

WAIT_SECONDS = 10.0


class Outage(StrEnum):
    """How the server fails while it is told to."""

    REFUSE = "refuse"  # breaks every connection
    HANG = "hang"  # takes requests and does not answer
    ERROR = "error"  # answers 500 to everything


class SandboxTelegram:
    """Telegram's servers for the bots of `tokens`, on a free port of 127.0.0.1.

    `tokens` maps each bot's token to its user name; any other token is answered 401. Where a method takes `token`, the
    first one is meant when it is left out. All methods may be called from any thread. Use it as a context manager, or
    call `start` and `close`.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        if not tokens:
            raise ValueError("a sandbox Telegram needs at least one token")
        message_ids = count(1_001)
        self._bots = {
            token: SandboxBot(token, username, 7_000_000 + number, lambda: next(message_ids))
            for number, (token, username) in enumerate(tokens.items())
        }
        #: the methods that were asked for, in order, without the polls
        self.asked: list[str] = []
        #: methods that nobody here answers: a test may hold this to be empty
        self.unanswered: list[str] = []
        self._query_ids, self._message_ids = count(1), count(1)
        self._scripted: dict[str, list[Refusal]] = {}
        self._outage: Outage | None = None
        self._stricken: str | None = None
        self._restored = asyncio.Event()
        self._changed = threading.Condition()
        self._server = LoopbackServer("sandbox Telegram", self._respond, lambda: self._set_outage(Outage.REFUSE, None))

    # what a person does

    def type(
        self,
        chat_id: int,
        user_id: int,
        text: str,
        *,
        edited: bool = False,
        topic_id: int | None = None,
        name: str | None = None,
        token: str | None = None,
    ) -> int:
        """Type a message into a chat, or edit one into `text`. Returns its message id."""
        number = next(self._message_ids)
        message = typed_values(number, chat_id, person_values(user_id, name), text, int(time.time()), topic_id)
        if edited:
            self.push({"edited_message": {**message, "edit_date": message["date"]}}, token=token)
        else:
            self.push({"message": message}, token=token)
        return number

    def press(self, message_id: int, button: str, user_id: int, *, name: str | None = None) -> str:
        """Press the button labelled `button` under a bot's message. Returns the query's id.

        Raises LookupError where the message has no such button now: a person could not press it.
        """
        bot, message = self._find(message_id)
        labels = {shown.label: shown.data for shown in message.buttons}
        if button not in labels:
            raise LookupError(f"message {message_id} has no button {button!r}; it has {sorted(labels)}")
        return self.press_data(bot.shown(message), labels[button], user_id, name=name, token=bot.token)

    def press_data(
        self, message: Mapping[str, Any], data: str, user_id: int, *, name: str | None = None, token: str | None = None
    ) -> str:
        """Send any callback data for any message, as a forger or a second finger on the same button would."""
        query = f"q{next(self._query_ids)}"
        self._server.call(self._bot(token).open_queries.add, query)
        values = {"id": query, "from": person_values(user_id, name), "chat_instance": "1", "data": data}
        self.push({"callback_query": {**values, "message": dict(message)}}, token=token)
        return query

    def push(self, update: Mapping[str, Any], *, token: str | None = None) -> None:
        """Deliver any update, as JSON, to a bot."""
        self._server.call(self._bot(token).deliver, update)

    def post_in_channel(self, chat_id: int, text: str, *, token: str | None = None) -> None:
        """A post of a channel: it has no person behind it."""
        message = typed_values(next(self._message_ids), chat_id, {}, text, int(time.time()), None)
        message.pop("from")
        chat = {**chat_values(chat_id), "type": "channel"}
        self.push({"channel_post": {**message, "chat": chat, "sender_chat": chat}}, token=token)

    # what the bots did

    @property
    def sent(self) -> list[SentMessage]:
        """Every message of every bot as it stands now, in the order they were sent."""
        with self._changed:
            every = [message for bot in self._bots.values() for message in bot.messages.values()]
        return sorted(every, key=lambda message: message.message_id)

    @property
    def answers(self) -> list[SentAnswer]:
        """What the bots answered to pressed buttons, bot by bot."""
        with self._changed:
            return [answer for bot in self._bots.values() for answer in bot.answers]

    def commands(self, token: str | None = None) -> dict[str, str]:
        """The command list a bot has set."""
        return dict(self._bot(token).commands)

    def conflicts(self, token: str | None = None) -> int:
        """How many polls were ended because another one came."""
        return self._bot(token).conflicts

    def is_polled(self, token: str | None = None) -> bool:
        """Whether a bot waits for updates now."""
        return self._bot(token).is_polled

    def wait_for(self, predicate: Callable[[SentMessage], bool], timeout: float = WAIT_SECONDS) -> SentMessage:
        """The first message that fulfils `predicate`, as soon as there is one. Raises TimeoutError with all texts."""
        found: list[SentMessage] = []

        def look() -> bool:
            found.extend(message for message in self.sent if predicate(message))
            return bool(found)

        self.wait_until(look, timeout)
        return found[0]

    def wait_until(self, condition: Callable[[], bool], timeout: float = WAIT_SECONDS) -> None:
        """Return as soon as `condition` is true; it is asked after each request. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                texts = "\n".join(f"{message.message_id}: {message.text!r}" for message in self.sent)
                raise TimeoutError(f"not within {timeout:g} s; sent so far:\n{texts}\nanswers: {self.answers}")
            with self._changed:
                self._changed.wait(0.05)

    # how it fails

    @contextmanager
    def outage(self, kind: Outage, *, token: str | None = None) -> Iterator[None]:
        """Fail in this way, waiting polls included, until the block ends. With `token` for that bot alone."""
        self._server.call(self._set_outage, kind, token)
        try:
            yield
        finally:
            self._server.call(self._set_outage, None, None)

    def flood(self, requests: int, retry_after: int, method: str = "sendMessage") -> None:
        """Answer the next requests of a method with 429 and this time to wait, in seconds."""
        self.refuse(method, 429, f"Too Many Requests: retry after {retry_after}", requests, retry_after=retry_after)

    def refuse(self, method: str, status: int, description: str, requests: int = 1, **parameters: Any) -> None:
        """Answer the next requests of a method, such as "sendMessage", with this error."""
        refusal = Refusal(status, description, parameters)
        self._server.call(self._scripted.setdefault(method, []).extend, [refusal] * requests)

    def block(self, chat_id: int, *, token: str | None = None) -> None:
        """Let a chat's owner block the bot: what it sends there is answered 403."""
        self._server.call(self._bot(token).blocked_chats.add, chat_id)

    # the server

    @property
    def url(self) -> str:
        """The base URL for a bot's configuration. Raises RuntimeError before `start`."""
        return self._server.url

    def start(self) -> Self:
        """Listen. Does nothing when it already does."""
        self._server.start()
        return self

    def close(self) -> None:
        """Stop listening. Idempotent."""
        self._server.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()

    async def _respond(self, request: "web.Request") -> "web.Response":
        try:
            await self._fail(request)
            result = await self._answer(request)
            await self._fail(request)
            return json_response(json.dumps({"ok": True, "result": result}))
        except Refusal as refusal:
            return json_response(refusal.body, refusal.status)
        finally:
            with self._changed:
                self._changed.notify_all()

    async def _fail(self, request: "web.Request") -> None:
        if self._stricken not in (None, _token(request)):
            return
        while self._outage is Outage.HANG:
            await self._restored.wait()
        if self._outage is Outage.REFUSE and request.transport is not None:
            request.transport.abort()
        if self._outage is not None:
            raise Refusal(500, "Internal Server Error")

    async def _answer(self, request: "web.Request") -> Any:
        method = request.path.rpartition("/")[2]
        bot = self._bots.get(_token(request))
        if bot is None:
            raise Refusal(401, "Unauthorized")
        fields = await request.post()
        if method != "getUpdates":
            self.asked.append(method)
        if self._scripted.get(method):
            raise self._scripted[method].pop(0)
        if method == "getUpdates":
            return await bot.poll(fields)
        answer = _METHODS.get(method)
        if answer is None:
            self.unanswered.append(method)
            raise Refusal(404, "Not Found")
        with self._changed:
            return answer(bot, fields)

    def _set_outage(self, outage: Outage | None, token: str | None) -> None:
        self._outage, self._stricken = outage, token
        self._restored.set()
        self._restored = asyncio.Event()
        for bot in self._bots.values():
            bot.wake()

    def _find(self, message_id: int) -> tuple[SandboxBot, SentMessage]:
        for bot in self._bots.values():
            if message_id in bot.messages:
                return bot, bot.messages[message_id]
        raise LookupError(f"no bot has sent a message {message_id}")

    def _bot(self, token: str | None) -> SandboxBot:
        return next(iter(self._bots.values())) if token is None else self._bots[token]


def _token(request: "web.Request") -> str:
    return request.path.lstrip("/").partition("/")[0].removeprefix("bot")


_METHODS: Mapping[str, Callable[[SandboxBot, Mapping[str, Any]], Any]] = {
    "getMe": SandboxBot.get_me,
    "deleteWebhook": SandboxBot.delete_webhook,
    "setMyCommands": SandboxBot.set_my_commands,
    "sendMessage": SandboxBot.send_message,
    "sendPhoto": SandboxBot.send_photo,
    "editMessageText": SandboxBot.edit_message_text,
    "editMessageReplyMarkup": SandboxBot.edit_message_reply_markup,
    "answerCallbackQuery": SandboxBot.answer_callback_query,
}


__all__ = ["Outage", "SandboxTelegram"]
