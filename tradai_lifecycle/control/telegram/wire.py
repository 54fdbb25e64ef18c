"""The calls of Telegram's API, by python-telegram-bot, with its errors told apart by what is to be done about them."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from tradai_lifecycle.control.telegram.outbox import Outgoing, TelegramAwayError, TelegramRefusedError

#: A call on a foreign loop is given up after this time: that loop may have ended, and would never say so.
FOREIGN_CALL_SECONDS = 45.0
_UNCHANGED = "not modified"


class BotWire:
    """Sends by a bot that lives on the running loop."""

    def __init__(self, bot: Bot, clean: Callable[[str], str] = str) -> None:
        self._bot = bot
        self._clean = clean

    async def send(self, message: Outgoing) -> int:
        """Send, or edit, one message and return its id."""
        with errors_told_apart(self._clean):
            if message.edits is not None:
                return await self._edit(message, message.edits)
            if message.photo is not None:
                sent = await self._bot.send_photo(
                    message.chat_id,
                    message.photo,
                    caption=message.text,
                    message_thread_id=message.topic_id,
                    reply_parameters=_reply(message),
                )
            else:
                sent = await self._bot.send_message(
                    message.chat_id,
                    message.text,
                    message_thread_id=message.topic_id,
                    reply_parameters=_reply(message),
                    reply_markup=_keyboard(message),
                )
            return sent.message_id

    async def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        """Answer a pressed button."""
        with errors_told_apart(self._clean):
            await self._bot.answer_callback_query(query_id, text[:200], show_alert=alert)

    async def _edit(self, message: Outgoing, message_id: int) -> int:
        try:
            await self._bot.edit_message_text(
                message.text, message.chat_id, message_id, reply_markup=_keyboard(message)
            )
        except BadRequest as error:
            if _UNCHANGED not in str(error).lower():
                raise
        return message_id


class ForeignWire:
    """Sends by a bot that lives on another thread's loop; its own methods are called on the running loop."""

    def __init__(self, bot: Bot, loop: asyncio.AbstractEventLoop, seconds: float = FOREIGN_CALL_SECONDS) -> None:
        self._wire = BotWire(bot)
        self._loop = loop
        self._seconds = seconds

    async def send(self, message: Outgoing) -> int:
        """Send, or edit, one message and return its id."""
        return int(await self._there(self._wire.send(message)))

    async def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        """Answer a pressed button."""
        await self._there(self._wire.answer(query_id, text, alert=alert))

    async def _there(self, call: Coroutine[Any, Any, Any]) -> Any:
        if not self._loop.is_running():
            call.close()
            raise TelegramAwayError("freqtrade's Telegram bot is not running")
        try:
            future = asyncio.run_coroutine_threadsafe(call, self._loop)
        except RuntimeError as error:
            call.close()
            raise TelegramAwayError(f"freqtrade's Telegram bot has ended: {error}") from None
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError:
            raise TelegramAwayError(f"freqtrade's Telegram bot did not answer within {self._seconds:g} s") from None
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise TelegramAwayError("freqtrade's Telegram bot is ending") from None


@contextmanager
def errors_told_apart(clean: Callable[[str], str] = str) -> Iterator[None]:
    """Turn python-telegram-bot's errors into TelegramAwayError and TelegramRefusedError; `clean` takes tokens out."""
    try:
        yield
    except RetryAfter as error:
        raise TelegramAwayError("too many messages", wait_seconds=seconds_of(error)) from None
    except ChatMigrated as error:
        raise TelegramRefusedError(
            f"the group became a supergroup. Next: set chat_id to {error.new_chat_id} in the configuration"
        ) from None
    except (BadRequest, Forbidden) as error:
        raise TelegramRefusedError(clean(str(error))) from None
    except InvalidToken:
        raise TelegramAwayError("the token is not valid") from None
    except TelegramError as error:
        raise TelegramAwayError(clean(f"{type(error).__name__}: {error}")) from None


def seconds_of(error: RetryAfter) -> float:
    """How long Telegram asks to wait."""
    span = error.retry_after
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def _reply(message: Outgoing) -> ReplyParameters | None:
    if message.reply_to is None:
        return None
    return ReplyParameters(message.reply_to, allow_sending_without_reply=True)


def _keyboard(message: Outgoing) -> InlineKeyboardMarkup | None:
    if not message.buttons:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.label, callback_data=button.data) for button in message.buttons]]
    )


__all__ = ["FOREIGN_CALL_SECONDS", "BotWire", "ForeignWire", "errors_told_apart", "seconds_of"]
