"""The provider's face: usage by estimate, streaming, and flaws where they teach."""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from costroute_nb.core.messages import Completion
from costroute_nb.core.tokens import estimate_messages, estimate_tokens, message_text
from costroute_nb.core.validation import before_repair
from costroute_nb.errors import Interrupted
from costroute_nb.providers.simulated.answers import answer, flawed_json
from costroute_nb.providers.simulated.example import example
from costroute_nb.providers.simulated.prompt_cache import PromptMemory
from costroute_nb.providers.simulated.reading import Prompt, promised, read_prompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Request, Usage

VERSION = "2"
"""Changes with the answers, so that a cache never serves the old ones."""
_WORDS = {"small": 50, "medium": 80, "large": 120}
_FLAWED_ONE_IN = 5
_PIECE = re.compile(r"\S+\s*|\s+")


class SimulatedProvider:
    """Answers made from the prompt's own text, the same ones each time.

    It opens no socket and needs no key. About one prompt in five gets a flawed
    answer from a small model, never from a larger one, so that checks and
    escalation have something to show.

    A request with `prompt_cache` has its prompt kept in memory if that is 1,024
    tokens or more, by this provider alone and for 5 minutes or an hour after it was
    last read. A later one to the same model reads what it begins with, in whole
    messages.

    Parameters
    ----------
    delay
        Seconds before each piece of text, to make streaming visible.
    now
        Tells the seconds by which kept prompts grow old.
    """

    name = "simulated"
    simulated = True

    def __init__(
        self, *, delay: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._delay = delay
        self._memory = PromptMemory(now)

    def body(self, model: Model, request: Request) -> dict[str, Any]:
        """Return everything that the answer and its usage depend on.

        Prompt caching is asked for as on the wire, so that its price is foreseen.
        """
        body: dict[str, Any] = {
            "model": model.id,
            "max_tokens": request.max_tokens,
            "messages": [dict(message) for message in request.messages],
        }
        optional = {
            "system": request.system,
            "schema": request.schema and dict(request.schema),
            "effort": request.effort,
        }
        body.update({name: value for name, value in optional.items() if value})
        if request.thinking != "auto":
            body["thinking"] = request.thinking
        if request.prompt_cache is not None:
            body["cache_control"] = {"type": "ephemeral", "ttl": request.prompt_cache}
        return body

    def scope(self) -> dict[str, str]:
        """Return a place that is nowhere, and the version of the answers."""
        return {
            "base_url": "simulated:",
            "api_version": VERSION,
            "betas": "",
            "headers": "",
            "account": "",
        }

    def check_credentials(self) -> None:
        """Do nothing: none are needed."""

    def complete(
        self,
        model: Model,
        request: Request,
        on_text: Callable[[str], None] | None = None,
    ) -> Completion:
        """Answer from the prompt itself, in pieces of a word.

        Raises
        ------
        Interrupted
            On Ctrl-C, with the text so far.
        """
        prompt = self._memory.usage(
            model, request, lambda asked: self.count_tokens(model, asked)
        )
        full = _answer(model, request)
        text = _head(full, request.max_tokens, model.tokenizer)
        said: list[str] = []
        stopped = Interrupted.during(None)
        try:
            try:
                for piece in _PIECE.findall(text):
                    if self._delay:
                        time.sleep(self._delay)
                    said.append(piece)
                    if on_text is not None:
                        on_text(piece)
                stop_reason = "end_turn" if text == full else "max_tokens"
                return _completion(model, prompt, text, stop_reason)
            except KeyboardInterrupt:
                stopped.partial = _completion(model, prompt, "".join(said), None)
                raise
        except KeyboardInterrupt:
            # Made beforehand: no second interrupt can turn it into a plain one.
            raise stopped from None

    def count_tokens(self, model: Model, request: Request) -> int:
        """Return the estimate that is this provider's count."""
        schema = json.dumps(request.schema) if request.schema else ""
        return estimate_messages(
            request.messages, request.system, model.tokenizer
        ) + estimate_tokens(schema, model.tokenizer)

    def close(self) -> None:
        """Do nothing: there is no connection."""


def is_flawed(model: Model, request: Request) -> bool:
    """Tell whether this model's answer to these messages will be flawed."""
    return model.tier == "small" and _chance(request) % _FLAWED_ONE_IN == 0


def _answer(model: Model, request: Request) -> str:
    prompt = promised(_prompt(request), request.system)
    flawed = is_flawed(model, request)
    if request.schema is None:
        return answer(prompt, _WORDS[model.tier], flawed)
    data = example(request.schema, prompt)
    if flawed:
        return flawed_json(data, request.schema, _chance(request) // _FLAWED_ONE_IN)
    return json.dumps(data, ensure_ascii=False)


def _prompt(request: Request) -> Prompt:
    """Read the last user message; the earlier ones are its material if it has none."""
    asked = before_repair(request.messages)
    texts = ["\n\n".join(message_text(message)) for message in asked]
    prompt = read_prompt(texts[-1] if texts else "")
    if prompt.material == prompt.instruction and len(texts) > 1:
        return Prompt(prompt.instruction, "\n\n".join(texts[:-1]))
    return prompt


def _chance(request: Request) -> int:
    """Return a number that depends on the messages alone, in every process."""
    text = "\0".join(text for m in request.messages for text in message_text(m))
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")


def _head(text: str, max_tokens: int, tokenizer: str) -> str:
    """Return the longest beginning of a text that is within a number of tokens."""
    if estimate_tokens(text, tokenizer) <= max_tokens:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = estimate_tokens(text[:middle], tokenizer) <= max_tokens
        low, high = (middle, high) if fits else (low, middle - 1)
    return text[:low]


def _completion(
    model: Model, prompt: Usage, text: str, stop_reason: str | None
) -> Completion:
    output = max(1, estimate_tokens(text, model.tokenizer))
    usage = replace(prompt, output_tokens=output)
    return Completion(
        text=text,
        usage=usage,
        model=model.id,
        stop_reason=stop_reason,
        estimated=stop_reason is None,
        note="" if stop_reason else "the simulated stream was stopped",
        usage_bound=None if stop_reason else usage,
    )
