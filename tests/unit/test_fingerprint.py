"""The same request finds its answer; any other one does not."""

import copy
import hashlib
import json
import math
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from costroute_nb.core.fingerprint import fingerprint

BODY: dict[str, Any] = {
    "model": "claude-haiku-5-5",
    "max_tokens": 1024,
    "system": [{"type": "text", "text": "Answer in one sentence."}],
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    "tools": [{"name": "search", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto"},
    "stop_sequences": ["END"],
    "thinking": {"type": "adaptive"},
    "output_config": {
        "effort": "low",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    },
    "metadata": {"user": "u-1"},
    "stream": True,
}
SCOPE = {
    "provider": "anthropic",
    "base_url": "https://api.anthropic.com",
    "api_version": "2026-10-21",
    "beta": "files-api",
    "account": "9f2c",
}


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change that sets one place of a body."""

    def change(body: dict[str, Any]) -> None:
        place: Any = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


BODY_CHANGES = {
    "model": put("model", value="claude-opus-5-5"),
    "system": put("system", 0, "text", value="Answer in one sentence"),
    "prompt": put("messages", 0, "content", value="Why is the sky blue ?"),
    "role": put("messages", 0, "role", value="assistant"),
    "tool name": put("tools", 0, "name", value="find"),
    "tool schema": put("tools", 0, "input_schema", "type", value="array"),
    "tool choice": put("tool_choice", "type", value="any"),
    "max tokens": put("max_tokens", value=1025),
    "stop": put("stop_sequences", 0, value="STOP"),
    "thinking": put("thinking", "type", value="disabled"),
    "effort": put("output_config", "effort", value="high"),
    "output format": put("output_config", "format", "schema", value={"type": "array"}),
    "user": put("metadata", "user", value="u-2"),
    "stream": put("stream", value=1),
    "a new field": put("service_tier", value="auto"),
    "a null field": put("top_k", value=None),
}


@pytest.mark.parametrize("change", BODY_CHANGES.values(), ids=BODY_CHANGES)
def test_changing_one_part_of_the_body_changes_the_key(
    change: Callable[[dict[str, Any]], None],
) -> None:
    other = copy.deepcopy(BODY)
    change(other)
    assert fingerprint(other, SCOPE) != fingerprint(BODY, SCOPE)


@pytest.mark.parametrize("name", SCOPE)
def test_changing_where_it_goes_changes_the_key(name: str) -> None:
    elsewhere = SCOPE | {name: SCOPE[name] + "x"}
    assert fingerprint(BODY, elsewhere) != fingerprint(BODY, SCOPE)


@pytest.mark.parametrize("name", BODY)
def test_leaving_a_field_out_changes_the_key(name: str) -> None:
    less = {key: value for key, value in BODY.items() if key != name}
    assert fingerprint(less, SCOPE) != fingerprint(BODY, SCOPE)


def test_a_field_moved_between_body_and_scope_changes_the_key() -> None:
    assert fingerprint({"a": "1"}, {}) != fingerprint({}, {"a": "1"})


def test_the_key_is_the_digest_of_the_canonical_form() -> None:
    form = b'{"body":{"a":[1.5,"\\u00e9"],"m":2},"scope":{"u":"x"},"version":1}'
    key = fingerprint({"m": 2.0, "a": (1.5, "\u00e9")}, {"u": "x"})
    assert key == hashlib.sha256(form).hexdigest()


def test_messages_in_another_order_are_another_request() -> None:
    one, two = {"role": "user", "content": "a"}, {"role": "user", "content": "b"}
    assert fingerprint({"messages": [one, two]}, {}) != fingerprint(
        {"messages": [two, one]}, {}
    )


@pytest.mark.parametrize(
    "text", ["1.0", "1e0", "10e-1", "0.1e1"], ids=lambda text: text
)
def test_the_spelling_of_a_number_does_not_matter(text: str) -> None:
    assert fingerprint({"n": json.loads(text)}, {}) == fingerprint({"n": 1}, {})


def test_minus_zero_is_zero() -> None:
    assert fingerprint({"n": -0.0}, {}) == fingerprint({"n": 0}, {})


@pytest.mark.parametrize("other", [True, "1", 1.5, None, [1]])
def test_what_only_looks_like_a_number_is_something_else(other: object) -> None:
    assert fingerprint({"n": other}, {}) != fingerprint({"n": 1}, {})


@given(st.integers(2**53, 2**80))
def test_large_numbers_that_differ_have_different_keys(number: int) -> None:
    assert fingerprint({"n": number}, {}) != fingerprint({"n": number + 1}, {})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        fingerprint({"n": number}, {})


@pytest.mark.parametrize("value", [b"x", {1}, object(), 1j])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="not JSON"):
        fingerprint({"n": value}, {})


def test_a_key_that_is_not_text_is_refused() -> None:
    with pytest.raises(TypeError, match="not text"):
        fingerprint({"n": {1: "a"}}, {})


def test_two_spellings_of_an_accent_are_two_prompts() -> None:
    composed = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    decomposed = unicodedata.normalize("NFD", composed)
    assert fingerprint({"p": composed}, {}) != fingerprint({"p": decomposed}, {})


def test_a_lone_surrogate_has_a_key_of_its_own() -> None:
    assert fingerprint({"p": "\ud800"}, {}) != fingerprint({"p": "\\ud800"}, {})


def test_any_mapping_and_any_sequence_will_do() -> None:
    frozen = MappingProxyType({"messages": ({"content": "a"},)})
    assert fingerprint(frozen, {}) == fingerprint({"messages": [{"content": "a"}]}, {})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.dictionaries(st.text(), JSON, max_size=5)


def turned(value: Any) -> Any:
    """Return the same value with the keys of every mapping in reverse order."""
    if isinstance(value, Mapping):
        return {key: turned(value[key]) for key in reversed(list(value))}
    return [turned(item) for item in value] if isinstance(value, list) else value


@given(BODIES)
def test_the_order_of_keys_does_not_matter(body: dict[str, Any]) -> None:
    assert fingerprint(turned(body), SCOPE) == fingerprint(body, SCOPE)


@given(BODIES)
def test_a_body_read_back_from_the_wire_has_the_same_key(body: dict[str, Any]) -> None:
    assert fingerprint(json.loads(json.dumps(body)), SCOPE) == fingerprint(body, SCOPE)


def told_apart(value: Any) -> Any:
    """Return a value whose equality is JSON's: true is not 1, but 1.0 is."""
    if isinstance(value, dict):
        return {key: told_apart(item) for key, item in value.items()}
    if isinstance(value, list):
        return [told_apart(item) for item in value]
    return ("bool", value) if isinstance(value, bool) else value


@given(BODIES, BODIES)
def test_bodies_share_a_key_exactly_if_they_are_equal(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    same = told_apart(one) == told_apart(two)
    assert (fingerprint(one, SCOPE) == fingerprint(two, SCOPE)) is same


@given(BODIES, st.text(), JSON)
def test_any_change_of_a_field_changes_the_key(
    body: dict[str, Any], name: str, value: Any
) -> None:
    changed = body | {name: value}
    assume(told_apart(changed) != told_apart(body))
    assert fingerprint(changed, SCOPE) != fingerprint(body, SCOPE)
