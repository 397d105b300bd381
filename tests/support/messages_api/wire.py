"""How the Messages API writes messages, stream events, errors and models as JSON."""

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.messages_api.answers import Answer
from tests.support.messages_api.models import Model, Usage
from tests.support.messages_api.replies import Block, HttpError

_CHARACTERS_PER_DELTA = 12


@dataclass(frozen=True)
class Event:
    """One server-sent event.

    `generated` is how many output tokens exist once it is out; `is_delta` marks the
    pieces of visible content, by which cuts are counted.
    """

    name: str
    data: dict[str, Any]
    generated: int = 0
    is_delta: bool = False

    def encode(self) -> bytes:
        """Write the event as the stream carries it."""
        return b"event: %b\ndata: %b\n\n" % (
            self.name.encode(),
            as_json({"type": self.name, **self.data}),
        )


def as_json(value: object) -> bytes:
    """Write JSON as UTF-8; half a surrogate pair, which has no UTF-8, becomes `?`."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def error_body(error: HttpError, request_id: str) -> dict[str, Any]:
    """The envelope of an error."""
    inner: dict[str, Any] = {
        "type": error.error_type,
        "message": error.message or error.error_type.replace("_", " "),
    }
    if error.error_code is not None:
        inner["details"] = {"error_code": error.error_code}
    return {"type": "error", "error": inner, "request_id": request_id}


def message(answer: Answer, usage: Usage, *, started: bool = False) -> dict[str, Any]:
    """The whole message, or with `started` its empty beginning."""
    return {
        "id": answer.id,
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": [] if started else answer.blocks,
        "stop_reason": None if started else answer.stop_reason,
        "stop_sequence": None,
        "stop_details": None if started else answer.stop_details,
        "usage": {
            **_counts(usage),
            "cache_creation": {
                "ephemeral_5m_input_tokens": usage.cache_write_5m,
                "ephemeral_1h_input_tokens": usage.cache_write_1h,
            },
            "service_tier": "standard",
        },
    }


def _counts(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.thinking},
    }


def events(answer: Answer, deltas: int | None, usage_every: int) -> Iterator[Event]:
    """Play an answer as a stream; `deltas` and `usage_every` are as in `Text`."""
    usage = answer.usage
    generated = min(1, usage.output)
    start = message(answer, usage.cut_at(generated), started=True)
    yield Event("message_start", {"message": start}, generated)
    yield Event("ping", {}, generated)
    sizes = [len(_visible(block).encode("utf-8", "replace")) for block in answer.blocks]
    speech = usage.output - usage.thinking
    said, count = 0, 0
    for index, block in enumerate(answer.blocks):
        for event in _block_events(index, block, deltas):
            if event.is_delta:
                count += 1
                said += len(_visible_delta(event).encode("utf-8", "replace"))
                share = math.ceil(speech * said / max(1, sum(sizes)))
                generated = max(generated, usage.thinking + share)
            elif block["type"] == "thinking":
                generated = max(generated, usage.thinking)
            yield Event(event.name, event.data, generated, event.is_delta)
            if event.is_delta and usage_every and count % usage_every == 0:
                yield _usage_event(usage.cut_at(generated), None, None)
    yield _usage_event(usage, answer.stop_reason, answer.stop_details)
    yield Event("message_stop", {}, usage.output)


def until(stream: Iterator[Event], deltas: int | None) -> Iterator[Event]:
    """Stop a stream after so many deltas, always before its end; None is at once."""
    count = 0
    for event in stream:
        final = event.name == "message_delta" and event.data["delta"]["stop_reason"]
        if final or deltas is None or (event.is_delta and count == deltas):
            return
        count += event.is_delta
        yield event


def _usage_event(
    usage: Usage, stop_reason: str | None, details: dict[str, Any] | None
) -> Event:
    delta = {
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "stop_details": details,
    }
    return Event(
        "message_delta", {"delta": delta, "usage": _counts(usage)}, usage.output
    )


def _block_events(index: int, block: Block, deltas: int | None) -> Iterator[Event]:
    shell, parts = _SPLITTERS.get(block["type"], _split_other)(block, deltas)
    yield Event("content_block_start", {"index": index, "content_block": shell})
    for part in parts:
        spoken = part["type"] in {"text_delta", "input_json_delta"}
        yield Event("content_block_delta", {"index": index, "delta": part}, 0, spoken)
    yield Event("content_block_stop", {"index": index})


def _split_text(block: Block, deltas: int | None) -> tuple[Block, list[Block]]:
    parts = _pieces(block["text"], deltas)
    shell = {**block, "text": ""}
    return shell, [{"type": "text_delta", "text": part} for part in parts]


def _split_thinking(block: Block, deltas: int | None) -> tuple[Block, list[Block]]:
    shell = {"type": "thinking", "thinking": "", "signature": ""}
    parts = [
        {"type": "thinking_delta", "thinking": part}
        for part in _pieces(block["thinking"], None)
    ]
    parts.append({"type": "signature_delta", "signature": block["signature"]})
    return shell, parts


def _split_tool(block: Block, deltas: int | None) -> tuple[Block, list[Block]]:
    parts = _pieces(json.dumps(block["input"], ensure_ascii=False), deltas)
    shell = {**block, "input": {}}
    return shell, [{"type": "input_json_delta", "partial_json": p} for p in parts]


def _split_other(block: Block, deltas: int | None) -> tuple[Block, list[Block]]:
    return block, []


_SPLITTERS = {
    "text": _split_text,
    "thinking": _split_thinking,
    "tool_use": _split_tool,
}


def _pieces(text: str, wanted: int | None) -> list[str]:
    if wanted is None:
        wanted = math.ceil(len(text) / _CHARACTERS_PER_DELTA)
    wanted = max(1, min(wanted, len(text)))
    edges = [len(text) * n // wanted for n in range(wanted + 1)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    return [piece for piece in pieces if piece]


def _visible(block: Block) -> str:
    if block["type"] == "tool_use":
        return json.dumps(block["input"], ensure_ascii=False)
    return str(block.get("text") or "") if block["type"] == "text" else ""


def _visible_delta(event: Event) -> str:
    delta = event.data["delta"]
    return str(delta.get("text") or delta.get("partial_json") or "")


def model_info(model_id: str, model: Model) -> dict[str, Any]:
    """Describe a model as the models endpoint does."""
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    levels = ("low", "medium", "high", "xhigh", "max")
    effort: dict[str, Any] = {e: {"supported": e in model.efforts} for e in levels}
    return {
        "type": "model",
        "id": model_id,
        "display_name": model.name,
        "created_at": f"{model.released}T00:00:00Z",
        "lifecycle": "active",
        "line": model.line,
        "max_input_tokens": model.window,
        "max_tokens": model.max_output,
        "deprecated_at": None,
        "retires_at": None,
        "capabilities": {
            "batch": {"supported": True},
            "structured_outputs": {"supported": True},
            "image_input": {"supported": True},
            "pdf_input": {"supported": True},
            "effort": {"supported": bool(model.efforts), **effort},
            "thinking": {
                "supported": bool(model.thinking),
                "types": {k: {"supported": k in model.thinking} for k in kinds},
            },
        },
    }
