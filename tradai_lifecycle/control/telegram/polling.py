"""The request that asks Telegram for updates. One that the library cannot read is skipped alone."""

import logging
from typing import Any

from telegram import Update
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

logger = logging.getLogger(__name__)


class PollRequest(HTTPXRequest):
    """Gives the library only updates that it can read: of the others, the id alone.

    The library reads a whole answer or nothing of it. With the id it confirms the update, so that Telegram does not
    send it for ever, and loses none of those that wait beside it.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """The answer. Raises TelegramError for one that holds no JSON, or an update without an id."""
        answer: dict[str, Any] = HTTPXRequest.parse_json_payload(payload)
        result = answer.get("result")
        return {**answer, "result": [_readable(update) for update in result]} if isinstance(result, list) else answer


def _readable(update: Any) -> dict[str, Any]:
    try:
        Update.de_json(update, None)
    except Exception:
        number = update.get("update_id") if isinstance(update, dict) else None
        if not isinstance(number, int):
            raise TelegramError("an update without an id") from None
        logger.exception("A Telegram update could not be read and is skipped.")
        return {"update_id": number}
    return dict(update)


__all__ = ["PollRequest"]
