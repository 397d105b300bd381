"""What a user asked of one call, before any model is chosen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.core.catalog import Tier
from costroute_nb.core.messages import Message, Request

if TYPE_CHECKING:
    from costroute_nb.core.result import Result

AnswerCheck = Callable[["Result"], object]
"""Falsy or raising rejects the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as asked for.

    Attributes
    ----------
    prompt
        The user's text with its placeholders filled, as sent.
    typed
        The same text as typed, placeholders left in: what the rules read.
    values
        The string values that filled placeholders.
    context
        Messages that come before the prompt; they count by size only.
    schema, parse
        The JSON schema the answer must satisfy, and what turns its text into the
        typed object (None: plain JSON).
    check
        What else the answer must satisfy; `check_source` is how it reads.
    tier, floor, ceiling, model, provider
        The user's own constraints; None leaves the choice to the plan.
    max_tokens
        A cap on answer tokens; None takes the setting's.
    max_cost
        pico-USD for all attempts together, on top of the limits.
    cache, fresh, ttl
        Whether the cache is used at all, whether reading it is skipped, and how
        long an answer is kept and accepted, in seconds (None: the setting's).
    """

    prompt: str
    typed: str
    values: tuple[str, ...] = ()
    context: tuple[Message, ...] = ()
    system: str | None = None
    schema: Mapping[str, Any] | None = None
    parse: Callable[[str], Any] | None = None
    check: AnswerCheck | None = None
    check_source: str = ""
    tier: Tier | None = None
    floor: Tier | None = None
    ceiling: Tier | None = None
    model: str | None = None
    provider: str = "anthropic"
    max_tokens: int | None = None
    max_cost: int | None = None
    cache: bool = True
    fresh: bool = False
    ttl: float | None = None
    escalate: bool = True
    workflow: str | None = None
    step: str | None = None
    notebook: str | None = None
    cell: str | None = None

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation to send: the context, then the prompt.

        Roles alternate: a context that ends with the user's words shares its
        message with the prompt, as the block before it.
        """
        if not self.context or self.context[-1]["role"] != "user":
            return (*self.context, {"role": "user", "content": self.prompt})
        *earlier, last = self.context
        content = last["content"]
        before = _text(content) if isinstance(content, str) else list(content)
        return (*earlier, {"role": "user", "content": [*before, *_text(self.prompt)]})

    def request(self, max_tokens: int) -> Request:
        """Return the plain request, before a plan shapes it for one model."""
        return Request(
            messages=self.messages,
            max_tokens=max_tokens,
            system=self.system,
            schema=self.schema,
        )


def _text(text: str) -> list[Message]:
    return [{"type": "text", "text": text}]
