"""A local receiver of webhooks: it keeps what it was sent, and can misbehave."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class Webhook:
    """A receiver at `url`, an Apprise URL whose path ends in `token`.

    Attributes
    ----------
    status
        What it answers, an HTTP status.
    first
        What it answers before, to one request each.
    delay
        Seconds before it answers.
    received
        The body of every request, in order.
    """

    def __init__(self, token: str = "token") -> None:
        self.status = 200
        self.first: list[int] = []
        self.delay = 0.0
        self.received: list[dict[str, Any]] = []
        self._open = threading.Event()
        self._open.set()
        self._changed = threading.Condition()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                webhook._take(json.loads(self.rfile.read(length)))
                webhook._open.wait(30)
                time.sleep(webhook.delay)
                try:
                    first = webhook.first
                    self.send_response(first.pop(0) if first else webhook.status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:  # who waited has gone
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Write nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self.port: int = self._server.server_port
        self.url = f"json://127.0.0.1:{self.port}/{token}"

    def hang(self) -> None:
        """Answer nothing any more, until `release` or the end."""
        self._open.clear()

    def release(self) -> None:
        """Answer again, also whoever waits."""
        self._open.set()

    def wait_for(self, count: int, timeout: float = 20) -> list[str]:
        """Return the messages once there are so many; fail if there never are."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.received) >= count, timeout):
                raise AssertionError(f"{len(self.received)} of {count} messages came")
            return [body["message"] for body in self.received]

    def __enter__(self) -> "Webhook":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, body: dict[str, Any]) -> None:
        with self._changed:
            self.received.append(body)
            self._changed.notify_all()
