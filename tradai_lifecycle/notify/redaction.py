"""Takes secrets out of everything that is told or logged: the configured ones, and what looks like one."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import BaseModel, SecretStr

from tradai_lifecycle.events import Event
from tradai_lifecycle.notify.notice import Notice

AnyEvent = TypeVar("AnyEvent", bound=Event)

HIDDEN = "***"
#: Shorter ones would be found within ordinary words.
SHORTEST_SECRET = 4
_SECRET_KEY = re.compile(r"key$|secret|token|passw|passphrase|credential|^uid$|urls?$|uri$", re.IGNORECASE)
#: Schemes whose host is a server; with the others (slack://TOKEN/...) even the host may be a token.
_HOSTED = re.compile(r"^(https?|wss?|jsons?|xmls?|forms?|mailtos?|sqlite|mysql|postgresql)(\+\w+)?$")
#: Characters of a piece of an address, with a digit among them, from which on it passes for a token.
_TOKEN_OF_SERVER, _TOKEN_OF_SERVICE = 16, 8

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # scheme://user:password@host, the password may hold anything but a blank or a slash
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    # the token of a Telegram bot
    (re.compile(r"\b(bot)?\d{6,12}:[A-Za-z0-9_-]{30,}"), HIDDEN),
    # addresses that are secrets by themselves
    (
        re.compile(r"((?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|webhook\.office\.com)/)[^\s\"'<>]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b((?:Bearer|Basic)\s+)[A-Za-z0-9+/_.~=-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"""\b((?:[\w-]*(?:password|passwd|passphrase|secret|token|signature)|(?:api|access)[_-]?key)"""
            r"""["']?\s*[=:]\s*["']?)[^\s"',;&<>]+""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


class Redactor:
    """Replaces secrets in texts by `***`. Its repr does not show them."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), quote_plus(secret))}
        known = sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __repr__(self) -> str:
        return "Redactor()"

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        hidden = text if self._known is None else self._known.sub(HIDDEN, text)
        for pattern, shown in _PATTERNS:
            hidden = pattern.sub(shown, hidden)
        return hidden

    def event(self, event: AnyEvent) -> AnyEvent:
        """An event without secrets in its texts. Before a text is cut short, which could leave half of one."""
        values = {spec.name: getattr(event, spec.name) for spec in fields(event)}
        texts: dict[str, Any] = {name: self(value) for name, value in values.items() if type(value) is str}
        return replace(event, **texts)

    def notice(self, notice: Notice) -> Notice:
        """A notice without secrets."""
        return replace(
            notice,
            what=self(notice.what),
            pairs=tuple(self(pair) for pair in notice.pairs),
            because=self(notice.because),
            details=tuple(self(line) for line in notice.details),
        )


class RedactingFilter(logging.Filter):
    """Takes secrets out of log records, tracebacks included. Belongs on a handler, or on a logger without children."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact a record in place; every record passes."""
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redact(record.exc_text)
        record.msg, record.args = self._redact(record.getMessage()), None
        return True


def configured_secrets(*sources: BaseModel | Mapping[str, Any]) -> frozenset[str]:
    """Every secret of configurations: secret fields, texts under keys that say so, secret parts of addresses."""
    found = {text for source in sources for text in _secrets_in(source, secret=False) if text}
    return frozenset(found | {part for text in found for part in _secret_parts(text)} - {""}) - _addresses(found)


# Texts that are secret. Within a mapping, the key decides.
def _secrets_in(value: object, *, secret: bool) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from _secrets_in({name: getattr(value, name) for name in type(value).model_fields}, secret=secret)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _secrets_in(inner, secret=secret or bool(_SECRET_KEY.search(str(key))))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets_in(inner, secret=secret)
    elif secret and isinstance(value, str):
        yield value


# An address is hidden in parts, so that what is left of a message still says where: password and token-like pieces.
def _secret_parts(text: str) -> Iterator[str]:
    if "://" not in text or text.startswith("sqlite"):
        return
    try:
        address = urlsplit(text)
    except ValueError:
        return
    if address.password:
        yield unquote(address.password)
    hosted = _HOSTED.match(address.scheme) is not None
    pieces = re.split(r"[/,:&=]", f"{address.path}&{address.query}&{address.username or ''}")
    pieces += [] if hosted else re.split(r"[:@]", address.netloc)
    shortest = _TOKEN_OF_SERVER if hosted else _TOKEN_OF_SERVICE
    yield from (unquote(piece) for piece in pieces if len(piece) >= shortest and re.search(r"\d", piece))


def _addresses(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(text for text in texts if _HOSTED.match(text.partition("://")[0]))


__all__ = ["HIDDEN", "SHORTEST_SECRET", "RedactingFilter", "Redactor", "configured_secrets"]
