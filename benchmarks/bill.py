"""What a server has counted in one replay, priced by several lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from tests.support.anthropic_server import Rates, Usage
from tests.support.messages_api.models import MODELS, PICO_PER_USD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.support.anthropic_server import Seen

EARLIER: Mapping[str, Rates] = {
    "haiku": Rates("0.25", "1.25", "0.025", "0.3125", "0.50"),
    "sonnet": Rates("3", "15", "0.30", "3.75", "6"),
    "opus": Rates("5", "25", "0.50", "6.25", "10"),
}
"""The list that a published claim reckons with, by model line, in USD per MTok.

Its rates for the prompt cache are the usual multiples of plain input.
"""


@dataclass(frozen=True, slots=True)
class Bill:
    """What one replay of the workload came to, by the server's own counts.

    Attributes
    ----------
    name
        What was different in this replay.
    usage
        The tokens by model.
    sent
        The requests by model.
    billed
        What the server charged, in pico-USD.
    by_kind
        The requests' own counts, by the kind of their calls.
    """

    name: str
    usage: Mapping[str, Usage]
    sent: Mapping[str, int]
    billed: int
    by_kind: Mapping[str, Sequence[Usage]]

    @property
    def tokens(self) -> Usage:
        """All tokens together."""
        return sum(self.usage.values(), Usage())

    @property
    def requests(self) -> int:
        """All requests that were sent."""
        return sum(self.sent.values())

    @property
    def earlier(self) -> int:
        """What the same counts cost by the earlier list, in pico-USD."""
        return sum(
            EARLIER[MODELS[model].line].pico(usage)
            for model, usage in self.usage.items()
        )

    def prompt_of(self, kind: str) -> float:
        """Return the prompt tokens of a request of a kind, on average."""
        return fmean(usage.prompt for usage in self.by_kind[kind])

    def largest_of(self, kind: str) -> int:
        """Return the most prompt tokens of a request of a kind."""
        return max(usage.prompt for usage in self.by_kind[kind])

    def answer_of(self, kind: str) -> float:
        """Return the tokens of an answer of a kind without thinking, on average."""
        return fmean(usage.output - usage.thinking for usage in self.by_kind[kind])


def add_up(name: str, seen: Iterable[tuple[Seen, str]]) -> Bill:
    """Return the bill of requests, each with the kind of its call."""
    usage: defaultdict[str, Usage] = defaultdict(Usage)
    kinds: defaultdict[str, list[Usage]] = defaultdict(list)
    sent: Counter[str] = Counter()
    billed = 0
    for request, kind in seen:
        model = request.model or "none"
        usage[model] += request.usage
        sent[model] += 1
        kinds[kind].append(request.usage)
        billed += request.billed_pico
    return Bill(name, dict(usage), dict(sent), billed, dict(kinds))


HEADINGS = (
    "configuration", "sent", "prompt", "cached", "output", "thinking",
    "USD", "saved", "by this", "USD then", "saved", "by this",
)  # fmt: skip
"""Tokens in millions: of whole prompts, and of these read from the prompt cache; of
whole answers, and of these thought. Savings are against the first line, and against
the line above; the last three columns are by the earlier list."""


def table(bills: Sequence[Bill]) -> str:
    """Return the bills as one aligned table in Markdown."""
    rows = [_cells(bill, bills[0], above) for above, bill in _pairs(bills)]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    rule = [f"{'-' * (width - 1)}:" for width in widths]
    rule[0] = "-" * widths[0]
    shown = [_row(HEADINGS, widths), f"| {' | '.join(rule)} |"]
    return "\n".join([*shown, *(_row(row, widths) for row in rows)])


def share(less: float, whole: float) -> str:
    """Return how much less the first is than the second, as a percentage."""
    return f"{(whole - less) / whole:.0%}"


def _pairs(bills: Sequence[Bill]) -> Iterable[tuple[Bill | None, Bill]]:
    return zip([None, *bills], bills, strict=False)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.ljust(width) if place == 0 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join([first, *others])} |"


def _cells(bill: Bill, first: Bill, above: Bill | None) -> tuple[str, ...]:
    used = bill.tokens
    counts = (used.prompt, used.cache_read, used.output, used.thinking)
    cells = [bill.name, f"{bill.requests:,}", *(f"{n / 1e6:.2f}" for n in counts)]
    now = (bill.billed, first.billed, above.billed if above else None)
    then = (bill.earlier, first.earlier, above.earlier if above else None)
    for cost, baseline, before in (now, then):
        cells.append(f"{cost / PICO_PER_USD:.2f}")
        cells += (
            ["", ""] if before is None else [share(cost, baseline), share(cost, before)]
        )
    return tuple(cells)
