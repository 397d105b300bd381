"""What the Messages API refuses before a model sees the request."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.messages_api.models import Model, find_model
from tests.support.messages_api.prefixes import marker_problems
from tests.support.messages_api.replies import Body, HttpError

API_VERSION = "2026-10-21"
LARGEST_BODY = 32_000_000

Schema = dict[str, Any]

_FIELDS: dict[str, tuple[type, ...]] = {
    "cache_control": (dict,),
    "container": (dict, str),
    "diagnostics": (dict,),
    "inference_geo": (str,),
    "max_tokens": (int,),
    "messages": (list,),
    "metadata": (dict,),
    "model": (str,),
    "output_config": (dict,),
    "service_tier": (str,),
    "speed": (str,),
    "stop_sequences": (list,),
    "stream": (bool,),
    "system": (str, list),
    "thinking": (dict,),
    "tool_choice": (dict,),
    "tools": (list,),
}
_REQUIRED = ("model", "messages", "max_tokens")
_GENERATION_ONLY = {"max_tokens", "stream"}
_UNSUPPORTED_IN_SCHEMA = {
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "multipleOf",
}


def bad_request(message: str) -> HttpError:
    """Make a 400 of the usual type."""
    return HttpError(400, "invalid_request_error", message)


def caller_objection(
    headers: Mapping[str, str], keys: frozenset[str]
) -> HttpError | None:
    """Refuse a wrong key or version; without `keys` any non-empty key is right."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return HttpError(401, message="A bearer token is required.")
    if keys and key.strip() not in keys:
        return HttpError(401, message="invalid bearer token")
    version = headers.get("anthropic-version")
    if version is None:
        return bad_request("anthropic-version: header is required")
    if version != API_VERSION:
        return bad_request(f"anthropic-version: {version!r} is not a valid version")
    return None


def body_objection(
    body: Body | None,
    size: int,
    models: dict[str, Model],
    count: Callable[[Body, int], int],
    *,
    generates: bool,
) -> HttpError | None:
    """Find the first thing wrong with a request, much as the API words it.

    `count` gives the prompt's tokens; `generates` is False for counting, which needs
    no ``max_tokens``.
    """
    if size > LARGEST_BODY:
        return HttpError(413, message="Request exceeds the maximum size")
    if body is None:
        return bad_request("The request body is not valid JSON")
    problem = next(_field_problems(body, generates=generates), None)
    if problem is not None:
        return bad_request(problem)
    model = find_model(models, body["model"])
    if model is None:
        return HttpError(404, message=f"model: {body['model']}")
    problem = next(_model_problems(body, model, count(body, size)), None)
    return None if problem is None else bad_request(problem)


# Of these only the first problem is ever asked for, so each may rely on those before.


def _field_problems(body: Body, *, generates: bool) -> Iterator[str]:
    allowed = set(_FIELDS) - (set() if generates else _GENERATION_ONLY)
    for name in sorted(set(body) - allowed):
        yield f"{name}: Extra inputs are not permitted"
    for name in _REQUIRED:
        if name in allowed and name not in body:
            yield f"{name}: Field required"
    for name, value in body.items():
        if value is None and name not in _REQUIRED:
            continue
        if not isinstance(value, _FIELDS[name]):
            yield f"{name}: Input should be a valid {_FIELDS[name][0].__name__}"
    if body.get("max_tokens", 0) < 0:
        yield "max_tokens: Input should be greater than or equal to 0"
    yield from _message_problems(body["messages"])
    yield from marker_problems(body)
    yield from _format_problems(body)


def _message_problems(messages: list[Any]) -> Iterator[str]:
    if not messages:
        yield "messages: at least one message is required"
    for at, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant", "system"):
            yield f"messages.{at}.role: Input should be 'user', 'assistant' or 'system'"
        content = message.get("content")
        if not isinstance(content, str | list):
            yield f"messages.{at}.content: Input should be a valid string or list"
        if not content:
            yield f"messages.{at}: all messages must have non-empty content"
        if isinstance(content, list) and any(map(_is_empty_text, content)):
            yield "messages: text content blocks must be non-empty"


