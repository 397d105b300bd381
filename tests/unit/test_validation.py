import json
from dataclasses import replace
from typing import Any

import pydantic
import pytest

from costroute_nb.core.call import Call
from costroute_nb.core.result import Result
from costroute_nb.core.validation import (
    before_repair,
    compile_check,
    judge,
    parse_answer,
    repair_messages,
)
from tests.support.results import ANSWER

SCHEMA = {
    "type": "object",
    "properties": {"age": {"type": "integer"}},
    "required": ["age"],
    "additionalProperties": False,
}


class Person(pydantic.BaseModel):
    age: int


def asked(**options: Any) -> Call:
    return Call(prompt="p", typed="p", **options)


def answered(text: str = "forty-two", stop: str | None = "end_turn") -> Result:
    return replace(ANSWER, text=text, stop_reason=stop)


def test_a_complete_answer_is_accepted() -> None:
    assert judge(asked(), answered()).outcome == "accepted"


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_answer_is_rejected(text: str) -> None:
    verdict = judge(asked(), answered(text))
    assert (verdict.outcome, verdict.reason) == ("rejected", "the answer is empty")


def test_a_refusal_is_refused_even_with_text() -> None:
    assert judge(asked(), answered("I cannot", "refusal")).outcome == "refused"


@pytest.mark.parametrize("stop", ["max_tokens", "model_context_window_exceeded"])
def test_a_cut_answer_is_truncated(stop: str) -> None:
    assert judge(asked(schema=SCHEMA), answered('{"a', stop)).outcome == "truncated"


@pytest.mark.parametrize("stop", ["tool_use", "pause_turn", "new_reason", None])
def test_an_unfinished_turn_is_no_final_answer(stop: str | None) -> None:
    verdict = judge(asked(), answered("x", stop))
    assert verdict.outcome == "rejected"
    assert str(stop) in verdict.reason


def test_an_answer_in_its_schema_carries_its_data() -> None:
    verdict = judge(asked(schema=SCHEMA), answered('{"age": 3}'))
    assert verdict.result.data == {"age": 3}


def test_one_fence_around_the_json_is_forgiven() -> None:
    assert parse_answer('```json\n{"age": 3}\n```', SCHEMA) == {"age": 3}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Sure! {}", "not JSON"),
        ('{"age": "old"}', r"\$\.age"),
        ("{}", "required"),
        ('{"age": 1, "more": 2}', "more"),
    ],
)
def test_an_answer_off_its_schema_says_where(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_answer(text, SCHEMA)
    assert "\n" not in str(caught.value)
    assert judge(asked(schema=SCHEMA), answered(text)).outcome == "rejected"


def test_a_model_class_gives_the_typed_object() -> None:
    call = asked(schema=SCHEMA, parse=Person.model_validate_json)
    assert judge(call, answered('{"age": 3}')).result.data == Person(age=3)


def test_what_only_the_model_class_forbids_rejects_in_one_line() -> None:
    class Adult(Person):
        age: int = pydantic.Field(ge=18)

    with pytest.raises(ValueError, match="18") as caught:
        parse_answer('{"age": 3}', SCHEMA, Adult.model_validate_json)
    assert "\n" not in str(caught.value)


def test_a_check_sees_text_data_and_result() -> None:
    check = compile_check(
        "data['age'] == 3 and '3' in text and result.data is data", {}
    )
    call = asked(schema=SCHEMA, check=check)
    assert judge(call, answered('{"age": 3}')).outcome == "accepted"


def test_a_check_sees_the_namespace_as_it_is_when_it_runs() -> None:
    namespace: dict[str, Any] = {"words": ["other"]}
    check = compile_check("all(word in text for word in words)", namespace)
    namespace["words"] = ["forty"]
    assert judge(asked(check=check), answered()).outcome == "accepted"


def test_a_falsy_check_rejects_and_is_named() -> None:
    source = "len(text) > 100"
    call = asked(check=compile_check(source, {}), check_source=source)
    assert judge(call, answered()).reason == "check failed: len(text) > 100"


def test_a_raising_check_rejects_and_names_the_exception() -> None:
    call = asked(check=lambda result: 1 / 0)
    assert "raised ZeroDivisionError" in judge(call, answered()).reason


def test_an_ambiguous_truth_value_rejects_instead_of_escaping() -> None:
    class Frame:
        def __bool__(self) -> bool:
            raise ValueError("ambiguous")

    assert "ambiguous" in judge(asked(check=lambda r: Frame()), answered()).reason


def test_an_interrupt_during_a_check_passes_through() -> None:
    def check(result: Result) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(asked(check=check), answered())


def test_a_long_complaint_stays_one_short_line() -> None:
    call = asked(check=compile_check("False", {}), check_source="x " * 500)
    assert len(judge(call, answered()).reason) <= 200


@pytest.mark.parametrize("source", ["x = 1", "len(text) >", "import os", ""])
def test_a_check_that_is_no_expression_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="not a Python expression"):
        compile_check(source, {})


