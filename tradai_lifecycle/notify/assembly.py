"""Puts board, channels and dispatcher together as the configuration says."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tradai_lifecycle.config import LifecycleConfig
from tradai_lifecycle.notify.apprise_channel import apprise_channels
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.channels import Channel, TextChannel
from tradai_lifecycle.notify.dispatcher import Dispatcher
from tradai_lifecycle.notify.freqtrade_channel import FreqtradeChannel
from tradai_lifecycle.notify.memory import LedgerMemory
from tradai_lifecycle.notify.redaction import Redactor, configured_secrets
from tradai_lifecycle.states import Mode
from tradai_lifecycle.store.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeService:
    """The notices of one bot: post events to `dispatcher` and run it; drain `freqtrade` on the bot's main thread."""

    dispatcher: Dispatcher
    freqtrade: FreqtradeChannel | None
    redact: Redactor
    tells_anybody: bool


def notice_service(
    config: LifecycleConfig,
    *,
    ledger: Ledger,
    host_config: Mapping[str, Any],
    send_telegram: Callable[[str], Awaitable[object]] | None = None,
    accuracy_of: Callable[[str], float | None] = lambda _version: None,
) -> NoticeService:
    """The notices of a bot with this configuration; `host_config` is freqtrade's, for its secrets.

    `send_telegram` sends text through the bot of `telegram.token`; None where there is none. `accuracy_of` gives the
    accuracy that a version ("16" or "v16") was registered with, from any thread. Raises ConfigurationError where an
    apprise address is not usable.
    """
    redact = Redactor(configured_secrets(config, host_config))
    memory = LedgerMemory(ledger)
    board = Board(
        config.notices,
        observing=config.mode is Mode.OBSERVE,
        positions=memory.positions,
        accuracy_of=accuracy_of,
        watched_pairs=memory.watched_pairs,
    )
    urls = [url.get_secret_value() for url in config.notices.apprise_urls]
    freqtrade = FreqtradeChannel() if config.notices.freqtrade else None
    channels: list[Channel] = [freqtrade] if freqtrade is not None else []
    if send_telegram is not None and config.notices.telegram:
        channels.append(TextChannel("telegram", send_telegram))
    channels += apprise_channels(urls, sender=config.model_name, redact=redact)
    return NoticeService(
        dispatcher=Dispatcher(board, channels, redact=redact, memory=memory),
        freqtrade=freqtrade,
        redact=redact,
        tells_anybody=bool(channels),
    )


__all__ = ["NoticeService", "notice_service"]
