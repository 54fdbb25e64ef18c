"""What waits to be sent to Telegram: a bounded queue that outlasts outages, and drops its oldest when it is full."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

logger = logging.getLogger(__name__)

LONGEST_TEXT = 4_096
LONGEST_CAPTION = 1_024
MOST_PARTS = 10
WAITING_MESSAGES = 200
FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 60.0
#: An outage is told once it has lasted for this many attempts: shorter ones are Telegram's everyday.
ATTEMPTS_BEFORE_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """An inline button: what it says, and what the bot is told when it is pressed."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message: a text, a picture with a caption, or (`edits`) another text for a message that was sent.

    Texts are plain, never Markdown. `on_sent` is called with the message's id once Telegram has it.
    """

    chat_id: int
    text: str
    topic_id: int | None = None
    reply_to: int | None = None
    buttons: tuple[Button, ...] = ()
    photo: bytes | None = None
    edits: int | None = None
    on_sent: Callable[[int], None] | None = None


class TelegramAwayError(Exception):
    """Telegram could not be reached, or asks to wait: the message is sent again later."""

    def __init__(self, cause: str, *, wait_seconds: float | None = None) -> None:
        super().__init__(cause)
        self.wait_seconds = wait_seconds


class TelegramRefusedError(Exception):
    """Telegram does not take this message, now or later."""


class Wire(Protocol):
    """How messages reach Telegram. Raises TelegramAwayError or TelegramRefusedError, and no other error of Telegram."""

    async def send(self, message: Outgoing) -> int:
        """Send one message and return its id."""

    async def answer(self, query_id: str, text: str, *, alert: bool) -> None:
        """Answer a pressed button."""


class Outbox:
    """Sends what is put into it, in order, for as long as `run` runs. `put` may be called from any thread."""

    def __init__(
        self,
        *,
        limit: int = WAITING_MESSAGES,
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
        tells_outages: bool = True,
    ) -> None:
        self._limit = limit
        self._tells_outages = tells_outages
        self._first_retry_seconds = first_retry_seconds
        self._waiting: deque[Outgoing] = deque()
        self._lock = Lock()
        self._dropped = 0
        self._attempts = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._refusals = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    @property
    def dropped(self) -> int:
        """How many messages were dropped since that was last told."""
        return self._dropped

    def put(self, message: Outgoing) -> None:
        """Queue a message, cut into parts where it is too long; returns at once."""
        with self._lock:
            self._waiting.extend(parts_of(message))
            self._shorten()
        self._wake()

    async def run(self, wire: Wire) -> None:
        """Send until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            message = self._take()
            if message is None:
                self._filled.clear()
                self._at_rest.set()
                # once more: something may have been put in before the clearing
                if not self._waiting:
                    await self._filled.wait()
                continue
            self._at_rest.clear()
            await self._deliver(wire, message)

    async def emptied(self) -> None:
        """Return once everything is sent, or at once while Telegram is away."""
        if self._waiting and not self._attempts:
            self._at_rest.clear()
        await self._at_rest.wait()

    async def _deliver(self, wire: Wire, message: Outgoing) -> None:
        try:
            message_id = await wire.send(message)
        except TelegramAwayError as away:
            self._put_back(message)
            await self._wait(away)
        except TelegramRefusedError as refused:
            self._note_refusal(str(refused))
        except Exception:
            logger.exception("A message could not be sent to Telegram and is lost.")
        else:
            self._note_success(message)
            if message.on_sent is not None:
                message.on_sent(message_id)

    async def _wait(self, away: TelegramAwayError) -> None:
        self._at_rest.set()
        if away.wait_seconds is None:
            self._attempts += 1
            if self._attempts == ATTEMPTS_BEFORE_TOLD and self._tells_outages:
                logger.warning("Telegram cannot be reached: %s. Messages wait; it is retried.", away)
        retry = self._first_retry_seconds * 2.0 ** min(self._attempts - 1, 10)
        await asyncio.sleep(min(retry, LAST_RETRY_SECONDS) if away.wait_seconds is None else away.wait_seconds)

    def _note_refusal(self, reason: str) -> None:
        self._refusals += 1
        if self._refusals == 1:
            logger.warning("Telegram refused a message, which is lost: %s", reason)

    def _note_success(self, message: Outgoing) -> None:
        if self._attempts >= ATTEMPTS_BEFORE_TOLD and self._tells_outages:
            logger.info("Telegram can be reached again.")
        self._attempts = self._refusals = 0
        if self._dropped and len(self._waiting) < self._limit:
            lost, self._dropped = self._dropped, 0
            text = f"{lost} older message{'s were' if lost > 1 else ' was'} lost while Telegram could not be reached."
            self._put_back(Outgoing(chat_id=message.chat_id, topic_id=message.topic_id, text=text))

    def _take(self) -> Outgoing | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _put_back(self, message: Outgoing) -> None:
        with self._lock:
            self._waiting.appendleft(message)
            self._shorten()

    def _shorten(self) -> None:
        while len(self._waiting) > self._limit:
            self._waiting.popleft()
            self._dropped += 1

    def _wake(self) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._filled.set)
        except RuntimeError:
            logger.debug("a message for Telegram came while its loop was closing")


def parts_of(message: Outgoing) -> tuple[Outgoing, ...]:
    """The message as Telegram takes it: never empty, cut where it is too long, buttons under the last part."""
    text = message.text.encode("utf-8", "replace").decode().replace("\x00", "")
    if message.photo is not None:
        return (replace(message, text=text[: LONGEST_CAPTION // 2]),)
    texts = _cut(text if text.strip() else "(nothing to show)")
    if message.edits is not None:
        return (replace(message, text=texts[0]),)
    *before, last = texts
    plain = (replace(message, text=part, buttons=(), on_sent=None) for part in before)
    return (*plain, replace(message, text=last))


def _cut(text: str) -> list[str]:
    parts: list[str] = []
    while text and len(parts) < MOST_PARTS:
        end = _fitting(text)
        if end < len(text):
            end = text.rfind("\n", end // 2, end) + 1 or end
        part, text = text[:end], text[end:]
        if part.strip():
            parts.append(part)
    return [*parts[:-1], parts[-1][:-20] + "\n(and more)"] if text else parts


# How many characters of a text fit into one message: Telegram counts those outside the basic plane as two.
def _fitting(text: str) -> int:
    end = min(len(text), LONGEST_TEXT)
    while (excess := _units(text[:end]) - LONGEST_TEXT) > 0:
        end -= (excess + 1) // 2
    return end


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


__all__ = [
    "LONGEST_TEXT",
    "WAITING_MESSAGES",
    "Button",
    "Outbox",
    "Outgoing",
    "TelegramAwayError",
    "TelegramRefusedError",
    "Wire",
    "parts_of",
]
