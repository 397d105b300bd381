"""What a user asked of one call, before any model is chosen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costroute_nb.core.catalog import Tier
from costroute_nb.core.messages import Effort, Message, Request
from costroute_nb.core.thread import Thread

if TYPE_CHECKING:
    from costroute_nb.core.result import Result

AnswerCheck = Callable[["Result"], object]
"""Falsy or raising rejects the answer."""

Promise = Callable[["Result"], str | None]
"""What is wrong with an answer, in one line that the model can act on, or None."""


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
    thread
        The conversation that the call goes on with, its messages before the context.
    context_tokens
        The most tokens of the whole prompt: older steps of the thread and the context
        are left out to fit. None trims only where a lower price or a context window
        asks for it.
    task
        The task of the ledger if it is known beforehand: that of delegated work, which
        begins on the small tier.
    schema, parse
        The JSON schema the answer must satisfy, and what turns its text into the
        typed object (None: plain JSON).
    columns
        The names of the columns of a frame of that data, in the schema's order.
    check
        What else the answer must satisfy; `check_source` is how it reads.
    promise, tidy
        What delegated work promises of its answer; a broken promise is told to the
        model, which may answer once more. `tidy` takes off what stands around the
        answer (blanks, one pair of quotes) before anything is judged; twice is as
        once.
    tier, floor, ceiling, model, provider
        The user's own constraints; None leaves the choice to the plan.
    effort
        How hard the model shall think; None leaves it to the plan.
    max_tokens
        A cap on answer tokens; None takes the setting's.
    own_cap
        Whether the cap of delegated work is the user's own, not the task's.
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
    thread: Thread | None = None
    context_tokens: int | None = None
    task: str | None = None
    system: str | None = None
    schema: Mapping[str, Any] | None = None
    parse: Callable[[str], Any] | None = None
    columns: tuple[str, ...] = ()
    check: AnswerCheck | None = None
    check_source: str = ""
    promise: Promise | None = None
    tidy: Callable[[str], str] | None = None
    tier: Tier | None = None
    floor: Tier | None = None
    ceiling: Tier | None = None
    model: str | None = None
    provider: str = "anthropic"
    effort: Effort | None = None
    max_tokens: int | None = None
    own_cap: bool = False
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
        """The whole conversation: the thread, the context, then the prompt."""
        before = self.thread.messages if self.thread else ()
        return (*before, *self.added)

    @property
    def added(self) -> tuple[Message, ...]:
        """What the call adds to its thread: the context, then the prompt.

        Roles alternate: a context that ends with the user's words shares its
        message with the prompt, as the block before it.
        """
        if not self.context or self.context[-1]["role"] != "user":
            return (*self.context, {"role": "user", "content": self.prompt})
        *earlier, last = self.context
        content = [*as_blocks(last["content"]), *as_blocks(self.prompt)]
        return (*earlier, {"role": "user", "content": content})

    @property
    def repairable(self) -> bool:
        """Whether a model may mend its answer once it is told what is wrong."""
        return self.schema is not None or self.promise is not None

    @property
    def cap_is_final(self) -> bool:
        """Whether an answer that its cap has cut is not asked for with a larger one."""
        users = self.max_tokens is not None and (self.task is None or self.own_cap)
        return users or not self.escalate

    def request(self, max_tokens: int) -> Request:
        """Return the plain request, before a plan shapes it for one model."""
        return Request(
            messages=self.messages,
            max_tokens=max_tokens,
            system=self.system,
            schema=self.schema,
        )


def as_blocks(content: str | Sequence[Any]) -> list[Any]:
    """Return a message's content as the list of blocks that it stands for."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return list(content)
