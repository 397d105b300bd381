"""Whether writing a provider's prompt cache pays, and how much of a prompt it serves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from costroute_nb.core.messages import PromptCache, Usage
from costroute_nb.core.prices import Rates

LIFETIMES: dict[PromptCache, timedelta] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
}
"""How long a written prefix is kept after it was last read; every read starts anew.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""


@dataclass(frozen=True, slots=True)
class Warm:
    """A prefix that a provider keeps, by its own counters.

    `tokens` is what the last answer's counters said was read or written, `until` the
    moment after which it is gone.
    """

    model: str
    tokens: int
    kept: PromptCache
    until: datetime

    def serves(self, model: str, at: datetime) -> int:
        """Return how many tokens of a request to a model would be read, not paid."""
        return self.tokens if model == self.model and at < self.until else 0


def worth(gaps: Iterable[timedelta], rates: Rates) -> PromptCache | None:
    """Return the lifetime whose writes are expected to pay, the better one, or None.

    A prefix is read once for every next call within its lifetime, and each read
    keeps it for another: with the chance `p` of a next call in time, a write is
    followed by `p / (1 - p)` reads. `p` is the share of the gaps seen, with one gap
    more on either side, since a conversation may end at any time. Without any gap
    nothing is known, and nothing is written.

    Parameters
    ----------
    gaps
        Times between calls of one conversation, this one's and earlier ones'.
    rates
        What the model charges for plain input, reads and writes.
    """
    seen = tuple(gaps)
    if not seen:
        return None
    best: PromptCache | None = None
    most = Fraction(0)
    for kept, lifetime in LIFETIMES.items():
        written = rates.cache_write_5m if kept == "5m" else rates.cache_write_1h
        in_time = sum(gap < lifetime for gap in seen) + 1
        reads = Fraction(in_time, len(seen) + 2 - in_time)
        gain = reads * (rates.input - rates.cache_read) - (written - rates.input)
        if gain > most:
            best, most = kept, gain
    return best


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
