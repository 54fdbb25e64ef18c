"""Servers on loopback that behave as badly as networks do."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

DRIP_HEADERS = "drip headers"
DRIP_BODY = "drip body"
DRIP_UNMEASURED_BODY = "drip a body without a length"
SILENT = "silent"

_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
OPENINGS = {
    DRIP_HEADERS: b"HTTP/1.1 200 OK\r\nX-Slow: ",
    DRIP_BODY: _OK + b"Content-Length: 1000000\r\n\r\n",
    DRIP_UNMEASURED_BODY: _OK + b"Connection: close\r\n\r\n",
    SILENT: b"",
}


@contextmanager
def hostile_server(behaviour: str | bytes) -> Iterator[str]:
    """The address of a server that accepts and then is silent, drips for ever, or sends `behaviour` and closes."""
    stop = threading.Event()
    connections: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            threading.Thread(target=_answer, args=(connection, behaviour, stop), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in connections:
            connection.close()


def _answer(connection: socket.socket, behaviour: str | bytes, stop: threading.Event) -> None:
    try:
        connection.recv(65_536)
        if isinstance(behaviour, bytes):
            connection.sendall(behaviour)
            connection.close()
            return
        connection.sendall(OPENINGS[behaviour])
        while not stop.wait(0.05):
            if behaviour != SILENT:
                connection.sendall(b" ")
    except OSError:  # the other side has gone
        return


def refusing_address() -> str:
    """An address on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
