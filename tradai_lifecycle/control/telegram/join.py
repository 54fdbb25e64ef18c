"""Joins freqtrade's own Telegram bot: /model beside its commands, none of which is taken away."""

import asyncio
import logging
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from telegram import Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, filters

from tradai_lifecycle.config import TelegramConfig
from tradai_lifecycle.control.telegram.confirm import DATA_PREFIX
from tradai_lifecycle.control.telegram.host import HostChangedError, HostTelegram, find_host
from tradai_lifecycle.control.telegram.names import CommandNames, joined_names
from tradai_lifecycle.control.telegram.office import Office
from tradai_lifecycle.control.telegram.people import people_of_joined_bot
from tradai_lifecycle.control.telegram.service import TelegramService
from tradai_lifecycle.control.telegram.wire import ForeignWire
from tradai_lifecycle.errors import ConfigurationError

logger = logging.getLogger(__name__)

#: In freqtrade's group 0 the first match wins; a group of our own neither takes its commands nor loses ours.
HANDLER_GROUP = 5_090
FALL_BACK = (
    "Commands can be given in the shell (`tradai --help`), or over a bot of their own: set "
    "tradai_lifecycle.telegram.token and chat_id."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinPatience:
    """How long freqtrade's bot may take to come up, and how often it is looked at until then."""

    up_seconds: float = 120.0
    look_every_seconds: float = 0.2
    register_seconds: float = 10.0


class _LifecycleCommand(CommandHandler[Any, Any]):
    """Ours, told from freqtrade's and from users' by its class."""


class _LifecycleButton(CallbackQueryHandler[Any, Any]):
    """Ours, told from freqtrade's and from users' by its class."""


class JoinedTelegram:
    """Commands and notices over freqtrade's bot, for as long as the session lives. Made once, run once.

    `host` is what `find_host` gave. freqtrade's loop only hands updates on; the work is done on ours.
    """

    def __init__(
        self,
        settings: TelegramConfig | None,
        host: HostTelegram,
        office: Office,
        *,
        patience: JoinPatience | None = None,
    ) -> None:
        self._people = people_of_joined_bot(settings, host.section)
        self._host = host
        self._patience = patience or JoinPatience()
        # which names are free is known once freqtrade has registered its own
        self._service = TelegramService(office, self._people, joined_names(()))
        self._application: Application[Any, Any, Any, Any, Any, Any] | None = None
        self._open = True

    def post(self, text: str) -> None:
        """Send a text to the configured chat, from any thread; returns at once, and outlasts Telegram's outages."""
        self._service.post(text)

    async def send(self, text: str) -> None:
        """The same as `post`, for callers on a loop: it does not wait for Telegram."""
        self._service.post(text)

    async def answer(self, place: str, text: str) -> None:
        """Answer at the place of a command that was given before, and return once it was sent."""
        await self._service.answer(place, text)

    def close(self) -> None:
        """Obey nobody from now on, and take the handlers away. Any thread, idempotent."""
        self._open = False
        self._service.close()
        if self._application is not None:
            try:
                self._host.loop.call_soon_threadsafe(_remove_ours, self._application)
            except RuntimeError:
                logger.debug("freqtrade's Telegram loop ended before the handlers were taken away")

    async def run(self) -> None:
        """Join, and obey until cancelled. Where freqtrade's bot cannot be joined, that is told once, and this ends."""
        try:
            application = await self._come_up()
            names = await self._registered(application)
        except HostChangedError as error:
            logger.warning("%s", not_joined(f"it has no {error.part}"))
            return
        except TimeoutError:
            logger.warning("%s", not_joined("it did not come up"))
            return
        if self._people.warning is not None:
            logger.warning("%s", self._people.warning)
        self._service.conversation.names = names
        logger.info("Telegram: joined freqtrade's bot with %s.", ", ".join(f"/{name}" for name in sorted(names.every)))
        try:
            await self._service.run(ForeignWire(application.bot, self._host.loop), _forever())
        finally:
            self.close()

    async def _come_up(self) -> "Application[Any, Any, Any, Any, Any, Any]":
        deadline = time.monotonic() + self._patience.up_seconds
        while not self._host.is_up:
            if time.monotonic() >= deadline:
                self._host.require_parts()
                raise TimeoutError
            await asyncio.sleep(self._patience.look_every_seconds)
        return self._host.application

    async def _registered(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> CommandNames:
        registered: Future[CommandNames] = Future()

        def register() -> None:
            """On freqtrade's loop: hand the names taken, or the error, over to whoever waits on ours."""
            try:
                registered.set_result(self._register(application))
            except Exception as error:  # noqa: BLE001 - handed to the waiting side
                registered.set_exception(error)

        try:
            self._host.loop.call_soon_threadsafe(register)
        except RuntimeError:
            raise TimeoutError from None
        try:
            return await asyncio.wait_for(asyncio.wrap_future(registered), self._patience.register_seconds)
        except (TimeoutError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise HostChangedError(f"place for handlers as it was ({error!r})") from error

    # On freqtrade's loop, which runs only after freqtrade has registered all of its own.
    def _register(self, application: "Application[Any, Any, Any, Any, Any, Any]") -> CommandNames:
        _remove_ours(application)
        handlers = [handler for group in application.handlers.values() for handler in group]
        taken = {name for handler in handlers if isinstance(handler, CommandHandler) for name in handler.commands}
        names = joined_names(taken)
        if self._open:
            typed = _LifecycleCommand(sorted(names.every), self._hand_on, filters=filters.UpdateType.MESSAGE)
            application.add_handler(typed, HANDLER_GROUP)
            application.add_handler(_LifecycleButton(self._hand_on, pattern=rf"^{DATA_PREFIX}:"), HANDLER_GROUP)
            self._application = application
        return names

    async def _hand_on(self, update: Update, _context: Any) -> None:
        if self._service.is_open:
            self._service.accept(update)


def not_joined(why: str) -> str:
    """What to tell where freqtrade's bot cannot be joined."""
    return f"freqtrade's Telegram bot was not joined: {why}. {FALL_BACK}"


def open_joined(settings: TelegramConfig | None, data_provider: Any, office: Office) -> JoinedTelegram | None:
    """What joins the bot of the freqtrade behind `data_provider`; None where its Telegram is off.

    None, and a warning, where this freqtrade is built another way or names no chat. Raises ConfigurationError for a
    chat id of ours that is no number.
    """
    try:
        host = find_host(data_provider)
    except HostChangedError as error:
        logger.warning("%s", not_joined(f"it has no {error.part}"))
        return None
    if host is None:
        return None
    try:
        return JoinedTelegram(settings, host, office)
    except ConfigurationError as error:
        if settings is not None and settings.chat_id is not None:
            raise
        # freqtrade starts with such a section of its own, so it is not for us to stop it
        logger.warning("%s", not_joined(str(error)))
        return None


def _remove_ours(application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
    for handler in tuple(application.handlers.get(HANDLER_GROUP, ())):
        if isinstance(handler, _LifecycleCommand | _LifecycleButton):
            application.remove_handler(handler, HANDLER_GROUP)


async def _forever() -> None:
    await asyncio.Event().wait()


__all__ = ["HANDLER_GROUP", "JoinPatience", "JoinedTelegram", "not_joined", "open_joined"]
