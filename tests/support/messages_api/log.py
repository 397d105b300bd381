"""What the server saw and billed, request by request."""

import threading
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.messages_api.models import Usage
from tests.support.messages_api.replies import Body

MESSAGES = "/v1/messages"


@dataclass(frozen=True)
class Seen:
    """One request as it came in, and what came of it so far.

    Parameters
    ----------
    path
        The URL's path, without its query.
    body
        The JSON body; empty when there was none or it was no JSON object.
    raw
        The body's bytes as they came.
    headers
        The request's headers by lower-case name.
    method
        ``GET`` or ``POST``.
    status
        The status sent; 0 while or if there was none.
    error
        The `error.type` sent, as a status or in the stream.
    client_port
        The client's end of the connection, the same while it is kept alive.
    request_id
        The `request-id` header of the answer.
    model
        The model that answered, which the bill follows.
    usage
        The tokens billed; all 0 for a request that was not charged.
    billed_pico
        The charge in pico-USD.
    completed
        Whether the client took the answer to its end.
    client_gone
        Whether the client left before that.
    tokens_sent
        Output tokens, thinking included, that had been sent to the client.
    """

    path: str
    body: Body = field(default_factory=dict)
    raw: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    status: int = 0
    error: str | None = None
    client_port: int = 0
    request_id: str = ""
    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    billed_pico: int = 0
    completed: bool = False
    client_gone: bool = False
    tokens_sent: int = 0

    @property
    def is_message(self) -> bool:
        """Whether this asked for a message, which is what can be billed."""
        return self.path == MESSAGES


class Log:
    """A thread-safe list of requests in their order of arrival."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen: dict[int, Seen] = {}
        self._next = 0
        self._open: dict[int, bool] = {}
        self._peak = 0

    def arrive(self, seen: Seen) -> int:
        """Add a request that is about to be answered; return its number."""
        with self._changed:
            number = self._next
            self._next += 1
            self._seen[number] = seen
            self._open[number] = seen.is_message
            self._peak = max(self._peak, sum(self._open.values()))
            self._changed.notify_all()
            return number

    def note(self, number: int, **changes: Any) -> None:
        """Write down what came of a request, unless it was forgotten meanwhile."""
        with self._changed:
            if number in self._seen:
                self._seen[number] = replace(self._seen[number], **changes)

    def leave(self, number: int) -> None:
        """The server has nothing more to do for this request."""
        with self._changed:
            del self._open[number]
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is being answered; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout)

    def wait_for(self, requests: int, timeout: float) -> bool:
        """Wait until so many requests for messages came in; False after `timeout`."""
        with self._changed:
            return self._changed.wait_for(
                lambda: sum(s.is_message for s in self._seen.values()) >= requests,
                timeout,
            )

    def seen(self) -> list[Seen]:
        """Every request in its order of arrival."""
        with self._changed:
            return list(self._seen.values())

    @property
    def peak(self) -> int:
        """The most requests for messages that were being answered at once."""
        with self._changed:
            return self._peak

    def forget(self) -> None:
        """Start again with an empty list."""
        with self._changed:
            self._seen.clear()
            self._peak = 0
