"""What the local Messages API refuses, as the real SDK reports it."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic import Anthropic

from tests.support.anthropic_server import (
    AnthropicServer,
)
from tests.support.sdk import HAIKU, OPUS, PROMPT, SONNET, ask, text_of


@pytest.fixture
def server() -> Iterator[AnthropicServer]:
    with AnthropicServer() as running:
        yield running


@pytest.fixture
def client(server: AnthropicServer) -> Iterator[Anthropic]:
    with Anthropic(api_key="k", base_url=server.url, max_retries=0) as made:
        yield made


def answer_to_schema(client: Anthropic, schema: dict[str, Any]) -> Any:
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    return json.loads(text_of(ask(client, output_config=wanted)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"extra_body": {"temperature": 1.0}}, "Extra inputs are not permitted"),
        ({"extra_body": {"top_p": 1.0}}, "Extra inputs are not permitted"),
        ({"extra_body": {"top_k": 1}}, "Extra inputs are not permitted"),
        ({"extra_body": {"max_tokens": None}}, "max_tokens"),
        ({"max_tokens": 128_001, "timeout": 5}, "max_tokens: 128001 > 128000"),
        ({"messages": [*PROMPT, {"role": "assistant", "content": "{"}]}, "prefill"),
        ({"messages": [{"role": "user", "content": ""}]}, "non-empty"),
        ({"extra_body": {"messages": [1]}}, "messages.0.role"),
        ({"extra_body": {"system": 5}}, "system"),
        ({"extra_body": {"thinking": "disabled"}}, "thinking"),
        ({"extra_body": {"output_config": {"format": "json"}}}, "output_config.format"),
        ({"model": SONNET, "thinking": {"type": "disabled"}}, "thinking.type.disabled"),
        ({"model": OPUS, "thinking": {"type": "disabled"}}, "thinking.type.disabled"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            "thinking.type.enabled",
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            "not allowed with effort 'max'",
        ),
        (
            {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}},
            "output_config.effort",
        ),
        ({"model": OPUS, "tool_choice": {"type": "any"}}, "tool_choice"),
    ],
)
def test_bad_request_is_refused_for_free(
    server: AnthropicServer, client: Anthropic, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        ask(client, **changes)
    assert caught.value.type == "invalid_request_error"
    assert words in str(caught.value.api_message)
    assert (server.requests[0].status, server.billed_pico) == (400, 0)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "items": {"type": "integer", "minimum": 1}},
        {
            "$ref": "#/$defs/Node",
            "$defs": {"Node": {"items": {"$ref": "#/$defs/Node"}}},
        },
        {"$ref": "#/$defs/Nowhere"},
    ],
)
def test_schema_that_the_api_cannot_compile_is_refused(
    client: Anthropic, schema: dict[str, Any]
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=r"output_config\.format"):
        answer_to_schema(client, schema)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        (HAIKU, "disabled"),
        (SONNET, "between_tools"),
        (OPUS, "adaptive"),
        ("claude-haiku-4-5", "disabled"),
    ],
)
def test_thinking_settings_that_a_model_accepts_are_accepted(
    client: Anthropic, model: str, thinking: str
) -> None:
    assert ask(client, model=model, thinking={"type": thinking}).stop_reason


def test_missing_cap_is_refused(server: AnthropicServer) -> None:
    headers = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    body = {"model": HAIKU, "messages": PROMPT}
    answer = httpx2.post(f"{server.url}/v1/messages", json=body, headers=headers)
    assert answer.status_code == 400
    assert "max_tokens: Field required" in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "k", "anthropic-version": "2026-10-21"}, 401),
        ({"authorization": "Bearer", "anthropic-version": "2026-10-21"}, 401),
        ({"authorization": "Bearer k"}, 400),
        ({"authorization": "Bearer k", "anthropic-version": "2023-06-01"}, 400),
    ],
)
def test_key_and_version_must_be_in_their_headers(
    server: AnthropicServer, headers: dict[str, str], status: int
) -> None:
    body = {"model": HAIKU, "messages": PROMPT, "max_tokens": 5}
    answer = httpx2.post(f"{server.url}/v1/messages", json=body, headers=headers)
    assert answer.status_code == status


def test_wrong_key_is_refused_when_keys_are_set(client: Anthropic) -> None:
    with AnthropicServer(keys=["right"]) as server:
        assert server.env()["ANTHROPIC_API_KEY"] == "right"
        with pytest.raises(anthropic.AuthenticationError) as caught:
            ask(client.with_options(base_url=server.url))
        assert caught.value.type == "authentication_error"
        ask(client.with_options(base_url=server.url, api_key="right"))
        assert [seen.status for seen in server.requests] == [401, 200]
        assert server.requests[1].headers["authorization"] == "Bearer right"


def test_unknown_model_is_not_found(client: Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as caught:
        ask(client, model="claude-haiku-6")
    assert caught.value.type == "not_found_error"


def test_prompt_over_the_context_window_is_refused(client: Anthropic) -> None:
    long = [{"role": "user", "content": "word " * 150_000}]
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        ask(client, model="claude-haiku-4-5", messages=long)
    assert ask(client, model=HAIKU, messages=long).stop_reason == "end_turn"
