"""A conversation over several cells: its messages, and what a provider keeps of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from costroute_nb.core.messages import Message, PromptCache, Usage
from costroute_nb.core.prompt_cache import LIFETIMES, Asked, Warm, blocks

Limit = int | str
"""What a prompt had to fit: the tokens that were asked for, or what a model takes."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as far as it has come.

    Attributes
    ----------
    messages
        All of it, in chronological order.
    left_out
        Positions of messages that the last call has left out, to fit `limit`. Later
        calls under the same limit leave them out too: what is sent must begin alike
        from call to call, or no prompt cache can serve it. Others begin with them.
    warm
        What a provider keeps of it, or None.
    """

    name: str
    messages: tuple[Message, ...] = ()
    left_out: frozenset[int] = frozenset()
    limit: Limit | None = None
    warm: Warm | None = None

    @property
    def sent(self) -> tuple[Message, ...]:
        """The messages that the next call under the same limit begins with."""
        out = self.left_out
        return tuple(m for at, m in enumerate(self.messages) if at not in out)

    @property
    def dropped(self) -> tuple[Message, ...]:
        """The messages that the last call has left out, in chronological order."""
        return tuple(self.messages[at] for at in sorted(self.left_out))

    def dropped_for(self, limit: Limit) -> tuple[Message, ...]:
        """Return the messages that are left out already to fit a limit."""
        return self.dropped if limit == self.limit else ()

    def places(self, messages: Iterable[Message]) -> frozenset[int]:
        """Return the positions of messages of the thread, the very same objects."""
        wanted = {id(message) for message in messages}
        return frozenset(
            at for at, message in enumerate(self.messages) if id(message) in wanted
        )

    def after(
        self, said: Iterable[Message], dropped: Iterable[Message], limit: Limit
    ) -> Thread:
        """Return the thread after a call: what it added, and what it left out."""
        thread = replace(self, messages=(*self.messages, *said))
        out = thread.places(dropped)
        return replace(thread, left_out=out, limit=limit if out else None)


def warm_after(
    before: Warm | None,
    usage: Usage,
    *,
    model: str,
    asked: Asked,
    at: datetime,
    sent: Iterable[Message],
) -> Warm | None:
    """Return what a provider keeps after an answer, by its own counters alone.

    Which prefixes are long enough to be kept is not published for every model: both
    counters at zero mean that nothing was kept.

    Parameters
    ----------
    at
        When the call began: the provider counts from when it read the prompt.
    sent
        The messages of the prompt.
    """
    tokens = usage.cache_read_tokens + usage.cache_write_tokens
    if not tokens:
        return before if before is not None and at < before.until else None
    kept: PromptCache = "1h" if usage.cache_write_1h_tokens else "5m"
    if not usage.cache_write_tokens and before is not None:
        kept = before.kept
    return Warm(model, tokens, kept, at + LIFETIMES[kept], asked, blocks(sent))
