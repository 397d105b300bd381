"""What goes to a model and what comes back: Request, Usage, Completion."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Message = Mapping[str, Any]
"""A `{"role": ..., "content": text or list of content blocks}` mapping."""

Effort = Literal["low", "medium", "high"]
Thinking = Literal["auto", "off"]
"""`auto` leaves the model's own default, `off` is the least the model allows."""

PromptCache = Literal["5m", "1h"]
"""How long a provider keeps a prompt that it was asked to keep; a read renews it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a provider sends it to one model.

    Attributes
    ----------
    messages
        In chronological order; the last one is the user's.
    max_tokens
        The cap on billed output tokens, thinking included, as sent on the wire.
    schema
        A JSON schema that the answer must satisfy, or None.
    prompt_cache
        Asks the provider to keep the whole prompt this long, so that a later request
        to the same model that begins with it reads that part at the rate of cache
        reads. What was not read is billed as a cache write, dearer than plain input;
        a prompt too short to be kept is plain input. None asks for nothing. It never
        changes an answer.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    system: str | None = None
    schema: Mapping[str, Any] | None = None
    thinking: Thinking = "auto"
    effort: Effort | None = None
    prompt_cache: PromptCache | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Billed tokens in five disjoint counts, each priced once.

    `input_tokens` excludes cache reads and writes; `output_tokens` includes
    `thinking_tokens`, which are never added again. `service_tier`, `speed` and
    `geo` are the price dimensions the provider reported; the defaults are the
    standard ones.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    web_searches: int = 0
    service_tier: str = "standard"
    speed: str = "standard"
    geo: str = "global"

    @property
    def cache_write_tokens(self) -> int:
        """Tokens written to the provider's prompt cache, both lifetimes."""
        return self.cache_write_5m_tokens + self.cache_write_1h_tokens

    @property
    def prompt_tokens(self) -> int:
        """The whole prompt: uncached, read and written tokens together."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    def to_dict(self) -> dict[str, int | str]:
        """Return the counts as JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Completion:
    """What one attempt returned, whole or partial.

    Attributes
    ----------
    model
        The id in the *response*; prices follow it.
    stop_reason
        The provider's word (`end_turn`, `max_tokens`, `refusal`, ...); None when
        the stream ended before it was said.
    estimated
        True when `usage` is not wholly the provider's own count; `note` says why.
    usage_bound
        An upper bound of what may be billed when `estimated`, else None.
    parts
        When one response was served by several models (a server-side fallback),
        each model's id and usage; empty otherwise.
    """

    text: str
    usage: Usage
    model: str
    stop_reason: str | None = None
    request_id: str | None = None
    estimated: bool = False
    note: str = ""
    usage_bound: Usage | None = None
    parts: tuple[tuple[str, Usage], ...] = field(default=())
