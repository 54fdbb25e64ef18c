"""How a running bot reaches people, and how they reach it: notices out, Telegram in. None of it is the bot's own work.

Commands of every transport end in the ledger, and reach the bot from there with its next loop; what becomes of those
that wait for it is worked out and told here. The bot's thread does one thing here: it hands freqtrade the messages
that wait for it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.commands import CommandDesk, utc_now
from tradai_lifecycle.control.follow import Follower
from tradai_lifecycle.control.telegram import Telegram, open_telegram
from tradai_lifecycle.control.telegram.people import TRANSPORT
from tradai_lifecycle.events import Event
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.notify.assembly import NoticeService, notice_service
from tradai_lifecycle.runtime.runtime import Runtime
from tradai_lifecycle.store.ledger import Ledger

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The channels of one running bot. Made by `open_reach`, run by the lifecycle's thread."""

    telegram: Telegram | None
    follower: Follower
    notices: NoticeService
    data_provider: Any

    def start_with(self, runtime: Runtime) -> None:
        """Have `runtime` run and close the channels. The notices end first: their last words go out over Telegram."""
        runtime.add_task("pending commands", self.follower.run)
        if self.telegram is not None:
            runtime.add_task("telegram", self.telegram.run)
            runtime.on_close("telegram", self.telegram.close)
        if self.notices.tells_anybody:
            # before the bot facts of this process replace those of the one before, which say until when it lived
            self.notices.dispatcher.recall()
            runtime.add_task("notices", self.notices.dispatcher.run)
            runtime.on_close("notices", self.notices.dispatcher.close)

    def tell(self, event: Event) -> None:
        """Let people know of an event, as far as it matters to them. Any thread; never blocks, never raises."""
        if self.notices.tells_anybody:
            self.notices.dispatcher.post(event)

    def without_secrets(self, event: Event) -> Event:
        """The event as it may be logged and kept: an error may quote an address with its password."""
        return self.notices.redact.event(event)

    def hand_over(self) -> None:
        """Give freqtrade the messages that wait for it. For the bot's main thread, once per loop; never raises."""
        if self.notices.freqtrade is not None:
            self.notices.freqtrade.drain(self.data_provider.send_msg)


def open_reach(
    *,
    config: LifecycleConfig,
    ledger: Ledger,
    host_config: Mapping[str, Any],
    data_provider: Any,
    on_event: Callable[[Event], None],
    accuracy_of: Callable[[str], float | None],
) -> Reach:
    """The channels that the configuration names, not yet running.

    `on_event` takes what people did, from any thread; `accuracy_of` gives a version's accuracy in validation. Raises
    ConfigurationError for channels that cannot work: another bot's token, an address that is none.
    """
    user_data_dir = Path(host_config["user_data_dir"])
    desk = CommandDesk(ledger=ledger, config=config, open_source=lambda: open_source(config, user_data_dir))
    telegram = open_telegram(
        desk=desk,
        ledger=ledger,
        config=config,
        freqtrade_config=host_config,
        data_provider=data_provider,
        on_event=on_event,
    )
    # freqtrade's own messages already reach the chat whose bot was joined
    own = telegram is not None and config.telegram is not None and config.telegram.token is not None
    notices = notice_service(
        config,
        ledger=ledger,
        host_config=host_config,
        send_telegram=telegram.send if telegram is not None and own else None,
        accuracy_of=accuracy_of,
    )
    tell_by = {TRANSPORT: telegram.answer} if telegram is not None else {}
    follower = Follower(ledger, utc_now, tell_by)
    return Reach(telegram=telegram, follower=follower, notices=notices, data_provider=data_provider)


__all__ = ["Reach", "open_reach"]
