"""What the replays came to, in words: the table, what was claimed, what was assumed."""

from __future__ import annotations

import platform
import textwrap
from typing import TYPE_CHECKING

from benchmarks.bill import share, table
from benchmarks.model_answers import ASSUMED
from benchmarks.workload import AGENT_TOKENS, shares, workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bill import Bill
    from benchmarks.workload import Size

_LEGEND = (
    "`sent` counts requests. Tokens are in millions: of whole prompts, and of these read "
    "from the provider's prompt cache; of whole answers, and of these thought. Each line "
    "adds one lever to the line above: `saved` is against the first line, `by this` "
    "against the line above, and in another order each would save another share. `USD` "
    "is what the server charged at today's prices; `USD then` prices the same counts at "
    "0.25/1.25, 3/15 and 5/25 USD per MTok for the three tiers, as the article below "
    "does (Claude Haiku 4.5 really cost 1/5)."
)
_GIVEN = (
    "the calls of a run follow each other within minutes, so that a prompt cache lasts",
    f"an agent's prompt is trimmed to {AGENT_TOKENS:,} tokens: whether its answers "
    "suffer is not measured either",
    "only the last line uses the provider's prompt cache, which would make the first "
    "line cheaper as well",
    "the server counts a token for 3.6 bytes",
)


def report(bills: Sequence[Bill], size: Size) -> str:
    """Return the table, what was claimed beside it, and what all of it rests on."""
    parts = (_workload_line(size), table(bills), _LEGEND, *_lists(bills))
    return "\n\n".join(_wrapped(part) for part in parts)


def _workload_line(size: Size) -> str:
    jobs = workload(size)
    kinds = (f"{count:,} x {kind}" for kind, count in shares(jobs).items())
    return (
        f"{len(jobs):,} calls, made of texts from the library of Python "
        f"{platform.python_version()} and a few stories: {', '.join(kinds)}."
    )


def _lists(bills: Sequence[Bill]) -> tuple[str, str]:
    """Return what an article claims beside what was found, and what was assumed."""
    named = {bill.name: bill for bill in bills}
    large, routing, last = bills[0], named["routing"], bills[-1]
    plain, structured = named["+ trimming"], named["+ structured output"]
    repeats = share(named["+ cache"].requests, routing.requests)
    answers = share(structured.answer_of("extraction"), plain.answer_of("extraction"))
    claimed = (
        f"routing saves 56%; here {_both(routing, large)}",
        f"all together save 74%; here {_both(last, large)}",
        f"34% of the calls can come from a cache; here {repeats} could, as was made up",
        f"a schema saves 30-50% of the output; here {answers} of an extraction's, as "
        "was assumed below",
    )
    return (
        _listed("Claims of an article on cutting agent costs by 74%, no more than "
                "claims:", claimed),
        _listed("What was assumed, and decides much:", (*ASSUMED, *_GIVEN)),
    )  # fmt: skip


def _listed(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([heading, "", *(f"- {line}" for line in lines)])


def _wrapped(text: str) -> str:
    """Wrap the lines of a text that are no table."""
    lines = text.splitlines()
    return "\n".join(
        line
        if line.startswith("|")
        else textwrap.fill(line, 88, subsequent_indent="  " * line.startswith("- "))
        for line in lines
    )


def _both(bill: Bill, baseline: Bill) -> str:
    now, then = (
        share(cost, whole)
        for cost, whole in (
            (bill.billed, baseline.billed),
            (bill.earlier, baseline.earlier),
        )
    )
    return f"{now} at today's prices, {then} at the article's"
