"""Notices over apprise: Slack, Discord, e-mail, PagerDuty, SNS and a hundred others. The one file that imports it."""

import logging
import threading
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from tradai_lifecycle.background_call import BackgroundCalls, CallOverdueError
from tradai_lifecycle.errors import ConfigurationError
from tradai_lifecycle.notify.channels import LONGEST_TEXT, ChannelFailedError
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.redaction import RedactingFilter, Redactor
from tradai_lifecycle.notify.wording import fitting

SEND_DEADLINE_SECONDS = 30.0
#: Whose debug lines hold the address that a notice is sent to.
_LOGS = ("apprise", "urllib3.connectionpool")


class AppriseMissingError(ConfigurationError):
    """Channels are configured that need apprise, which is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "tradai_lifecycle.notices.apprise_urls needs the package apprise, which is not installed. "
            "Next: pip install 'tradai-lifecycle[notify]'."
        )


class AppriseUrlError(ConfigurationError):
    """An address that apprise does not know. The message does not show it: it holds secrets."""

    def __init__(self, position: int) -> None:
        super().__init__(
            f"tradai_lifecycle.notices.apprise_urls: entry {position} (counted from 1, not shown) is no address that "
            f"apprise knows. Next: compare it with https://appriseit.com, and try it with `apprise -b test URL`."
        )


class AppriseChannel:
    """One apprise address. apprise blocks, so each notice is sent from a thread of its own, with a deadline."""

    def __init__(self, name: str, notifier: Any, *, sender: str, deadline_seconds: float) -> None:
        self._name = name
        self._notifier = notifier
        self._sender = sender
        self._deadline_seconds = deadline_seconds
        self._calls = BackgroundCalls(f"tradai-notify-{name}", "message")

    def __repr__(self) -> str:
        return f"AppriseChannel({self._name!r})"

    @property
    def name(self) -> str:
        """What a person calls it: the service, and a number where there are several of it."""
        return self._name

    async def send(self, notice: Notice) -> None:
        """Send one notice. Raises ChannelFailedError with what apprise says, or when it takes too long."""
        try:
            problem = await self._calls.run(lambda: self._notify(notice), deadline_seconds=self._deadline_seconds)
        except CallOverdueError as error:
            raise ChannelFailedError(self._name, str(error)) from None
        except Exception as error:
            raise ChannelFailedError(self._name, f"{type(error).__name__}: {error}") from error
        if problem:
            raise ChannelFailedError(self._name, problem)

    # Blocking. The problem in apprise's words; empty where the notice was delivered.
    def _notify(self, notice: Notice) -> str:
        import apprise  # noqa: PLC0415 - heavy and optional

        # some services refuse an empty body
        title, body = (f"{self._sender}: {notice.title}", notice.text) if notice.text else (self._sender, notice.title)
        with _Overheard() as overheard:
            delivered = self._notifier.notify(
                body=fitting(body, LONGEST_TEXT),
                title=title,
                notify_type=_kind(notice),
                body_format=apprise.NotifyFormat.TEXT,
            )
        return "" if delivered else overheard.said or "apprise did not say why"


def apprise_channels(
    urls: Sequence[str], *, sender: str, redact: Redactor, deadline_seconds: float = SEND_DEADLINE_SECONDS
) -> tuple[AppriseChannel, ...]:
    """A channel for each address; `sender` begins every title. From now on their log lines are redacted.

    Raises AppriseMissingError or AppriseUrlError; without addresses apprise need not be there.
    """
    if not urls:
        return ()
    try:
        import apprise  # noqa: PLC0415 - heavy and optional
    except ImportError:
        raise AppriseMissingError from None
    for name in _LOGS:
        _redact_log(logging.getLogger(name), redact)
    channels: list[AppriseChannel] = []
    for position, url in enumerate(urls, start=1):
        notifier = apprise.Apprise(asset=_asset(apprise.AppriseAsset))
        if not notifier.add(url):
            raise AppriseUrlError(position)
        name = _unused(url.partition("://")[0].lower(), channels)
        channels.append(AppriseChannel(name, notifier, sender=sender, deadline_seconds=deadline_seconds))
    return tuple(channels)


def _redact_log(log: logging.Logger, redact: Redactor) -> None:
    for old in [one for one in log.filters if isinstance(one, RedactingFilter)]:
        log.removeFilter(old)
    log.addFilter(RedactingFilter(redact))


# Sends on the calling thread: a thread of apprise's own pool that hangs would keep the process from ending.
def _asset(make: Callable[..., Any]) -> Any:
    # apprise 1 has no timeout of its own, and no pool for it
    timeout = {"service_timeout": 0} if "service_timeout" in signature(make).parameters else {}
    return make(app_id="tradai-lifecycle", async_mode=False, **timeout)


def _unused(scheme: str, channels: Sequence[AppriseChannel]) -> str:
    taken = sum(channel.name.partition(" ")[0] == scheme for channel in channels)
    return scheme if not taken else f"{scheme} {taken + 1}"


def _kind(notice: Notice) -> str:
    if notice.tone is Tone.GOOD:
        return "success"
    if notice.tone is Tone.TROUBLE:
        return {Priority.NOW: "failure", Priority.TODAY: "warning"}.get(notice.priority, "info")
    return "info"


class _Overheard(logging.Handler):
    """The last thing that apprise's log says on this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.said = ""

    def __enter__(self) -> "_Overheard":
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record of this thread."""
        if record.thread == self._thread:
            self.said = record.getMessage()


__all__ = ["SEND_DEADLINE_SECONDS", "AppriseChannel", "AppriseMissingError", "AppriseUrlError", "apprise_channels"]
