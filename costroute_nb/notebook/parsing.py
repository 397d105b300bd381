"""Read a line of options as the table says, or say in one line what is wrong."""

import builtins
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, NoReturn, get_origin

from IPython.core.error import UsageError

from costroute_nb.notebook.conversions import CONVERSIONS
from costroute_nb.notebook.options import CHOICES, OPTIONS, Option
from costroute_nb.notebook.variables import as_text

_CONTRADICTIONS = (
    ("--no-cache", "--fresh"),
    ("--no-cache", "--ttl"),
    ("--model", "--tier"),
    ("--model", "--floor"),
    ("--model", "--ceiling"),
    ("--quiet", "--dry-run"),
    ("--task", "--system"),
    ("--task", "--context"),
    ("--task", "--context-tokens"),
    ("--task", "--thread"),
)
HELP_OPTIONS = frozenset({"--help", "-h"})
_ROUND = ("text", "expression")  # kinds that may hold blanks without quotes
_OPTION = re.compile(r"(--?[\w-]*)(=?)\s*")
_LIST = re.compile(r"list\[(\w+)\]")
_BLANK = re.compile(r"\s")
_NEXT_OPTION = re.compile(r"\s--[a-z]")


@dataclass(frozen=True, slots=True)
class Given:
    """An option as it was written; `quoted` tells a text from a variable's name."""

    option: Option
    value: str = ""
    quoted: bool = False


def parse(
    line: str,
    options: Iterable[Option] = OPTIONS,
    *,
    otherwise: str = "the prompt goes below this line",
) -> list[Given]:
    """Return the options on a line, in order, with their values as written.

    Parameters
    ----------
    otherwise
        What to say of a word that is no option.

    Raises
    ------
    UsageError
        For an unknown option, a missing value, a contradiction, or anything else.
    """
    known = {option.name: option for option in options}
    found: dict[str, Given] = {}
    rest = line.strip()
    while rest:
        match = _OPTION.match(rest)
        if match is None:
            _not_an_option(rest, otherwise)
        given, rest = _first(match, known)
        if given.option.name in found:
            _fail(f"{given.option.name} is given twice")
        found[given.option.name] = given
    for one, other in _CONTRADICTIONS:
        if one in found and other in found:
            _fail(f"{one} and {other} contradict each other: choose one")
    return list(found.values())


def leading_options(line: str) -> tuple[str, str]:
    """Split a line into the options it begins with and the text after them.

    Raises
    ------
    UsageError
        For an unknown option or a missing value.
    """
    known = {option.name: option for option in OPTIONS}
    rest = line
    while rest.startswith("--") and (match := _OPTION.match(rest)):
        _, rest = _first(match, known)
    return line[: len(line) - len(rest)], rest


def option_in(text: str) -> str | None:
    """Return the first word of a text that is an option of `%%route`, or None."""
    names = {option.name for option in OPTIONS}
    return next((word for word in text.split() if word.split("=")[0] in names), None)


def values(
    given: Iterable[Given],
    namespace: Mapping[str, Any],
    fill: Callable[[str], str],
    visible: Iterable[str] = (),
) -> dict[str, Any]:
    """Return what the options set, by key.

    Parameters
    ----------
    namespace
        The user's variables.
    fill
        What fills placeholders in a value; expressions have variables of their own.
    visible
        The names of variables that may be suggested for a misspelt one.

    Raises
    ------
    UsageError
        For a value of the wrong kind, or a variable that does not exist.
    """
    known = tuple(visible)
    return {one.option.key: _meaning(one, namespace, fill, known) for one in given}


