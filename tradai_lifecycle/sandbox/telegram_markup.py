"""What Telegram says of a text before it takes it: its length, and the markup of the legacy Markdown mode."""

LONGEST_TEXT = 4_096
LONGEST_CAPTION = 1_024
LONGEST_BUTTON_DATA = 64

_MARKS = "_*`["


def text_fault(text: str, parse_mode: str | None, *, longest: int = LONGEST_TEXT) -> str | None:
    """Why Telegram would refuse this text, in its words; None where it takes it.

    Only the legacy mode "Markdown" is parsed, by the rules of Telegram's own parser: each of `_`, `*`, a backtick and
    `[` outside an entity opens one, a backslash before them does not, and an entity that is not closed is a fault.
    """
    if not text.strip():
        return "Bad Request: message text is empty"
    if len(text) > longest:
        return "Bad Request: message is too long"
    offset = open_entity_offset(text) if (parse_mode or "").lower() == "markdown" else None
    if offset is None:
        return None
    return f"Bad Request: can't parse entities: Can't find end of the entity starting at byte offset {offset}"


def open_entity_offset(text: str) -> int | None:
    """Offset, in bytes of UTF-8, of the first entity of legacy Markdown that is never closed; None where all are."""
    position = 0
    while position < len(text):
        character = text[position]
        if character == "\\" and text[position + 1 : position + 2] in tuple(_MARKS):
            position += 2
        elif character not in _MARKS:
            position += 1
        else:
            end = _entity_end(text, position)
            if end is None:
                return len(text[:position].encode("utf-8", "surrogatepass"))
            position = end
    return None


# The position after the entity that opens at `start`: inside it nothing else counts, not even a backslash.
def _entity_end(text: str, start: int) -> int | None:
    if text.startswith("```", start):
        closing = text.find("```", start + 3)
        return None if closing < 0 else closing + 3
    closing = text.find("]" if text[start] == "[" else text[start], start + 1)
    if closing < 0:
        return None
    if text[start] != "[" or text[closing + 1 : closing + 2] != "(":
        return closing + 1
    address_end = text.find(")", closing + 2)
    return len(text) if address_end < 0 else address_end + 1


__all__ = ["LONGEST_BUTTON_DATA", "LONGEST_CAPTION", "LONGEST_TEXT", "open_entity_offset", "text_fault"]
