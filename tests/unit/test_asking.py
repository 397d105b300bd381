from typing import Any

import pydantic
import pytest

from costroute_nb.asking import build_call
from costroute_nb.core.call import Call
from costroute_nb.core.catalog import Catalog
from costroute_nb.core.thread import Thread
from costroute_nb.errors import ConfigurationError
from costroute_nb.settings import Settings
from tests.support.models import BY_TIER


class City(pydantic.BaseModel):
    name: str


def ask(prompt: str = "hello", **options: Any) -> Call:
    settings = Settings(workflow="from settings", provider="simulated")
    catalog = Catalog(BY_TIER.values())
    return build_call(prompt, options, catalog=catalog, settings=settings)


def test_a_plain_prompt_takes_everything_from_the_settings() -> None:
    call = ask()
    assert (call.prompt, call.typed, call.provider) == ("hello", "hello", "simulated")
    assert (call.workflow, call.cache, call.escalate) == ("from settings", True, True)


def test_an_option_left_as_none_is_as_if_absent() -> None:
    assert ask(workflow=None, provider=None, cache=None) == ask()


def test_a_model_line_names_its_tier() -> None:
    call = ask(tier="haiku", floor="Small", ceiling="opus")
    assert (call.tier, call.floor, call.ceiling) == ("small", "small", "large")


@pytest.mark.parametrize(
    ("amount", "pico"), [("$0.05", 5 * 10**10), (0.05, 5 * 10**10)]
)
def test_an_amount_may_carry_its_sign(amount: float | str, pico: int) -> None:
    assert ask(max_cost=amount).max_cost == pico


def test_a_model_class_brings_its_schema_and_its_parser() -> None:
    call = ask(schema=City)
    assert call.schema is not None
    assert call.schema["required"] == ["name"]
    assert call.parse is not None
    assert call.parse('{"name": "Oslo"}') == City(name="Oslo")


def test_a_list_of_models_brings_its_columns_and_its_list() -> None:
    call = ask(schema=list[City])
    assert call.columns == ("name",)
    assert call.parse is not None
    assert call.parse('{"items": [{"name": "Oslo"}]}') == [City(name="Oslo")]


def test_a_call_without_a_schema_has_nothing_to_read() -> None:
    assert (ask().schema, ask().parse, ask().columns) == (None, None, ())


def test_a_check_given_as_text_reads_as_typed() -> None:
    call = ask(check="len(text) > 3")
    assert call.check_source == "len(text) > 3"


def test_a_check_may_be_a_function() -> None:
    def is_long(result: object) -> bool:
        return len(str(result)) > 3

    assert ask(check=is_long).check_source == "is_long"


def test_blank_context_is_no_context() -> None:
    assert ask(context=" \n").context == ()


def test_a_context_that_ends_with_the_user_shares_its_message_with_the_prompt() -> None:
    blocks = [{"type": "text", "text": "table"}]
    messages = ask(context=[{"role": "user", "content": blocks}]).messages
    assert len(messages) == 1
    assert [block["text"] for block in messages[0]["content"]] == ["table", "hello"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"teir": "small"}, "did you mean tier"),
        ({"nonsense": 1}, "no option 'nonsense'"),
        ({"tier": "huge"}, "huge"),
        ({"tier": "small", "model": "x"}, "not both"),
        ({"floor": "small", "model": "x"}, "model or a floor"),
        ({"tier": 1}, "tier is text"),
        ({"system": 5}, "system is text"),
        ({"workflow": ["a"]}, "workflow is text"),
        ({"max_tokens": True}, "max_tokens"),
        ({"context": [{"role": "user", "content": [{"type": "image"}]}]}, "'image'"),
        ({"context": [{"role": "user", "content": ["x"]}]}, "type None"),
        (
            {"context": [{"role": "user", "content": [{"type": "text"}]}]},
            "without text",
        ),
        (
            {
                "context": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_result", "content": [{"type": "document"}]}
                        ],
                    }
                ]
            },
            "'document'",
        ),
        ({"fresh": True, "cache": False}, "choose one"),
        ({"max_cost": "-1"}, "negative"),
        ({"max_cost": "cheap"}, "cheap"),
        ({"max_cost": "nan"}, "finite"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"ttl": "soon"}, "duration"),
        ({"check": "x ="}, "expression"),
        ({"check": 3}, "callable"),
        ({"schema": 3}, "JSON schema or a pydantic"),
        ({"schema": "City"}, "not 'City'"),
        ({"schema": dict[str, int]}, "open keys"),
        ({"schema": {"type": "objekt"}}, "not a JSON schema"),
        ({"schema": {"properties": "x"}}, "not a JSON schema"),
        ({"schema": {"not": {"$ref": "http://127.0.0.1:9/x"}}}, "nothing is fetched"),
        ({"schema": {"not": {"$ref": "#/$defs/absent"}}}, "not a JSON schema"),
        ({"schema": {"type": "object", "additionalProperties": True}}, "propert"),
        ({"context": 3}, "context"),
        ({"context": [3]}, r"context\[0\]"),
        ({"context": [{"role": "system", "content": "x"}]}, r"context\[0\]"),
        ({"context": [{"role": "user"}]}, r"context\[0\]"),
        ({"context": [{"role": "assistant", "content": "x"}]}, "first message"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        ask(**options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prompt", ["", "  \n\t"])
def test_an_empty_prompt_is_refused(prompt: str) -> None:
    with pytest.raises(ConfigurationError, match="empty"):
        ask(prompt)


def test_a_thread_an_effort_and_a_limit_of_the_prompt_reach_the_call() -> None:
    call = ask(thread=" chat ", effort="low", context_tokens=900)
    assert call.thread == Thread("chat")
    assert (call.effort, call.context_tokens) == ("low", 900)


def test_the_limit_of_the_prompt_may_be_a_setting() -> None:
    settings = Settings(context_tokens=700)
    catalog = Catalog(BY_TIER.values())
    call = build_call("hello", {}, catalog=catalog, settings=settings)
    assert call.context_tokens == 700
    own = build_call(
        "hello", {"context_tokens": 80}, catalog=catalog, settings=settings
    )
    assert own.context_tokens == 80


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"thread": " "}, "the thread has no name"),
        ({"thread": 3}, "thread is text, not 3"),
        ({"effort": "max"}, "effort is one of low, medium, high, not 'max'"),
        ({"effort": 1}, "effort is one of"),
        ({"context_tokens": 0}, "context_tokens is a whole number from 1, not 0"),
        ({"context_tokens": "900"}, "context_tokens is a whole number"),
    ],
)
def test_what_no_thread_effort_or_limit_can_be_is_refused(
    options: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        ask(**options)


def test_a_context_that_changes_later_does_not_change_the_call() -> None:
    block = {"type": "text", "text": "before"}
    call = ask(context=[{"role": "user", "content": [block]}])
    block["text"] = "after"
    assert call.context[0]["content"] == [{"type": "text", "text": "before"}]
