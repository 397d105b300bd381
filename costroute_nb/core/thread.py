"""A conversation over several cells: its messages, and what a provider keeps of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from costroute_nb.core.messages import Message, PromptCache, Usage
from costroute_nb.core.prompt_cache import LIFETIMES, Warm


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as far as it has come.

    Attributes
    ----------
    messages
        All of it, in chronological order.
    left_out
        Positions of messages that trimming has left out for good: what is sent must
        begin alike from call to call, or no prompt cache can serve it.
    warm
        What a provider keeps of it, or None.
    """

    name: str
    messages: tuple[Message, ...] = ()
    left_out: frozenset[int] = frozenset()
    warm: Warm | None = None

    @property
    def sent(self) -> tuple[Message, ...]:
        """The messages that the next call sends before its own."""
        out = self.left_out
        return tuple(m for at, m in enumerate(self.messages) if at not in out)

    @property
    def dropped(self) -> tuple[Message, ...]:
        """The messages that trimming has left out, in chronological order."""
        return tuple(self.messages[at] for at in sorted(self.left_out))

    def without(self, dropped: Iterable[Message]) -> Thread:
        """Return the thread with more of its messages left out, the very same objects."""
        out = {id(message) for message in dropped}
        more = {at for at, message in enumerate(self.messages) if id(message) in out}
        return replace(self, left_out=self.left_out | more)

    def after(self, said: Iterable[Message], warm: Warm | None) -> Thread:
        """Return the thread after another call: what it added, and what is kept now."""
        return replace(self, messages=(*self.messages, *said), warm=warm)


def warm_after(
    before: Warm | None, usage: Usage, model: str, at: datetime
) -> Warm | None:
    """Return what a provider keeps after an answer, by its own counters alone.

    Which prefixes are long enough to be kept is not published for every model: both
    counters at zero mean that nothing was kept.
    """
    tokens = usage.cache_read_tokens + usage.cache_write_tokens
    if not tokens:
        return before if before is not None and at < before.until else None
    kept: PromptCache = "1h" if usage.cache_write_1h_tokens else "5m"
    if not usage.cache_write_tokens and before is not None:
        kept = before.kept
    return Warm(model, tokens, kept, at + LIFETIMES[kept])
