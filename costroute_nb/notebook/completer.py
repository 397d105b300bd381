"""TAB in `%%route` and `%route` lines: options, their values, subcommands."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion

from costroute_nb.notebook.options import CHOICES, OPTIONS, Option
from costroute_nb.notebook.usage import ALL_THREADS, FOLLOWING, MORE, SUBCOMMANDS

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

Words = Callable[[str], Iterable[str]]
"""The words that a kind of value may be: tiers, models, threads, variables."""


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
        found = _options(before, token, OPTIONS, words)
    else:
        found = _after_subcommand(before, token, words)
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


def _options(
    before: list[str], token: str, options: Iterable[Option], words: Words
) -> list[str]:
    """Return the values or the options that may stand here."""
    name, equals, _ = token.partition("=")
    if equals:
        # With nothing to offer IPython would offer names of Python.
        return [f"{name}={v}" for v in _values([name], options, words)] or [token]
    found = _values(before, options, words) or [option.name for option in options]
    return [word for word in found if word not in before]


def _values(before: list[str], options: Iterable[Option], words: Words) -> list[str]:
    """Return what may follow an option's name, or nothing if an option may follow."""
    kinds = {option.name: option.kind for option in options}
    kind = kinds.get(before[-1], "flag") if before else "flag"
    if kind in CHOICES:
        return list(CHOICES[kind])
    if kind == "text":
        kind = "variable"
    return list(words(kind)) if kind != "flag" else []


def _after_subcommand(before: list[str], token: str, words: Words) -> list[str]:
    if not before:
        return list(SUBCOMMANDS)
    name, *rest = before
    if name == "plan":
        # Its prompt may be anything; a dash begins an option, or a value follows one.
        values = _values(rest, OPTIONS, words)
        return (
            _options(rest, token, OPTIONS, words) if values or token[:1] == "-" else []
        )
    if name in FOLLOWING:
        return _options(rest, token, FOLLOWING[name], words)
    if name == "thread" and rest:
        return _threads(rest, words)
    return [word for word in MORE.get(name, ()) if word not in rest]


def _threads(rest: list[str], words: Words) -> list[str]:
    """Return the threads of which an action takes one, and what stands for them all."""
    action, *more = rest
    if action not in ("show", "clear") or more:
        return []
    return [*words("thread"), *((ALL_THREADS,) if action == "clear" else ())]