def _is_empty_text(block: object) -> bool:
    return (
        isinstance(block, dict)
        and block.get("type") == "text"
        and not block.get("text")
    )


def _model_problems(body: Body, model: Model, prompt_tokens: int) -> Iterator[str]:
    cap = body.get("max_tokens", 0)
    if cap > model.max_output:
        yield (
            f"max_tokens: {cap} > {model.max_output}, which is the maximum allowed "
            f"number of output tokens for {body['model']}"
        )
    if body["messages"][-1]["role"] == "assistant" and not model.accepts_prefill:
        yield (
            "This model does not support assistant message prefill. The conversation "
            "must end with a user message."
        )
    yield from _thinking_problems(body, model)
    choice = body.get("tool_choice") or {}
    if choice.get("type") in {"any", "tool"} and not model.accepts_forced_tool:
        yield f"tool_choice: type {choice['type']!r} is not supported on this model"
    if prompt_tokens > model.window:
        yield f"prompt is too long: {prompt_tokens} tokens > {model.window} maximum"


def _thinking_problems(body: Body, model: Model) -> Iterator[str]:
    effort = (body.get("output_config") or {}).get("effort")
    if effort is not None and effort not in model.efforts:
        yield f"output_config.effort: {effort!r} is not supported on this model"
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type")
    if kind not in model.thinking:
        yield f'"thinking.type.{kind}" is not supported for this model'
    elif kind in {"disabled", "between_tools"} and effort in {"xhigh", "max"}:
        if model.thinks_by_default:
            yield f"thinking.type.{kind} is not allowed with effort {effort!r}"
    elif kind == "enabled" and thinking.get("budget_tokens", 0) < 1024:
        yield "thinking.budget_tokens: Input should be at least 1024"


def _format_problems(body: Body) -> Iterator[str]:
    wanted = (body.get("output_config") or {}).get("format")
    if wanted is None:
        return
    asked = wanted if isinstance(wanted, dict) else {}
    schema = asked.get("schema")
    if asked.get("type") != "json_schema" or not isinstance(schema, dict):
        yield "output_config.format: type 'json_schema' with a schema is required"
        return
    if _has_bad_reference(schema, schema, frozenset()):
        yield "output_config.format.schema: recursive or unknown $ref"
        return
    for node in _schemas(schema):
        unsupported = sorted(_UNSUPPORTED_IN_SCHEMA & set(node))
        if unsupported:
            yield (
                "output_config.format.schema: properties not supported: "
                + ", ".join(unsupported)
            )
        if node.get("type") == "object" and node.get("additionalProperties", True):
            yield (
                "output_config.format.schema: for 'object' type, "
                "'additionalProperties' must be explicitly set to false"
            )


def _schemas(node: Schema) -> Iterator[Schema]:
    yield node
    for child in _below(node, ("properties", "$defs")):
        yield from _schemas(child)


def _below(node: Schema, named: tuple[str, ...]) -> list[Schema]:
    below: list[Any] = [node.get("items")]
    for name in named:
        below.extend((node.get(name) or {}).values())
    for name in ("anyOf", "oneOf", "allOf"):
        below.extend(node.get(name) or [])
    return [child for child in below if isinstance(child, dict)]


def _has_bad_reference(node: Schema, root: Schema, above: frozenset[str]) -> bool:
    reference = node.get("$ref")
    if reference is not None:
        target = (root.get("$defs") or {}).get(reference.removeprefix("#/$defs/"))
        if target is None or reference in above:
            return True
        return _has_bad_reference(target, root, above | {reference})
    return any(
        _has_bad_reference(child, root, above)
        for child in _below(node, ("properties",))
    )
