"""Checks of the ways to people: Telegram and the further channels."""

from typing import TYPE_CHECKING, Any

import requests

from tradai_lifecycle.cli.checks.finding import Finding, fail, ok, warn
from tradai_lifecycle.config import TelegramConfig

if TYPE_CHECKING:
    from tradai_lifecycle.cli.checks.surroundings import Surroundings

TIMEOUT_SECONDS = 10.0
#: Where freqtrade's own bot is asked for; the same default as the lifecycle's.
TELEGRAM_SERVER: str = TelegramConfig.model_fields["base_url"].default


def telegram(at: "Surroundings") -> Finding:
    """Whether a Telegram bot answers to the token, and no other program polls with it."""
    own, theirs = at.bot.lifecycle.telegram, _freqtrade_token(at.config)
    if own is None or own.token is None:
        if theirs is None:
            return _unheard(own)
        return _asked(theirs, own.base_url if own is not None else TELEGRAM_SERVER, "joins freqtrade's bot")
    token = own.token.get_secret_value()
    if token == theirs:
        return fail(
            "tradai_lifecycle.telegram.token is freqtrade's own: two pollers take each other's commands",
            "leave it out to join freqtrade's bot, or make another bot with @BotFather",
        )
    if str(own.chat_id).startswith("-") and not own.authorized_users:
        return fail("the chat is a group and authorized_users is empty: nobody may command", "name their user ids")
    return _asked(token, own.base_url, "a bot of its own")


def channels(at: "Surroundings") -> Finding:
    """Whether each further channel's address is one that apprise knows. Nothing is sent."""
    from tradai_lifecycle.notify.apprise_channel import apprise_channels  # noqa: PLC0415 - heavy

    addresses = [address.get_secret_value() for address in at.bot.lifecycle.notices.apprise_urls]
    found = apprise_channels(addresses, sender="tradai doctor", redact=at.redact)
    return ok(", ".join(channel.name for channel in found) or "none beyond freqtrade and Telegram")


def _unheard(own: TelegramConfig | None) -> Finding:
    if own is None:
        return ok("not used")
    return warn(
        "telegram is configured without a token, and freqtrade's is off", "add a token, or switch freqtrade's on"
    )


def _freqtrade_token(config: Any) -> str | None:
    section = config.get("telegram") or {}
    return str(section["token"]) if section.get("enabled") and section.get("token") else None


# The address holds the token: neither it nor an error that quotes it is shown.
def _asked(token: str, server: str, role: str) -> Finding:
    try:
        answer = requests.get(f"{server.rstrip('/')}/bot{token}/getMe", timeout=TIMEOUT_SECONDS)
        said = answer.json()
    except (requests.RequestException, ValueError) as error:
        return warn(f"{role}; {server} did not answer ({type(error).__name__})", "look at the network")
    if answer.ok and said.get("ok"):
        return ok(f"@{said['result'].get('username', '?')}, {role}")
    return fail(
        f"{role}; {server} refuses the token ({answer.status_code} {said.get('description', '')})", "correct it"
    )


__all__ = ["channels", "telegram"]
