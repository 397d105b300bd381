"""A local server that speaks the Anthropic Messages API, and whose count is the truth.

A test scripts what it answers and afterwards asks what it saw and billed::

    with AnthropicServer() as server:
        server.script(HttpError(529), Text("hello"))
        ...
        assert [seen.status for seen in server.requests] == [529, 200]
        assert server.billed_usd == Decimal("0.0000123")

To point a notebook at it: ``python -m tests.support.anthropic_server --port 0``.
"""

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.messages_api.connection import Api
from tests.support.messages_api.listener import Listener
from tests.support.messages_api.log import Seen
from tests.support.messages_api.models import (
    MODELS,
    PICO_PER_USD,
    Model,
    Rates,
    Usage,
)
from tests.support.messages_api.prompt_cache import PromptCache
from tests.support.messages_api.replies import (
    BadJson,
    Blocks,
    ContextExceeded,
    Cut,
    CutBeforeHeaders,
    Empty,
    Hang,
    HttpError,
    Refusal,
    Reply,
    Slow,
    SseError,
    Text,
    Truncated,
)
from tests.support.messages_api.script import Choice, Match
from tests.support.messages_api.tokens import Tokenizer, Tokens, TokensByScript

__all__ = [
    "MODELS", "AnthropicServer", "BadJson", "Blocks", "ContextExceeded", "Cut",
    "CutBeforeHeaders", "Empty", "Hang", "HttpError", "Model", "Rates", "Refusal",
    "Reply", "Seen", "Slow", "SseError", "Text", "Tokenizer", "Tokens",
    "TokensByScript", "Truncated", "Usage",
]  # fmt: skip

_POLL_SECONDS = 0.02  # how soon a closed server stops listening


class AnthropicServer:
    """The Messages API on this machine, open from the moment it is made.

    Parameters
    ----------
    port
        The port on `host`; 0 takes a free one.
    keys
        The API keys accepted; none means every key that is not empty.
    models
        What it offers, by id: ``MODELS | {"claude-x": Model(...)}`` adds one.
    bytes_per_token
        The density of its tokenizer, in UTF-8 bytes; at least 1.
    tokens
        Another tokenizer instead.
    thinking_tokens
        How much a request thinks, unless it says or its reply says otherwise.
    least_cacheable
        The tokens of the shortest prefix that its prompt cache keeps.
    clock
        Tells the seconds by which the prompt cache expires.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        keys: Iterable[str] = (),
        models: dict[str, Model] | None = None,
        bytes_per_token: float = 3.6,
        tokens: Tokenizer | None = None,
        thinking_tokens: int = 0,
        least_cacheable: int = 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = Api(
            models=MODELS if models is None else models,
            keys=frozenset(keys),
            tokens=tokens or Tokens(bytes_per_token),
            thinking_tokens=thinking_tokens,
            cache=PromptCache(least_cacheable, clock),
        )
        self._listener = Listener(host, port, self._api)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(_POLL_SECONDS,), daemon=True
        )
        self._thread.start()
        self._open = True

    @property
    def url(self) -> str:
        """The base URL, without ``/v1``."""
        host, port = self._listener.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def key(self) -> str:
        """A key that it accepts."""
        return min(self._api.keys, default="sk-ant-local")

    def env(self) -> dict[str, str]:
        """The variables that lead another process here."""
        return {"ANTHROPIC_BASE_URL": self.url, "ANTHROPIC_API_KEY": self.key}

    def script(self, *replies: Choice) -> None:
        """Queue replies: one for each request for a message, in order of arrival.

        A reply may also be a function from the request's body to a reply.
        """
        self._api.script.queue(*replies)

    def always(self, reply: Choice) -> None:
        """Give this reply when nothing is queued, instead of the default answer."""
        self._api.script.stand(reply)

    def on(self, match: Match, *replies: Choice) -> None:
        """Give these replies to one model, or to the bodies a predicate likes.

        One after the other, the last one for ever. They come before queued replies,
        and the newest `on` comes first.
        """
        self._api.script.match(match, *replies)

    @property
    def unused_replies(self) -> int:
        """How many queued replies are left."""
        return self._api.script.unused

    @property
    def requests(self) -> list[Seen]:
        """Every request so far, in order of arrival, those in progress included."""
        return self._api.log.seen()

    @property
    def messages(self) -> list[Seen]:
        """The requests for a message: what a ledger calls attempts."""
        return [seen for seen in self.requests if seen.is_message]

    @property
    def messages_requests(self) -> int:
        """How many requests for a message came in, whatever came of them."""
        return len(self.messages)

    @property
    def usage(self) -> Usage:
        """All tokens billed."""
        return sum((seen.usage for seen in self.requests), Usage())

    @property
    def billed_pico(self) -> int:
        """All that was charged, in pico-USD (1e-12 USD)."""
        return sum(seen.billed_pico for seen in self.requests)

    @property
    def billed_usd(self) -> Decimal:
        """All that was charged, in USD."""
        return Decimal(self.billed_pico) / PICO_PER_USD

    @property
    def peak_concurrency(self) -> int:
        """The most requests for a message that were in progress at once."""
        return self._api.log.peak

    def count(self, text: str) -> int:
        """Count the tokens of a text as this server does."""
        return self._api.tokens.count(text)

    def wait_idle(self, timeout: float = 5.0) -> None:
        """Wait until nothing is in progress, say after a client left early.

        Raises
        ------
        TimeoutError
            After `timeout` seconds.
        """
        if not self._api.log.wait_idle(timeout):
            raise TimeoutError("the server is still answering")

    def wait_for_requests(self, requests: int, timeout: float = 5.0) -> None:
        """Wait until so many requests for a message came in.

        Raises
        ------
        TimeoutError
            After `timeout` seconds.
        """
        if not self._api.log.wait_for(requests, timeout):
            raise TimeoutError(f"{self.messages_requests} of {requests} requests came")

    def reset(self) -> None:
        """Forget all requests, bills, scripts and cached prompts."""
        self._api.cache.clear()
        self._api.script.clear()
        self._api.log.forget()

    def summary(self) -> dict[str, Any]:
        """What it saw and billed, ready for JSON."""
        usage = self.usage
        return {
            "requests": len(self.requests),
            "messages_requests": self.messages_requests,
            "peak_concurrency": self.peak_concurrency,
            "billed_usd": f"{self.billed_usd:f}",
            "billed_pico": self.billed_pico,
            "tokens": vars(usage),
        }

    def close(self) -> None:
        """Stop, leaving no thread behind; say so if a request met a defect here.

        Raises
        ------
        RuntimeError
            From the error that a handler, a scripted function or a predicate raised.
        """
        if not self._open:
            return
        self._open = False
        self._listener.stop()
        self._thread.join()
        if self._api.failures:
            raise RuntimeError("a request failed in the server") from (
                self._api.failures[0]
            )

    def __enter__(self) -> "AnthropicServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes, then say as JSON what was seen and billed."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.anthropic_server")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--summary", type=Path, help="also write the summary here")
    parser.add_argument(
        "--delta-delay", type=float, default=0.0, help="seconds before each delta"
    )
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    with AnthropicServer(port=options.port) as server:
        server.always(Text(delta_delay=options.delta_delay))
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stop.wait()
        summary = json.dumps(server.summary())
    sys.stdout.write(f"{summary}\n")
    if options.summary is not None:
        options.summary.write_text(f"{summary}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
