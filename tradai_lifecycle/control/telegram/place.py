"""Where in the chat an answer goes that comes later, as it is kept with the command."""

import re
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The topic of an answer, and the message it replies to; None for what there is none of. As text: "7/1203"."""

    topic_id: int | None = None
    message_id: int | None = None

    def __str__(self) -> str:
        return "/".join("" if number is None else f"{number}" for number in (self.topic_id, self.message_id))

    @classmethod
    def read(cls, text: str) -> Self:
        """The place of a text; of one that is none, the chat itself."""
        found = re.fullmatch(r"(\d*)/(\d*)", text)
        topic, message = found.groups() if found is not None else ("", "")
        return cls(topic_id=int(topic) if topic else None, message_id=int(message) if message else None)


__all__ = ["Place"]
