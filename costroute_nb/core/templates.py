"""Placeholders in a prompt: `{{name}}`, filled once and strictly."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from costroute_nb.errors import TemplateError

# An identifier begins with a letter or underscore. Possessive quantifiers keep the
# scan linear: a failed name is not tried again in shorter versions.
_NAME = r"\{\{[^\S\n]*+([^\W\d]\w*+)[^\S\n]*+\}\}"
_TOKEN = re.compile(rf"\{{\{{({_NAME})\}}\}}|{_NAME}")

Lookup = Callable[[str], str] | Mapping[str, str]
"""The text that a name stands for; KeyError where there is none."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its placeholders filled, and what filled them, each name once."""

    text: str
    values: tuple[str, ...] = ()


def names(text: str) -> tuple[str, ...]:
    """Return the names of a text's placeholders, each once, in order."""
    found = (match.group(3) for match in _TOKEN.finditer(text))
    return tuple(dict.fromkeys(name for name in found if name))


def fill(text: str, lookup: Lookup) -> Filled:
    """Replace every `{{identifier}}` once; any other `{{` is text.

    Four braces around a name send it in two. What a name stands for is sent as it
    is: braces in it are never read again.

    Raises
    ------
    TemplateError
        For a name that `lookup` does not have, with close ones if it is a mapping.
    """
    values: dict[str, str] = {}

    def replacement(match: re.Match[str]) -> str:
        name = match.group(3)
        if name is None:
            return match.group(1)
        if name not in values:
            values[name] = _value(name, lookup)
        return values[name]

    return Filled(_TOKEN.sub(replacement, text), tuple(values.values()))


def _value(name: str, lookup: Lookup) -> str:
    try:
        return lookup[name] if isinstance(lookup, Mapping) else lookup(name)
    except KeyError:
        known = list(lookup) if isinstance(lookup, Mapping) else []
    close = tuple(get_close_matches(name, known, n=3))
    hint = f" (did you mean {' or '.join(close)}?)" if close else ""
    message = (
        f"{{{{{name}}}}} in the prompt is not defined{hint}: define it, use --raw to "
        "send braces as they are, or write four braces"
    )
    raise TemplateError(message, name=name, close=close)


def value_text(value: object) -> str:
    """Return a value as a prompt sends it: `str()` of it, a DataFrame as CSV.

    Frames are known by the name of their class, so that no library is imported.
    """
    if any(kind.__name__ == "DataFrame" for kind in type(value).__mro__):
        for method, options in (("to_csv", {"index": False}), ("write_csv", {})):
            write = getattr(value, method, None)
            if write is not None:
                return str(write(**options))
    return str(value)
