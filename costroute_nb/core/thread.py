"""A conversation over several cells: its messages, and what a provider keeps of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from costroute_nb.core.messages import Message, PromptCache, Usage
from costroute_nb.core.prompt_cache import LIFETIMES, Asked, Warm, blocks

IN_VAIN = 2
"""How many writes that nobody read, one after another, end the writing."""

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
    asked
        How the last call was asked, or None before the first.
    calls
        How many calls it has had since it was cleared.
    unread
        How many writes of the prompt cache, one after another, nobody has read.
    alone
        Whether it had a single call when it was cleared.
    """

    name: str
    messages: tuple[Message, ...] = ()
    left_out: frozenset[int] = frozenset()
    limit: Limit | None = None
    warm: Warm | None = None
    asked: Asked | None = None
    calls: int = 0
    unread: int = 0
    alone: bool = False

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
        return replace(
            thread,
            left_out=out,
            limit=limit if out else None,
            calls=self.calls + 1,
        )

    def heard(
        self, usage: Usage, warm: Warm | None, asked: Asked, served: int
    ) -> Thread:
        """Return the thread with what a call's counters told of the prompt cache.

        A write is in vain where the call could have read, and read nothing. The first
        one is not, nor one after a trim, a switch of models or a long pause: these
        had nothing to read.

        Parameters
        ----------
        warm
            What the provider keeps now.
        asked
            How the call was asked, whatever it left out.
        served
            How many tokens it could have read, by what was kept before it.
        """
        unread = self.unread
        if usage.cache_read_tokens:
            unread = 0
        elif usage.cache_write_tokens and served:
            unread += 1
        return replace(self, warm=warm, asked=asked, unread=unread)

    def pays(self, asked: Asked) -> bool:
        """Tell whether writing may pay, for all that is known of this thread.

        The next call must begin like this one: as far as is known, that is so if this
        one begins like the last. What was written in vain twice is written no more.
        """
        if self.unread >= IN_VAIN or (self.alone and not self.calls):
            return False
        return self.asked is None or self.asked == asked

    def cleared(self) -> Thread:
        """Return the thread without its messages; what they taught stays."""
        # One that was cleared before its first call has taught nothing new.
        alone = self.calls == 1 if self.calls else self.alone
        return Thread(self.name, unread=self.unread, alone=alone)


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
    counters at zero mean that nothing was kept. What was kept before is left as it is
    by a call that could not read it: of another model, asked otherwise, or answered
    without a provider. One that could and did not shows that it is gone.

    Parameters
    ----------
    at
        When the call began: the provider counts from when it read the prompt.
    sent
        The messages of the prompt.
    """
    tokens = usage.cache_read_tokens + usage.cache_write_tokens
    if not tokens:
        if before is None or at >= before.until:
            return None
        # An answer from the cache has no tokens at all.
        missed = usage.prompt_tokens and before.serves(model, asked, at, sent)
        return None if missed else before
    kept: PromptCache = "1h" if usage.cache_write_1h_tokens else "5m"
    if not usage.cache_write_tokens and before is not None:
        kept = before.kept
    return Warm(model, tokens, kept, at + LIFETIMES[kept], asked, blocks(sent))
