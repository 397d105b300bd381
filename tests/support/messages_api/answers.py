"""From a request and a reply to the finished message and what it costs."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.messages_api.models import Usage
from tests.support.messages_api.replies import Block, Body, Text
from tests.support.messages_api.schema_example import example

_TOKENS_PER_REQUEST = 8
_TOKENS_PER_MESSAGE = 3
_ECHOED_CHARACTERS = 60


@dataclass(frozen=True)
class Tokens:
    """A tokenizer of constant density: never more than one token per UTF-8 byte."""

    bytes_per_token: float = 3.6

    def __post_init__(self) -> None:
        if self.bytes_per_token < 1:
            raise ValueError("a token is at least one byte")

    def count(self, text: str) -> int:
        """Count the tokens of `text`, rounded up."""
        return math.ceil(len(_utf8(text)) / self.bytes_per_token)

    def head(self, text: str, tokens: int) -> str:
        """Cut `text` to its first `tokens` tokens, at a character's boundary."""
        head = _utf8(text)[: math.floor(tokens * self.bytes_per_token)]
        return head.decode("utf-8", "ignore")

    def prompt(self, body: Body, size: int) -> int:
        """Count a request's prompt; `size` is its length in bytes, the upper bound."""
        text = "\n".join(_texts(body))
        overhead = _TOKENS_PER_REQUEST + _TOKENS_PER_MESSAGE * len(
            body.get("messages") or []
        )
        return min(self.count(text) + overhead, size)


@dataclass(frozen=True)
class Answer:
    """A finished message and its usage, before it goes over the wire."""

    id: str
    model: str
    blocks: list[Block]
    stop_reason: str
    stop_details: dict[str, Any] | None
    usage: Usage


def compose(
    reply: Text,
    body: Body,
    *,
    answer_id: str,
    prompt_tokens: int,
    thinking_tokens: int,
    tokens: Tokens,
) -> Answer:
    """Let the model say `reply` within the request's cap.

    `thinking_tokens` is what this request thinks when the reply does not say.
    """
    cap = int(body["max_tokens"])
    text = reply.text if reply.text is not None else default_text(body)
    if reply.thinking_tokens is not None:
        thinking_tokens = reply.thinking_tokens
    elif reply.thinking:
        thinking_tokens = tokens.count(reply.thinking)
    thinking = min(thinking_tokens, cap)
    visible = tokens.count(text or _said(reply.blocks("")))
    stop_reason = reply.stop_reason
    if thinking + visible > cap:
        visible, stop_reason = cap - thinking, "max_tokens"
        text = tokens.head(text, visible)
    fixed = reply.fixed_output()
    # Even an answer without content costs a token, unless the cap forbids it.
    output = max(thinking + visible, min(1, cap)) if fixed is None else fixed
    thought: list[Block] = []
    if thinking:
        thought = [_thinking_block(body, reply.thinking, answer_id)]
    return Answer(
        id=answer_id,
        model=reply.model or body["model"],
        blocks=thought + reply.blocks(text),
        stop_reason=stop_reason,
        stop_details=reply.stop_details(),
        usage=_usage(reply, prompt_tokens, output, min(thinking, output)),
    )


def default_text(body: Body) -> str:
    """Answer by the head of the last user message, or as small as its schema allows."""
    wanted = (body.get("output_config") or {}).get("format")
    if wanted:
        return json.dumps(example(wanted["schema"]), ensure_ascii=False)
    said = [m for m in body["messages"] if m.get("role") == "user"] or body["messages"]
    head = " ".join(_strings(said[-1]["content"])).lstrip()[: 4 * _ECHOED_CHARACTERS]
    return f"Answer to: {' '.join(head.split())[:_ECHOED_CHARACTERS]}"


def _thinking_block(body: Body, shown: str, answer_id: str) -> Block:
    display = (body.get("thinking") or {}).get("display")
    return {
        "type": "thinking",
        "thinking": "" if display == "omitted" else shown,
        "signature": f"signed-{answer_id}",
    }


def _usage(reply: Text, prompt_tokens: int, output: int, thinking: int) -> Usage:
    cached = reply.cache_read + reply.cache_write_5m + reply.cache_write_1h
    uncached = reply.input_tokens
    return Usage(
        input=max(0, prompt_tokens - cached) if uncached is None else uncached,
        cache_read=reply.cache_read,
        cache_write_5m=reply.cache_write_5m,
        cache_write_1h=reply.cache_write_1h,
        output=output,
        thinking=thinking,
    )


def _said(blocks: list[Block]) -> str:
    return json.dumps(blocks, ensure_ascii=False) if blocks else ""


def _texts(body: Body) -> Iterator[str]:
    yield from _strings(body.get("system") or [])
    for message in body.get("messages") or []:
        if isinstance(message, dict):
            yield from _strings(message.get("content") or [])
    for extra in (body.get("tools"), (body.get("output_config") or {}).get("format")):
        if extra:
            yield json.dumps(extra, ensure_ascii=False)


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and block.get("type") == "text":
                yield str(block.get("text") or "")
            else:
                yield json.dumps(block, ensure_ascii=False)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
