"""Commands and notices over Telegram: by a bot of our own, or by joining freqtrade's."""

from tradai_lifecycle.control.telegram.line import Telegram, open_telegram

__all__ = ["Telegram", "open_telegram"]
