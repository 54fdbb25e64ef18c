"""An HTTP endpoint on loopback that takes what apprise posts, or answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class HttpInbox:
    """Keeps every JSON body that is posted. `status` is what it answers; while `silent` it answers nothing."""

    def __init__(self) -> None:
        self.status = 200
        self.posted: list[dict[str, Any]] = []
        self.asked = threading.Event()
        self.answering = threading.Event()
        self.answering.set()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.asked.set()
                inbox.answering.wait(30)
                if inbox.status == 200:
                    inbox.posted.append(json.loads(body))
                self.send_response(inbox.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silence: the tests read `posted`."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop answering and listening."""
        self.answering.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
