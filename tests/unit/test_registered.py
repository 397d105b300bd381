"""Tasks are found by name, with hints, and templates are filled once and strictly."""

from typing import Any

import pytest

from costroute_nb.core.registered import Delegations, TaskSpec, Template
from costroute_nb.errors import ConfigurationError, TemplateError
from tests.support.delegated import judged


def tasks(**options: Any) -> Delegations:
    known = Delegations()
    known.add(Template("tag-line", "A {{style}} line for {{ product }}.", **options))
    known.add(Template("mood", "Mood of: {{review}}"))
    return known


def test_built_in_tasks_come_first() -> None:
    assert tasks().names == (
        "summarize",
        "extract_json",
        "rewrite",
        "tag-line",
        "mood",
    )


def test_a_template_is_filled_once_with_its_values_as_they_are() -> None:
    task = tasks().task("tag-line", {"style": "{{product}}", "product": 3})
    assert task.prompt == "A {{product}} line for 3."
    assert task.typed == "A {{style}} line for {{ product }}."


def test_a_template_brings_all_that_it_was_registered_with() -> None:
    def check(result: object) -> bool:
        return True

    known = tasks(system="Be brief.", max_tokens=7, check=check, schema=int)
    task = known.task("tag-line", {"style": "a", "product": "b"})
    assert (task.system, task.max_tokens) == ("Be brief.", 7)
    assert (task.check, task.schema) == (check, int)
    assert (task.promise, task.tidy) == (None, None)


def test_limits_of_a_template_are_promised_and_cap_its_answer() -> None:
    task = tasks(max_words=2, max_chars=9).task(
        "tag-line", {"style": "a", "product": "b"}
    )
    assert task.max_tokens == 2 * 3 + 64
    assert judged(task, " two words ").outcome == "accepted"
    assert judged(task, "three short words").reason == (
        "the answer has 3 words, 2 are allowed; "
        "the answer has 17 characters, 9 are allowed"
    )


def test_a_task_registered_again_is_replaced() -> None:
    known = tasks()
    known.add(Template("mood", "How is {{mood}}?"))
    assert known.task("mood", {"mood": "it"}).prompt == "How is it?"
    assert known.names.count("mood") == 1


def test_a_placeholder_without_a_value_is_a_template_error() -> None:
    with pytest.raises(TemplateError, match=r"'mood' needs a value for \{\{review\}\}"):
        tasks().task("mood", {})


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("mod", {}, "no task 'mod'; did you mean mood"),
        ("zzz", {}, "no task 'zzz'; there are summarize, extract_json, rewrite, tag"),
        ("mood", {"review": "x", "reviw": "y"}, r"no \{\{reviw\}\}; did you mean rev"),
        ("summarize", {"text": "x", "max_wrds": 3}, "takes no 'max_wrds'; did you"),
        ("summarize", {"max_words": 3}, "needs 'text'"),
        ("extract_json", {"text": "x"}, "needs 'schema'"),
        ("rewrite", {"title": ""}, "title is empty"),
    ],
)
def test_values_that_do_not_fit_are_refused(
    name: str, values: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        tasks().task(name, values)


@pytest.mark.parametrize(
    ("name", "template", "options", "says"),
    [
        ("summarize", "x", {}, "built-in"),
        ("a b", "x", {}, "letters, digits"),
        ("a:3", "x", {}, "letters, digits"),
        ("", "x", {}, "letters, digits"),
        (3, "x", {}, "letters, digits"),
        ("a", " ", {}, "empty"),
        ("a", None, {}, "not text"),
        ("a", "x", {"max_words": 0}, "max_words"),
        ("a", "x", {"max_chars": 1.5}, "max_chars"),
        ("a", "x", {"max_tokens": True}, "max_tokens"),
    ],
)
def test_what_could_not_be_asked_for_is_not_registered(
    name: Any, template: Any, options: dict[str, Any], says: str
) -> None:
    known = Delegations()
    with pytest.raises(ConfigurationError, match=says):
        known.add(Template(name, template, **options))
    assert len(known.names) == 3


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("summarize", TaskSpec("summarize")),
        ("summarize:200", TaskSpec("summarize", 200)),
        (" rewrite : 60 ", TaskSpec("rewrite", 60)),
        ("extract_json", TaskSpec("extract_json")),
        ("tag-line:5", TaskSpec("tag-line", 5)),
    ],
)
def test_a_spec_is_a_name_and_a_number(text: str, spec: TaskSpec) -> None:
    assert tasks(max_words=9).spec(text) == spec


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sumarize:200", "did you mean summarize"),
        ("", "no task ''"),
        ("summarize:", "whole number"),
        ("summarize:many", "whole number"),
        ("summarize:0", "whole number"),
        ("summarize:-5", "whole number"),
        ("summarize:1.5", "whole number"),
        ("summarize:" + "9" * 5000, "whole number"),
        ("summarize:²", "whole number"),
        ("extract_json:5", "takes no number"),
        ("mood:5", "takes no number"),
    ],
)
def test_a_spec_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        tasks().spec(text)


def test_a_spec_makes_a_built_in_task_of_its_text() -> None:
    assert judged(tasks().from_spec("summarize:2", "a text"), "1 2 3").repairable
    task = tasks().from_spec("rewrite:9", "a title", keyword="Oslo")
    assert "'Oslo'" in task.prompt
    assert tasks().from_spec("extract_json", "a text", schema=int).schema is int


def test_a_spec_of_a_template_puts_the_text_into_what_is_left() -> None:
    assert tasks().from_spec("mood", "fine").prompt == "Mood of: fine"
    task = tasks().from_spec("tag-line", "soap", style="bold")
    assert task.prompt == "A bold line for soap."


@pytest.mark.parametrize("limit", ["max_words", "max_chars"])
def test_the_number_of_a_spec_takes_the_place_of_the_templates_own(limit: str) -> None:
    known = tasks(**{limit: 50})
    task = known.from_spec("tag-line:3", "soap", style="bold")
    assert "3 are allowed" in judged(task, "one two three four").reason


def test_a_text_for_no_single_placeholder_is_refused() -> None:
    known = tasks()
    known.add(Template("joke", "Tell a joke."))
    with pytest.raises(ConfigurationError, match="leaves style, product"):
        known.from_spec("tag-line", "soap")
    with pytest.raises(ConfigurationError, match="leaves none"):
        known.from_spec("joke", "soap")


def test_a_task_says_which_values_it_takes() -> None:
    known = tasks()
    assert known.takes("rewrite") == ("title", "max_chars", "keyword")
    assert known.takes("tag-line") == ("style", "product")


@pytest.mark.parametrize("name", [None, 5, ["tag-line"]])
def test_a_task_is_named_by_text(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="named by text"):
        tasks().get(name)
    with pytest.raises(ConfigurationError, match="named by text"):
        tasks().spec(name)


def test_half_a_character_in_a_value_is_refused_with_its_placeholder() -> None:
    with pytest.raises(ConfigurationError, match=r"value of \{\{style\}\} holds half"):
        tasks().task("tag-line", {"style": "\ud800", "product": "b"})
