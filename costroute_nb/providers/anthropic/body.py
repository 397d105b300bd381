"""From a Request to the JSON body that goes over the wire, without the SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from costroute_nb.core.enforceable import refuse_unsupported
from costroute_nb.core.schemas import strict_schema

if TYPE_CHECKING:
    from costroute_nb.core.catalog import Model
    from costroute_nb.core.messages import Message, PromptCache, Request

_NOT_COUNTED = frozenset({"max_tokens", "stream"})
_CACHE_CONTROL: Mapping[PromptCache, Mapping[str, str]] = {
    "5m": {"type": "ephemeral"},
    "1h": {"type": "ephemeral", "ttl": "1h"},
}


def message_body(model: Model, request: Request) -> dict[str, Any]:
    """Return the body of a request for a message, complete and plain.

    Raises
    ------
    ConfigurationError
        If the model enforces schemas but could not enforce this one.
    """
    body: dict[str, Any] = {
        "model": model.id,
        "max_tokens": request.max_tokens,
        "messages": _plain(request.messages),
        "stream": True,
    }
    if request.system:
        body["system"] = request.system
    if request.thinking == "off" and model.thinking_off != "never":
        body["thinking"] = {"type": model.thinking_off}
    output_config = _output_config(model, request)
    if output_config:
        body["output_config"] = output_config
    # The automatic marker could be one too many beside a conversation's own, or
    # outlive them, and either is refused: who marks blocks has said what to keep.
    if request.prompt_cache and not any(map(_is_marked, request.messages)):
        body["cache_control"] = dict(_CACHE_CONTROL[request.prompt_cache])
    return body


def counted_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a body that counting its tokens takes."""
    return {name: value for name, value in body.items() if name not in _NOT_COUNTED}


def _output_config(model: Model, request: Request) -> dict[str, Any]:
    config: dict[str, Any] = {}
    effort = request.effort
    if effort is None and request.thinking == "off" and model.thinking_off == "never":
        effort = "low"
    if effort in model.efforts:
        config["effort"] = effort
    if request.schema is not None and model.structured_output:
        refuse_unsupported(request.schema)
        schema = strict_schema(request.schema)
        config["format"] = {"type": "json_schema", "schema": schema}
    return config


def _is_marked(message: Message) -> bool:
    content = message.get("content")
    blocks = content if isinstance(content, list | tuple) else ()
    return any(isinstance(b, Mapping) and b.get("cache_control") for b in blocks)


def _plain(value: Any) -> Any:
    """Return JSON-like values as the plain dicts and lists that the wire carries."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