def hint(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean x?)` for a misspelt word, or nothing."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def written(value: str) -> str:
    """Return a value as a line of options takes it: in quotes where it needs them."""
    if value and not value.startswith(("-", "'", '"')) and not _BLANK.search(value):
        return value
    quoted = value.replace('"', '\\"')
    return f'"{quoted}"'


def split_quoted(line: str) -> tuple[str, str]:
    """Split a line into the text it begins with and the options after it.

    A quotation ends at its quote; without quotes all of the line is text.
    """
    end = _end_of_quote(line) if line[:1] in ("'", '"') else None
    return (line, "") if end is None else (_unquote(line[:end]), line[end:])


def _first(match: re.Match[str], known: Mapping[str, Option]) -> tuple[Given, str]:
    """Return the option that a line begins with, and what follows its value."""
    option = _find(match.group(1), known)
    rest = match.string[match.end() :]
    given = Given(option)
    if option.kind != "flag":
        given, rest = _value(option, rest)
    elif match.group(2):
        _fail(f"{option.name} takes no value")
    return given, rest.strip()


def _not_an_option(rest: str, otherwise: str) -> NoReturn:
    arrow = re.match(r"(\w*)\s*(=?)\s*<<", rest)
    if arrow is not None:
        written = " ".join(part for part in (*arrow.groups(), "<<") if part)
        _fail(f"put `{written}` last, after the options")
    _fail(f"{rest.split()[0]!r} is no option: {otherwise}")


def _find(name: str, known: Mapping[str, Option]) -> Option:
    if name not in known:
        _fail(f"there is no option {name}{hint(name, known)}; %route help lists them")
    return known[name]


def _value(option: Option, rest: str) -> tuple[Given, str]:
    """Take an option's value from the front of what is left of the line."""
    if option.kind in _ROUND:
        text, rest = _up_to_next_option(rest)
        quoted = _quoted(text)
        value, is_quoted = (text, False) if quoted is None else (quoted, True)
    else:
        value, is_quoted, rest = _word(option, rest)
    if not value or (value.startswith("--") and not is_quoted):
        _fail(f"{option.name} needs a value: {option.usage}")
    return Given(option, value, is_quoted), rest


def _word(option: Option, rest: str) -> tuple[str, bool, str]:
    if rest[:1] not in ("'", '"'):
        word, _, after = rest.partition(" ")
        return word, False, after
    end = _end_of_quote(rest)
    if end is None:
        _fail(f"{option.name}: a quote is not closed")
    return _unquote(rest[:end]), True, rest[end:]


def _up_to_next_option(rest: str) -> tuple[str, str]:
    """Split before the next ` --option` that stands outside quotes."""
    at = 0
    while at < len(rest):
        end = _end_of_quote(rest[at:]) if rest[at] in "'\"" else None
        if end is not None:
            at += end
        elif _NEXT_OPTION.match(rest, at):
            break
        else:
            at += 1
    return rest[:at].strip(), rest[at:]


def _end_of_quote(text: str) -> int | None:
    """Return where a text's opening quote has been closed, or None."""
    match = re.match(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", text)
    return match.end() if match else None


def _quoted(text: str) -> str | None:
    """Return what is inside the quotes if the whole text is one quotation."""
    if text[:1] in ("'", '"') and _end_of_quote(text) == len(text):
        return _unquote(text)
    return None


def _unquote(text: str) -> str:
    return text[1:-1].replace(f"\\{text[0]}", text[0])


def _meaning(
    given: Given,
    namespace: Mapping[str, Any],
    fill: Callable[[str], str],
    visible: Sequence[str],
) -> Any:
    option = given.option
    if option.kind == "flag":
        return option.sets
    if option.kind == "expression":
        return given.value
    if option.key == "schema":
        return _schema(given, namespace, visible)
    if option.kind == "variable":
        return _variable(given, namespace, visible)
    if option.kind == "text" and not given.quoted and given.value.isidentifier():
        value = _variable(given, namespace, visible, "; put text in quotes")
        return as_text(value, f"{option.name} {given.value}")
    return _converted(option, fill(given.value))


def _variable(
    given: Given, namespace: Mapping[str, Any], visible: Sequence[str], more: str = ""
) -> Any:
    name = given.value
    if name not in namespace:
        close = hint(name, visible)
        _fail(f"{given.option.name}: there is no variable {name!r}{close}{more}")
    return namespace[name]


def _schema(given: Given, namespace: Mapping[str, Any], visible: Sequence[str]) -> Any:
    """Return the variable that a schema is in, or a list of the type in one."""
    listed = _LIST.fullmatch(given.value)
    if listed is None:
        more = f": write Wanted = {given.value} above and --schema Wanted"
        more = more if "[" in given.value else ""
        return _variable(given, namespace, visible, more)
    (name,) = listed.groups()
    found = _variable(
        replace(given, value=name), {**vars(builtins), **namespace}, visible
    )
    if isinstance(found, type) or get_origin(found) is not None:
        return list[found]  # type: ignore[valid-type]
    _fail(f"{given.option.name}: {given.value} takes a type, and {name} is none")


def _converted(option: Option, value: str) -> Any:
    words = CHOICES.get(option.kind)
    if words is not None and value not in words:
        close = hint(value, words)
        _fail(f"{option.name} takes one of {', '.join(words)}, not {value!r}{close}")
    if option.kind not in CONVERSIONS:
        return value
    convert, takes = CONVERSIONS[option.kind]
    try:
        return convert(value)
    except ValueError:
        _fail(f"{option.name} takes {takes}, not {value!r}")


def _fail(message: str) -> NoReturn:
    raise UsageError(message)
