"""What a session has done by its small tier: summaries, extracts, titles, own tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.delegation import extract_json, rewrite, summarize
from costroute_nb.core.registered import Template
from costroute_nb.core.validation import compile_check
from costroute_nb.errors import ConfigurationError
from costroute_nb.typed import answer_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costroute_nb.core.call import AnswerCheck, Call
    from costroute_nb.core.delegation import DelegatedTask
    from costroute_nb.core.registered import Delegations
    from costroute_nb.core.result import Result
    from costroute_nb.settings import Settings

OPTIONS = (
    "tier", "floor", "ceiling", "model", "provider", "effort", "max_tokens", "check",
    "max_cost", "cache", "fresh", "ttl", "escalate", "workflow", "step",
)  # fmt: skip
"""The options of `route` that a delegated task takes; the others are its own."""


class Delegating:
    """The part of a session that has small tasks done, and their promises kept.

    A task begins on the small tier without thinking, unless its instruction meets a
    floor of the rules, which never read the text that it works on. What an answer
    promises is counted; one that breaks its promise is repaired once by its own
    model, then the next tier is asked. Every method takes these options of `route`:
    `tier`, `floor`, `ceiling`, `model`, `provider`, `effort`, `max_tokens`, `check`,
    `max_cost`, `cache`, `fresh`, `ttl`, `escalate`, `workflow` and `step`. With
    `escalate=False` nothing is repaired either.
    """

    _delegations: Delegations

    if TYPE_CHECKING:

        @property
        def settings(self) -> Settings:
            """The settings in force."""

        def call(self, prompt: str, **options: Any) -> Call:
            """Return the call that a prompt and its options ask for."""

        def run(self, call: Call) -> Result:
            """Serve a call."""

    def summarize(self, text: str, max_words: int = 200, **options: Any) -> Result:
        """Return a summary with at most so many words, in the text's own language.

        What stands between blanks is a word, and so is each Chinese or Japanese
        character.

        Raises
        ------
        ConfigurationError
            If the text is empty or no Unicode text, or anything cannot be used.
        InvalidAnswerError
            If no candidate kept to it; every attempt is in the ledger.
        CostRouteError
            As in `route`.
        """
        return self._done(summarize(text, max_words), options)

    def extract_json(self, text: str, schema: Any, **options: Any) -> Result:
        """Return what a schema asks for from a text; `Result.data` is the typed object.

        The schema is a pydantic model class, a TypedDict, a dataclass, a `list[...]`
        of one, or a JSON schema. A list of objects has a `Result.frame`.

        Raises
        ------
        ConfigurationError
            If the text is empty, or the schema is none that a provider enforces.
        InvalidAnswerError
            If no candidate kept to it; every attempt is in the ledger.
        CostRouteError
            As in `route`.
        """
        return self._done(extract_json(text, schema), options)

    def rewrite(
        self,
        title: str,
        max_chars: int = 60,
        keyword: str | None = None,
        **options: Any,
    ) -> Result:
        """Return a title within so many characters, a keyword of it kept as a word.

        Characters are Unicode code points; the keyword may change its case.

        Raises
        ------
        ConfigurationError
            If the title is empty, or the keyword alone is too long.
        InvalidAnswerError
            If no candidate kept to it; every attempt is in the ledger.
        CostRouteError
            As in `route`.
        """
        return self._done(rewrite(title, max_chars, keyword), options)

    def delegate(self, task: str, /, **values: Any) -> Result:
        """Return the answer to a task by name: a registered one, or a built-in one.

        Parameters
        ----------
        task
            One of `tasks`.
        **values
            What fills its placeholders; the other names are options.

        Raises
        ------
        TemplateError
            For a placeholder without a value.
        ConfigurationError
            For an unknown task, and for values that it does not take.
        CostRouteError
            As in `route`.
        """
        takes = self._delegations.takes(task)
        options = {
            name: values.pop(name)
            for name in OPTIONS
            if name in values and name not in takes
        }
        return self._done(self._delegations.task(task, values), options)

    def register(
        self,
        name: str,
        template: str,
        *,
        system: str | None = None,
        max_tokens: int | None = None,
        check: AnswerCheck | str | None = None,
        schema: Any = None,
        max_words: int | None = None,
        max_chars: int | None = None,
    ) -> Template:
        """Add a task for `delegate`, in the place of an earlier one of its name.

        Parameters
        ----------
        name
            Letters, digits, `_` and `-`.
        template
            The prompt, with `{{placeholders}}`; without their values, it is what the
            rules read.
        system
            A system prompt.
        max_tokens
            Cap on answer tokens; None takes one that fits the promise, if there is one.
        check, schema
            As in `route`.
        max_words, max_chars
            The most words or characters of an answer: its promise, which the model
            is told.

        Raises
        ------
        ConfigurationError
            If anything cannot be used.
        """
        try:
            if schema is not None:
                answer_schema(schema)
            if isinstance(check, str):
                compile_check(check, {})
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
        return self._delegations.add(
            Template(
                name, template, system, max_tokens, check, schema, max_words, max_chars
            )
        )

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names that `delegate` and the option `task` take."""
        return self._delegations.names

    def _done(self, task: DelegatedTask, options: Mapping[str, Any]) -> Result:
        return self.run(self._delegated(task, options))

    def _named(
        self, spec: Any, text: str, options: Mapping[str, Any], **origin: Any
    ) -> Call:
        """Return the call of a task by `NAME` or `NAME:NUMBER`, to work on a text."""
        given = {n: value for n, value in options.items() if value is not None}
        # Extraction alone has a schema; the others refuse it by name.
        values = {"schema": given.pop("schema")} if "schema" in given else {}
        task = self._delegations.from_spec(spec, text, **values)
        return self._delegated(task, given, **origin)

    def _delegated(
        self, task: DelegatedTask, options: Mapping[str, Any], **origin: Any
    ) -> Call:
        """Return the call of a task with the options that are not the task's own.

        Raises
        ------
        ConfigurationError
            For an option that it does not take, or a value that cannot be used.
        """
        given = {n: value for n, value in options.items() if value is not None}
        for name in given:
            if name not in OPTIONS:
                why = _WHY.get(name, _TAKEN)
                message = f"the task {task.name!r} takes no option {name!r}: {why}"
                raise ConfigurationError(message)
        if task.check is not None and "check" in given:
            message = f"the task {task.name!r} has a check of its own"
            raise ConfigurationError(message)
        own = {
            "system": task.system,
            "schema": task.schema,
            "check": task.check,
            "max_tokens": task.max_tokens,
            # The ledger's task is the same for many: the step tells them apart.
            "step": self.settings.step or task.name,
        }
        # The text is left out of what the rules read, however short the template is.
        call = self.call(task.prompt, typed=task.typed, **{**own, **given}, **origin)
        registered = self._delegations.get(task.name)
        capped = registered is not None and registered.max_tokens is not None
        return replace(
            call,
            task=task.task,
            promise=task.promise,
            tidy=task.tidy,
            own_cap=capped or "max_tokens" in given,
        )


_TAKEN = f"it takes {', '.join(OPTIONS)}"
_ALONE = "its prompt stands alone"
_WHY = {
    "thread": _ALONE,
    "context": _ALONE,
    "context_tokens": _ALONE,
    "system": "it has a system prompt of its own, or is registered with one",
    "schema": "it is registered with one, or none",
    "task": "it is one itself",
}
