"""From the events of one message stream to a Completion, whole or partial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.messages import Completion, Usage
from costroute_nb.core.tokens import estimate_messages, estimate_tokens, token_bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Request

# When it is not the server that ended a stream, it may have generated a little more
# than what arrived: what was on the way, and what it made before it saw us gone.
IN_FLIGHT_TOKENS = 512
_ABSENT_GEO = frozenset({"", "not_available"})


class Transcript:
    """What one stream has said so far.

    `take` each event in order; then ask for `finished` if `complete`, else for
    `partial`. Events are the wire's own JSON: kinds of events, blocks and deltas
    that are not known here are passed over, but still counted as output.
    """

    def __init__(self, model: Model, request: Request, body: Mapping[str, Any]) -> None:
        self._model = model
        self._request = request
        self._body = body
        self._served_by = ""
        self._usage: dict[str, Any] = {}
        self._blocks: dict[object, str] = {}
        self._text: list[str] = []
        self._unseen: list[str] = []
        self._thinking: list[str] = []
        self._stop_reason: str | None = None
        self.request_id: str | None = None
        self.begun = False

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._text)

    @property
    def complete(self) -> bool:
        """Whether the last word was said: nothing that matters comes after it."""
        return self.begun and self._stop_reason is not None

    def take(self, event: object) -> str:
        """Take in one event; return the answer's new text, mostly one delta."""
        if not isinstance(event, Mapping):
            return ""
        handler = _HANDLERS.get(event.get("type", ""))
        return handler(self, event) if handler is not None else ""

    def _message_start(self, event: Mapping[str, Any]) -> str:
        message = event.get("message") or {}
        self.begun = True
        self._served_by = message.get("model") or ""
        self._usage = dict(message.get("usage") or {})
        return ""

    def _block_start(self, event: Mapping[str, Any]) -> str:
        block = event.get("content_block") or {}
        kind = str(block.get("type", ""))
        self._blocks[event.get("index")] = kind
        return self._receive(kind, _spoken(block))

    def _block_delta(self, event: Mapping[str, Any]) -> str:
        kind = self._blocks.get(event.get("index"), "")
        return self._receive(kind, _spoken(event.get("delta") or {}))

    def _message_delta(self, event: Mapping[str, Any]) -> str:
        stop_reason = (event.get("delta") or {}).get("stop_reason")
        self._stop_reason = stop_reason or self._stop_reason
        counts = event.get("usage") or {}
        # Each report is cumulative: it replaces what was reported before.
        self._usage.update({k: v for k, v in counts.items() if v is not None})
        return ""

    def _receive(self, kind: str, piece: str) -> str:
        if not piece:
            return ""
        if kind == "text":
            self._text.append(piece)
            return piece
        (self._thinking if kind == "thinking" else self._unseen).append(piece)
        return ""

    def finished(self) -> Completion:
        """Return the whole answer with the usage the provider reported."""
        if "output_tokens" not in self._usage or "input_tokens" not in self._usage:
            return self._completion(*self._reckoned("the provider reported no usage"))
        usage, bound, note = read_usage(self._usage)
        if self._stop_reason == "refusal" and not self.text:
            bound = bound or usage
            note = note or "whether a refusal without output is billed is not known"
        completion = self._completion(usage, bound, note)
        return replace(completion, parts=self._parts())

    def so_far(self) -> Completion | None:
        """Return the whole answer if it is complete, else what there is of it."""
        return self.finished() if self.complete else self.partial()

    def partial(self, *, ended_by_server: bool = False) -> Completion | None:
        """Return what had arrived when the stream broke; None before it began.

        Input is as reported, output the greater of the last report and an estimate
        of what was received. `usage_bound` counts a token per received byte, and
        something for what was on the way unless `ended_by_server`; thinking that
        the provider does not show is the only thing it cannot know of.
        """
        if not self.begun:
            return None
        note = "the stream broke off: its output is estimated from what had arrived"
        if "thinking" in self._blocks.values():
            note += "; thinking that was not shown is not counted"
        in_flight = 0 if ended_by_server else IN_FLIGHT_TOKENS
        return self._completion(*self._reckoned(note, in_flight))

    def _reckoned(self, note: str, in_flight: int = 0) -> tuple[Usage, Usage, str]:
        """Return usage, its bound and a note when the final report is missing."""
        usage, bound, _ = read_usage(self._usage)
        bound = bound or usage
        if "input_tokens" not in self._usage:
            request = self._request
            prompt = estimate_messages(
                request.messages, request.system, self._model.tokenizer
            )
            usage = replace(usage, input_tokens=prompt)
            bound = replace(bound, input_tokens=token_bound(json.dumps(self._body)))
        thought = "".join(self._thinking)
        received = thought + self.text + "".join(self._unseen)
        cap = self._request.max_tokens
        reported = usage.output_tokens
        estimate = estimate_tokens(received, self._model.tokenizer)
        most = token_bound(received) + in_flight
        thinking = estimate_tokens(thought, self._model.tokenizer)
        output = max(reported, min(estimate, cap))
        usage = replace(
            usage,
            output_tokens=output,
            thinking_tokens=min(max(usage.thinking_tokens, thinking), output),
        )
        bound = replace(bound, output_tokens=max(output, min(reported + most, cap)))
        return usage, bound, note

    def _completion(self, usage: Usage, bound: Usage | None, note: str) -> Completion:
        return Completion(
            text=self.text,
            usage=usage,
            model=self._served_by or self._model.id,
            stop_reason=self._stop_reason,
            request_id=self.request_id,
            estimated=bool(note),
            note=note,
            usage_bound=bound if note else None,
        )

    def _parts(self) -> tuple[tuple[str, Usage], ...]:
        """Return each serving model's share if more than the named one had one."""
        turns = [t for t in self._usage.get("iterations") or () if t]
        models = [turn.get("model") or self._served_by for turn in turns]
        if set(models) <= {self._served_by}:
            return ()
        shared = {k: self._usage.get(k) for k in ("service_tier", "speed")}
        shared["inference_geo"] = self._usage.get("inference_geo")
        parts = [
            (model, read_usage({**shared, **turn})[0])
            for model, turn in zip(models, turns, strict=True)
            if turn.get("output_tokens")
        ]
        searches = read_usage(self._usage)[0].web_searches
        if parts and searches:
            model, usage = parts[-1]
            parts[-1] = model, replace(usage, web_searches=searches)
        return tuple(parts)


