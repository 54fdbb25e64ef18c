"""Everything that runs beside an open Telegram chat: sending, expiring; where notices and late answers come in."""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

from tradai_lifecycle.control.telegram.names import CommandNames
from tradai_lifecycle.control.telegram.office import Office
from tradai_lifecycle.control.telegram.outbox import FIRST_RETRY_SECONDS, Outbox, Outgoing, Wire
from tradai_lifecycle.control.telegram.people import People
from tradai_lifecycle.control.telegram.place import Place
from tradai_lifecycle.control.telegram.updates import Conversation

logger = logging.getLogger(__name__)

SETTLE_EVERY_SECONDS = 1.0
LAST_SECONDS = 1.0
#: Updates in hand beyond which new ones are dropped: each is a person's command, so this is a flood.
MOST_UPDATES = 128


class TelegramService:
    """A conversation and its outbox, on one loop. `post` may be called from any thread and at any time."""

    def __init__(
        self,
        office: Office,
        people: People,
        names: CommandNames,
        *,
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
        tells_outages: bool = True,
    ) -> None:
        self._people = people
        self._outbox = Outbox(first_retry_seconds=first_retry_seconds, tells_outages=tells_outages)
        self.conversation = Conversation(office, people, names, self._outbox)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handling: set[asyncio.Task[None]] = set()
        self._open = True
        self._stop, self._ended = asyncio.Event(), threading.Event()

    def post(self, text: str) -> None:
        """Send a text to the configured chat; returns at once, and outlasts Telegram's outages."""
        self._outbox.put(Outgoing(chat_id=self._people.chat_id, topic_id=self._people.topic_id, text=text))

    async def answer(self, place: str, text: str) -> None:
        """Answer at the place of a command that was given before. On the service's loop; returns once it was sent."""
        at, sent = Place.read(place), asyncio.Event()
        self._outbox.put(
            Outgoing(
                chat_id=self._people.chat_id,
                topic_id=at.topic_id,
                reply_to=at.message_id,
                text=text,
                on_sent=lambda _message_id: sent.set(),
            )
        )
        await sent.wait()

    @property
    def is_open(self) -> bool:
        """Whether updates are taken."""
        return self._open and self._loop is not None

    def accept(self, update: Any) -> None:
        """Take an update, from any thread; it is handled on the service's loop."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._start_handling, update)
        except RuntimeError:
            logger.debug("an update came while the loop was closing")

    def close(self) -> None:
        """Take no more updates, and let `run` end: what is in hand is finished, for three seconds at most. Any thread.

        Idempotent. Returns once `run` has ended, or those seconds are over.
        """
        self._open = False
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:
            logger.debug("the loop had ended before the Telegram service was closed")
            return
        if not _is_running_here(loop):
            self._ended.wait(3.0 * LAST_SECONDS + 0.5)

    async def run(self, wire: Wire, feed: Coroutine[Any, Any, None]) -> None:
        """Serve until `close`, until `feed`, which brings the updates, ends, or until this is cancelled."""
        self._loop = asyncio.get_running_loop()
        self.conversation.wire = wire
        fed, stopped, outbox = map(asyncio.create_task, (feed, self._stop.wait(), self._outbox.run(wire)))
        settling = asyncio.create_task(self._settle())
        try:
            if self._open:
                await asyncio.wait((fed, stopped), return_when=asyncio.FIRST_COMPLETED)
            self._open = False
            await _end([fed, settling])
            await self._finish()
        finally:
            self._open = False
            await _end([fed, stopped, outbox, settling, *self._handling])
            self._ended.set()

    # What a person was promised: the commands in hand, and the answers that wait, unless Telegram is away.
    async def _finish(self) -> None:
        if self._handling:
            await asyncio.wait(self._handling, timeout=LAST_SECONDS)
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._outbox.emptied()
        except TimeoutError:
            logger.debug("%d messages to Telegram were not sent before the end", len(self._outbox))

    def _start_handling(self, update: Any) -> None:
        if len(self._handling) >= MOST_UPDATES:
            logger.debug("too many Telegram updates at once: one was dropped")
            return
        task = asyncio.create_task(self.conversation.handle(update))
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)

    async def _settle(self) -> None:
        while True:
            try:
                self.conversation.settle()
            except Exception:
                logger.exception("What was due in a Telegram conversation could not be done")
            await asyncio.sleep(SETTLE_EVERY_SECONDS)


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            logger.error("A part of the Telegram service ended by an error", exc_info=ended)


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


__all__ = ["LAST_SECONDS", "TelegramService"]
