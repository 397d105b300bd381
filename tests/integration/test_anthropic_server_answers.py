"""The answers of the local Messages API, read through the real SDK."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic

from tests.support.anthropic_server import (
    AnthropicServer,
    BadJson,
    Blocks,
    ContextExceeded,
    Empty,
    Refusal,
    Text,
    Truncated,
)
from tests.support.sdk import HAIKU, OPUS, PROMPT, ask, stream, text_of


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


def test_default_answer_echoes_the_head_of_the_prompt(client: Anthropic) -> None:
    message = ask(client)
    assert text_of(message) == "Answer to: Rename this variable"
    assert message.stop_reason == "end_turn"


def test_streamed_answer_equals_the_whole_one(
    server: AnthropicServer, client: Anthropic
) -> None:
    whole = ask(client)
    texts, streamed = stream(client)
    assert "".join(texts) == text_of(whole) == text_of(streamed)
    assert len(texts) > 1
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    first, second = server.requests
    assert first.usage == second.usage
    assert (first.completed, second.completed) == (True, True)


def test_stream_has_the_events_of_the_api_in_order(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("hello", thinking_tokens=7, thinking="hm", deltas=2))
    body = {"model": HAIKU, "max_tokens": 100, "messages": PROMPT, "stream": True}
    headers = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    raw = httpx2.post(f"{server.url}/v1/messages", json=body, headers=headers).text
    names = [line[7:] for line in raw.splitlines() if line.startswith("event: ")]
    assert names == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]


def test_billed_tokens_are_the_reported_ones(
    server: AnthropicServer, client: Anthropic
) -> None:
    _, message = stream(client)
    usage = server.requests[0].usage
    assert (usage.input, usage.output) == (
        message.usage.input_tokens,
        message.usage.output_tokens,
    )


def test_thinking_is_inside_the_output_and_reported_apart(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("hello", thinking_tokens=40))
    _, message = stream(client)
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 40
    assert message.usage.output_tokens == 40 + server.count("hello")
    assert server.requests[0].usage.thinking == 40


def test_thinking_eats_the_cap_before_any_text(client: Anthropic) -> None:
    with AnthropicServer(thinking_tokens=500) as server:
        asking = client.with_options(base_url=server.url)
        message = ask(asking, max_tokens=64)
    assert text_of(message) == ""
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 64


def test_a_request_that_switches_thinking_off_does_not_think(
    client: Anthropic,
) -> None:
    with AnthropicServer(thinking_tokens=500) as server:
        asking = client.with_options(base_url=server.url)
        ask(asking, max_tokens=64, thinking={"type": "disabled"})
        assert server.requests[0].usage.thinking == 0


def test_answer_stops_at_the_cap_by_the_servers_own_count(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("äöü€" * 200))
    _, message = stream(client, max_tokens=10)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 10
    assert server.count(text_of(message)) == 10


def test_text_of_any_script_arrives_unchanged(
    server: AnthropicServer, client: Anthropic
) -> None:
    said = 'emoji 🙂🏳️‍🌈, "quotes", \\ $x {y} %\r\n\t\u00a0\u2028 漢字'
    server.script(Text(said), Text(said, deltas=10_000))
    assert text_of(ask(client)) == said
    texts, _ = stream(client)
    assert "".join(texts) == said
    assert len(texts) == len(said)


def test_response_may_name_another_model_and_bills_as_it(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Text("hi", model=OPUS, input_tokens=1000, output_tokens=0))
    assert ask(client).model == OPUS
    assert server.billed_usd == Decimal("0.004")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date"}, "2026-11-22"),
        ({"type": "integer"}, 0),
        ({"type": "number"}, 0.0),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 1}, [0]),
        ({"enum": ["positive", "negative"]}, "positive"),
        ({"const": 3}, 3),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": ["boolean", "null"]}, True),
        (
            {
                "type": "object",
                "properties": {
                    "names": {"$ref": "#/$defs/Names"},
                    "inner": {
                        "type": "object",
                        "properties": {"score": {"type": "number"}},
                        "required": ["score"],
                        "additionalProperties": False,
                    },
                    "note": {"type": "string"},
                },
                "required": ["names", "inner"],
                "additionalProperties": False,
                "$defs": {"Names": {"type": "array", "items": {"type": "string"}}},
            },
            {"names": [], "inner": {"score": 0.0}},
        ),
    ],
)
def test_schema_gets_its_smallest_valid_json(
    client: Anthropic, schema: dict[str, Any], value: object
) -> None:
    assert answer_to_schema(client, schema) == value


def test_unknown_blocks_pass_through(
    server: AnthropicServer, client: Anthropic
) -> None:
    content: list[Any] = [
        {"type": "new_block", "payload": {"a": 1}},
        {"type": "text", "text": "after"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"x": [1, 2]}},
    ]
    server.always(Blocks(content, stop_reason="tool_use"))
    whole = ask(client)
    _, streamed = stream(client)
    for message in (whole, streamed):
        kinds = [block.type for block in message.content]
        assert kinds == ["new_block", "text", "tool_use"]
        assert message.content[2].to_dict()["input"] == {"x": [1, 2]}
    assert server.requests[0].usage == server.requests[1].usage


def test_unfinished_endings_have_their_stop_reasons(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Truncated("half an"), ContextExceeded(), Empty(), BadJson())
    messages = [stream(client)[1] for _ in range(4)]
    assert [message.stop_reason for message in messages] == [
        "max_tokens",
        "model_context_window_exceeded",
        "end_turn",
        "end_turn",
    ]
    assert messages[2].content == []
    assert messages[2].usage.output_tokens == 1
    with pytest.raises(json.JSONDecodeError):
        json.loads(text_of(messages[3]))


def test_refusal_is_an_answer_with_a_category_and_its_own_bill(
    server: AnthropicServer, client: Anthropic
) -> None:
    server.script(Refusal(category="bio"), Refusal(text="Well, first", billed_output=9))
    before = ask(client)
    assert before.stop_reason == "refusal"
    assert before.stop_details is not None
    assert before.stop_details.category == "bio"
    assert (before.content, before.usage.output_tokens) == ([], 0)
    _, midway = stream(client)
    assert midway.stop_details is not None
    assert (text_of(midway), midway.stop_details.category) == ("Well, first", "cyber")
    assert [seen.usage.output for seen in server.requests] == [0, 9]