_HANDLERS: Mapping[str, Callable[[Transcript, Mapping[str, Any]], str]] = {
    "message_start": Transcript._message_start,
    "content_block_start": Transcript._block_start,
    "content_block_delta": Transcript._block_delta,
    "message_delta": Transcript._message_delta,
}


def read_usage(counts: Mapping[str, Any]) -> tuple[Usage, Usage | None, str]:
    """Return usage as reported, and a bound and a note if it is in doubt.

    The doubt is how long cache writes live, which decides their price: without a
    breakdown they count as five-minute writes.
    """
    written = counts.get("cache_creation_input_tokens")
    breakdown = counts.get("cache_creation")
    short = _count(breakdown, "ephemeral_5m_input_tokens")
    long = _count(breakdown, "ephemeral_1h_input_tokens")
    note = ""
    if written and breakdown is None:
        short, note = written, "cache writes came without their lifetime: 5 minutes"
    elif breakdown is not None and written is not None and short + long != written:
        note = (
            f"cache writes of {written} tokens were broken down into {short} + {long}"
        )
        short += max(0, written - short - long)
    geo = counts.get("inference_geo") or ""
    usage = Usage(
        input_tokens=_count(counts, "input_tokens"),
        cache_read_tokens=_count(counts, "cache_read_input_tokens"),
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        output_tokens=_count(counts, "output_tokens"),
        thinking_tokens=_count(counts.get("output_tokens_details"), "thinking_tokens"),
        web_searches=_count(counts.get("server_tool_use"), "web_search_requests"),
        service_tier=counts.get("service_tier") or "standard",
        speed=counts.get("speed") or "standard",
        geo="global" if geo in _ABSENT_GEO else geo,
    )
    if not note:
        return usage, None, ""
    bound = replace(usage, cache_write_5m_tokens=0, cache_write_1h_tokens=short + long)
    return usage, bound, note


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, Mapping) else None
    return value if isinstance(value, int) else 0


def _spoken(piece: Mapping[str, Any]) -> str:
    """Return the generated characters of a block's start or of a delta."""
    for name in ("text", "thinking", "partial_json"):
        value = piece.get(name)
        if isinstance(value, str):
            return value
    return ""
