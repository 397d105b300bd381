"""From the events of one message stream to a Completion, whole or partial."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.messages import Completion, Usage
from costroute_nb.core.tokens import estimate_messages, estimate_tokens, token_bound
from costroute_nb.providers.anthropic.usage import (
    fewest_tokens,
    knows_prompt,
    read_count,
    read_parts,
    read_usage,
    said,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Request

# When it is not the server that ended a stream, it may have generated a little more
# than what arrived: what was on the way, and what it made before it saw us gone.
IN_FLIGHT_TOKENS = 512


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
        self._blocks: dict[str, str] = {}
        self._text: list[str] = []
        self._unseen: list[str] = []
        self._thinking: list[str] = []
        self._stop_reason: str | None = None
        self._output_reported = False
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
        """Take in one event; return the answer's new text, mostly one delta.

        Raises
        ------
        ValueError
            If it begins a message and holds none.
        """
        if not isinstance(event, Mapping):
            return ""
        kind = event.get("type")
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        return handler(self, event) if handler is not None else ""

    def _message_start(self, event: Mapping[str, Any]) -> str:
        message = event.get("message")
        if not isinstance(message, Mapping):
            complaint = "a message begins without a message"
            raise ValueError(complaint)
        self.begun = True
        self._served_by = _word(message.get("model")) or ""
        self._usage = dict(_table(message.get("usage")))
        return ""

    def _block_start(self, event: Mapping[str, Any]) -> str:
        block = _table(event.get("content_block"))
        kind = str(block.get("type", ""))
        self._blocks[str(event.get("index"))] = kind
        return self._receive(kind, _spoken(block))

    def _block_delta(self, event: Mapping[str, Any]) -> str:
        kind = self._blocks.get(str(event.get("index")), "")
        return self._receive(kind, _spoken(_table(event.get("delta"))))

    def _message_delta(self, event: Mapping[str, Any]) -> str:
        stop_reason = _word(_table(event.get("delta")).get("stop_reason"))
        self._stop_reason = stop_reason or self._stop_reason
        counts = _table(event.get("usage"))
        # Each report is cumulative: it replaces what was reported before.
        self._usage.update(said(counts))
        if self._stop_reason and read_count(counts, "output_tokens") is not None:
            self._output_reported = True
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
        """Return the whole answer with the usage the provider reported.

        What it did not report, or cannot have meant, is estimated as for a stream
        that broke off.
        """
        doubt = self._output_doubt()
        if doubt:
            return self._reckoned(self._with_thinking(doubt))
        usage, bound, note = self._prompt_usage()
        if self._stop_reason == "refusal" and not self.text:
            bound = bound or usage
            note = note or "whether a refusal without output is billed is not known"
        completion = self._completion(usage, bound, note)
        return replace(completion, parts=read_parts(self._usage, self._served_by))

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
        in_flight = 0 if ended_by_server else IN_FLIGHT_TOKENS
        return self._reckoned(self._with_thinking(note), in_flight)

    def _output_doubt(self) -> str:
        """Return why the answer's own count is not believed, or an empty text."""
        if not self._output_reported:
            return "the provider did not report the answer's tokens: they are estimated"
        reported = read_count(self._usage, "output_tokens") or 0
        if reported < fewest_tokens(self.text):
            return (
                f"the provider reported {reported} tokens for an answer of "
                f"{len(self.text):,} characters: they are estimated"
            )
        return ""

    def _with_thinking(self, note: str) -> str:
        unseen = "thinking" in self._blocks.values()
        return f"{note}; thinking that was not shown is not counted" if unseen else note

    def _prompt_usage(self) -> tuple[Usage, Usage | None, str]:
        """Return usage with a prompt that is reported, else estimated and bounded."""
        usage, bound, note = read_usage(self._usage)
        if knows_prompt(self._usage):
            return usage, bound, note
        request = self._request
        prompt = estimate_messages(
            request.messages, request.system, self._model.tokenizer
        )
        cached = usage.prompt_tokens - usage.input_tokens
        body = json.dumps(self._body)
        most = token_bound(body)
        bound = bound or usage
        if '"cache_control":' in body:
            # All of it may have been written to the prompt cache, at the highest rate.
            written = bound.cache_write_1h_tokens + most
            bound = replace(bound, input_tokens=0, cache_write_1h_tokens=written)
        else:
            bound = replace(bound, input_tokens=most)
        return (
            replace(usage, input_tokens=max(0, prompt - cached)),
            bound,
            "the provider did not report the prompt's tokens: they are estimated",
        )

    def _reckoned(self, note: str, in_flight: int = 0) -> Completion:
        """Return what had arrived, its output estimated from it and bounded."""
        usage, bound, doubt = self._prompt_usage()
        thought = "".join(self._thinking)
        received = thought + self.text + "".join(self._unseen)
        cap = self._request.max_tokens
        reported = usage.output_tokens
        estimate = estimate_tokens(received, self._model.tokenizer)
        most = token_bound(received) + in_flight
        thinking = estimate_tokens(thought, self._model.tokenizer)
        output = max(reported, min(estimate, cap))
        reckoned = replace(
            usage,
            output_tokens=output,
            thinking_tokens=min(max(usage.thinking_tokens, thinking), output),
        )
        most = max(output, min(reported + most, cap))
        bound = replace(bound or usage, output_tokens=most)
        return self._completion(
            reckoned, bound, "; ".join(part for part in (note, doubt) if part)
        )

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


_HANDLERS: Mapping[str, Callable[[Transcript, Mapping[str, Any]], str]] = {
    "message_start": Transcript._message_start,
    "content_block_start": Transcript._block_start,
    "content_block_delta": Transcript._block_delta,
    "message_delta": Transcript._message_delta,
}


def _table(value: object) -> Mapping[str, Any]:
    """Return a JSON object; what is none is an empty one."""
    return value if isinstance(value, Mapping) else {}


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _spoken(piece: Mapping[str, Any]) -> str:
    """Return the generated characters of a block's start or of a delta."""
    for name in ("text", "thinking", "partial_json"):
        value = piece.get(name)
        if isinstance(value, str):
            return value
    return ""
