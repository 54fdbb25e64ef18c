"""The lifecycle's own Telegram bot: it polls with its own token, beside freqtrade's."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from tradai_lifecycle.config import TelegramConfig
from tradai_lifecycle.control.syntax import DESCRIPTION
from tradai_lifecycle.control.telegram.names import own_names
from tradai_lifecycle.control.telegram.office import Office
from tradai_lifecycle.control.telegram.people import people_of_own_bot
from tradai_lifecycle.control.telegram.polling import PollRequest
from tradai_lifecycle.control.telegram.secrets import TokenFilter, token_hidden
from tradai_lifecycle.control.telegram.service import LAST_SECONDS, TelegramService
from tradai_lifecycle.control.telegram.wire import BotWire, seconds_of
from tradai_lifecycle.errors import ConfigurationError

logger = logging.getLogger(__name__)

UPDATE_KINDS = ("message", "callback_query")
CONFLICT = (
    "another program polls with the same token, so commands reach either of the two at random. "
    "Next: stop it, or give this bot a token of its own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the bot waits: for news in one poll, and between attempts while something is wrong."""

    poll_seconds: int = 25
    answer_seconds: float = 15.0
    first_retry_seconds: float = 1.0
    last_retry_seconds: float = 60.0
    bad_token_seconds: float = 300.0
    #: a conflict comes and goes while two bots take turns: it is over when there was none for this long
    conflict_over: timedelta = timedelta(minutes=10)


class Troubles:
    """Tells each trouble of polling once, and its end."""

    #: polls that may fail one after the other before that is told: Telegram's everyday
    TOLD_AFTER = 3

    def __init__(self, clock: Callable[[], datetime], conflict_over: timedelta) -> None:
        self._clock = clock
        self._conflict_over = conflict_over
        self._told: set[str] = set()
        self._last_conflict: datetime | None = None
        self.failures = 0

    def failed(self, error: TelegramError, clean: Callable[[str], str]) -> None:
        """A poll failed."""
        self.failures += 1
        if isinstance(error, Conflict):
            self._last_conflict = self._clock()
            self._tell("conflict", CONFLICT)
        elif isinstance(error, InvalidToken):
            self._tell("token", "the token of tradai_lifecycle.telegram is not valid. Next: ask @BotFather for it")
        elif self.failures >= self.TOLD_AFTER:
            self._tell("away", f"it cannot be reached ({clean(str(error))}); it is retried, and the bot trades on")

    def worked(self) -> None:
        """A poll worked."""
        self.failures = 0
        over = {"token", "away"} & self._told
        if self._last_conflict is not None and self._clock() - self._last_conflict >= self._conflict_over:
            over |= {"conflict"} & self._told
        if over:
            self._told -= over
            logger.info("Telegram: commands can be given again.")

    def _tell(self, what: str, message: str) -> None:
        if what not in self._told:
            self._told.add(what)
            logger.warning("Telegram: %s.", message)


