"""From a request and a reply to the finished message and what it costs."""

import json
from dataclasses import dataclass
from typing import Any

from tests.support.messages_api.models import Usage
from tests.support.messages_api.prompt_cache import Cached
from tests.support.messages_api.replies import Block, Body, Text
from tests.support.messages_api.schema_example import example
from tests.support.messages_api.tokens import Tokenizer, strings

_ECHOED_CHARACTERS = 60


@dataclass(frozen=True)
class Answer:
    """A finished message, its usage and what of its prompt is kept from now on."""

    id: str
    model: str
    blocks: list[Block]
    stop_reason: str
    stop_details: dict[str, Any] | None
    usage: Usage
    cached: Cached


def compose(
    reply: Text,
    body: Body,
    *,
    answer_id: str,
    prompt_tokens: int,
    thinking_tokens: int,
    tokens: Tokenizer,
    cached: Cached,
) -> Answer:
    """Let the model say `reply` within the request's cap.

    `thinking_tokens` is what this request thinks, and `cached` what the prompt cache
    does for it, when the reply does not say.
    """
    fixed_cached = reply.fixed_cached()
    if fixed_cached is not None:
        cached = Cached(*fixed_cached)
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
        usage=Usage(
            input=_uncached(reply, prompt_tokens, cached),
            cache_read=cached.read,
            cache_write_5m=cached.write_5m,
            cache_write_1h=cached.write_1h,
            output=output,
            thinking=min(thinking, output),
        ),
        cached=cached,
    )


def default_text(body: Body) -> str:
    """Answer by the head of the last user message, or as small as its schema allows."""
    wanted = (body.get("output_config") or {}).get("format")
    if wanted:
        return json.dumps(example(wanted["schema"]), ensure_ascii=False)
    said = [m for m in body["messages"] if m.get("role") == "user"] or body["messages"]
    head = " ".join(strings(said[-1]["content"])).lstrip()[: 4 * _ECHOED_CHARACTERS]
    return f"Answer to: {' '.join(head.split())[:_ECHOED_CHARACTERS]}"


def _thinking_block(body: Body, shown: str, answer_id: str) -> Block:
    display = (body.get("thinking") or {}).get("display")
    return {
        "type": "thinking",
        "thinking": "" if display == "omitted" else shown,
        "signature": f"signed-{answer_id}",
    }


def _uncached(reply: Text, prompt_tokens: int, cached: Cached) -> int:
    if reply.input_tokens is not None:
        return reply.input_tokens
    return max(0, prompt_tokens - cached.read - cached.write_5m - cached.write_1h)


def _said(blocks: list[Block]) -> str:
    return json.dumps(blocks, ensure_ascii=False) if blocks else ""
