"""Whether writing a provider's prompt cache pays, and how much of a prompt it serves."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from costroute_nb.core.messages import Message, PromptCache, Request, Usage
from costroute_nb.core.prices import Rates

LIFETIMES: dict[PromptCache, timedelta] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
}
"""How long a written prefix is kept after it was last read; every read starts anew.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""


LOOKBACK = 20
"""How many blocks before the end of a prompt a provider looks for one it has kept."""

Asked = tuple[object, ...]
"""All but the model and the messages that must be alike for a prefix to be read."""


def asked_as(
    provider: str, request: Request, left_out: Collection[int] = frozenset()
) -> Asked:
    """Return what a prefix depends on besides the model and a thread's messages.

    A provider reads a schema before the system prompt, and messages anew once thinking
    is switched. `left_out` are the positions of what the thread has and is not sent.
    """
    return (
        provider,
        request.system,
        request.schema,
        request.thinking,
        frozenset(left_out),
    )


def begun_as(provider: str, request: Request) -> Asked:
    """Return what must be alike from call to call for one to read what another wrote.

    Thinking is left aside: each model of a thread has its own.
    """
    return provider, request.system, request.schema


@dataclass(frozen=True, slots=True)
class Warm:
    """A prefix that a provider keeps, by its own counters.

    `tokens` is what the last answer's counters said was read or written, `until` the
    moment after which it is gone, `asked` what it depends on, and `blocks` how many
    blocks of messages it has.
    """

    model: str
    tokens: int
    kept: PromptCache
    until: datetime
    asked: Asked = ()
    blocks: int = 0

    def serves(
        self, model: str, asked: Asked, at: datetime, messages: Iterable[Message]
    ) -> int:
        """Return how many tokens of a request to a model would be read, not paid."""
        alike = model == self.model and asked == self.asked
        if not alike or at >= self.until:
            return 0
        return self.tokens if blocks(messages) - self.blocks < LOOKBACK else 0


def blocks(messages: Iterable[Message]) -> int:
    """Return how many blocks of content messages have."""
    contents = (message["content"] for message in messages)
    return sum(1 if isinstance(one, str) else len(one) for one in contents)


@dataclass(frozen=True, slots=True)
class Gap:
    """The time between two calls of one conversation to one model.

    One that has not `ended` is the time since the last call: the next one, if there
    ever is any, comes later. `unread` tells that the later call came in time, but read
    nothing of what was kept for it: it began in another way.
    """

    length: timedelta
    ended: bool = True
    unread: bool = False


def worth(gaps: Iterable[Gap], rates: Rates) -> PromptCache | None:
    """Return the lifetime whose writes are expected to pay, the better one, or None.

    A prefix is read once for every next call within its lifetime, and each read
    keeps it for another: with the chance `p` of a next call in time, a write is
    followed by `p / (1 - p)` reads. `p` is the share of the gaps seen, with one gap
    more on either side; a conversation that was left alone for a lifetime counts as
    a gap too long, and so does a call that read nothing of what was kept for it. As
    long as no call was in time, nothing is known and written.

    Parameters
    ----------
    gaps
        Of conversations, this one and earlier ones.
    rates
        What the model charges for plain input, reads and writes.
    """
    seen = tuple(gaps)
    best: PromptCache | None = None
    most = Fraction(0)
    for kept, lifetime in LIFETIMES.items():
        if not _in_time(seen, lifetime):
            continue
        written = rates.cache_write_5m if kept == "5m" else rates.cache_write_1h
        reads = expected_reads(seen, kept)
        gain = reads * (rates.input - rates.cache_read) - (written - rates.input)
        if gain > most:
            best, most = kept, gain
    return best


def expected_reads(gaps: Iterable[Gap], kept: PromptCache) -> Fraction:
    """Return how many calls are expected to read a prompt that is kept so long."""
    seen, lifetime = tuple(gaps), LIFETIMES[kept]
    late = sum(gap.unread or gap.length >= lifetime for gap in seen)
    return Fraction(_in_time(seen, lifetime) + 1, late + 1)


def _in_time(gaps: Iterable[Gap], lifetime: timedelta) -> int:
    return sum(gap.ended and not gap.unread and gap.length < lifetime for gap in gaps)


def expected_usage(
    tokens: int, output: int, *, served: int, kept: PromptCache | None
) -> Usage:
    """Return the usage of a prompt of which a part is read and the rest may be written.

    Parameters
    ----------
    tokens, output
        Of the whole prompt, and of the answer.
    served
        Tokens that the prompt cache serves.
    kept
        How long what is not served is kept; None writes nothing.
    """
    read = min(served, tokens)
    rest = tokens - read
    return Usage(
        input_tokens=0 if kept else rest,
        cache_read_tokens=read,
        cache_write_5m_tokens=rest if kept == "5m" else 0,
        cache_write_1h_tokens=rest if kept == "1h" else 0,
        output_tokens=output,
    )
