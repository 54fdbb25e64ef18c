"""An HTTP server on a free port of 127.0.0.1, on a thread and an event loop of its own."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from aiohttp import web

logger = logging.getLogger(__name__)

LARGEST_REQUEST = 64 * 1_024**2
CALL_SECONDS = 10.0
Result = TypeVar("Result")


class LoopbackServer:
    """Answers every request by `respond`, which runs on the server's loop, from `start` to `close`.

    `let_go` is called on that loop when it closes: it must end answers that would wait for long. By default
    they are cancelled.
    """

    def __init__(
        self,
        name: str,
        respond: Callable[["web.Request"], Awaitable["web.StreamResponse"]],
        let_go: Callable[[], None] = lambda: None,
    ) -> None:
        self._name, self._respond, self._let_go = name, respond, let_go
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Where it listens, such as http://127.0.0.1:40123. Raises RuntimeError while it does not."""
        if self._url is None:
            raise RuntimeError(f"the {self._name} is not running: use it in a with block, or call start()")
        return self._url

    def start(self) -> None:
        """Listen. Does nothing when it already does."""
        if self._thread is None:
            ready = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(ready,), name=self._name, daemon=True)
            self._thread.start()
            ready.wait()

    def close(self) -> None:
        """Stop listening and join the thread. Idempotent."""
        thread, self._thread, self._url = self._thread, None, None
        if thread is None:
            return
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop ended by itself
                self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join()

    def call(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run `work` on the server's loop and return what it returns. Raises RuntimeError while it does not run."""
        if self._url is None or self._loop is None:
            raise RuntimeError(f"the {self._name} is not running")

        async def done() -> Result:
            return work(*arguments)

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(CALL_SECONDS)

    def _run(self, ready: threading.Event) -> None:
        self._loop = loop = asyncio.new_event_loop()
        try:
            runner = loop.run_until_complete(self._listen())
            ready.set()
            loop.run_forever()
            self._let_go()
            loop.run_until_complete(runner.cleanup())
        except Exception:
            logger.exception("The %s stopped.", self._name)
        finally:
            ready.set()
            loop.close()

    async def _listen(self) -> "web.AppRunner":
        aiohttp_web = _aiohttp_web(self._name)
        application = aiohttp_web.Application(client_max_size=LARGEST_REQUEST)
        application.router.add_route("*", "/{path:.*}", self._respond)
        runner: web.AppRunner = aiohttp_web.AppRunner(application, access_log=None, handler_cancellation=True)
        await runner.setup()
        await aiohttp_web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.2).start()
        host, port = runner.addresses[0][:2]
        self._url = f"http://{host}:{port}"
        return runner


def json_response(text: str, status: int = 200) -> "web.Response":
    """An answer whose body is JSON."""
    from aiohttp import web  # noqa: PLC0415 - an extra, there once the server runs

    return web.Response(text=text, status=status, content_type="application/json")


def _aiohttp_web(name: str) -> Any:
    try:
        from aiohttp import web  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ImportError(f"The {name} needs aiohttp: pip install 'tradai-lifecycle[rehearsal]'") from missing
    return web


__all__ = ["LoopbackServer", "json_response"]
