"""A request's prompt as the prompt cache sees it: blocks in order, markers on some."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.support.messages_api.replies import Body
from tests.support.messages_api.tokens import unmarked

Lifetime = Literal["5m", "1h"]
LIFETIMES: tuple[Lifetime, ...] = ("5m", "1h")
_MOST_MARKERS = 4
_UNMARKABLE = {"thinking", "redacted_thinking"}


@dataclass(frozen=True)
class Part:
    """One block; `place` is the place of its message, if it is of one."""

    section: Literal["tools", "system", "messages"]
    block: Any
    place: int = 0
    role: str = ""

    @property
    def marker(self) -> Any:
        """What its `cache_control` says, None if it has none."""
        return self.block.get("cache_control") if isinstance(self.block, dict) else None

    @property
    def can_be_marked(self) -> bool:
        """Whether a prefix may end here."""
        return isinstance(self.block, dict) and (
            self.block.get("type") not in _UNMARKABLE
        )


def parts(body: Body) -> list[Part]:
    """Take the prompt apart in the order in which it is cached."""
    found = [Part("tools", tool) for tool in body.get("tools") or []]
    found += [Part("system", block) for block in _blocks(body.get("system") or [])]
    for place, message in enumerate(body["messages"]):
        blocks = _blocks(message["content"])
        found += [Part("messages", block, place, message["role"]) for block in blocks]
    return found


def head(body: Body, kept: list[Part]) -> Body:
    """Build the request that has only these parts of the prompt."""
    messages: dict[int, Any] = {}
    for part in kept:
        if part.section == "messages":
            message = messages.setdefault(part.place, {"role": part.role})
            message.setdefault("content", []).append(part.block)
    tools = [part.block for part in kept if part.section == "tools"]
    shorter: Body = {
        "tools": tools,
        "system": [part.block for part in kept if part.section == "system"],
        "messages": list(messages.values()),
    }
    if len(tools) < len(kept):
        shorter["output_config"] = body.get("output_config")
    return shorter


def digests(body: Body, prompt: list[Part]) -> list[str]:
    """Return for each block a digest of the prompt up to and with it.

    A schema is told to the model before the system prompt; thinking and the choice
    of tools change how messages are read.
    """
    schema = (body.get("output_config") or {}).get("format")
    settings = {
        "tools": None,
        "system": schema,
        "messages": [schema, body.get("thinking"), body.get("tool_choice")],
    }
    running, section, found = hashlib.sha256(), "", []
    for part in prompt:
        if part.section != section:
            section = part.section
            running.update(_line([section, settings[section]]))
        running.update(_line([part.place, part.role, unmarked(part.block)]))
        found.append(running.hexdigest())
    return found


def markers(body: Body, prompt: list[Part]) -> dict[int, Lifetime]:
    """Return how long to keep the prefix up to each marked block, by its position."""
    marked = {at: part.marker for at, part in enumerate(prompt) if part.marker}
    automatic = body.get("cache_control")
    at = _last_markable(prompt)
    if automatic and at is not None:
        marked.setdefault(at, automatic)
    return {at: _lifetime(marked[at]) for at in sorted(marked)}


def marker_problems(body: Body) -> Iterator[str]:
    """Yield what is wrong with the markers of a request that is right otherwise."""
    prompt = parts(body)
    for part in prompt:
        yield from _one_marker_problems(part.marker)
        if part.marker and not part.can_be_marked:
            yield f"cache_control: cannot be set on a block of {part.section}"
    automatic = body.get("cache_control")
    yield from _one_marker_problems(automatic)
    at = _last_markable(prompt)
    if automatic and at is not None:
        own = prompt[at].marker or automatic
        if _lifetime(own) != _lifetime(automatic):
            yield "cache_control: the last block is marked with a different ttl"
    kept = list(markers(body, prompt).values())
    if len(kept) > _MOST_MARKERS:
        yield (
            f"A maximum of {_MOST_MARKERS} blocks with cache_control may be provided. "
            f"Found {len(kept)}."
        )
    if "5m" in kept and "1h" in kept[kept.index("5m") :]:
        yield "cache_control: a ttl of '1h' must not come after a ttl of '5m'"


def _one_marker_problems(marker: Any) -> Iterator[str]:
    if marker is None:
        return
    if not isinstance(marker, dict) or marker.get("type") != "ephemeral":
        yield "cache_control.type: Input should be 'ephemeral'"
        return
    if _lifetime(marker) not in LIFETIMES:
        yield "cache_control.ttl: Input should be '5m' or '1h'"
    for name in sorted(set(marker) - {"type", "ttl"}):
        yield f"cache_control.{name}: Extra inputs are not permitted"


def _last_markable(prompt: list[Part]) -> int | None:
    places = [at for at, part in enumerate(prompt) if part.can_be_marked]
    return places[-1] if places else None


def _lifetime(marker: dict[str, Any]) -> Lifetime:
    lifetime: Lifetime = marker.get("ttl") or "5m"
    return lifetime


def _blocks(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _line(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode() + b"\n"
