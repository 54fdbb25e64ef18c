"""One GET that ends in time, whatever the server does: refuse, hang, or drip a byte now and then."""

import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

import requests
import requests.adapters
import urllib3.connection
import urllib3.connectionpool

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 4.0
OVERALL_DEADLINE_SECONDS = 8.0

Authenticate = Callable[[requests.Session], None]


class DeadlineExceededError(Exception):
    """The answer was not complete in time, or the getter was closed while waiting for it."""


class DeadlineGetter:
    """Makes GET requests that all end within `deadline_seconds`. Usable from several threads.

    A read timeout alone counts from the last byte, so a server that drips could hold a caller for ever. Here a timer
    shuts the connection down at the deadline, which ends the read at once. Connections through a proxy are not
    shut down, only bounded by the timeouts between bytes.
    """

    def __init__(
        self, deadline_seconds: float = OVERALL_DEADLINE_SECONDS, authenticate: Authenticate | None = None
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._authenticate = authenticate
        self._calls: set[_Call] = set()
        self._closed = False

    def get(self, url: str, parameters: Mapping[str, str]) -> tuple[int, Any]:
        """The status and the decoded JSON of the answer, None where it is not JSON.

        Raises requests.RequestException when the server cannot be reached, DeadlineExceededError at the deadline.
        """
        call = _Call()
        self._calls.add(call)
        timer = threading.Timer(self._deadline_seconds, call.cut)
        timer.daemon = True
        timer.start()
        try:
            if self._closed:
                call.cut()
            return self._get(call, url, parameters)
        except requests.RequestException:
            if call.is_cut:
                raise DeadlineExceededError(f"no complete answer within {self._deadline_seconds:g} seconds") from None
            raise
        finally:
            timer.cancel()
            self._calls.discard(call)

    def close(self) -> None:
        """End the calls that are under way, and all later ones. Never raises."""
        self._closed = True
        for call in tuple(self._calls):
            call.cut()

    def _get(self, call: "_Call", url: str, parameters: Mapping[str, str]) -> tuple[int, Any]:
        with requests.Session() as session:
            session.mount("http://", _RecordingAdapter(call))
            session.mount("https://", _RecordingAdapter(call))
            if self._authenticate is not None:
                self._authenticate(session)
            timeouts = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
            response = session.get(url, params=dict(parameters), timeout=timeouts)
        if call.is_cut:  # a body without a length looks complete when its connection is cut
            raise DeadlineExceededError(f"no complete answer within {self._deadline_seconds:g} seconds")
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, None


class _Call:
    """The sockets of one request, to be shut down from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_cut = False

    def opened(self, connection: socket.socket) -> None:
        """Remember a socket of this request; once the call is cut, shut it down at once."""
        with self._lock:
            self._sockets.append(connection)
            if self.is_cut:
                _shut(connection)

    def cut(self) -> None:
        """Shut down all sockets there are and all that are still to come, so that every read ends. Never raises."""
        with self._lock:
            self.is_cut = True
            for connection in self._sockets:
                _shut(connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except (OSError, ValueError):  # it is closed already
        return


class _RecordingAdapter(requests.adapters.HTTPAdapter):
    """Hands each new connection's socket to the call it belongs to; never tries a request twice."""

    def __init__(self, call: _Call) -> None:
        self._call = call
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As requests does, with connections that tell the call of their sockets."""
        super().init_poolmanager(*args, **kwargs)
        call = self._call

        class RecordedHttp(urllib3.connection.HTTPConnection):
            def connect(self) -> None:
                """As urllib3 does; the socket is then the call's to shut down."""
                super().connect()
                if self.sock is not None:
                    call.opened(self.sock)

        class RecordedHttps(urllib3.connection.HTTPSConnection):
            def connect(self) -> None:
                """As urllib3 does; the socket is then the call's to shut down."""
                super().connect()
                if self.sock is not None:
                    call.opened(self.sock)

        class HttpPool(urllib3.connectionpool.HTTPConnectionPool):
            ConnectionCls = RecordedHttp

        class HttpsPool(urllib3.connectionpool.HTTPSConnectionPool):
            ConnectionCls = RecordedHttps

        self.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}


__all__ = ["OVERALL_DEADLINE_SECONDS", "DeadlineExceededError", "DeadlineGetter"]
