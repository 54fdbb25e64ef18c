"""Where a notice goes: the contract of a channel, and the channel over a function that sends text."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from tradai_lifecycle.errors import RetryableError
from tradai_lifecycle.notify.notice import Notice, plain_text
from tradai_lifecycle.notify.wording import fitting

#: Telegram takes 4,096 characters; the rest is room for marks.
LONGEST_TEXT = 3_900


class ChannelFailedError(RetryableError):
    """A channel did not take a notice. It is tried again."""

    def __init__(self, channel: str, cause: str) -> None:
        super().__init__(f"The notice did not reach {channel}: {cause or 'no reason was given'}. It is tried again.")
        self.channel, self.cause = channel, cause


class Channel(Protocol):
    """Carries notices to people. Used from one event loop, one notice at a time.

    `send` returns once the channel has taken the notice, and raises ChannelFailedError where it has not, within its
    deadline. It neither blocks the loop nor tries again by itself. A channel takes notices again after any failure.
    """

    @property
    def name(self) -> str:
        """What a person calls it: "telegram". Bears no secret."""

    async def send(self, notice: Notice) -> None:
        """Hand over one notice. Raises ChannelFailedError."""


class TextChannel:
    """A channel over a function that sends plain text, such as that of a Telegram bot."""

    def __init__(self, name: str, send_text: Callable[[str], Awaitable[object]]) -> None:
        self._name = name
        self._send_text = send_text

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self._name

    async def send(self, notice: Notice) -> None:
        """Send the notice as text. Raises ChannelFailedError for whatever the function raises."""
        try:
            await self._send_text(fitting(plain_text(notice), LONGEST_TEXT))
        except Exception as error:
            raise ChannelFailedError(self._name, f"{type(error).__name__}: {error}") from error


__all__ = ["LONGEST_TEXT", "Channel", "ChannelFailedError", "TextChannel"]
