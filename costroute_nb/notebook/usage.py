"""What `%route?`, `%%route?` and `%route help` say."""

from typing import TYPE_CHECKING

from costroute_nb.notebook.options import (
    ADVISE_OPTIONS,
    BUDGET_OPTIONS,
    LOG_OPTIONS,
    REPORT_OPTIONS,
    help_lines,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBCOMMANDS = {
    "status": "provider, what is spent and left (also %route alone)",
    "plan": '"prompt": class, candidates and their costs; sends nothing',
    "log": "this session's ledger as a DataFrame, or what the options below say",
    "budget": "the limits; the options below change them, stop and resume all calls",
    "report": "cost, averages, cache hits and savings by group; the options are below",
    "advise": "what cost most, and what would have cost less there",
    "cache": "stats, clear or prune",
    "thread": "list, show NAME, clear NAME: the conversations of this session",
    "dashboard": "limits to steer and live charts; a picture where nothing is live",
    "models": "models, tiers and prices, and how good token estimates are",
    "help": "this text",
}

CACHE_ACTIONS = ("stats", "clear", "prune")
THREAD_ACTIONS = ("list", "show", "clear")
ALL_THREADS = "--all"
"""What `%route thread clear` takes instead of a name."""

FOLLOWING = {
    "log": LOG_OPTIONS,
    "budget": BUDGET_OPTIONS,
    "report": REPORT_OPTIONS,
    "advise": ADVISE_OPTIONS,
}
"""The options of subcommands."""

MORE = {
    "cache": CACHE_ACTIONS,
    "thread": THREAD_ACTIONS,
    **{name: tuple(o.name for o in options) for name, options in FOLLOWING.items()},
}
"""What may follow a subcommand."""


def takes(name: str) -> str:
    """Return what a subcommand takes, to say so where it gets something else."""
    return f"%route {name} takes {', '.join(MORE[name])}"


_EXAMPLES = """\
    %%route
    Summarize in 20 words: {{review}}

    %%route --tier haiku --schema Invoice invoice <<
    Extract the invoice from this mail: {{mail}}

    %%route --check "len(text) < 280" --max-cost $0.05
    Write a tweet about {{topic}}.

    %%route --task summarize:200
    {{report}}"""


def usage() -> str:
    """Return the whole help text."""
    width = max(map(len, SUBCOMMANDS))
    subcommands = [f"{name:<{width}}  {text}" for name, text in SUBCOMMANDS.items()]
    return "\n".join(
        (
            "Send the cell to the cheapest capable model, and show answer and receipt.",
            "",
            "    %%route [options] [name << | name = <<]",
            "    %route [subcommand]",
            "",
            "The cell is the prompt, as typed. {{name}} stands for a variable, a",
            "DataFrame as CSV; {{{{name}}}} sends {{name}}. `name <<` keeps the result and",
            "shows the receipt only, `name = <<` shows both. The last result is in _.",
            "",
            "Examples:",
            "",
            _EXAMPLES,
            "",
            "Options of %%route:",
            "",
            *(f"    {line}" for line in help_lines()),
            "",
            "Subcommands of %route:",
            "",
            *(f"    {line}" for line in subcommands),
            *(line for name in FOLLOWING for line in _following(name)),
        )
    )


def _following(name: str) -> "Iterator[str]":
    """Give the lines on the options of one subcommand."""
    yield from ("", f"Options of %route {name}:", "")
    for line in help_lines(FOLLOWING[name]):
        yield f"    {line}"
