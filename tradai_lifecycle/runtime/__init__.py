"""What runs beside the bot's thread: one loop, and on it the watcher that brings new models as far as the slot."""

from tradai_lifecycle.runtime.runtime import Runtime, RuntimeNotRunningError
from tradai_lifecycle.runtime.watcher import Poll, Watcher

__all__ = ["Poll", "Runtime", "RuntimeNotRunningError", "Watcher"]
