"""A section cut out of a configuration file as it was written: nothing else of the text changes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradai_lifecycle.errors import ConfigurationError

# what freqtrade reads: JSON with comments and trailing commas
_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*")|(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<mark>[{}\[\]:,])""", re.DOTALL
)


class CommentedSectionError(ConfigurationError):
    """Somebody's comments would be lost with the section."""

    def __init__(self, file: Path, section: str, first: int, last: int) -> None:
        super().__init__(
            f"{file}: the section {section!r} holds comments, so it was not removed; nothing was done. "
            f"Next: delete lines {first} to {last} by hand, then run this again."
        )


class UncertainSectionError(ConfigurationError):
    """The text without the section does not read as the configuration without it."""

    def __init__(self, file: Path, section: str) -> None:
        super().__init__(
            f"{file}: the section {section!r} could not be cut out cleanly; nothing was done. "
            f"Next: delete it by hand, then run this again."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CutText:
    """A configuration's text without its section, and whether there was one."""

    text: str
    found: bool


def without_section(file: Path, section: str, *, own_comments: tuple[str, ...] = ()) -> CutText:
    """The text of `file` without the top-level key `section`, every other character as it was.

    Raises CommentedSectionError where the section holds comments other than `own_comments`, UncertainSectionError
    where the result would not be the same configuration without the key.
    """
    # decoded by hand: reading as text would turn every line's end into "\n"
    text = file.read_bytes().decode("utf-8")
    values = _parsed(text)
    if not isinstance(values, dict) or section not in values:
        return CutText(text=text, found=False)
    start, end, comments = _span(text, section)
    if [comment for comment in comments if comment.strip() not in own_comments]:
        raise CommentedSectionError(file, section, _line(text, start), _line(text, end - 1))
    cut = _without(text, start, end)
    if _parsed_or_none(cut) != {key: value for key, value in values.items() if key != section}:
        raise UncertainSectionError(file, section)
    return CutText(text=cut, found=True)


# Where `"section": value` begins and ends, and the comments within.
def _span(text: str, section: str) -> tuple[int, int, list[str]]:
    tokens = list(_TOKEN.finditer(text))
    first = next(place for place in _keys(tokens) if json.loads(tokens[place].group()) == section)
    end, comments = tokens[first].end(), []
    depth = 0
    for token in tokens[first + 1 :]:
        if token["comment"]:
            comments.append(token.group())
        elif token.group() in "{[":
            depth += 1
        elif token.group() in "}]" and depth > 0:
            depth -= 1
            end = token.end()
        elif depth == 0 and token.group() in ",}":
            break
    return tokens[first].start(), end, comments


# The places of the top-level object's keys among the tokens.
def _keys(tokens: "list[re.Match[str]]") -> Iterator[int]:
    depth = 0
    for place, token in enumerate(tokens):
        if token.group() in ("{", "["):
            depth += 1
        elif token.group() in ("}", "]"):
            depth -= 1
        elif depth == 1 and token["string"] and _followed_by_colon(tokens, place):
            yield place


def _followed_by_colon(tokens: "list[re.Match[str]]", place: int) -> bool:
    following = (token.group() for token in tokens[place + 1 :] if not token["comment"])
    return next(following, "") == ":"


# With the comma behind it, or else the one before it, and with its line where it had lines of its own.
def _without(text: str, start: int, end: int) -> str:
    before, after = text[:start], text[end:]
    behind = re.match(r"\s*,", after)
    if behind:
        after = after[behind.end() :]
    else:
        before = re.sub(r",(\s*)\Z", r"\1", before)
    alone = re.search(r"\r?\n[ \t]*\Z", before)
    if alone and re.match(r"[ \t]*\r?\n", after):
        before = before[: alone.start()]
    return before + after


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _parsed(text: str) -> Any:
    import rapidjson  # noqa: PLC0415 - freqtrade's own reader
    from freqtrade.configuration.load_config import CONFIG_PARSE_MODE  # noqa: PLC0415 - heavy

    return rapidjson.loads(text, parse_mode=CONFIG_PARSE_MODE)


def _parsed_or_none(text: str) -> Any:
    try:
        return _parsed(text)
    except ValueError:
        return None


__all__ = ["CommentedSectionError", "CutText", "UncertainSectionError", "without_section"]
