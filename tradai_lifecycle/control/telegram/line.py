"""The line to a Telegram chat: which kind the configuration asks for, and what every kind can do."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.control.commands import CommandDesk, utc_now
from tradai_lifecycle.events import Event
from tradai_lifecycle.store.ledger import Ledger

logger = logging.getLogger(__name__)


class Telegram(Protocol):
    """An open line to the configured chat."""

    async def run(self) -> None:
        """Obey and send until cancelled, on the lifecycle's loop. Telegram's troubles are told and waited for."""

    def close(self) -> None:
        """Obey nobody from now on. Any thread, idempotent; call it before `run` is cancelled."""

    async def answer(self, place: str, text: str) -> None:
        """Answer at the `place` of a command, on the loop of `run`; returns once it was sent, also after an outage."""

    def post(self, text: str) -> None:
        """Send a plain text to the chat, from any thread; returns at once. Waits out outages in a bounded queue."""

    async def send(self, text: str) -> None:
        """The same as `post`, for callers on a loop: it does not wait for Telegram."""


def open_telegram(
    *,
    desk: CommandDesk,
    ledger: Ledger,
    config: LifecycleConfig,
    freqtrade_config: Mapping[str, Any],
    data_provider: Any,
    on_event: Callable[[Event], None],
    clock: Callable[[], datetime] = utc_now,
) -> Telegram | None:
    """The line that the configuration asks for, not yet running; None where there is none to open.

    With `telegram.token` it is a bot of our own, without it freqtrade's own bot is joined where that is on.
    `on_event` may be called from any thread. Raises ConfigurationError for a token that is freqtrade's own, and for a
    chat id that is no number.
    """
    # heavy, and not needed by a bot without Telegram
    from tradai_lifecycle.control.telegram.office import Office  # noqa: PLC0415 - heavy

    office = Office(desk=desk, ledger=ledger, config=config, on_event=on_event, clock=clock)
    if config.telegram is not None and config.telegram.token is not None:
        from tradai_lifecycle.control.telegram.own import OwnTelegram  # noqa: PLC0415 - heavy

        return OwnTelegram(config.telegram, freqtrade_config, office)
    if not (freqtrade_config.get("telegram") or {}).get("enabled", False):
        return None
    from tradai_lifecycle.control.telegram.join import open_joined  # noqa: PLC0415 - heavy

    return open_joined(config.telegram, data_provider, office)


__all__ = ["Telegram", "open_telegram"]
