"""One HTTP connection: read requests, write answers, notice who has left."""

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.support.messages_api.answers import Answer
from tests.support.messages_api.log import Log, Seen
from tests.support.messages_api.models import Model, Usage, find_model
from tests.support.messages_api.prompt_cache import PromptCache
from tests.support.messages_api.replies import Body, HttpError
from tests.support.messages_api.script import Script
from tests.support.messages_api.tokens import Tokenizer
from tests.support.messages_api.wire import as_json, error_body


@dataclass(frozen=True)
class Api:
    """All that the connections of one server share."""

    models: dict[str, Model]
    keys: frozenset[str]
    tokens: Tokenizer
    thinking_tokens: int
    cache: PromptCache
    log: Log = field(default_factory=Log)
    script: Script = field(default_factory=Script)
    closing: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


class ClientGoneError(ConnectionError):
    """The client closed the connection."""


class ClosingError(ConnectionError):
    """The server is being closed."""


class Connection(BaseHTTPRequestHandler):
    """Logs each request of a connection and hands it to `respond`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every small event waits for an ack

    api: Api  # set on the subclass that one server uses
    seen: Seen
    _number: int | None = None

    def respond(self, body: Body | None) -> None:
        """Answer the request `self.seen`; `body` is None unless it is a JSON object."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on stderr."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # A reset instead of an orderly end: what was last sent stayed unread.
            self.note(completed=False, client_gone=True)

    def do_GET(self) -> None:
        self._take(b"")

    def do_POST(self) -> None:
        self._number = None
        size = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(size)
        if len(raw) < size:
            raise ClientGoneError
        self._take(raw)

    def _take(self, raw: bytes) -> None:
        body = _parsed(raw)
        self.seen = Seen(
            path=urlsplit(self.path).path,
            body=body or {},
            raw=raw,
            headers={name.lower(): value for name, value in self.headers.items()},
            method=self.command,
            client_port=self.client_address[1],
            request_id=f"req_{next(self.api.numbers):06d}",
        )
        number = self._number = self.api.log.arrive(self.seen)
        try:
            self.respond(body)
        except ClosingError:
            self.drop()
        except ConnectionError:
            self.note(completed=False, client_gone=True)
            self.drop()
        finally:
            self.api.log.leave(number)

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        """Send the status and the headers."""
        self.note(status=status)
        usual = {
            "content-type": "application/json",
            "request-id": self.seen.request_id,
            "anthropic-organization-id": "org-local",
        }
        self.send_response(status)
        for name, value in {**usual, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_whole(
        self,
        payload: bytes,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        tokens: int = 0,
    ) -> None:
        """Send a complete answer that carries `tokens` output tokens."""
        self.check_client()
        # Written down first: the client may look as soon as it has the answer.
        self.note(completed=True, tokens_sent=tokens)
        length = {"content-length": str(len(payload))}
        try:
            self.send_head(status, {**length, **(headers or {})})
            self.wfile.write(payload)
        except ConnectionError:
            self.note(tokens_sent=0)
            raise

    def send_error_reply(self, error: HttpError) -> None:
        """Send an error status in the API's envelope, or raw."""
        headers = dict(error.headers)
        if error.retry_after is not None:
            headers["retry-after"] = str(error.retry_after)
        payload = as_json(error_body(error, self.seen.request_id))
        if error.raw is not None:
            headers.setdefault("content-type", "text/html")
            payload = error.raw.encode()
        self.note(error=error.error_type)
        self.send_whole(payload, status=error.status, headers=headers)

    def send_chunk(self, data: bytes, *, last: bool = False) -> None:
        """Send one chunk of a stream, with the stream's end if it is the last."""
        end = b"0\r\n\r\n" if last else b""
        self.wfile.write(b"%x\r\n%b\r\n%b" % (len(data), data, end))

    def bill(self, answer: Answer, usage: Usage) -> None:
        """Charge what the model that answered generated so far."""
        models = self.api.models
        model = find_model(models, answer.model)
        if model is None:  # a name nobody can price: charge for the one asked for
            model = find_model(models, self.seen.body["model"])
        assert model is not None
        self.note(model=answer.model, usage=usage, billed_pico=model.pico(usage))

    def note(self, **changes: Any) -> None:
        """Write down what came of the last request, if there was one."""
        if self._number is not None:
            self.api.log.note(self._number, **changes)

    def wait(self, seconds: float) -> None:
        """Let time pass, but not beyond the server's own end."""
        if seconds > 0 and self.api.closing.wait(seconds):
            raise ClosingError

    def check_client(self) -> None:
        """Raise if the client has closed the connection."""
        try:
            waiting = self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if not waiting:
            raise ClientGoneError

    def drop(self) -> None:
        """Hang up."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _parsed(raw: bytes) -> Body | None:
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
