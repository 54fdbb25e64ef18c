"""What is found of freqtrade's own Telegram bot in the running process. It has no public door: each step is probed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from telegram.ext import Application

_MISSING = object()
_RPC = "_DataProvider__rpc"


class HostChangedError(Exception):
    """This freqtrade has no such part any more."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTelegram:
    """freqtrade's Telegram module, with the `telegram` section it was made from."""

    module: Any
    section: Mapping[str, Any]

    @property
    def is_up(self) -> bool:
        """Whether its thread has come so far that its loop runs. Its loop comes first, its application after it."""
        loop = getattr(self.module, "_loop", None)
        is_running = isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running()
        return is_running and getattr(self.module, "_app", None) is not None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop its application lives on. Raises HostChangedError where there is none."""
        loop = getattr(self.module, "_loop", None)
        if not isinstance(loop, asyncio.AbstractEventLoop):
            raise HostChangedError("Telegram._loop")
        return loop

    @property
    def application(self) -> "Application[Any, Any, Any, Any, Any, Any]":
        """Its application. Raises HostChangedError where it is not one that handlers can be added to."""
        application = getattr(self.module, "_app", None)
        for part in ("add_handler", "remove_handler", "handlers", "bot"):
            if not hasattr(application, part):
                raise HostChangedError(f"Telegram._app.{part}")
        return application  # type: ignore[return-value]

    def require_parts(self) -> None:
        """Raise HostChangedError for the first part that is not there."""
        _ = self.loop, self.application


def find_host(data_provider: Any) -> HostTelegram | None:
    """freqtrade's Telegram module behind a strategy's data provider; None where its Telegram is off.

    Raises HostChangedError with the first part that is not where it was.
    """
    rpc = getattr(data_provider, _RPC, _MISSING)
    if rpc is _MISSING:
        raise HostChangedError("DataProvider.__rpc")
    if rpc is None:
        return None
    modules = getattr(rpc, "registered_modules", _MISSING)
    if not isinstance(modules, list):
        raise HostChangedError("RPCManager.registered_modules")
    module = next((module for module in modules if getattr(module, "name", None) == "telegram"), None)
    if module is None:
        return None
    config = getattr(module, "_config", _MISSING)
    if not isinstance(config, Mapping) or not isinstance(config.get("telegram"), Mapping):
        raise HostChangedError("Telegram._config")
    return HostTelegram(module=module, section=config["telegram"])


__all__ = ["HostChangedError", "HostTelegram", "find_host"]
