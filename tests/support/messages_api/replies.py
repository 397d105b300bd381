"""What a test can tell the local Messages API to answer.

Every reply is a small frozen value. `Text` and its relatives are answers with status
200; they share `Text`'s keywords (tokens, delays, deltas), and a `text` of None stands
for the default answer to the prompt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

Body = dict[str, Any]
Block = dict[str, Any]

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Text:
    """An answer of text.

    Parameters
    ----------
    text
        What the model says; None is the default answer to the prompt.
    stop_reason
        Becomes ``max_tokens`` when the request's cap is reached first.
    thinking, thinking_tokens
        The shown thinking, if any, and what it costs in output tokens; a count of
        None is the server's own default for a request that thinks.
    input_tokens, output_tokens
        Fixed counts instead of the server's; `output_tokens` includes thinking and
        `input_tokens` excludes the cached counts.
    cache_read, cache_write_5m, cache_write_1h
        Cached tokens, taken out of the counted prompt. Any of them stands for all
        three instead of what the server's prompt cache does, which then does nothing.
    model
        The model named in the response, when not the one asked for.
    delay, delta_delay
        Seconds before the headers and before each delta.
    deltas
        Into how many deltas the text is split; None is one per dozen characters.
    usage_every
        Report the cumulative usage after every so many deltas as well as at the end.
    """

    text: str | None = None
    _: KW_ONLY
    stop_reason: str = "end_turn"
    thinking: str = ""
    thinking_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    model: str | None = None
    delay: float = 0.0
    delta_delay: float = 0.0
    deltas: int | None = None
    usage_every: int = 0

    def blocks(self, text: str) -> list[Block]:
        """The content after any thinking block; no text is no block."""
        return [{"type": "text", "text": text}] if text else []

    def fixed_cached(self) -> tuple[int, int, int] | None:
        """The cached counts to report, or None for what the prompt cache does."""
        counts = (self.cache_read, self.cache_write_5m, self.cache_write_1h)
        if counts == (None, None, None):
            return None
        return self.cache_read or 0, self.cache_write_5m or 0, self.cache_write_1h or 0

    def stop_details(self) -> dict[str, Any] | None:
        """The structured reason of the stop, for a refusal."""
        return None

    def fixed_output(self) -> int | None:
        """The output tokens to report, or None for the server's count."""
        return self.output_tokens


@dataclass(frozen=True)
class Truncated(Text):
    """Text that ends because the cap was reached, whatever its length."""

    stop_reason: str = field(default="max_tokens", kw_only=True)


@dataclass(frozen=True)
class ContextExceeded(Text):
    """Text that ends because the context window is full."""

    stop_reason: str = field(default="model_context_window_exceeded", kw_only=True)


@dataclass(frozen=True)
class Empty(Text):
    """A finished answer without any content."""

    text: str | None = ""


@dataclass(frozen=True)
class BadJson(Text):
    """A finished answer that no JSON parser accepts."""

    text: str | None = '{"name": "unfinish'


@dataclass(frozen=True)
class Refusal(Text):
    """A refusal with status 200; a partial text may come before it."""

    text: str | None = field(default="", kw_only=True)
    stop_reason: str = field(default="refusal", kw_only=True)
    category: str | None = field(default="cyber", kw_only=True)
    billed_output: int = field(default=0, kw_only=True)

    def stop_details(self) -> dict[str, Any]:
        explanation = f"Declined: {self.category}." if self.category else None
        return {
            "type": "refusal",
            "category": self.category,
            "explanation": explanation,
        }

    def fixed_output(self) -> int:
        return self.billed_output


@dataclass(frozen=True)
class Blocks(Text):
    """Raw content blocks, known to the client or not."""

    content: Sequence[Block] = ()
    text: str | None = field(default="", kw_only=True)

    def blocks(self, text: str) -> list[Block]:
        return [dict(block) for block in self.content]


@dataclass(frozen=True)
class Cut(Text):
    """The connection drops after so many content deltas, always before the end."""

    after_deltas: int = field(default=0, kw_only=True)
    text: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class SseError(Text):
    """Status 200, then an `error` event after so many content deltas.

    With `after_deltas` None the error is the first event and nothing is billed. A
    request that does not stream gets the same error as a status instead.
    """

    type: str = "overloaded_error"
    message: str = field(default="Overloaded", kw_only=True)
    after_deltas: int | None = field(default=0, kw_only=True)
    text: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class HttpError:
    """An error status; nothing is billed.

    `type` follows from the status when None; `retry_after` is in seconds; `raw`
    replaces the JSON envelope, as a proxy's page would.
    """

    status: int
    type: str | None = None
    message: str | None = None
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error_code: str | None = None
    raw: str | None = None

    @property
    def error_type(self) -> str:
        """The envelope's `error.type`."""
        return self.type or ERROR_TYPES.get(self.status, "api_error")


@dataclass(frozen=True)
class CutBeforeHeaders:
    """The connection drops before any answer; billed only if `billed`."""

    billed: bool = False


@dataclass(frozen=True)
class Slow:
    """The reply `then`, so many seconds later, billed even if nobody waits for it."""

    seconds: float
    then: "Reply" = field(default_factory=Text)


@dataclass(frozen=True)
class Hang:
    """No answer at all until the client leaves or the seconds are over; not billed."""

    seconds: float = 3600.0


Reply = Text | HttpError | CutBeforeHeaders | Slow | Hang