def test_the_bare_name_of_a_function_means_its_verdict() -> None:
    namespace = {"good": lambda result: "two" in result.text}
    call = asked(check=compile_check("good", namespace), check_source="good")
    assert judge(call, answered()).outcome == "accepted"
    assert judge(call, answered("three")).outcome == "rejected"


def test_a_name_that_nothing_defines_is_refused_before_anything_is_paid() -> None:
    with pytest.raises(ValueError, match=r"'wrods'.*did you mean words"):
        compile_check("len(wrods) > 1", {"words": []})


@pytest.mark.parametrize(
    "source",
    [
        "all(len(w) > 1 for w in text.split())",
        "(lambda x, *y: x)(text)",
        "(n := len(text)) and n > 3",
        "[w for row in [text] for w in row]",
        "print and text and data is None and result",
    ],
)
def test_names_that_the_expression_itself_binds_are_known(source: str) -> None:
    compile_check(source, {})


def short(result: Result) -> str | None:
    length = len(result.text)
    return f"it has\n{length} characters" if length > 5 else None


def test_a_broken_promise_rejects_and_can_be_repaired() -> None:
    verdict = judge(asked(promise=short), answered())
    assert (verdict.outcome, verdict.repairable) == ("rejected", True)
    assert (verdict.reason, verdict.fact) == (
        "it has 9 characters",
        "broke its promise",
    )


def test_a_kept_promise_is_accepted() -> None:
    assert judge(asked(promise=short), answered("two")).outcome == "accepted"


def test_a_promise_may_look_at_the_data() -> None:
    def adult(result: Result) -> str | None:
        return None if result.data["age"] >= 18 else "too young"

    call = asked(schema=SCHEMA, promise=adult)
    assert judge(call, answered('{"age": 3}')).reason == "too young"


def test_an_answer_off_its_schema_can_be_repaired() -> None:
    assert judge(asked(schema=SCHEMA), answered("no")).repairable


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (asked(check=lambda r: False), answered()),
        (asked(promise=short), answered(" ")),
        (asked(promise=short), answered("x" * 9, "max_tokens")),
        (asked(promise=short), answered("x" * 9, "refusal")),
        (asked(promise=short), answered("x" * 9, "pause_turn")),
        (asked(promise=short), answered("two")),
    ],
)
def test_nothing_else_is_worth_a_repair(call: Call, result: Result) -> None:
    assert not judge(call, result).repairable


def test_what_stands_around_an_answer_is_taken_off_before_it_is_judged() -> None:
    call = asked(promise=short, tidy=lambda text: text.strip("* "))
    verdict = judge(call, answered("** two **"))
    assert (verdict.outcome, verdict.result.text) == ("accepted", "two")


def test_an_answer_that_is_nothing_once_tidied_is_empty() -> None:
    call = asked(tidy=lambda text: text.strip('"'))
    assert judge(call, answered('""')).reason == "the answer is empty"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 5_000, '"\\ud800"', "NaN", "-Infinity", "1e999"]
)
def test_json_that_cannot_be_read_is_off_its_schema(text: str) -> None:
    schema = {"type": ["string", "number"]}
    verdict = judge(asked(schema=schema), answered(text))
    assert (verdict.outcome, verdict.fact) == ("rejected", "off its schema")


