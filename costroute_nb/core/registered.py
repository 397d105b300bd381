"""Which delegated tasks there are by name: the built-in ones and the user's own."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from inspect import signature
from typing import Any

from costroute_nb.core.call import AnswerCheck
from costroute_nb.core.delegation import (
    DelegatedTask,
    characters_cap,
    extract_json,
    limit_told,
    rewrite,
    summarize,
    whole,
    words_cap,
)
from costroute_nb.core.enclosure import encoded
from costroute_nb.core.promises import all_of, at_most_characters, at_most_words
from costroute_nb.core.templates import fill, names, value_text
from costroute_nb.errors import ConfigurationError, TemplateError

_NAME = re.compile(r"[^\W\d]\w*(?:-\w+)*")
_BUILT_IN: Mapping[str, Callable[..., DelegatedTask]] = {
    "summarize": summarize,
    "extract_json": extract_json,
    "rewrite": rewrite,
}
_NUMBER = {"summarize": "max_words", "rewrite": "max_chars"}
_MATERIAL = {"summarize": "text", "extract_json": "text", "rewrite": "title"}
_TASK = "mechanical_edit"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A task as `NAME` or `NAME:NUMBER` names it."""

    name: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A task of the user's own: its text with `{{placeholders}}`, and its promise.

    `max_words` and `max_chars` are promised of the answer, which the system prompt
    says, and give the cap on its tokens unless `max_tokens` does.
    """

    name: str
    template: str
    system: str | None = None
    max_tokens: int | None = None
    check: AnswerCheck | str | None = None
    schema: Any = None
    max_words: int | None = None
    max_chars: int | None = None

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names that must be given values."""
        return names(self.template)

    def task(self, values: Mapping[str, object]) -> DelegatedTask:
        """Return the task with its placeholders filled, once and as they are.

        Raises
        ------
        TemplateError
            For a placeholder without a value.
        ConfigurationError
            For a value that has no placeholder.
        """
        known = self.placeholders
        for name in values:
            if name not in known:
                what = f"the task {self.name!r} has no {{{{{name}}}}}"
                raise ConfigurationError(what + _hint(name, known))
        for name in known:
            if values.get(name) is None:
                message = f"the task {self.name!r} needs a value for {{{{{name}}}}}"
                raise TemplateError(message, name=name)
        texts = {name: value_text(values[name]) for name in known}
        for name, text in texts.items():
            encoded(text, f"value of {{{{{name}}}}}")
        filled = fill(self.template, texts)
        promises, told = [], [self.system] if self.system else []
        if self.max_words is not None:
            promises.append(at_most_words(self.max_words))
            told.append(limit_told(self.max_words, "word"))
        if self.max_chars is not None:
            promises.append(at_most_characters(self.max_chars))
            told.append(limit_told(self.max_chars, "character"))
        return DelegatedTask(
            name=self.name,
            task=_TASK,
            prompt=filled.text,
            typed=self.template,
            system="\n\n".join(told) or None,
            max_tokens=self._cap(filled.text),
            schema=self.schema,
            check=self.check,
            promise=all_of(promises),
            tidy=str.strip if promises else None,
        )

    def _cap(self, text: str) -> int | None:
        if self.max_tokens is not None:
            return self.max_tokens
        caps = []
        if self.max_words is not None:
            caps.append(words_cap(self.max_words, text))
        if self.max_chars is not None:
            caps.append(characters_cap(self.max_chars))
        return min(caps, default=None)


