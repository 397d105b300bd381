"""TAB in `%%route` and `%route` lines: options, their values, subcommands."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion

from costroute_nb.notebook.options import FORMATS, OPTIONS, Option
from costroute_nb.notebook.usage import MORE, SUBCOMMANDS

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

Words = Callable[[str], Iterable[str]]
"""The words that a kind of value may be: tiers, models, providers, variables."""


def complete(context: "CompletionContext", words: Words) -> "SimpleMatcherResult":
    """Return what fits at the cursor; `words` looks values up when needed."""
    line = context.text_until_cursor
    magic = re.match(r"\s*%(%?)route(\s.*)", line)
    if magic is None or _is_body(context):
        # A new one each time: IPython writes into what it is given.
        return {"completions": [], "suppress": False}
    *before, token = re.split(r"\s+", magic.group(2))
    before = [word for word in before if word]
    if magic.group(1):
        found = _values(before, OPTIONS, words) or [o.name for o in OPTIONS]
        found = [word for word in found if word not in before]
    else:
        found = _after_subcommand(before)
    starting = [word for word in found if word.startswith(token)]
    return {
        "completions": [SimpleCompletion(text=w, type="option") for w in starting],
        "matched_fragment": token,
        "suppress": True,
    }


def _is_body(context: "CompletionContext") -> bool:
    """Whether the line belongs to a prompt: a `%%route` stands above it."""
    above = context.full_text.split("\n")[: context.cursor_line]
    return any(re.match(r"%%route(\s|$)", line) for line in above)


def _values(before: list[str], options: Iterable[Option], words: Words) -> list[str]:
    """Return what may follow an option's name, or nothing if an option may follow."""
    kinds = {option.name: option.kind for option in options}
    kind = kinds.get(before[-1], "flag") if before else "flag"
    if kind == "format":
        return list(FORMATS)
    if kind == "text":
        kind = "variable"
    return list(words(kind)) if kind != "flag" else []


def _after_subcommand(before: list[str]) -> list[str]:
    if not before:
        return list(SUBCOMMANDS)
    return [word for word in MORE.get(before[0], ()) if word not in before]
