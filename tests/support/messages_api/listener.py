"""The socket that listens, one thread for each connection, and an end without trace."""

import contextlib
import socket
import sys
import threading
from http.server import ThreadingHTTPServer
from typing import Any

from tests.support.messages_api.connection import Api
from tests.support.messages_api.endpoints import Endpoints


class Listener(ThreadingHTTPServer):
    """Accepts connections until it is stopped."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, api: Api) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        super().__init__((host, port), type("Endpoints", (Endpoints,), {"api": api}))

    def server_bind(self) -> None:
        # The inherited method asks the name service for this machine's full name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve_connection, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._connections[thread] = request
        thread.start()

    def _serve_connection(self, request: Any, client_address: Any) -> None:
        try:
            self.process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        failure = sys.exc_info()[1]
        if failure is not None and not isinstance(failure, ConnectionError):
            self._api.failures.append(failure)

    def stop(self) -> None:
        """Stop accepting, hang up every connection and join its thread."""
        self._api.closing.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join()
