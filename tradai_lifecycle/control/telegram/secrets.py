"""Keeps a bot's token out of the logs: the HTTP client logs every URL, and a bot's URL holds its token."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

HIDDEN = "(token)"
#: Loggers that see the token, or errors that name it, and the ones below them.
_LOGGERS = ("httpx", "httpcore", "telegram", "asyncio", "tradai_lifecycle")


class TokenFilter(logging.Filter):
    """Takes one bot's token out of every record, tracebacks included. Lets every record pass."""

    def __init__(self, token: str) -> None:
        super().__init__()
        # the part after the colon is the secret, and stands in a quoted URL as it is
        self._secret = token.partition(":")[2] or token

    def without_token(self, text: str) -> str:
        """`text` with the token taken out."""
        return text.replace(self._secret, HIDDEN)

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the token out of the record; True."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit are for the handlers to complain about
            return True
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}\n{logging.Formatter().formatException(record.exc_info)}"
        if self._secret in text or self._secret in (record.exc_text or ""):
            record.msg, record.args = self.without_token(text), ()
            record.exc_info, record.exc_text = None, None
        return True


@contextmanager
def token_hidden(token: str) -> Iterator[TokenFilter]:
    """While inside, the clients' loggers that exist now write no line with this token. Gives the filter."""
    hiding = TokenFilter(token)
    names = [name for name in logging.root.manager.loggerDict if name.startswith(_LOGGERS)]
    loggers = [logging.getLogger(name) for name in sorted({*_LOGGERS, *names})]
    for logger in loggers:
        logger.addFilter(hiding)
    try:
        yield hiding
    finally:
        for logger in loggers:
            logger.removeFilter(hiding)


__all__ = ["HIDDEN", "TokenFilter", "token_hidden"]
