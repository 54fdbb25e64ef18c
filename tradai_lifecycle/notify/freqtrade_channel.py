"""Notices through freqtrade's own messages: queued from the background, handed over on the bot's main thread."""

import logging
from collections import deque
from typing import Protocol

from tradai_lifecycle.notify.channels import LONGEST_TEXT, ChannelFailedError
from tradai_lifecycle.notify.notice import Notice, plain_text
from tradai_lifecycle.notify.wording import fitting

logger = logging.getLogger(__name__)

#: Notices that wait for the bot's thread; with more, the channel counts as dead.
MOST_WAITING = 50
#: Messages that are handed over per loop: freqtrade sends them one by one, before it trades on.
MOST_PER_LOOP = 10

_ENTITIES = str.maketrans({mark: f"\\{mark}" for mark in "_*`["})


class SendMessage(Protocol):
    """`send_msg` of freqtrade's data provider."""

    def __call__(self, message: str, *, always_send: bool) -> None:
        """Queue a message for freqtrade's own channels."""


class FreqtradeChannel:
    """Keeps notices until the bot's main thread takes them with `drain`: freqtrade's messages are for it alone.

    While the bot hangs nothing is taken, and once `MOST_WAITING` notices wait, `send` raises ChannelFailedError.
    """

    def __init__(self) -> None:
        # appends and pops of a deque are atomic: the bot's thread takes no lock
        self._waiting: deque[str] = deque()

    @property
    def name(self) -> str:
        """What a person calls it."""
        return "freqtrade"

    async def send(self, notice: Notice) -> None:
        """Put a notice into the queue. Raises ChannelFailedError when the bot's thread does not take any."""
        if len(self._waiting) >= MOST_WAITING:
            raise ChannelFailedError(self.name, f"{MOST_WAITING} notices wait for the bot's main thread")
        self._waiting.append(escaped(fitting(plain_text(notice), LONGEST_TEXT)))

    def drain(self, send_msg: SendMessage) -> int:
        """Hand what waits to freqtrade's `send_msg`; gives how many. For the bot's main thread; never raises."""
        handed = 0
        while self._waiting and handed < MOST_PER_LOOP:
            message = self._waiting.popleft()
            try:
                # not the default: it would swallow a second notice of the same words within a candle
                send_msg(message, always_send=True)
            except Exception as error:  # noqa: BLE001 - a message must not cost the bot its loop
                logger.warning("freqtrade did not take a message of the lifecycle: %s", type(error).__name__)
                return handed
            handed += 1
        return handed


def escaped(text: str) -> str:
    """`text` for Telegram's legacy Markdown, in which freqtrade sends: one open `_` would lose the whole message."""
    return text.translate(_ENTITIES)


__all__ = ["MOST_PER_LOOP", "MOST_WAITING", "FreqtradeChannel", "SendMessage", "escaped"]