class Delegations:
    """The tasks of one session, by name."""

    def __init__(self) -> None:
        self._own: dict[str, Template] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the built-in ones first."""
        return (*_BUILT_IN, *self._own)

    def add(self, own: Template) -> Template:
        """Add a task of the user's own, in the place of an earlier one of its name.

        Raises
        ------
        ConfigurationError
            If the name is no name or a built-in task's, or anything cannot be used.
        """
        _require_usable(own, own.name, own.template)
        self._own[own.name] = own
        return own

    def get(self, name: Any) -> Template | None:
        """Return a task of the user's own, or None for a built-in one.

        Raises
        ------
        ConfigurationError
            If there is no task of that name; it names close ones.
        """
        if not isinstance(name, str):
            message = f"a task is named by text, not {name!r}"
            raise ConfigurationError(message)
        if name in self._own:
            return self._own[name]
        if name in _BUILT_IN:
            return None
        known = self.names
        hint = _hint(name, known) or f"; there are {', '.join(known)}"
        message = f"there is no task {name!r}{hint}"
        raise ConfigurationError(message)

    def takes(self, name: str) -> tuple[str, ...]:
        """Return the names of the values that a task takes; see `get`."""
        own = self.get(name)
        return (
            tuple(signature(_BUILT_IN[name]).parameters)
            if own is None
            else (own.placeholders)
        )

    def task(self, name: str, values: Mapping[str, object]) -> DelegatedTask:
        """Return a task by name, with the values that it takes.

        Raises
        ------
        TemplateError, ConfigurationError
            For an unknown task, and for values that are missing, unknown or
            unusable.
        """
        own = self.get(name)
        if own is not None:
            return own.task(values)
        make = _BUILT_IN[name]
        parameters = signature(make).parameters
        for given in values:
            if given not in parameters:
                message = f"the task {name!r} takes no {given!r}"
                raise ConfigurationError(message + _hint(given, tuple(parameters)))
        for parameter in parameters.values():
            if parameter.default is parameter.empty and parameter.name not in values:
                message = f"the task {name!r} needs {parameter.name!r}"
                raise ConfigurationError(message)
        return make(**values)

    def spec(self, text: Any) -> TaskSpec:
        """Read `NAME` or `NAME:NUMBER`.

        Raises
        ------
        ConfigurationError
            For an unknown task, or a number that it does not take.
        """
        if not isinstance(text, str):
            message = f"a task is named by text, not {text!r}"
            raise ConfigurationError(message)
        name, colon, given = (part.strip() for part in text.partition(":"))
        own = self.get(name)
        if not colon:
            return TaskSpec(name)
        if own is None:
            takes = name in _NUMBER
        else:
            takes = (own.max_words or own.max_chars) is not None
        if not takes:
            message = f"the task {name!r} takes no number: write --task {name}"
            raise ConfigurationError(message)
        plain = given.isascii() and given.isdigit() and len(given) < 10
        return TaskSpec(
            name, whole(int(given) if plain else given, f"the number of {name}")
        )

    def from_spec(self, spec: str, text: str, **values: object) -> DelegatedTask:
        """Return the task that `NAME:NUMBER` names, with a text as its material.

        A task of the user's own takes the text for the one placeholder that
        `values` leave; the number takes the place of its `max_words`, or else of its
        `max_chars`.

        Raises
        ------
        TemplateError, ConfigurationError
            As `spec` and `task` do, and if it is open which placeholder is meant.
        """
        named = self.spec(spec)
        own = self.get(named.name)
        if own is None:
            numbers = (
                {} if named.number is None else {_NUMBER[named.name]: named.number}
            )
            given = {_MATERIAL[named.name]: text, **numbers, **values}
            return self.task(named.name, given)
        free = [name for name in own.placeholders if name not in values]
        if len(free) != 1:
            message = (
                f"the task {own.name!r} takes a text for one placeholder, and it "
                f"leaves {', '.join(free) or 'none'}"
            )
            raise ConfigurationError(message)
        return _numbered(own, named.number).task({free[0]: text, **values})


def _require_usable(own: Template, name: Any, template: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        message = f"a task's name is letters, digits, _ and -, not {name!r}"
        raise ConfigurationError(message)
    if name in _BUILT_IN:
        message = f"{name!r} is a built-in task: choose another name"
        raise ConfigurationError(message)
    if not isinstance(template, str) or not template.strip():
        message = f"the template of the task {name!r} is not text, or it is empty"
        raise ConfigurationError(message)
    for field in ("max_tokens", "max_words", "max_chars"):
        if getattr(own, field) is not None:
            whole(getattr(own, field), field)


def _numbered(own: Template, number: int | None) -> Template:
    if number is None:
        return own
    if own.max_words is None:
        return replace(own, max_chars=number)
    return replace(own, max_words=number)


def _hint(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