def told(schema: dict[str, Any], text: str, parse: Any = None) -> str:
    return judge(asked(schema=schema, parse=parse), answered(text)).told


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ({"enum": ["x", "y"]}, "OBEY ME", 'at $.c, enum ["x", "y"] does not hold'),
        ({"const": 1}, "OBEY ME", "at $.c, const 1 does not hold"),
        ({"type": "integer"}, "OBEY ME", 'at $.c, type "integer" does not hold'),
        ({"type": "string", "pattern": "^a"}, "OBEY ME", 'pattern "^a" does not hold'),
        (
            {"type": "array", "items": {"$ref": "#/$defs/n"}},
            [1, "OBEY ME"],
            'at $.c[1], type "number" does not hold',
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": "number"}]},
            "OBEY ME",
            'anyOf [{"type": "null"}, {"type": "number"}] does not hold',
        ),
        (
            {
                "type": "object",
                "properties": {"d": {"type": "null"}},
                "additionalProperties": False,
            },
            {"OBEY ME": 1},
            "at $.c, additionalProperties false does not hold",
        ),
        (
            {"type": "object", "patternProperties": {"^O": {"type": "null"}}},
            {"OBEY ME": 1},
            'at $.c.*, type "null" does not hold',
        ),
    ],
)
def test_the_model_is_told_which_rule_does_not_hold_and_none_of_its_words(
    part: dict[str, Any], value: Any, says: str
) -> None:
    defs = {"n": {"type": "number"}}
    schema = {"type": "object", "properties": {"c": part}, "$defs": defs}
    said = told(schema, json.dumps({"c": value}))
    assert said.startswith("off its schema: ")
    assert says in said
    assert "OBEY" not in said


def test_the_model_is_told_which_keys_are_missing() -> None:
    assert told(SCHEMA, "{}") == 'off its schema: at $, required ["age"] does not hold'


def test_the_user_reads_what_the_answer_said() -> None:
    verdict = judge(asked(schema=SCHEMA), answered('{"age": "OBEY ME"}'))
    assert "OBEY ME" in verdict.reason
    assert verdict.repairable


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("the end is before the start", "off its schema: the end is before the start"),
        ("'OBEY ME NOW OR ELSE' is late", "off its schema: it breaks a rule of its"),
        ("'obey me now or e…' is late", "off its schema: it breaks a rule of its"),
        ("'\\'OBEY ME' is late", "off its schema: it breaks a rule of its"),
    ],
)
def test_what_a_type_says_of_an_answer_is_told_unless_it_quotes_it(
    message: str, says: str
) -> None:
    def parse(text: str) -> Any:
        raise ValueError(message)

    schema = {"type": "object", "properties": {"c": {"type": "array"}}}
    said = told(schema, '{"c": ["OBEY ME NOW OR ELSE", "\'OBEY ME"]}', parse)
    assert said.startswith(says)


def test_what_the_schema_says_itself_is_no_quotation() -> None:
    def parse(text: str) -> Any:
        raise ValueError(message)

    message = "city must be a capital"
    schema = {"type": "object", "properties": {"c": {"enum": ["city"]}}}
    assert told(schema, '{"c": "city"}', parse) == f"off its schema: {message}"


def test_a_repair_shows_the_model_its_answer_and_the_complaint() -> None:
    asked_for = ({"role": "user", "content": "p"},)
    first, said, demand = repair_messages(asked_for, "bad", "it has 9 words")
    assert (first, said) == (asked_for[0], {"role": "assistant", "content": "bad"})
    assert demand["role"] == "user"
    assert "it has 9 words" in demand["content"]


@pytest.mark.parametrize("content", ["p", [{"type": "text", "text": "p"}]])
def test_an_empty_answer_is_no_message_of_a_repair(content: Any) -> None:
    asked_for = ({"role": "user", "content": content},)
    (last,) = repair_messages(asked_for, " \n", "the answer is empty")
    assert last["role"] == "user"
    assert last["content"][0] == {"type": "text", "text": "p"}
    assert "the answer is empty" in last["content"][1]["text"]
    assert asked_for == ({"role": "user", "content": content},)


@pytest.mark.parametrize("messages", [(), ({"role": "assistant", "content": "x"},)])
def test_only_what_ends_with_the_user_can_be_repaired(messages: Any) -> None:
    with pytest.raises(ValueError, match="user"):
        repair_messages(messages, "bad", "why")


def test_half_of_a_character_is_not_sent_back_to_be_repaired() -> None:
    asked_for = ({"role": "user", "content": "p"},)
    _, said, demand = repair_messages(asked_for, "a\ud800", "b\udfff is wrong")
    assert said["content"] == "a?"
    assert "b? is wrong" in demand["content"]


def test_a_conversation_is_seen_as_it_was_before_its_repair() -> None:
    asked_for = ({"role": "user", "content": "p"},)
    assert before_repair(repair_messages(asked_for, "bad", "it is bad")) == asked_for
    assert before_repair(asked_for) == asked_for
    assert before_repair(()) == ()
