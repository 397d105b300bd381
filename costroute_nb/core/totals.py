"""What a group of attempts comes to: counts, tokens and money."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costroute_nb.core.record import Record


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the finished attempts of a group; holds are not in them.

    Money is in whole pico-USD. What an attempt did not know is left out of its sum:
    `unknown` counts the attempts without a known cost, `charged` has what the limits
    counted for them. `calls` counts first attempts, cached answers among them, so
    that a call belongs to the group in which it began.
    """

    calls: int = 0
    attempts: int = 0
    cache_hits: int = 0
    estimated: int = 0
    unknown: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int = 0
    cost: int = 0
    charged: int = 0
    baseline: int = 0
    saved: int = 0

    @property
    def known_cost(self) -> int | None:
        """The cost, None where not one attempt's cost is known."""
        return self.cost if self.unknown < self.attempts or not self.attempts else None

    @property
    def known_saving(self) -> int | None:
        """What was saved, None where not one attempt's cost is known."""
        return None if self.known_cost is None else self.saved

    @property
    def cost_per_attempt(self) -> int | None:
        """The known cost for each attempt of known cost; None without one.

        Exact in every group. A cached answer is an attempt that cost nothing.
        """
        return _share(self.cost, self.attempts - self.unknown)

    @property
    def cost_per_call(self) -> int | None:
        """The known cost for each call of which any is known; None without one.

        The divisor is the calls, or the attempts of known cost where these are fewer:
        as many calls at most have a known cost. That is exact where every cost is
        known, and where no call has two attempts of known cost. Else the true average
        is no less: totals know of how many attempts the cost is unknown, not of which
        calls. Of use only in groups that hold all attempts of their calls.
        """
        return _share(self.cost, min(self.calls, self.attempts - self.unknown))

    @property
    def hit_rate(self) -> float | None:
        """The share of calls that the cache answered, None without a call."""
        return self.cache_hits / self.calls if self.calls else None

    @property
    def estimated_share(self) -> float | None:
        """The share of attempts whose usage is estimated, None without an attempt."""
        return self.estimated / self.attempts if self.attempts else None

    def __add__(self, other: Totals) -> Totals:
        """Return the totals of both groups together."""
        return Totals(
            *(getattr(self, name) + getattr(other, name) for name in TOTALLED)
        )


TOTALLED = tuple(field.name for field in dataclasses.fields(Totals))
"""The names of the sums, in order."""


def totals_of(record: Record) -> Totals:
    """Return what one finished attempt counts for."""
    usage = record.usage
    return Totals(
        calls=int(record.attempt == 1),
        attempts=1,
        cache_hits=int(record.cache_hit),
        estimated=int(record.estimated),
        unknown=int(record.cost is None),
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
        thinking_tokens=usage.thinking_tokens,
        cost=record.cost or 0,
        charged=record.charged or 0,
        baseline=record.baseline or 0,
        saved=record.saved or 0,
    )


def _share(cost: int, among: int) -> int | None:
    return (cost + among // 2) // among if among > 0 else None