class OwnTelegram:
    """Commands and notices over a bot of our own. Made once, run once.

    Raises ConfigurationError for freqtrade's own token, which two pollers would fight over, and for an incomplete
    section. `freqtrade_config` is freqtrade's whole configuration.
    """

    def __init__(
        self,
        settings: TelegramConfig,
        freqtrade_config: Mapping[str, Any],
        office: Office,
        *,
        patience: Patience | None = None,
    ) -> None:
        if settings.token is None:
            raise ConfigurationError("tradai_lifecycle.telegram has no token. Next: add one, or join freqtrade's bot.")
        self._token = settings.token.get_secret_value()
        if self._token == (freqtrade_config.get("telegram") or {}).get("token"):
            raise ConfigurationError(
                "tradai_lifecycle.telegram.token is the token of freqtrade's own bot: two pollers of one token lose "
                "commands. Next: make a second bot with @BotFather and use its token, or leave the token out, and the "
                "commands join freqtrade's bot as /model."
            )
        self._base_url = settings.base_url.rstrip("/")
        self._patience = patience or Patience()
        self._people = people_of_own_bot(settings)
        self._names = own_names()
        self._troubles = Troubles(office.clock, self._patience.conflict_over)
        # the polls tell of outages
        self._service = TelegramService(
            office,
            self._people,
            self._names,
            first_retry_seconds=self._patience.first_retry_seconds,
            tells_outages=False,
        )

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
        """Obey nobody from now on. Any thread, idempotent; `run` ends by being cancelled."""
        self._service.close()

    async def run(self) -> None:
        """Poll, obey and send until cancelled. Telegram's troubles are told, and waited for."""
        if self._people.warning is not None:
            logger.warning("%s", self._people.warning)
        with token_hidden(self._token) as hiding:
            bot = Bot(
                self._token,
                base_url=f"{self._base_url}/bot",
                base_file_url=f"{self._base_url}/file/bot",
                request=self._request(HTTPXRequest, 8),
                get_updates_request=self._request(PollRequest, 1),
            )
            try:
                await self._service.run(BotWire(bot, hiding.without_token), self._poll(bot, hiding))
            finally:
                await bot.shutdown()

    def _request(self, kind: type[HTTPXRequest], connections: int) -> HTTPXRequest:
        seconds = self._patience.answer_seconds
        return kind(
            connection_pool_size=connections,
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
            pool_timeout=seconds,
        )

    async def _poll(self, bot: Bot, hiding: TokenFilter) -> None:
        while not await self._is_introduced(bot, hiding):
            pass
        offset: int | None = None
        while True:
            try:
                updates = await bot.get_updates(
                    offset=offset, timeout=self._patience.poll_seconds, allowed_updates=UPDATE_KINDS
                )
            except asyncio.CancelledError:
                await self._confirm(bot, offset)
                raise
            except TelegramError as error:
                await self._wait(error, hiding)
            else:
                self._troubles.worked()
                if not self._service.is_open:
                    return  # not confirmed, so the next session is given them
                for update in updates:
                    offset = update.update_id + 1
                    self._service.accept(update)

    # What was taken may not have been confirmed yet: the next session would be given it again.
    async def _confirm(self, bot: Bot, offset: int | None) -> None:
        if offset is None or self._troubles.failures:
            return
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await bot.get_updates(offset=offset, limit=1, timeout=0, allowed_updates=UPDATE_KINDS)
        except (TelegramError, TimeoutError) as error:
            logger.debug("The last Telegram updates could not be confirmed: %s", type(error).__name__)

    async def _is_introduced(self, bot: Bot, hiding: TokenFilter) -> bool:
        try:
            await bot.initialize()
            await bot.delete_webhook()
        except TelegramError as error:
            await self._wait(error, hiding)
            return False
        self._service.conversation.username = bot.username
        logger.info("Telegram: @%s listens in chat %s.", bot.username, self._people.chat_id)
        listed = [BotCommand(typed, DESCRIPTION[name]) for typed, name in self._names.direct.items()]
        try:
            await bot.set_my_commands(listed, scope=BotCommandScopeChat(self._people.chat_id))
        except TelegramError as error:
            logger.warning("Telegram did not take the list of commands: %s.", hiding.without_token(str(error)))
        return True

    async def _wait(self, error: TelegramError, hiding: TokenFilter) -> None:
        self._troubles.failed(error, hiding.without_token)
        patience = self._patience
        if isinstance(error, RetryAfter):
            seconds = seconds_of(error)
        elif isinstance(error, InvalidToken):
            seconds = patience.bad_token_seconds
        else:
            doubled = patience.first_retry_seconds * 2.0 ** min(self._troubles.failures - 1, 10)
            seconds = min(doubled, patience.last_retry_seconds)
        await asyncio.sleep(seconds)


__all__ = ["OwnTelegram", "Patience", "Troubles"]
